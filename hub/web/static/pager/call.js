// The screens of a page: alarm, somebody else went, on the way, on scene, outcome, note, resolved.

import { h } from "../parts/dom.js";
import { age, ago, duration, left, placeSize, timeOfDay } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { wayStops, whereText } from "../parts/way.js";
import { t, tn } from "../parts/words.js";
import { choiceKey, holdKey, mainKey, secondKey } from "./keys.js";

const CREW_ROWS = 3;
const OUTCOMES = ["genuine", "mistaken", "malicious", "fault", "drill", "unfounded"];

const CREW_MARKS = {
  paged: "called",
  delivered: "delivered",
  seen: "delivered",
  ringing: "ringing",
  accepted: "going",
  on_scene: "on_scene",
  silenced: "silenced",
  declined: "declined",
  released: "declined",
  cleared: "resolved",
  lost: "gone",
};

export const CALL_SCREENS = {
  alarm: {
    tone: "alarm",
    mark: "alarm",
    word: ({ page }) => t(page.severity === "perimeter" ? "pager.perimeter.word" : "pager.alarm.word"),
    field: (view) => [...where(view), othersKey(view), since(view), steppedBack(view), way(view.page)],
    hand: (view) => [crew(view), ...alarmKeys(view)],
  },
  answered: {
    tone: "person",
    mark: "going",
    word: () => t("pager.answered.word"),
    field: (view) => [...where(view), othersKey(view), since(view), steppedBack(view), way(view.page)],
    hand: (view) => [crew(view), ...answeredKeys(view)],
  },
  on_the_way: {
    tone: "person",
    mark: "going",
    word: () => t("pager.on_the_way.word"),
    field: (view) => [...where(view, true), othersKey(view), pressedAgain(view), ...clock(view, "arrival"), way(view.page)],
    hand: (view) => [crew(view), ...goingKeys(view)],
  },
  on_scene: {
    tone: "person",
    mark: "on_scene",
    word: () => t("pager.on_scene.word"),
    field: (view, at) => [...where(view, true), othersKey(view), pressedAgain(view), ...clock(view, "sign"), facts(view, at)],
    hand: (view) => [crew(view), ...sceneKeys(view)],
  },
  outcome: {
    tone: "person",
    mark: "on_scene",
    word: () => t("pager.on_scene.word"),
    field: (view, at, local) => [
      ...where(view, true),
      local.step.note && h("blockquote.noted", {}, local.step.note),
      h("h2.say.low", { key: "question" }, t("page.outcome")),
    ],
    hand: () => [
      h("div.choices", {}, OUTCOMES.map((outcome) => choiceKey("outcome", outcome, t(`outcome.${outcome}`), t(`outcome.${outcome}.sub`)))),
      h("div.pair", {}, secondKey("back", t("key.back")), secondKey("note", t("key.note"))),
    ],
  },
  note: {
    tone: "person",
    mark: "on_scene",
    word: () => t("pager.on_scene.word"),
    field: (view, at, local) => [
      h("label.say", { key: "note-label", for: "note" }, t("page.note")),
      h("textarea.note", { key: "note", id: "note", maxlength: 2000 }, local.step.note),
    ],
    hand: () => [mainKey("note_done", t("key.note_done"))],
  },
  resolved: {
    tone: "paper",
    mark: "resolved",
    word: () => t("pager.resolved.word"),
    field: (view, at) => [...where(view, true), h("h2.say", { key: "taken" }, t(`outcome.${view.page.outcome}`)), facts(view, at)],
    hand: () => [],
  },
};

/** Where: zone, building and floor above the place, whose name is never cut. `calm`: the place is not the loudest any more. */
export function where({ page }, calm = false) {
  const size = placeSize(page.place);
  return [
    h("p.where", { key: "where" }, whereText(page)),
    h("h1.place", { key: "place", class: calm && size === "short" ? "middle" : size }, page.place),
  ];
}

export function since({ page, since_ms }) {
  return h(
    "p.since",
    { key: "since" },
    h("b", {}, age(since_ms)),
    h("span", {}, ago(page.severity)),
    page.presses > 1 && h("strong.times", {}, page.presses === 2 ? t("page.pressed_twice") : t("page.pressed_times", { n: page.presses })),
  );
}

/** Why it sounds again for whoever is going already. */
function pressedAgain({ page }) {
  if (page.presses < 2) return null;
  const lamp = page.ring === "alert" ? "lamp-alarm" : "";
  return h("p.repeat", { key: "repeat" }, mark("alarm", lamp), h("b", {}, t("page.pressed_again", { n: page.presses })));
}

function steppedBack({ page }) {
  if (page.mine !== "declined" && page.mine !== "released") return null;
  return h("p.why", { key: "stepped-back" }, t(`page.${page.mine}`));
}

export function way(page) {
  const stops = wayStops(page);
  return stops && h("figure.way", { key: "way" }, h("figcaption", {}, t("page.way")), stops);
}

/** The other alarms: a tap shows the next one. */
export function othersKey({ others, more, unanswered }) {
  if (!more) return null;
  const text = unanswered ? tn("page.others.alarm", unanswered) : tn("page.others", more);
  return h(
    "button.key.others",
    { key: `others ${others[0]?.incident}`, type: "button", "data-do": "swap", "data-incident": others[0]?.incident ?? null },
    unanswered ? mark("alarm", "lamp-alarm") : mark("going"),
    h("b", {}, text),
    others[0] && h("span", {}, others[0].place),
  );
}

