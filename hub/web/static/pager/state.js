// What the pager's screen should show: a pure function of what this device knows of itself (`local`), the hub's newest
// snapshot, and hub time. Nothing here reads a clock, a device or the document.

import { SILENCE_MS_MAX } from "../parts/link.js";

export const RESOLVED_SHOWN_MS = 10_000;
const LINK_SLOW_MS = 6_000; // two heartbeats without an answer
const ROUND_TRIP_MS_MAX = 2_000;
const BATTERY_PERCENT_MIN = 20; // below it, and not charging (the hub's own limit, rules_people.py)
const BLOCKS = 12;

/** The windows that READY is made of, in the order in which they are cured. */
export const WINDOWS = ["sound", "link", "screen", "battery"];

const RESPONDING = ["accepted", "on_scene"];
const STEPPED_BACK = ["declined", "released"];

/** What a device knows of itself before anything has happened. */
export const NEW_LOCAL = {
  silent_ms: 0, // since the hub was last heard
  linked: false,
  round_trip_ms: null,
  sound: "unarmed",
  visible: true,
  awake: false,
  battery: null, // {percent, charging, full}
  chosen: null, // the incident that the guard swapped to
  step: null, // {kind: "outcome" | "note" | "confirm", incident, covers, do}
  sending: [], // commands without a receipt: {do, incident}
  resolved_ms: {}, // incident → hub time at which this screen first saw it resolved
  heard: [], // incidents (or "fault") that the guard has heard while the hub was gone or at fault
  sign_on: { open: false, guard: null, starting: false },
};

/** {screen, page, others, readiness, loop, rings, …}: everything that drawing and sounding need to decide nothing themselves. */
export function screenState(local, snapshot, now_ms) {
  const readiness = readinessOf(local, snapshot);
  if (local.silent_ms >= SILENCE_MS_MAX) return goneState(local, snapshot, now_ms, readiness);
  if (!snapshot) return { ...plain("connecting", readiness), rings: [] };
  const pages = pagesOf(local, snapshot, now_ms);
  const sounding = soundingOf(local, snapshot, pages);
  const page = topPage(local, pages);
  if (!page || (!snapshot.guard && local.sign_on.open)) {
    return { ...plain(idleScreen(local, snapshot, readiness), readiness), ...sounding, unanswered: unanswered(pages), others: pages };
  }
  return { ...pageState(local, snapshot, page, pages, now_ms), readiness, ...sounding };
}

/** A device's own trouble shows at once; READY needs the hub's word as well. */
export function readinessOf(local, snapshot) {
  const own = ownReasons(local);
  const told = snapshot?.pager.reasons ?? ["link"];
  const reasons = WINDOWS.filter((window) => own.includes(window) || told.includes(window));
  return { ready: reasons.length === 0, reasons, first: reasons[0] ?? null, own: own.includes(reasons[0]) };
}

function ownReasons({ sound, linked, silent_ms, round_trip_ms, visible, awake, battery }) {
  const bad = {
    sound: sound !== "running",
    link: !linked || silent_ms >= LINK_SLOW_MS || (round_trip_ms ?? 0) > ROUND_TRIP_MS_MAX,
    screen: !awake || !visible,
    battery: battery !== null && !battery.charging && battery.percent < BATTERY_PERCENT_MIN,
  };
  return WINDOWS.filter((window) => bad[window]);
}

const plain = (screen, readiness) => ({ screen, readiness, page: null, others: [], loop: { name: "none", key: "" }, sending: null });

function idleScreen(local, snapshot, readiness) {
  if (snapshot.fault) return "fault";
  if (!snapshot.guard || local.sign_on.starting) return local.sign_on.guard ? "pin" : "name";
  if (local.step?.kind === "confirm") return "confirm";
  return readiness.ready ? "ready" : "not_ready";
}

/** The pages still shown; one that was resolved stays for ten seconds after this screen has said so. */
function pagesOf(local, snapshot, now_ms) {
  return snapshot.pages.filter(({ incident, state }) => {
    const since_ms = local.resolved_ms[incident];
    return !over(state) || since_ms === undefined || now_ms - since_ms < RESOLVED_SHOWN_MS;
  });
}

const over = (state) => state === "resolved" || state === "closed";

/** Smaller is more pressing: nobody answers · mine to do · somebody else went · over · I stepped back. */
export function rank(page) {
  if (over(page.state)) return 3;
  if (RESPONDING.includes(page.mine)) return 1;
  if (STEPPED_BACK.includes(page.mine)) return 4;
  return page.state === "raised" ? 0 : 2;
}

