// What happened, as a railway line: solid stations happened (red: the presser, blue: a person, ink: a machine), the hollow
// one is what is waited for, and what follows if it does not come.

import { h } from "../parts/dom.js";
import { age, left, list, timeOfDay } from "../parts/format.js";
import { known, t, tn } from "../parts/words.js";

const PRESSES = ["pressed", "pressed_again"];
const PEOPLE = ["accepted", "declined", "released", "on_scene", "sign_given", "resolved", "reopened"];

/** `wall` gives the campus's wall clock at a hub time. */
export function timeLine(one, wall) {
  const [first, ...later] = one.shown;
  if (!first) return null;
  const stations = later.map((step, n) => station(step, plus(step.at_ms - first.at_ms), `${n} ${step.at_ms}`, plus(step.last_ms - first.at_ms)));
  return h(
    "section.line",
    { key: "line" },
    h("h2", {}, t("board.line")),
    h(
      "ol",
      {},
      station(first, exact(wall(first.at_ms), first.error_ms), "first"),
      one.between > 0 && h("li.between", { key: "between" }, h("time", {}), h("p", {}, tn("board.steps_between", one.between))),
      stations,
      one.next && next(one.next),
    ),
  );
}

const ROUGH_MS = 100;

/** No more digits than are known: a terminal that was cut off knows hub time less well. */
const exact = (wall, error_ms) => `${timeOfDay(wall)}.${String(wall.getUTCMilliseconds()).padStart(3, "0").slice(0, error_ms >= ROUGH_MS ? 1 : 3)}`;

function plus(ms) {
  if (ms < 1_000) return t("step.plus_ms", { n: Math.max(0, ms) });
  return ms < 60_000 ? t("step.plus_s", { n: (ms / 1000).toFixed(2) }) : `+${age(ms)}`;
}

function station(step, time, key, again) {
  const kind = PRESSES.includes(step.what) ? "press" : PEOPLE.includes(step.what) ? "person" : "machine";
  const [text, under] = told(step, again);
  return h("li", { key, class: kind }, h("time", {}, time), h("p", {}, h("b", {}, text), under && h("span", {}, under)));
}

function told({ what, who, detail, times, error_ms }, again) {
  const named = list(who);
  if (what === "pressed") return [t(detail === "perimeter" ? "step.pressed_perimeter" : "step.pressed"), error_ms >= ROUGH_MS && t("step.error", { s: (error_ms / 1000).toFixed(1) })];
  if (what === "late") return [t("step.late"), t("step.late.sub")];
  if (what === "rings") return [tn("step.rings", who.length), named];
  if (what === "light") return [t("step.light", { light: t(`light.${detail}`) })];
  if (what === "asked") return [t(`step.asked.${detail}`, { who: named }), times > 1 && t("step.asked.times", { n: times, last: again })];
  if (what === "accepted") return [t("step.accepted", { who: named }), t(`step.accepted.${detail}`)];
  if (what === "tier") return [times > 1 ? tn("step.tier.again", times - 1, { last: again }) : t("step.tier"), [t(`because.${detail}`), named].filter(Boolean).join(" · ")];
  if (what === "guard_down") return [t("step.guard_down", { who: named }), t("step.guard_down.sub")];
  if (what === "resolved") return [t("step.resolved", { who: named }), t(`outcome.${detail}`)];
  return [known(`step.${what}`) ? t(`step.${what}`, { who: named }) : what];
}

function next({ what, name, left_ms }) {
  const time = left_ms > 0 ? t("next.in", { left: left(left_ms) }) : t("next.now");
  return h("li.next", { key: "next" }, h("time", {}, time), h("p", {}, t(`next.${what}`, { who: name }), h("span", {}, t(`next.${what}.else`))));
}