/** The number that counts: time left, in digits and in twelve blocks; or since when it is overdue. */
function clock({ page, left_ms, total_ms, blocks, late_ms }, about) {
  const asked = page.asked && h("h2.say", { key: "asked" }, t(`page.asked.${page.asked}`));
  if (late_ms !== null) {
    const times = page.asked_times > 1 && h("strong.times", {}, t("page.asked_times", { n: page.asked_times }));
    return [asked, h("p.clock.over", { key: "clock-late" }, h("b", {}, age(late_ms)), h("span", {}, t(`page.overdue_since.${about}`)), times)];
  }
  if (left_ms === null) return [];
  const counts =
    left_ms > 0
      ? h("p.clock", { key: "clock" }, h("b", {}, left(left_ms)), h("span", {}, t(`page.left.${about}`)))
      : h("p.clock.over", { key: "clock-over" }, h("b", {}, "0:00"), h("span", {}, t(`page.overdue.${about}`)));
  const label = t("page.blocks", { left: Math.ceil(left_ms / 1000), total: Math.round(total_ms / 1000) });
  const row = Array.from({ length: 12 }, (_, block) => h(block < blocks ? "i.left" : "i", {}));
  return [asked, counts, h("div.blocks", { key: "blocks", role: "img", "aria-label": label }, row)];
}

/** When what happened, as far as this pager has seen it itself. */
function facts({ page, pressed_ms }, at) {
  const seen = at.history[page.incident] ?? {};
  const time = (hub_ms) => timeOfDay(at.clock.wall(hub_ms));
  const row = (name, hub_ms, more) =>
    hub_ms !== undefined && [h("dt", {}, t(name)), h("dd", {}, h("b", {}, time(hub_ms)), more && h("span", {}, more))];
  const took = seen.arrived_ms !== undefined && t("fact.took", { duration: duration(seen.arrived_ms - pressed_ms) });
  return h(
    "dl.facts.low",
    { key: "facts" },
    row(page.severity === "perimeter" ? "fact.pressed_perimeter" : "fact.pressed", pressed_ms, page.presses > 1 && t("fact.presses", { n: page.presses })),
    row("fact.accepted", seen.accepted_ms),
    row("fact.arrived", seen.arrived_ms, took),
  );
}

function crew({ crew: others, page }) {
  if (!others.length) return null;
  const shown = others.length > CREW_ROWS ? others.slice(0, CREW_ROWS - 1) : others;
  const hidden = others.length - shown.length;
  return h(
    "ul.crew",
    { key: "crew" },
    shown.map((guard) =>
      h(
        "li",
        { key: guard.id },
        mark(CREW_MARKS[guard.state], ["accepted", "on_scene"].includes(guard.state) ? "person" : ""),
        h("b", {}, guard.name),
        h("span", {}, crewWord(guard, page)),
      ),
    ),
    hidden > 0 && h("li", { key: "more" }, h("i", {}), h("b", {}, tn("crew.more", hidden))),
  );
}

function crewWord({ state, lead }, page) {
  if (state === "accepted" || state === "on_scene") return t(`crew.${state}.${lead ? "lead" : "second"}`);
  return state === "silenced" && page.lead ? t("crew.silenced.knows") : t(`crew.${state}`);
}

function alarmKeys({ page, sending, guard }) {
  const about = page.incident;
  if (!guard) return [h("p.why", { key: "nobody" }, t("page.signed_off")), mainKey("sign_on", t("key.sign_on_first"))];
  const accept = mainKey("accept", t("key.accept"), { about, sub: t("key.accept.sub"), sending: sending === "accept" });
  if (page.mine === "declined" || page.mine === "released") return [accept, secondKey("leave_page", t("confirm.back"))];
  return [accept, holdKey("decline", t("key.decline"), { about, disabled: sending !== null })];
}

function answeredKeys({ page, sending, guard }) {
  const about = page.incident;
  if (!guard) return [mainKey("sign_on", t("key.sign_on_first"))];
  const accept = mainKey("accept", t("key.accept"), { about, sub: t("key.accept.also"), sending: sending === "accept" });
  if (page.mine === "declined" || page.mine === "released") return [accept, secondKey("leave_page", t("confirm.back"))];
  return [accept, holdKey("decline", t("key.decline"), { about, disabled: sending !== null })];
}

function goingKeys({ page, sending }) {
  const about = page.incident;
  const backup = secondKey("backup", t("key.backup"), { about, picture: "backup", sending: sending === "backup" });
  const main = mainKey("on_scene", t("key.on_scene"), { about, sending: sending === "on_scene" });
  const other = page.asked
    ? secondKey("sign", t("key.sign.arrival"), { about, sending: sending === "sign" })
    : holdKey("release", t("key.release"), { about, disabled: sending === "release" });
  return [main, h("div.pair", {}, page.asked ? [other, backup] : [backup, other])];
}

function sceneKeys({ page, sending }) {
  const about = page.incident;
  const backup = secondKey("backup", t("key.backup"), { about, picture: "backup", sending: sending === "backup" });
  if (page.asked) {
    const sign = mainKey("sign", t("key.sign"), { about, sending: sending === "sign" });
    return [sign, h("div.pair", {}, backup, secondKey("resolve", t("key.resolve"), { about, sending: sending === "resolve" }))];
  }
  const resolve = mainKey("resolve", t("key.resolve"), { about, sub: t("key.resolve.sub"), sending: sending === "resolve" });
  return [resolve, h("div.pair", {}, backup, secondKey("sign", t("key.sign"), { about, sending: sending === "sign" }))];
}
