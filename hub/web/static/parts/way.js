// Where a place is in words, and the way to it as stops on a line, the spot last: building and floor, then each turn.
// A floor plan comes later.

import { h } from "./dom.js";
import { mark } from "./marks.js";
import { t } from "./words.js";

/** Any of the parts may be missing, and leaves nothing behind. */
export const whereText = ({ zone, building, floor }) => [zone, insideText({ building, floor })].filter(Boolean).join(" · ");

export const insideText = ({ building, floor }) => (building && floor ? t("page.building_floor", { building, floor }) : building || floor);

/** The list of stops, or null where nothing is known. */
export function wayStops({ building, floor, way }) {
  const turns = way.split(/[，,；;。]\s*/u).filter(Boolean);
  const stops = [insideText({ building, floor }), ...turns].filter(Boolean);
  if (!stops.length) return null;
  return h("ol.stops", {}, stops.map((text, place) => stop(text, place === stops.length - 1)));
}

const stop = (text, last) => h("li", {}, last ? mark("alarm", "spot") : h("i", {}), h("span", {}, text));
