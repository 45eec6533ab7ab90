// The marks: one shape per state, drawn in the colour of the text around it (templates/marks.svg has the shapes).

import { h } from "./dom.js";

export const mark = (name, also = "") =>
  h("svg.mark", { key: `mark-${name}`, class: also, "aria-hidden": "true" }, h("use", { href: `#mark-${name}` }));

const ROWS = [5, 7, 9, 11, 13, 13, 13, 13, 13, 11, 9, 7, 5];
const STEP = 16;
const MIDDLE = 108;
const STRIKE_CLEAR = 20; // no dot nearer than this to the line that strikes a grille through

/** The bell's grille as path data: a dot is a line of no length with a round end. `small`: without its outer ring. */
export function grilleDots({ struck = false, small = false } = {}) {
  const rows = small ? ROWS.slice(1, -1).map((dots) => Math.max(5, Math.min(11, dots - 2))) : ROWS;
  const top = MIDDLE - ((rows.length - 1) / 2) * STEP;
  let path = "";
  rows.forEach((dots, row) => {
    const y = top + row * STEP;
    for (let dot = 0; dot < dots; dot += 1) {
      const x = MIDDLE + (dot - (dots - 1) / 2) * STEP;
      const distance = Math.abs(x + y - 2 * MIDDLE) / Math.SQRT2;
      if (!struck || distance > STRIKE_CLEAR) path += `M${x} ${y}h.01`;
    }
  });
  return path;
}

/** The grille of a pager: `how` is full, hollow (struck through) or faded (inside a broken ring). */
export function grille(how, label) {
  const attributes = { key: `grille-${how}`, viewBox: "0 0 216 216", role: "img", "aria-label": label };
  if (how === "full") return h("svg.grille", attributes, h("path.dot", { d: grilleDots() }));
  if (how === "hollow") {
    const dots = grilleDots({ struck: true });
    return h("svg.grille", attributes, h("path.dot", { d: dots }), h("path.dot-hole", { d: dots }), h("path.strike", { d: "M22 194 194 22" }));
  }
  return h(
    "svg.grille",
    attributes,
    h("path.dot-faded", { d: grilleDots({ small: true }) }),
    h("circle.broken-ring", { cx: MIDDLE, cy: MIDDLE, r: 104 }),
  );
}

// On and off in ms, beginning lit: what the light on the wall does in each state (the terminal's own table is firstbell.light).
const RHYTHMS = {
  none: [],
  heard: [200, 600],
  recorded: [1000, 1000],
  coming: [1600, 400],
  here: [Infinity],
  not_delivered: [200, 200, 200, 200, 200, 1400],
};

/** Whether a light that has shown `light` for `since_ms` is lit now. */
export function isLit(light, since_ms) {
  const beats = RHYTHMS[light] ?? [];
  const period_ms = beats.reduce((sum, beat) => sum + beat, 0);
  let left_ms = period_ms === Infinity ? 0 : since_ms % period_ms;
  for (const [beat, lasts_ms] of beats.entries()) {
    if (left_ms < lasts_ms) return beat % 2 === 0;
    left_ms -= lasts_ms;
  }
  return false;
}

/** A strip of `strip_ms` of the wall light's rhythm, as bars above a line. */
export function rhythm(light, label, strip_ms = 4800) {
  const bars = [];
  const beats = RHYTHMS[light] ?? [];
  for (let at = 0, beat = 0; beats.length && at < strip_ms; beat += 1) {
    const lasts = Math.min(beats[beat % beats.length], strip_ms - at);
    if (beat % 2 === 0 && lasts) bars.push(h("rect", { x: at, width: lasts, height: 12 }));
    at += beats[beat % beats.length];
  }
  return h(
    "svg.rhythm",
    { viewBox: `0 0 ${strip_ms} 16`, preserveAspectRatio: "none", role: "img", "aria-label": label },
    bars,
    h("rect", { y: 14, width: strip_ms, height: 2 }),
  );
}