const unanswered = (pages) => pages.filter((page) => rank(page) === 0).length;

function topPage(local, pages) {
  const chosen = pages.find(({ incident }) => incident === local.chosen);
  if (chosen) return chosen;
  const pressing = pages.filter((page) => rank(page) < 4);
  return pressing.reduce((top, page) => (top && rank(top) <= rank(page) ? top : page), null);
}

/** A page that starts to ring comes to the front, whatever the guard was looking at. */
export function keepChosen(chosen, before, after) {
  const rang = new Set((before?.pages ?? []).filter(({ ring }) => ring === "alarm").map(({ incident }) => incident));
  const isNew = after.pages.some(({ ring, incident }) => ring === "alarm" && !rang.has(incident) && incident !== chosen);
  return isNew || !after.pages.some(({ incident }) => incident === chosen) ? null : chosen;
}

/** What sounds, for which incidents. A tap that answers quiets this pager while its command is on the way. */
function soundingOf(local, snapshot, pages) {
  const answering = new Set(local.sending.filter((command) => command.do !== "backup").map(({ incident }) => incident));
  const rings = pages.filter(({ ring, incident }) => ring !== "none" && !answering.has(incident));
  const alarm = rings.find(({ ring }) => ring !== "ask");
  if (alarm) return { loop: { name: "alarm", key: `${alarm.incident} ${alarm.presses}` }, rings: rings.map(({ incident }) => incident) };
  if (snapshot.fault && !local.heard.includes("fault")) return { loop: { name: "alarm", key: "fault" }, rings: [] };
  if (rings.length) return { loop: { name: "ask", key: rings[0].incident }, rings: rings.map(({ incident }) => incident) };
  return { loop: { name: "none", key: "" }, rings: [] };
}

function pageState(local, snapshot, page, pages, now_ms) {
  const others = pages.filter((other) => other !== page && !over(other.state));
  return {
    screen: pageScreen(local, snapshot, page),
    page,
    others,
    more: others.length + snapshot.more,
    unanswered: unanswered(others),
    crew: page.crew.filter(({ id }) => id !== snapshot.guard?.id),
    drill: page.drill ? "drill" : page.test ? "test" : "none",
    pressed_ms: page.event_ms ?? page.raised_ms,
    since_ms: now_ms - (page.event_ms ?? page.raised_ms),
    ...countdown(page, now_ms),
    sending: local.sending.find(({ incident }) => incident === page.incident)?.do ?? null,
    fault: snapshot.fault,
    guard: snapshot.guard !== null,
  };
}

function pageScreen(local, snapshot, page) {
  if (over(page.state)) return "resolved";
  if (local.step?.incident === page.incident && (local.step.kind === "confirm" || page.mine === "on_scene")) return local.step.kind;
  if (page.mine === "accepted") return "on_the_way";
  if (page.mine === "on_scene") return "on_scene";
  return page.state === "raised" ? "alarm" : "answered";
}

/** Time left, in ms and in blocks; or, once it has run out and was asked for, since when (`late_ms`). */
function countdown({ due_ms, due_total_ms, late_ms }, now_ms) {
  const none = { left_ms: null, total_ms: null, blocks: null, late_ms: null };
  if (late_ms !== null) return { ...none, late_ms: Math.max(0, now_ms - late_ms) };
  if (due_ms === null || !due_total_ms) return none;
  const left_ms = Math.max(0, due_ms - now_ms);
  return { ...none, left_ms, total_ms: due_total_ms, blocks: Math.min(BLOCKS, Math.ceil((left_ms / due_total_ms) * BLOCKS)) };
}

/** The hub is gone: the last page stays, greyed. What rang unanswered goes on ringing until a person has heard it. */
function goneState(local, snapshot, now_ms, readiness) {
  const pages = snapshot ? snapshot.pages.filter(({ state }) => !over(state)) : [];
  const page = topPage(local, pages);
  const loud = pages.find(({ incident, ring }) => ring === "alarm" && !local.heard.includes(incident));
  return {
    ...plain("hub_gone", readiness),
    ...(page ? pageState(local, snapshot, page, pages, now_ms) : {}),
    screen: "hub_gone",
    was: page ? pageScreen({ ...local, step: null }, snapshot, page) : null,
    gone_ms: local.silent_ms,
    loop: loud ? { name: "alarm", key: `${loud.incident} ${loud.presses}` } : { name: "none", key: "" },
    rings: loud ? [loud.incident] : [],
  };
}
