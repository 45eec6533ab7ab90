// The screens without a page: connecting, ready, not ready, hub fault, a step to confirm; and the hub gone.

import { h } from "../parts/dom.js";
import { age, hourMinute, list, timeOfDay } from "../parts/format.js";
import { grille, mark } from "../parts/marks.js";
import { t, tn } from "../parts/words.js";
import { CALL_SCREENS, othersKey, since, way, where } from "./call.js";
import { callKey, holdKey, mainKey, secondKey } from "./keys.js";
import { WINDOWS } from "./state.js";

/** A drill runs in the guard's zones: until when. */
const drillBand = (snapshot, at) =>
  Boolean(snapshot?.drill_until_ms) && h("p.drill-band", { key: "drill" }, h("b", {}, t("pager.drill.until", { at: hourMinute(at.clock.wall(snapshot.drill_until_ms)) })));

export const DUTY_SCREENS = {
  connecting: {
    tone: "paper",
    mark: "gone",
    word: () => t("pager.connecting.word"),
    field: () => [h("h1.say.low", { key: "say" }, t("connecting.say"))],
    hand: () => [],
  },
  ready: {
    tone: "paper",
    mark: "ready",
    word: () => t("pager.ready.word"),
    field: (view, at, local, snapshot) => [
      drillBand(snapshot, at),
      grille("full", t("pager.ready.grille")),
      h("h1.say", { key: "say" }, t("pager.ready.say")),
      windows(view, local),
      othersKey({ ...view, more: view.others.length }),
      dutyFacts(snapshot),
    ],
    hand: () => [h("div.pair", {}, secondKey("test_ring", t("key.test_ring")), holdKey("sign_off", t("key.sign_off")))],
  },
  not_ready: {
    tone: "trouble",
    mark: "not_ready",
    word: () => t("pager.not_ready.word"),
    field: (view, at, local, snapshot) => [
      drillBand(snapshot, at),
      grille("hollow", t("pager.not_ready.grille")),
      h("h1.say", { key: "say" }, t(view.readiness.reasons.includes("sound") ? "pager.not_ready.say" : "pager.not_ready.say_soon")),
      h("p.why", { key: "why" }, ...cause(view.readiness, local, at)),
      windows(view, local),
      othersKey({ ...view, more: view.others.length }),
    ],
    hand: ({ readiness }, at, local, snapshot) => [onDuty(snapshot), cureKey(readiness, local), holdKey("sign_off", t("key.sign_off"))],
  },
  fault: {
    tone: "trouble",
    mark: "not_ready",
    word: () => t("pager.fault.word"),
    field: () => [
      grille("full", t("pager.fault.word")),
      h("h1.say", { key: "say" }, t("fault.say")),
      h("p.why", { key: "why" }, t("gone.do")),
    ],
    hand: (view, at, local, snapshot) => [
      onDuty(snapshot),
      callOrNothing(snapshot),
      view.loop.name !== "none" && secondKey("heard", t("key.heard"), { about: "fault" }),
    ],
  },
  confirm: {
    tone: "paper",
    mark: "not_ready",
    word: (view, local) => t(`confirm.${local.step.do}`),
    field: (view) => [view.page ? where(view, true) : null, h("h2.say.low", { key: "say" }, t("confirm.sub"))],
    hand: (view, at, local) => [
      mainKey(local.step.do, t(`confirm.${local.step.do}`), { about: local.step.incident ?? "" }),
      secondKey("back", t("confirm.back")),
    ],
  },
  hub_gone: {
    tone: "gone",
    mark: "gone",
    word: () => t("pager.hub_gone.word"),
    field: (view, at, local, snapshot) => (view.page ? goneWithPage(view, at) : goneQuiet(at, snapshot)),
    hand: (view, at, local, snapshot) => [
      onDuty(snapshot),
      local.sending.length > 0 && h("p.why", { key: "kept" }, t("page.sending.gone", { what: list(local.sending.map(commandWord)) })),
      callOrNothing(snapshot),
      view.loop.name === "none"
        ? h("p.key.again", { key: "again" }, t(local.sound === "running" ? "gone.again" : "gone.again_silent"))
        : secondKey("heard", t("key.heard"), { about: view.rings[0] }),
    ],
  },
};

const commandWord = ({ do: what }) => t(`key.${what}`);

