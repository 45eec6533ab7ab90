// The board: the top line says what the whole campus is, the middle shows it, the annunciator never moves.

import { h } from "../parts/dom.js";
import { age, day, hourMinute, list, timeOfDay } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { t, tn } from "../parts/words.js";
import { annunciator } from "./annunciator.js";
import { casesColumn } from "./cases.js";
import { timeLine } from "./line.js";
import { site } from "./site.js";
import { watch } from "./watch.js";

const HEADS = {
  quiet: ["ready", () => t("board.quiet")],
  unreachable: ["not_ready", () => t("board.unreachable")],
  fault: ["not_ready", () => t("pager.fault.word")],
  drilling: ["ready", (view, wall) => untilWord(view.drills, wall)],
  alarms: ["alarm", ({ headline: { n } }) => tn("board.alarms", n)],
  drills: ["alarm", ({ headline: { n } }) => tn("board.drills", n)],
};
const GOING = {
  raised: "board.nobody_yet",
  late_on_scene: "page.overdue.arrival",
  late_sign: "page.overdue.sign",
  dispatched: "board.going",
  on_scene: "board.here",
};

const untilWord = ({ test, until_ms }, wall) => t(test ? "board.test_until" : "board.drill_until", { at: hourMinute(wall(until_ms)) });

/** {word, nodes} of a view (state.js). `at`: {wall(hub_ms), hub_ms, heard_hub_ms, beat_ms, campus, refused}. */
export function draw(view, at) {
  if (!at.campus) return { word: waitingWord(view), nodes: [waiting(view)] };
  const middle =
    view.screen === "quiet"
      ? [site(view), watch(view)]
      : [casesColumn(view), timeLine(view.cases[0], at.wall), watch(view)];
  const word = view.gone ? t("pager.hub_gone.word") : HEADS[view.headline.what][1](view, at.wall);
  const nodes = [top(view, at, word), h("main.view", { key: "view" }, middle), annunciator(view, at.wall, at.refused)];
  return { word, nodes };
}

const waitingWord = ({ gone }) => t(gone ? "pager.hub_gone.word" : "pager.connecting.word");

const waiting = (view) =>
  h(
    "header.top",
    { key: "top" },
    mark("gone", view.gone ? "trouble" : ""),
    h("h1", {}, waitingWord(view)),
    h("p.tail", {}, t(view.gone ? "gone.do" : "connecting.say")),
    view.gone && h("div.time", {}, h("b", {}, age(view.gone_ms))),
  );

function top(view, at, word) {
  const { headline, gone } = view;
  const shape = gone ? "gone" : HEADS[headline.what][0];
  return h(
    "header.top",
    { key: "top" },
    mark(shape, [`head-${gone ? "gone" : headline.what}`, shape === "alarm" && headline.going === "raised" ? "lamp-alarm" : ""].join(" ")),
    h("h1", {}, word),
    h("p.tail", {}, tail(view, at)),
    h("button.key.key-text", { key: "language", type: "button", "data-do": "language" }, t("language.other")),
    gone ? h("div.time", { key: "gone" }, h("b", {}, age(view.gone_ms))) : h("div.time", { key: "time" }, h("b", {}, timeOfDay(at.wall(at.hub_ms))), beat(at.beat_ms)),
  );
}

function tail({ headline, drills, gone }, at) {
  if (gone) return [h("span", {}, t("board.gone.say", { at: timeOfDay(at.wall(at.heard_hub_ms)) })), h("span", {}, t("gone.do"))];
  const drilling = drills && (headline.what === "drilling" ? list(drills.names) : untilWord(drills, at.wall));
  return [drilling && h("span", { key: "drill" }, drilling), headline.going && h("span", {}, going(headline)), h("span", {}, at.campus), !headline.going && h("span", {}, day(at.wall(at.hub_ms)))];
}

/** What the worst of them waits for; where others are answered, how many nobody has accepted. */
const going = ({ going: worst, waiting, n }) => (waiting > 0 && waiting < n ? tn("board.some_yet", waiting, { all: n }) : t(GOING[worst]));

/** Three dashes, one more each second since the hub's last heartbeat: they prove that the board is alive. */
const beat = (since_ms) =>
  h("div.beat", { role: "img", "aria-label": t("board.beat") }, [0, 1, 2].map((dash) => h(since_ms >= dash * 1000 ? "i.on" : "i", {})));
