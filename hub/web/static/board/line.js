// The time line of one incident as a railway line: stations that were passed, and the next one if nobody comes.

import { h } from "../parts/dom.js";
import { left, list } from "../parts/format.js";
import { known, t, tn } from "../parts/words.js";

const STEPS_SHOWN = 8;
const PRESSES = ["pressed", "pressed_again"];
const PEOPLE = ["accepted", "declined", "released", "on_scene", "sign_given", "resolved", "reopened"];

const two = (n, digits = 2) => String(n).padStart(digits, "0");

function clockTime(wall) {
  return `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}:${two(wall.getUTCSeconds())}.${two(wall.getUTCMilliseconds(), 3)}`;
}

function after(ms) {
  if (ms < 1000) return t("board.after.ms", { n: Math.round(ms) });
  if (ms < 60_000) return t("board.after.s", { n: (ms / 1000).toFixed(2) });
  return t("board.after.min", { n: left(ms) });
}

export function line({ steps, next, raised_ms, crew }, hub_ms, clock) {
  const shown = steps.length > STEPS_SHOWN ? [steps[0], ...steps.slice(1 - STEPS_SHOWN)] : steps;
  const waiting = next && nextStep(next, crew, hub_ms);
  return h(
    "section.line",
    { key: "line" },
    h("h2", {}, t("board.line")),
    h("ol", {}, shown.map((step, at) => station(step, at, raised_ms, clock, waiting && at === shown.length - 1)), waiting),
  );
}

function station({ what, at_ms, who, detail }, at, raised_ms, clock, before_next) {
  const kind = PRESSES.includes(what) ? "press" : PEOPLE.includes(what) ? "person" : "machine";
  const name = list(who);
  const text = what === "rings" ? tn("step.rings", who.length) : t(`step.${what}`, { name });
  const under = what === "rings" ? name : known(`step.${what}.${detail}`) ? t(`step.${what}.${detail}`) : "";
  return h(
    before_next ? "li.before-next" : "li",
    { key: `${what}-${at_ms}-${name}`, "data-who": kind },
    h("time", {}, at === 0 ? clockTime(clock.wall(at_ms)) : after(at_ms - raised_ms)),
    h("p", {}, h("b", {}, text), under && h("span", {}, under)),
  );
}

function nextStep({ what, due_ms, guard }, crew, hub_ms) {
  const name = crew.find(({ id }) => id === guard)?.name ?? t("board.somebody");
  return h(
    "li.next",
    { key: "next" },
    h("time", {}, t("board.in", { left: left(due_ms - hub_ms) })),
    h("p", {}, t(`next.${what}`, { name }), h("span", {}, t(`next.${what}.else`))),
  );
}
