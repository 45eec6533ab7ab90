// A view (state.js) as nodes: the strip on top, the field that says what is, the hand with what to do.

import { h } from "../parts/dom.js";
import { timeOfDay } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { t } from "../parts/words.js";
import { CALL_SCREENS } from "./call.js";
import { DUTY_SCREENS, goneFor } from "./duty.js";
import { textKey } from "./keys.js";
import { SIGN_ON_SCREENS } from "./sign_on.js";

const SCREENS = { ...SIGN_ON_SCREENS, ...DUTY_SCREENS, ...CALL_SCREENS };
const LAMPS = { alarm: "lamp-alarm", not_ready: "lamp-trouble" };

/** {tone, word, nodes} of a view. `at`: {clock, history, …}, what the screen remembers of times. */
export function draw(view, at, local, snapshot) {
  const screen = SCREENS[view.screen];
  const tone = toneOf(view, screen);
  const word = wordOf(view, screen, local);
  const field = [
    h("header.strip", { key: "strip" }, markOf(view, screen, local), h("span.word", {}, word), aside(view, screen, at)),
    view.fault && view.screen !== "fault" && h("p.fault", { key: "fault" }, mark("not_ready"), t("fault.strip")),
    screen.field(view, at, local, snapshot),
  ];
  const hand = [
    local.notice && h("p.notice", { key: "notice", role: "alert" }, mark("not_ready"), h("span", {}, local.notice)),
    screen.hand(view, at, local, snapshot),
  ];
  const about = view.page?.incident ?? "";
  return {
    tone,
    word,
    nodes: [
      h("main.field", { key: "field" }, field),
      h("section.hand", { key: `hand ${view.screen} ${about}`, "aria-label": word }, hand),
    ],
  };
}

/** A drill and a test press have the drill's field wherever the real thing would have red or blue. */
const toneOf = (view, { tone }) => (["alarm", "person"].includes(tone) && view.drill !== "none" ? "drill" : tone);

function wordOf(view, screen, local) {
  const word = screen.word(view, local);
  return view.page && view.drill !== "none" && view.screen !== "hub_gone" ? t(`pager.${view.drill}.word`, { word }) : word;
}

function markOf(view, screen, local) {
  const lamp = view.screen === "not_ready" && local.trouble_seen ? "" : (LAMPS[view.screen] ?? "");
  return mark(screen.mark, [lamp, `mark-of-${view.screen}`].join(" "));
}

function aside(view, screen, at) {
  if (view.screen === "hub_gone") return h("span.aside", {}, h("b.gone-for", {}, goneFor(view)));
  const { ready } = view.readiness;
  return h(
    "span.aside",
    {},
    screen.languages && textKey("language", t("language.other")),
    view.page && [mark(ready ? "ready" : "not_ready"), h("span", {}, t(ready ? "pager.ready.word" : "pager.not_ready.word"))],
    at.clock.known && h("time", {}, timeOfDay(at.clock.wall(at.clock.hub_ms()))),
  );
}
