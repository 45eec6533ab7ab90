// While all is quiet: the terminals by zone, a dot each. A plan of the campus will stand here later.

import { h } from "../parts/dom.js";
import { mark } from "../parts/marks.js";
import { t, tn } from "../parts/words.js";

const NAMED_MAX = 60; // beyond, only the lost ones are named

export function site({ zones }) {
  const n = zones.reduce((sum, { terminals }) => sum + terminals.length, 0);
  if (!n) return h("section.site", { key: "site" }, h("p.nobody", {}, mark("off_duty"), t("board.no_terminals")));
  const size = n <= 18 ? "few" : n <= NAMED_MAX ? "many" : "lots";
  return h("section.site", { key: "site", "data-size": size }, zones.map((zone) => zoneOf(zone, size)));
}

function zoneOf({ name, terminals }, size) {
  const named = size === "lots" ? terminals.filter(({ linked }) => !linked) : terminals;
  return h(
    "section",
    { key: name },
    h("h2", {}, name, h("span", {}, tn("board.terminals_here", terminals.length))),
    h("ul", {}, named.map(terminalRow)),
  );
}

const terminalRow = ({ id, name, place, linked }) =>
  h("li", { key: id, class: linked ? "" : "lost" }, linked ? h("i", {}) : mark("gone"), h("b", {}, name), place && place !== name && h("span", {}, place));
