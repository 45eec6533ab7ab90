// The administration: who is a guard, which browsers are pagers, which terminals hang where, and drills.

import { ask, get, post, Problem, why } from "../parts/api.js";
import { h, patch } from "../parts/dom.js";
import { list } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { setTheme } from "../parts/theme.js";
import { insideText } from "../parts/way.js";
import { t, useLanguage } from "../parts/words.js";

const FRESH_MS = 5_000;
const DRILL_MINUTES = 30;
const SURE_MS = 6_000;
const SETTLE_MS = 400; // a key that has just appeared takes no tap: the second half of a double tap is no answer
const CONCERNS = { bad_text: "name", known_name: "name", pin_digits: "pin", pin_simple: "pin", unknown_zone: "zone" };
const UNFIT = { name: "bad_text", pin: "pin_digits" };
const root = document.querySelector("#admin");
const here = location.hash.slice(1); // the row that a terminal's label names
const said = document.querySelector("#said");
const state = { campus: null, link: null, sure: null, problem: null, lost: "" };

const key = (kind, what, id, text, about = null) =>
  h(`button.key.${kind}`, { key: `${what}-${id}`, type: "button", "data-do": what, "data-id": id, "data-about": about }, text);

/** What takes something away asks first: its row says what that does, and "no" lies where the finger is. */
const removeKey = (what, id) => key("back", "sure", id, t(`admin.${what}`), what);

/** What went wrong here: with a form or a row, `name` a field of it. It stands beside what it concerns. */
const problem = (at, name = "") => {
  const { text } = state.problem?.at === at && state.problem.field === name ? state.problem : {};
  return text && h("p.problem", { key: "problem", id: `${at}-${name}-problem`, role: "alert" }, text);
};

const field = (form, name, label, { tag = "input", rule = "", ...attributes } = {}, ...inside) => {
  const id = `${form}-${name}`;
  const wrong = problem(form, name);
  const described = [rule && `${id}-rule`, wrong && `${id}-problem`].filter(Boolean).join(" ");
  return h(
    "div.field",
    { key: name },
    h("label", { for: id }, t(label)),
    h(tag, { id, name, "aria-describedby": described || null, "aria-invalid": wrong ? "true" : null, ...attributes }, inside),
    rule && h("p.second.small", { key: "rule", id: `${id}-rule` }, rule),
    wrong,
  );
};

const nameField = (form) => field(form, "name", "admin.name", { required: true, maxlength: 36 });

const form = (what, ...fields) =>
  h("form", { key: `form-${what}`, "data-form": what, novalidate: true }, fields, h("button.key.do", { key: "go", type: "submit" }, t(`admin.${what}`)), problem(what));

/** `shape`: a mark for what is not well; what is well has none. */
const row = (id, name, under, shape, ...keys) => {
  const what = state.sure?.id === id && state.sure.what;
  return h(
    id === here ? "li.here" : "li",
    { key: id, "data-row": id },
    h("b", {}, name),
    what ? h("p", { key: "sure" }, t(`admin.sure.${what}`)) : h("p.second", {}, shape && mark(shape), under),
    h("div.keys", {}, what ? [key("do", what, id, t("admin.yes")), key("back", "no", id, t("admin.no"))] : keys),
    problem(id),
    state.link?.id === id && link(state.link.link),
  );
};

/** The QR code is for another device: an address of this machine alone has none. */
function link(url) {
  const text = (key) => h("p", {}, t(key), " ", h("code", {}, url));
  if (new URL(url).hostname === "localhost") return h("div.link.here", {}, text("admin.link.here"));
  return h("div.link", {}, h("img", { src: `/api/qr.svg?link=${encodeURIComponent(url)}`, alt: t("admin.qr") }), text("admin.link.once"));
}

const section = (name, ...inside) => h("section", { key: name }, h("h2", {}, t(`admin.${name}`)), inside);

function people({ accounts, zones }) {
  const named = Object.fromEntries(zones.map(({ id, name }) => [id, name]));
  const rows = accounts.map(({ id, name, roles, zones: of }) =>
    row(
      id,
      name,
      [...roles.map((role) => t(`role.${role}`)), ...of.map((zone) => named[zone])].filter(Boolean).join(" · "),
      "",
      key("other", "account_link", id, t("admin.account_link")),
      key("other", "board_link", id, t("admin.board_link")),
      removeKey("remove_account", id),
    ),
  );
  return section(
    "people",
    h("ul", {}, rows),
    form("add_guard", nameField("add_guard"), field("add_guard", "pin", "admin.pin", PIN()), zoneChoice(zones)),
  );
}

const PIN = () => ({ type: "password", inputmode: "numeric", required: true, pattern: "[0-9]{6}", maxlength: 6, autocomplete: "new-password", rule: t("pin.rule") });

const zoneChoice = (zones) =>
  field("add_guard", "zone", "admin.zone", { tag: "select" }, h("option", { value: "" }, t("admin.zone.all")), zones.map(({ id, name }) => h("option", { value: id, key: id }, name)));

function pagers(campus) {
  const readiness = (reasons) => (reasons.length ? t("admin.not_ready", { why: list(reasons.map((reason) => t(`reason.${reason}`))) }) : t("admin.ready"));
  const rows = campus.pagers.map(({ id, name, guard, reasons }) =>
    row(
      id,
      name,
      `${guard ?? t("admin.nobody")} · ${readiness(reasons)}`,
      reasons.length ? (guard ? "not_ready" : "off_duty") : "",
      key("other", "pager_link", id, t("admin.pager_link")),
      removeKey("revoke_pager", id),
    ),
  );
  return section("pagers", h("ul", {}, rows), form("add_pager", nameField("add_pager")));
}

