// Who is on duty, and the PIN. The tap on "Start shift" is the one that allows the sound.

import { h } from "../parts/dom.js";
import { list } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { t, tn } from "../parts/words.js";
import { choiceKey, mainKey, textKey } from "./keys.js";

export const PIN_DIGITS = 6;
const DIGITS = ["1", "2", "3", "4", "5", "6", "7", "8", "9"];

export const SIGN_ON_SCREENS = {
  name: {
    tone: "paper",
    mark: "off_duty",
    word: () => t("pager.off.word"),
    languages: true,
    field: (view, at, local, snapshot) => [
      ringing(view),
      h("p.where.low", { key: "pager" }, snapshot.pager.name),
      h("h1.say", { key: "say" }, t("sign_on.say")),
      h("p.why.second", { key: "why" }, t("sign_on.why")),
    ],
    hand: (view, at, { sign_on }) => [
      sign_on.problem && h("p.why", { key: "problem", role: "alert" }, sign_on.problem),
      h("div.choices", { key: "names" }, (sign_on.guards ?? []).map(({ id, name, zones }) => choiceKey("name", id, name, list(zones)))),
      sign_on.guards && (sign_on.guards.length ? notListed(sign_on) : h("p.why", { key: "nobody" }, t("sign_on.nobody"))),
    ],
  },
  pin: {
    tone: "paper",
    mark: "off_duty",
    word: () => t("pager.off.word"),
    languages: true,
    field: (view, at, { sign_on }) => [
      ringing(view),
      h("div.who.low", { key: "who" }, h("h1.say", {}, sign_on.guard.name), textKey("other", t("sign_on.other"))),
      sign_on.problem
        ? h("p.why", { key: "problem", role: "alert" }, mark("not_ready"), h("b", {}, sign_on.problem))
        : h("p.why.second", { key: "zones" }, list(sign_on.guard.zones)),
    ],
    hand: (view, at, { sign_on }) => [dots(sign_on.digits.length), pad(sign_on.busy), startKey(sign_on)],
  },
};

const ringing = ({ unanswered }) =>
  unanswered > 0 && h("p.others.key", { key: "ringing" }, mark("alarm", "lamp-alarm"), h("b", {}, tn("sign_on.alarm", unanswered)));

const notListed = ({ not_listed }) =>
  not_listed ? h("p.why", { key: "ask-admin", role: "status" }, t("sign_on.not_listed.do")) : textKey("not_listed", t("sign_on.not_listed"));

function dots(n) {
  const label = t("sign_on.digits", { n, total: PIN_DIGITS });
  return h("div.pin", { key: "pin", role: "img", "aria-label": label }, Array.from({ length: PIN_DIGITS }, (_, digit) => h(digit < n ? "i.in" : "i", {})));
}

function pad(busy) {
  const digit = (value) => h("button.pad-key", { key: value, type: "button", "data-do": "digit", "data-choice": value, disabled: busy }, value);
  const word = (what, text) => h("button.pad-key.word", { key: what, type: "button", "data-do": what, disabled: busy }, text);
  return h("div.pad", { key: "pad" }, DIGITS.map(digit), word("clear", t("sign_on.clear")), digit("0"), word("delete", t("sign_on.delete")));
}

function startKey({ digits, busy }) {
  const missing = PIN_DIGITS - digits.length;
  const sub = busy ? t("sign_on.start.busy") : missing > 0 ? tn("sign_on.start.more", missing) : t("sign_on.start.sub");
  return mainKey("start", t("sign_on.start"), { sub, disabled: busy || missing > 0 });
}
