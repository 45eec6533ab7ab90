// What the board should show: a pure function of what this screen knows of itself (`local`), the hub's newest snapshot and
// hub time.

import { SILENCE_MS_MAX } from "../parts/link.js";

const BLOCKS = 12;
const CASES_WHOLE = 2; // drawn with everything; the others are rows
const ROWS_MAX = 3;
export const STEPS_SHOWN = 8; // at most: where the column is full, fewer (main.js)
const GUARDS_SHOWN = 7;

const GUARD_ORDER = ["on_scene", "lead", "second", "ringing", "delivered", "called", "silenced", "lost", "not_ready", "ready"];
const CALLABLE = ["ready", "not_ready", "called", "silenced"];
const CALLED = { paged: "called", delivered: "delivered", seen: "delivered", ringing: "ringing", lost: "lost" };

/** {screen, cases, rows, …}: everything that drawing needs to decide nothing itself. */
export function boardState(local, snapshot, now_ms) {
  const gone = local.silent_ms >= SILENCE_MS_MAX;
  if (!snapshot) return { screen: gone ? "hub_gone" : "connecting", gone, gone_ms: local.silent_ms };
  const cases = snapshot.incidents.map((incident) => caseOf(incident, snapshot.guards, local.steps_shown ?? STEPS_SHOWN, now_ms));
  return {
    screen: cases.length ? "incident" : "quiet",
    gone,
    gone_ms: local.silent_ms,
    headline: headlineOf(snapshot, cases),
    cases: cases.slice(0, CASES_WHOLE),
    rows: cases.slice(CASES_WHOLE, CASES_WHOLE + ROWS_MAX),
    more: Math.max(0, cases.length - CASES_WHOLE - ROWS_MAX) + snapshot.more,
    ...guardsOf(snapshot),
    bells: snapshot.bells,
    zones: zonesOf(snapshot.terminals),
    panel: gone ? unknown(snapshot) : panelOf(snapshot),
    drills: drillsOf(snapshot.drills),
    trouble: troubleOf(snapshot.troubles),
  };
}

/** What the whole campus is, in one word: the worst comes first. */
function headlineOf({ fault, reachable, more, drills }, cases) {
  const real = cases.filter(({ drill }) => !drill);
  if (cases.length) {
    const shown = real.length ? real : cases;
    const going = GOING.find((word) => shown.some((one) => goingOf(one) === word));
    const waiting = shown.filter(({ state }) => state === "raised").length;
    return { what: real.length ? "alarms" : "drills", n: shown.length + more, going, waiting };
  }
  const well = drills.length ? "drilling" : "quiet";
  return { what: fault ? "fault" : reachable ? well : "unreachable", n: 0 };
}

const GOING = ["raised", "late_on_scene", "late_sign", "dispatched", "on_scene"]; // what the head tells, the worst first
const goingOf = ({ state, late }) => (state !== "raised" && late ? `late_${late.what}` : state);

/** What runs as a drill or a test: of what, and until when the last of them. */
function drillsOf(drills) {
  if (!drills.length) return null;
  return { test: drills.every(({ test }) => test), names: drills.map(({ name }) => name), until_ms: Math.max(...drills.map(({ until_ms }) => until_ms)) };
}

function caseOf(incident, guards, steps_shown, now_ms) {
  const { state, drill, test, event_ms, raised_ms, crew, next } = incident;
  const who = crew.find(({ lead }) => lead) ?? crew.find((one) => ["accepted", "on_scene"].includes(one.state)) ?? null;
  return {
    ...incident,
    tone: drill || test ? "drill" : state === "raised" ? "alarm" : "person",
    who: state === "raised" || !who ? null : { ...who, unready: unreadyOf(guards.find(({ id }) => id === who.id)) },
    since_ms: now_ms - (event_ms ?? raised_ms),
    next: next && { ...next, name: crew.find(({ id }) => id === next.guard)?.name ?? "", left_ms: Math.max(0, next.due_ms - now_ms) },
    ...countdown(incident, now_ms),
    ...stepsOf(incident.steps, steps_shown),
  };
}