function terminals(campus) {
  const linked = (value) => t(value ? "admin.linked" : value === null ? "admin.unknown" : "admin.lost");
  const rows = campus.terminals
    .filter(({ revoked }) => !revoked)
    .map(({ id, name, building, floor, linked: is }) => row(id, name, [insideText({ building, floor }), linked(is)].filter(Boolean).join(" · "), is ? "" : "gone", removeKey("revoke_terminal", id)));
  return section("terminals", rows.length ? h("ul", {}, rows) : h("p.second", {}, t("admin.terminals.none")));
}

function drills({ zones }) {
  const rows = zones.map(({ id, name, drill_until_ms }) =>
    row(id, name, drill_until_ms ? t("admin.drill.on") : t("admin.drill.off"), drill_until_ms ? "alarm" : "", drill_until_ms ? key("other", "end_drill", id, t("admin.end_drill")) : removeKey("start_drill", id)),
  );
  return section("drills", h("ul", {}, rows));
}

function draw() {
  const { campus } = state;
  if (!campus) return;
  patch(root, [
    h("header", { key: "head" }, h("h1", {}, campus.campus.name), h("nav", {}, h("a.key.other", { href: "/board" }, t("admin.board")), key("back", "language", "me", t("language.other")), key("back", "sign_out", "me", t("admin.sign_out")))),
    state.lost ? h("p.problem", { key: "lost", role: "alert" }, state.lost) : problem("me"),
    people(campus),
    pagers(campus),
    terminals(campus),
    drills(campus),
  ]);
}

const remove = (path) => ask("DELETE", path);

const KEYS = {
  board_link: (id) => post("/api/boards", { account: id }),
  account_link: (id) => post(`/api/accounts/${id}/link`),
  remove_account: (id) => remove(`/api/accounts/${id}`),
  pager_link: (id) => post(`/api/pagers/${id}/link`),
  revoke_pager: (id) => remove(`/api/pagers/${id}`),
  revoke_terminal: (id) => remove(`/api/terminals/${id}`),
  start_drill: (id) => post("/api/drills", { zone: id, minutes: DRILL_MINUTES }),
  end_drill: (id) => remove(`/api/drills/${id}`),
  language: async () => {
    await post("/api/language", { language: t("language.other_code") });
    location.reload();
  },
  sign_out: async () => {
    await post("/api/sign-out");
    location.reload();
  },
};

const FORMS = {
  add_guard: ({ name, pin, zone }) => post("/api/accounts", { name, pin, zones: zone ? [zone] : [] }),
  add_pager: ({ name }) => post("/api/pagers", { name }),
};

/** Does it; what went wrong is told at `at`, a form's name or a row's id. */
async function act(at, work) {
  let link = null;
  try {
    const answer = await work();
    state.problem = null;
    link = state.link = answer?.link ? answer : null;
    said.textContent = t("admin.done");
  } catch (refusal) {
    if (!(refusal instanceof Problem)) throw refusal;
    complain(at, CONCERNS[refusal.code] ?? "", refusal.why);
  }
  await fresh();
  if (link) root.querySelector(".link")?.scrollIntoView({ block: "center" });
}

function complain(at, name, text) {
  const input = document.getElementById(`${at}-${name}`);
  state.problem = { at, field: input ? name : "", text };
  draw();
  input?.focus();
}

/** The newest state. A hub that does not answer is told; a session that has ended leads to signing in again. */
async function fresh() {
  try {
    state.campus = await get("/api/campus");
    state.lost = "";
  } catch (refusal) {
    if (!(refusal instanceof Problem)) throw refusal;
    if (refusal.status === 401 || refusal.status === 403) location.reload();
    state.lost = refusal.why;
  }
  draw();
}

function askFirst(what, id, at_ms) {
  state.sure = { what, id, at_ms, lapse: setTimeout(calm, SURE_MS) };
  draw();
  root.querySelector("[data-do=no]").focus();
  said.textContent = t(`admin.sure.${what}`);
}

/** No answer is no. */
function calm() {
  if (!state.sure) return;
  const { id, lapse } = state.sure;
  const here = root.querySelector(`[data-row="${id}"]`)?.contains(document.activeElement);
  clearTimeout(lapse);
  state.sure = null;
  draw();
  if (here) root.querySelector(`[data-do=sure][data-id="${id}"]`)?.focus();
}

document.addEventListener("click", ({ target, timeStamp }) => {
  const { do: what, id, about } = target.closest("[data-do]")?.dataset ?? {};
  if (state.sure && state.sure.id === id && timeStamp - state.sure.at_ms < SETTLE_MS) return;
  calm();
  if (what === "sure") askFirst(about, id, timeStamp);
  else if (what in KEYS) act(id, () => KEYS[what](id));
});

root.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget && relatedTarget.closest("[data-row]")?.dataset.row !== state.sure?.id) calm();
});

root.addEventListener("submit", (event) => {
  event.preventDefault();
  const { target } = event;
  const what = target.dataset.form;
  const unfit = target.querySelector(":invalid")?.name;
  if (unfit) {
    complain(what, unfit, why(UNFIT[unfit]));
    return;
  }
  const given = Object.fromEntries(new FormData(target));
  act(what, async () => {
    const answer = await FORMS[what](given);
    target.reset();
    return answer;
  });
});

async function begin() {
  setTheme();
  await useLanguage(document.documentElement.lang);
  await fresh();
  root.querySelector(".here")?.scrollIntoView({ block: "center" });
  setInterval(fresh, FRESH_MS);
}

begin();
