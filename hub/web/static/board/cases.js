// One open incident in the colour of where it stands; further ones as rows.

import { h } from "../parts/dom.js";
import { age, ago, left, list, placeSize } from "../parts/format.js";
import { mark, rhythm } from "../parts/marks.js";
import { wayStops, whereText } from "../parts/way.js";
import { t, tn } from "../parts/words.js";

export function casesColumn({ cases, rows, more }) {
  return h(
    "section.cases",
    { key: "cases", "data-n": cases.length + (rows.length ? 1 : 0) },
    cases.map(whole),
    rows.length > 0 && h("ul.rows", { key: "rows" }, rows.map(row), more > 0 && h("li", { key: "more" }, tn("board.more", more))),
  );
}

const whole = (one) =>
  h(
    "article.case",
    { key: one.incident, "data-tone": one.tone },
    h("p.where", {}, markedWhere(one)),
    h("h2.place", { class: placeSize(one.place) }, one.place),
    h("p.who", {}, ...who(one)),
    one.who?.unready && h("p.unready", { key: "unready" }, mark("not_ready"), t("board.unready", { why: whyNot(one.who.unready) })),
    one.late ? late(one) : h("p.clock", { key: "clock" }, ...clock(one)),
    one.blocks !== null && h("div.blocks", { key: "blocks", role: "img", "aria-label": left(one.left_ms) }, Array.from({ length: 12 }, (_, block) => h(block < one.blocks ? "i.left" : "i", {}))),
    h(
      "figure.way",
      { key: "way" },
      h("div", {}, h("figcaption", {}, t("page.way")), wayStops(one)),
      h("div.wall-light", {}, h("p", {}, t("board.light", { light: t(`light.${one.light}`) })), rhythm(one.light, t(`light.${one.light}`))),
    ),
  );

const row = (one) =>
  h(
    "li",
    { key: one.incident, "data-tone": one.tone },
    mark(one.late && one.state !== "raised" ? "not_ready" : one.tone === "person" ? "going" : "alarm", one.state === "raised" ? "lamp-alarm" : ""),
    h("b", {}, one.place),
    h("span", {}, markedWhere(one)),
    h("b", {}, age(one.since_ms)),
  );

function markedWhere({ drill, test, ...one }) {
  const where = whereText(one);
  return drill ? t("pager.drill.word", { word: where }) : test ? t("pager.test.word", { word: where }) : where;
}

function who({ who: guard, state }) {
  if (!guard) return [mark("alarm", "lamp-alarm"), h("b", {}, t("board.nobody_yet"))];
  const here = guard.state === "on_scene" || state === "on_scene";
  return [mark(here ? "on_scene" : "going"), h("b", {}, guard.name), h("span", {}, t(here ? "pager.on_scene.word" : "pager.on_the_way.word"))];
}

export const whyNot = (reasons) => list(reasons.map((reason) => t(`reason.${reason}`)));

function pressed({ since_ms, presses, severity }) {
  const [once, often] = severity === "perimeter" ? ["board.since_perimeter", "board.since_times_perimeter"] : ["board.since", "board.since_times"];
  return t(presses > 1 ? often : once, { age: age(since_ms), n: presses });
}

/** The time is up: since when, and how often was asked in vain. */
function late(one) {
  const { what, name, asked, since_ms } = one.late;
  return h(
    "p.late",
    { key: "late" },
    mark("not_ready", "lamp-trouble"),
    h("b", {}, age(since_ms)),
    h("span", {}, h("strong", {}, t(`board.late.${what}`, { who: name })), asked > 0 && h("span", {}, tn("board.late.asked", asked))),
    h("span.pressed", {}, pressed(one)),
  );
}

function clock({ left_ms, awaited, since_ms, ...one }) {
  if (left_ms === null) return [h("b", {}, age(since_ms)), h("span", {}, ago(one.severity))];
  const about = awaited === "on_scene" ? "arrival" : "sign";
  return [h("b", {}, left(left_ms)), h("span", {}, t(`page.left.${about}`)), h("span.pressed", {}, pressed({ since_ms, ...one }))];
}