/** Why nothing of this guard's can ring; null where something can. */
const unreadyOf = (guard) => (guard && !guard.ready ? guard.reasons : null);

/** Time left for the responder, in ms and in blocks; or since when it is over and how often it was asked (`late`). */
function countdown({ responder, crew }, now_ms) {
  if (!responder) return { left_ms: null, blocks: null, late: null };
  const { what, guard, due_ms, total_ms, asked, late_ms } = responder;
  const name = crew.find(({ id }) => id === guard)?.name ?? "";
  if (late_ms !== null) return { left_ms: null, blocks: null, late: { what, name, asked, since_ms: Math.max(0, now_ms - late_ms) } };
  const left_ms = Math.max(0, due_ms - now_ms);
  if (left_ms === 0) return { left_ms: null, blocks: null, late: { what, name, asked, since_ms: now_ms - due_ms } };
  return { left_ms, blocks: Math.min(BLOCKS, Math.ceil((left_ms / total_ms) * BLOCKS)), late: null, awaited: what };
}

/** The first step and the newest; how many lie between. */
function stepsOf(steps, shown) {
  if (steps.length <= shown) return { shown: steps, between: 0 };
  const newest = steps.slice(steps.length - Math.max(0, shown - 2));
  return { shown: [steps[0], ...newest], between: steps.length - 1 - newest.length };
}

/** Who is on duty; whoever is called and has not answered shows how far the call has come. */
function guardsOf({ guards: on_duty, incidents }) {
  const calls = incidents.filter(({ state }) => state === "raised").flatMap(({ crew }) => crew);
  const called = new Map(calls.filter(({ state }) => state in CALLED).map(({ id, state }) => [id, CALLED[state]]));
  const guards = on_duty.map((guard) => ({
    ...guard,
    state: CALLABLE.includes(guard.state) ? (called.get(guard.id) ?? guard.state) : guard.state,
    unready: unreadyOf(guard),
  }));
  const order = ({ state }) => GUARD_ORDER.indexOf(state);
  const sorted = [...guards].sort((one, other) => order(one) - order(other));
  if (sorted.length <= GUARDS_SHOWN) return { guards: sorted, more_guards: 0 };
  return { guards: sorted.slice(0, GUARDS_SHOWN - 1), more_guards: sorted.length - GUARDS_SHOWN + 1 };
}

/** Terminals by zone, the lost ones first. */
function zonesOf(terminals) {
  const zones = new Map();
  for (const terminal of terminals) zones.set(terminal.zone, [...(zones.get(terminal.zone) ?? []), terminal]);
  const lost = ({ linked }) => (linked ? 1 : 0);
  return [...zones].map(([name, here]) => ({ name, terminals: [...here].sort((one, other) => lost(one) - lost(other)) }));
}

/** The annunciator: one window each; `well` is unlit. */
function panelOf({ terminals, guards, bells, reachable, fault, ledger }) {
  const linked = terminals.filter((terminal) => terminal.linked).length;
  const ready = guards.filter((guard) => guard.ready).length;
  const bells_there = bells.filter(({ state }) => state !== "lost").length;
  return {
    terminals: { n: linked, all: terminals.length, well: linked === terminals.length },
    pagers: { n: ready, all: guards.length, well: ready === guards.length },
    bells: { n: bells_there, all: bells.length, well: bells_there === bells.length },
    reach: { yes: reachable, well: reachable },
    hub: { normal: !fault, well: !fault },
    ledger: { writing: ledger.writing, n: ledger.size, well: ledger.writing },
  };
}

/** Nothing is known of any window while the hub is gone. */
const unknown = (snapshot) => Object.fromEntries(Object.keys(panelOf(snapshot)).map((name) => [name, { well: true, unknown: true }]));

/** The trouble to look at: what nobody has seen yet comes first, then what began last. */
function troubleOf(troubles) {
  const sorted = [...troubles].sort((one, other) => Number(one.seen) - Number(other.seen) || other.since_ms - one.since_ms);
  return sorted.length ? { ...sorted[0], more: sorted.length - 1 } : null;
}
