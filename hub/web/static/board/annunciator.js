// The row that never moves: what is well is unlit. The first place, three wide, is for the trouble to look at.

import { h } from "../parts/dom.js";
import { hourMinute } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { known, language, t, tn } from "../parts/words.js";

/** `wall` gives the campus's wall clock at a hub time; `refused` is why a tap on the trouble was not taken. */
export function annunciator({ panel, trouble }, wall, refused) {
  return h("footer.annunciator", { key: "annunciator" }, trouble ? troubleKey(trouble, wall, refused) : noTrouble(panel.hub.unknown), Object.entries(TEXTS).map(([name, text]) => window(name, panel[name], text)));
}

const share = ({ n, all, well }, whole) => (all === 0 ? t("panel.none") : well ? t(whole, { n }) : t("panel.some", { n, all }));

const TEXTS = {
  terminals: (window) => share(window, "panel.terminals.all"),
  pagers: (window) => share(window, "panel.ready"),
  bells: (window) => share(window, "panel.ready"),
  reach: ({ yes }) => t(yes ? "panel.reach.yes" : "panel.reach.no"),
  hub: ({ normal }) => t(normal ? "panel.hub.normal" : "panel.hub.fault"),
  ledger: ({ writing, n }) => (writing ? t("panel.ledger.writing", { n: n.toLocaleString(language()) }) : t("panel.ledger.stopped")),
};

const window = (name, state, text) => h("div", { key: name, class: state.well ? "" : "lit" }, h("span", {}, t(`panel.${name}`)), h("b", {}, state.unknown ? t("panel.unknown") : text(state)));

const noTrouble = (unknown) => h("div.wide", { key: "trouble" }, h("span", {}, t("panel.trouble")), h("b", {}, t(unknown ? "panel.unknown" : "panel.trouble.none")));

function troubleKey({ what, about, about_name: name, since_ms, seen, more }, wall, refused) {
  const kind = known(`trouble.${what}`) ? what : "other";
  const action = t("trouble.since", { at: hourMinute(wall(since_ms)), do: t(`trouble.${kind}.do`) });
  return h(
    "button.wide.lit",
    { key: `trouble ${what} ${about}`, type: "button", "data-do": seen ? null : "see", "data-what": what, "data-about": about, "data-main": true, disabled: seen },
    mark("not_ready", seen ? "" : "lamp-trouble"),
    h("span.what", {}, h("b", {}, t("trouble.word", { what: t(`trouble.${kind}`, { name, what }) })), h("span", {}, refused || action)),
    h("span.aside", {}, more > 0 && h("span", {}, tn("trouble.more", more)), !seen && h("span", {}, t("trouble.see"))),
  );
}