/** Four windows, always all shown: the failing ones are lit. */
function windows({ readiness: { reasons } }, local) {
  const shown = WINDOWS.map((window) => {
    const [name, value] = WINDOW_TEXTS[window](local);
    return h("div", { key: window, class: reasons.includes(window) ? "lit" : "" }, name, h("b", {}, value));
  });
  return h("div.windows", { key: "windows" }, shown);
}

const WINDOW_TEXTS = {
  sound: ({ sound }) => [t("window.sound"), t(`window.sound.${sound}`)],
  link: ({ linked, round_trip_ms, silent_ms }) => {
    if (!linked) return [t("window.link"), t("window.link.lost")];
    const ms = silent_ms > 4_000 ? silent_ms : (round_trip_ms ?? 0);
    return [t("window.link"), t("window.link.seconds", { n: Math.max(0.1, Math.ceil(ms / 100) / 10) })];
  },
  screen: ({ awake }) => [t("window.screen"), t(awake ? "window.screen.awake" : "window.screen.sleeps")],
  battery: ({ battery }) => {
    if (!battery) return [t("window.battery"), t("window.battery.unknown")];
    if (battery.full) return [t("window.power"), t("window.power.mains")];
    return [t(battery.charging ? "window.battery.charging" : "window.battery"), t("window.battery.percent", { n: battery.percent })];
  },
};

/** Why it is not ready, in words; and that the hub knows it, while the hub can know. */
function cause({ first, own }, local, at) {
  const known = local.linked && at.told ? t("pager.not_ready.known") : "";
  return [h("span", {}, own ? ownCause(first, local, at) : t("cause.hub")), known && h("span", {}, known)];
}

function ownCause(first, local, at) {
  if (first === "sound" && local.sound === "suspended") {
    return t("cause.sound.suspended", { since: hourMinute(at.clock.wall(at.sound_since_ms)) });
  }
  if (first === "sound") return t("cause.sound.unarmed");
  if (first === "screen" && !at.can_stay_awake) return t("cause.screen.never");
  return t(`cause.${first}`);
}

/** The main key is the cure for exactly the first reason; what no key can mend has none. */
function cureKey({ first, own }, local) {
  if (!own || first === "battery") return null;
  return mainKey(`cure_${first}`, t(`cure.${first}`), { sub: first === "sound" ? t("cure.sound.sub") : "" });
}

function dutyFacts({ guard, campus }) {
  const fact = (name, text, more) => [h("dt", {}, t(name)), h("dd", {}, text && h("b", {}, text), more && h("span", {}, more))];
  const { terminals: n, terminals_linked: linked, troubles, reachable } = campus;
  const terminals = linked === n ? t("fact.terminals.all", { n }) : t("fact.terminals.some", { n, linked });
  const worse = !reachable ? t("fact.unreachable") : troubles ? tn("fact.troubles", troubles) : "";
  return h(
    "dl.facts.low",
    { key: "facts" },
    fact("fact.duty", guard.name),
    fact("fact.zones", list(guard.zones)),
    fact("fact.campus", worse, terminals),
  );
}

export function onDuty(snapshot) {
  if (!snapshot?.guard) return null;
  const { name, zones } = snapshot.guard;
  return h("dl.facts", { key: "on-duty" }, h("dt", {}, t("fact.duty")), h("dd", {}, h("b", {}, name), h("span", {}, list(zones))));
}

const callOrNothing = (snapshot) => snapshot?.campus.guard_room_phone && callKey(snapshot.campus.guard_room_phone);

function goneQuiet(at, snapshot) {
  return [
    grille("faded", t("gone.grille")),
    h("h1.say", { key: "say" }, t("gone.say")),
    h("p.why", { key: "why" }, h("span", {}, t("gone.why")), h("span", {}, t("gone.do"))),
    snapshot && h("p.small.low", { key: "until" }, t("gone.quiet_until", { at: timeOfDay(at.clock.wall(at.heard_hub_ms)) })),
  ];
}

/** The last that was known stays, greyed: place, and the state it was in. */
function goneWithPage(view, at) {
  const was = CALL_SCREENS[view.was];
  return [
    h("div.past", { key: "past" }, ...where(view, true), since(view), h("p.was", {}, mark(was.mark), t("page.last", { at: timeOfDay(at.clock.wall(at.heard_hub_ms)), word: was.word(view) }))),
    way(view.page),
    h("h1.say.low", { key: "say" }, t("gone.say")),
    h("p.why", { key: "why" }, h("span", {}, t("gone.do"))),
  ];
}

export const goneFor = ({ gone_ms }) => age(gone_ms);
