// The keys of the hand, as nodes. `about` makes a key of another incident another key.

import { h } from "../parts/dom.js";
import { mark } from "../parts/marks.js";
import { t } from "../parts/words.js";

const named = (what, about) => ({ key: `${what} ${about}`, type: "button", "data-do": what, "data-incident": about || null });

/** The one main key. `sending`: tapped, and the hub has not kept it yet. */
export function mainKey(what, text, { about = "", sub = "", sending = false, disabled = false } = {}) {
  const more = sending ? t("key.sending") : sub;
  return h(
    "button.key.key-main",
    { ...named(what, about), disabled: disabled || sending, "aria-busy": sending ? "true" : null, class: long(text) },
    text,
    more && h("small", {}, more),
  );
}

export const secondKey = (what, text, { about = "", picture = "", sending = false } = {}) =>
  h(
    "button.key.key-second",
    { ...named(what, about), disabled: sending, "aria-busy": sending ? "true" : null },
    picture && mark(picture),
    h("span", {}, sending ? t("key.sending") : text),
  );

export const holdKey = (what, text, { about = "", disabled = false } = {}) =>
  h("button.key.key-hold", { ...named(what, about), "data-hold": true, disabled }, h("span", {}, text));

export const textKey = (what, text) => h("button.key.key-text", named(what, ""), text);

export const choiceKey = (what, choice, text, sub, disabled = false) =>
  h("button.key.key-choice", { ...named(what, ""), key: `${what} ${choice}`, "data-choice": choice, disabled }, text, sub && h("small", {}, sub));

/** Calls by telephone: the one key that works without the hub. */
export const callKey = (phone) =>
  h("a.key.key-main", { key: "call", href: `tel:${phone}`, class: long(t("key.call")) }, t("key.call"), h("small", {}, phone));

// English takes more room than Chinese: a main key of more than two words is set smaller.
const long = (text) => (text.length > 12 ? "words" : "");
