// Numbers and times as a person reads them.

import { language, t, tn } from "./words.js";

const two = (number) => String(number).padStart(2, "0");

/** 0:07, 12:30, 1:02:07; from two days on, in days. Whole seconds that have passed. */
export function age(ms) {
  const s = Math.max(0, Math.floor(ms / 1000));
  if (s >= 172_800) return tn("days", Math.floor(s / 86_400));
  if (s >= 3600) return `${Math.floor(s / 3600)}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}`;
  return `${Math.floor(s / 60)}:${two(s % 60)}`;
}

/** Time left: the last second is 0:01 until it has passed. */
export const left = (ms) => age(Math.ceil(Math.max(0, ms) / 1000) * 1000);

export function duration(ms) {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 60) return t("duration.seconds", { s });
  if (s < 3600) return t("duration.minutes", { m: Math.floor(s / 60), s: s % 60 });
  return t("duration.hours", { h: Math.floor(s / 3600), m: Math.floor(s / 60) % 60 });
}

/** What stands behind the age of an alarm. */
export const ago = (severity) => t(severity === "perimeter" ? "page.ago_perimeter" : "page.ago");

/** `wall` is a Date whose UTC fields are the campus's wall clock (HubClock.wall). */
export const timeOfDay = (wall) => `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}:${two(wall.getUTCSeconds())}`;

export const hourMinute = (wall) => `${two(wall.getUTCHours())}:${two(wall.getUTCMinutes())}`;

export const day = (wall) =>
  new Intl.DateTimeFormat(language(), { timeZone: "UTC", weekday: "long", day: "numeric", month: "long" }).format(wall);

export const list = (texts) => texts.join(t("list.join"));

// The length of a name as it is set: a Chinese character is as wide as two letters.
const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/u;
const width = (text) => [...text].reduce((sum, letter) => sum + (WIDE.test(letter) ? 2 : 1), 0);

/** A place's name is set in one of three sizes and never cut: one line, two lines, three lines. */
export function placeSize(name) {
  const letters = width(name);
  return letters <= 14 ? "short" : letters <= 36 ? "middle" : "long";
}
