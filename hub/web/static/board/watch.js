// Who is on duty, and the bells: a mark, a name, a word.

import { h } from "../parts/dom.js";
import { list } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { t, tn } from "../parts/words.js";
import { whyNot } from "./cases.js";

const GUARD_MARKS = {
  ready: "ready",
  not_ready: "not_ready",
  called: "called",
  delivered: "delivered",
  ringing: "ringing",
  lost: "gone",
  lead: "going",
  second: "going",
  on_scene: "on_scene",
  silenced: "silenced",
};
const BELL_MARKS = { ready: "ready", ringing: "ringing", trouble: "not_ready", lost: "gone" };
const RESPONDING = ["lead", "second", "on_scene"];

export function watch({ guards, more_guards, bells }) {
  return h(
    "section.watch",
    { key: "watch" },
    h(
      "div",
      { key: "guards" },
      h("h2", {}, t("board.on_duty")),
      guards.length ? h("ul", {}, guards.map(guardRow), more_guards > 0 && more(more_guards)) : h("p.nobody", {}, mark("off_duty"), t("board.nobody")),
    ),
    h(
      "div",
      { key: "bells" },
      h("h2", {}, t("board.bells")),
      bells.length ? h("ul", {}, bells.map(bellRow)) : h("p.nobody", {}, mark("off_duty"), t("board.no_bells")),
    ),
  );
}

function guardRow({ id, name, zones, state, unready }) {
  const why = unready && whyNot(unready);
  const under = !why ? list(zones) : state === "not_ready" ? why : t("board.unready", { why });
  const kind = RESPONDING.includes(state) ? "person" : state;
  return row(id, GUARD_MARKS[state], unready ? `${kind} unready` : kind, name, under, t(`board.guard.${state}`));
}

const bellRow = ({ name, state }) => row(name, BELL_MARKS[state], state === "lost" ? "not_ready" : "ready", name, "", t(`board.bell.${state}`));

const row = (key, shape, kind, name, under, word) =>
  h("li", { key, class: kind }, mark(shape), h("div", {}, h("b", {}, name), under && h("span", {}, under)), h("em", {}, word));

const more = (n) => h("li.ready", { key: "more" }, mark("ready"), h("div", {}, h("b", {}, tn("board.more_guards", n))));
