// The wall and the bell: press with the mouse, a finger or the space bar; what comes back is what the processes say.

import { post } from "/static/parts/api.js";
import { HubClock } from "/static/parts/clock.js";
import { h, patch } from "/static/parts/dom.js";
import { age } from "/static/parts/format.js";
import { Link } from "/static/parts/link.js";
import { grille, isLit, mark, rhythm } from "/static/parts/marks.js";
import { insideText } from "/static/parts/way.js";
import { t, useTexts } from "/static/parts/words.js";

const LIGHT_MARKS = { none: "called", heard: "alarm", recorded: "alarm", coming: "going", here: "on_scene", not_delivered: "not_ready" };
/** What the bell's sounder plays → [word, mark]. */
const BELL = { none: ["quiet"], trouble: ["trouble", "not_ready"], lost: ["trouble", "not_ready"] };
const RINGS = ["ringing", "ringing"];
const FRAME_MS = 100;
const KEYS = [" ", "Enter"];

const root = document.querySelector("#wall");
const clock = new HubClock();
const changed_at = {}; // terminal → [light, since]
const down = new Set();
let snapshot = null;

const link = new Link("/ws/demo", clock, {
  open() {},
  frame(frame) {
    if (frame.type !== "snapshot") return;
    snapshot = frame;
    for (const { id, light } of frame.terminals) {
      if (changed_at[id]?.[0] !== light) changed_at[id] = [light, performance.now()];
    }
    draw();
  },
  closed() {},
});

function lit(id) {
  const [light, since_ms] = changed_at[id];
  return isLit(light, performance.now() - since_ms);
}

const plate = (id) =>
  h(
    lit(id) ? "svg.plate.lit" : "svg.plate",
    { viewBox: "0 0 240 262", "aria-hidden": "true" },
    h("rect.shade", { x: 4, y: 6, width: 234, height: 254, rx: 18 }),
    h("rect.body", { x: 2, y: 2, width: 234, height: 254, rx: 18 }),
    h("path.glow", { d: "M119 18v-8M144 27l6-6M94 27l-6-6M154 50h9M84 50h-9" }),
    h("circle.lens", { cx: 119, cy: 50, r: 15 }),
    h("circle.well", { cx: 119, cy: 160, r: 80 }),
    h("circle.skirt", { cx: 119, cy: 166, r: 64 }),
    h("g.top", {}, h("circle.cap", { cx: 119, cy: 156, r: 64 }), h("circle.dish", { cx: 119, cy: 157, r: 51 })),
  );

const terminal = ({ id, name, building, floor, cut, light, inputs }) =>
  h(
    "section.terminal",
    { key: id },
    h("h2", {}, name),
    h(
      "p.under",
      {},
      h("span", {}, cut ? t("demo.cut.is") : insideText({ building, floor })),
      h("button.cut", { type: "button", "data-cut": id, "data-on": cut ? "" : "on" }, t(cut ? "demo.cut.restore" : "demo.cut.do")),
    ),
    h("button.press", { type: "button", "data-press": id, "data-input": inputs[0], "aria-pressed": String(down.has(id)), "aria-label": t("demo.button", { name }) }, plate(id)),
    h("p.light", { "data-light": light, role: "status" }, mark(LIGHT_MARKS[light]), t(`demo.light.${light}`), rhythm(light, "")),
  );

function bell({ name, sound }) {
  const [word, shape] = BELL[sound] ?? RINGS;
  return h("section.bell", {}, grille("full", ""), h("div", {}, h("b", {}, t("demo.bell")), name, h("p.now", { role: "status", "data-bell": word }, shape && mark(shape), t(`demo.bell.${word}`))));
}

/** Milliseconds, then seconds, then minutes: never wider than a station. */
function time(ms) {
  if (ms < 1_000) return [String(ms), h("small", {}, ` ${t("demo.ms")}`)];
  return ms < 60_000 ? [(ms / 1000).toFixed(1), h("small", {}, ` ${t("demo.s")}`)] : age(ms);
}

const station = (what, ms, under) => h("li", { key: what, "data-what": what }, h("b", {}, time(ms)), t(`demo.step.${what}`), h("em", {}, under));

const step = ({ what, after_ms, limit_ms }) => station(what, after_ms, limit_ms ? t("demo.limit", { ms: limit_ms }) : t(`demo.step.${what}.sub`));

/** The hollow one: nobody has accepted, and when more are called. */
function nobody({ pressed_ms, next_after_ms }) {
  const since_ms = Math.max(0, Math.round(clock.hub_ms() - pressed_ms));
  const soon = next_after_ms !== null && next_after_ms > since_ms;
  return station("nobody", since_ms, soon ? t("demo.step.nobody.next", { s: Math.round(next_after_ms / 1000) }) : t("demo.step.nobody.sub"));
}

const line = ({ steps, ...of }) =>
  h("section.line", {}, h("h2", {}, t(steps.length ? "demo.line" : "demo.line.none")), h("ol", {}, steps.map(step), of.waiting && nobody(of)));

function draw() {
  if (!snapshot) return;
  const { terminals, bell: rings, line: press } = snapshot;
  patch(root, [
    h("div.terminals", { key: "terminals" }, terminals.map(terminal)),
    h("div.lower", { key: "lower" }, bell(rings), line(press)),
  ]);
}

function press(button, is_down) {
  const { press: id, input } = button.dataset;
  if (down.has(id) === is_down) return;
  if (is_down) down.add(id);
  else down.delete(id);
  link.send({ type: "press", terminal: id, input, down: is_down });
  draw();
}

function listen() {
  root.addEventListener("pointerdown", ({ target, pointerId }) => {
    const button = target.closest("[data-press]");
    if (!button) return;
    button.setPointerCapture(pointerId);
    press(button, true);
  });
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) {
    root.addEventListener(kind, ({ target }) => target.closest("[data-press]") && press(target.closest("[data-press]"), false));
  }
  for (const [kind, is_down] of [["keydown", true], ["keyup", false]]) {
    root.addEventListener(kind, ({ target, key }) => target.matches("[data-press]") && KEYS.includes(key) && press(target, is_down));
  }
  root.addEventListener("focusout", ({ target }) => target.matches("[data-press]") && press(target, false));
  root.addEventListener("click", ({ target }) => {
    const { cut, on } = target.dataset;
    if (cut) link.send({ type: "cut", terminal: cut, on: on === "on" });
  });
  document.querySelector("[data-language]").addEventListener("click", async ({ target }) => {
    await post("/api/language", { language: target.dataset.language });
    location.reload();
  });
}

async function begin() {
  const { lang } = document.documentElement;
  useTexts(lang, await (await fetch(`/demo/locale/${lang}.json`)).json());
  listen();
  setInterval(() => {
    link.tick();
    draw();
  }, FRAME_MS);
  link.tick();
}

begin();
