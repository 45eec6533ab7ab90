// What each key does. `pager` is the running pager (main.js); a key's data names the incident that its screen showed.

import { get, post, Problem } from "../parts/api.js";
import { language, t, useLanguage } from "../parts/words.js";
import { PIN_DIGITS } from "./sign_on.js";

const STARTING_MS_MAX = 3_000;

const command = (what) => (pager, { incident }) => pager.command({ do: what, incident });

export const TAPS = {
  accept(pager, { incident }) {
    pager.local.chosen = incident;
    pager.command({ do: "accept", incident });
  },
  decline(pager, { incident }) {
    pager.local.chosen = null;
    pager.local.step = null;
    pager.command({ do: "decline", incident });
  },
  release(pager, { incident }) {
    pager.local.step = null;
    pager.command({ do: "release", incident });
  },
  on_scene: command("on_scene"),
  sign: command("sign"),
  backup: command("backup"),

  resolve(pager, { incident }) {
    const page = pager.snapshot.pages.find((one) => one.incident === incident);
    if (page) pager.local.step = { kind: "outcome", incident, covers: page.covers, note: "" };
  },
  note(pager) {
    pager.local.step.kind = "note";
  },
  note_done(pager) {
    pager.local.step.note = document.querySelector("#note").value.trim();
    pager.local.step.kind = "outcome";
  },
  outcome(pager, { choice }) {
    const { incident, covers, note } = pager.local.step;
    pager.local.step = null;
    pager.command({ do: "resolve", incident, covers, outcome: choice, note });
  },
  back(pager) {
    pager.local.step = null;
  },

  swap(pager, { incident }) {
    pager.local.chosen = incident;
  },
  leave_page(pager) {
    pager.local.chosen = null;
  },
  heard(pager, { incident }) {
    pager.local.heard.push(incident);
  },

  test_ring: (pager) => pager.sounds.test(),
  async cure_sound(pager) {
    await pager.sounds.arm();
    pager.sounds.test();
  },
  cure_link: (pager) => pager.link.reconnect(),
  cure_screen: (pager) => pager.awake.keep(),
  sign_off(pager) {
    pager.local.step = null;
    pager.link.send({ type: "sign_off" });
  },

  sign_on(pager) {
    pager.local.sign_on.open = true;
  },
  name(pager, { choice }) {
    const { sign_on } = pager.local;
    sign_on.guard = sign_on.guards.find(({ id }) => id === choice);
    sign_on.digits = "";
    sign_on.problem = "";
  },
  other(pager) {
    pager.local.sign_on.guard = null;
    pager.local.sign_on.problem = "";
  },
  not_listed(pager) {
    pager.local.sign_on.not_listed = true;
    fetchGuards(pager);
  },
  digit(pager, { choice }) {
    const { sign_on } = pager.local;
    sign_on.digits = (sign_on.digits + choice).slice(0, PIN_DIGITS);
    sign_on.problem = "";
  },
  delete(pager) {
    pager.local.sign_on.digits = pager.local.sign_on.digits.slice(0, -1);
  },
  clear(pager) {
    pager.local.sign_on.digits = "";
  },
  start: startShift,
  async language(pager) {
    const other = t("language.other_code");
    await useLanguage(other);
    document.documentElement.lang = language();
    pager.refresh();
    await post("/api/language", { language: other });
  },
};

/** The tap that arms the sound, keeps the screen on and signs the guard on; the screen stays until the hub says READY. */
async function startShift(pager) {
  const { sign_on } = pager.local;
  Object.assign(sign_on, { busy: true, starting: true, problem: "" });
  const armed = pager.sounds.arm();
  pager.awake.keep();
  try {
    await post("/api/sign-on", { account: sign_on.guard.id, pin: sign_on.digits });
    armed.then(() => pager.sounds.test());
    setTimeout(() => endStarting(pager), STARTING_MS_MAX);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    Object.assign(sign_on, { starting: false, problem: problem.why });
  }
  Object.assign(sign_on, { busy: sign_on.starting, digits: "" });
  pager.refresh();
}

/** Nothing of a sign-on is left over once somebody is on duty. */
export const SIGNED_ON = { starting: false, busy: false, open: false, guard: null, digits: "", problem: "", not_listed: false };

export function endStarting(pager) {
  Object.assign(pager.local.sign_on, SIGNED_ON);
  pager.refresh();
}

export async function fetchGuards(pager) {
  const { sign_on } = pager.local;
  if (sign_on.fetching) return;
  sign_on.fetching = true;
  try {
    sign_on.guards = (await get("/api/guards")).guards;
    sign_on.problem = "";
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    sign_on.problem = problem.why;
  }
  sign_on.fetching = false;
  sign_on.fetched_ms = pager.clock.steady_ms();
  pager.refresh();
}

/** A keyboard at the PIN: digits, Backspace, Escape; Enter is the main key anyway. */
export function typePin(pager, key) {
  if (/^[0-9]$/.test(key)) TAPS.digit(pager, { choice: key });
  else if (key === "Backspace") TAPS.delete(pager);
  else if (key === "Escape") TAPS.other(pager);
  else return;
  pager.refresh();
}
