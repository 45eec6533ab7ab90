// What the board shows, from one view: quiet, incident or gone. Nothing here remembers anything.

import { h } from "../parts/dom.js";
import { age, day, left, list, placeSize, timeOfDay } from "../parts/format.js";
import { mark } from "../parts/marks.js";
import { rhythm } from "../parts/marks.js";
import { known, t, tn } from "../parts/words.js";
import { line } from "./line.js";

const CASES_MAX = 2;
const GUARD_MARKS = { ready: "ready", not_ready: "not_ready", lead: "going", second: "going", on_scene: "on_scene", silenced: "silenced" };
const BELL_MARKS = { ready: "ready", lost: "not_ready", ringing: "ringing" };
const LOOKS = { not_ready: "is-trouble", lost: "is-trouble", lead: "is-person", second: "is-person", on_scene: "is-person", ringing: "is-alarm" };

export function headline({ snapshot, gone }) {
  if (gone) return t("board.gone");
  if (snapshot.fault) return t("fault.say");
  const { length } = snapshot.incidents;
  return length ? tn("board.alarms", length + snapshot.more) : snapshot.guards.length ? t("board.quiet") : t("board.nobody");
}

export function draw(view) {
  const { snapshot, gone } = view;
  const { incidents } = snapshot;
  const drill = incidents.length > 0 && incidents.every((incident) => incident.drill || incident.test);
  const board = gone ? "gone" : incidents.length ? "incident" : "quiet";
  const middle = incidents.length ? [cases(view), line(incidents[0], view.hub_ms, view.clock)] : [site(snapshot)];
  return { board, drill, nodes: [top(view), middle, watch(snapshot), annunciator(view)] };
}

function top(view) {
  const { snapshot, gone, hub_ms, beats, clock, silent_ms } = view;
  const calm = !gone && !snapshot.incidents.length && !snapshot.fault && snapshot.guards.length > 0;
  const name = gone ? "gone" : snapshot.incidents.length || snapshot.fault ? "alarm" : calm ? "ready" : "off_duty";
  const look = { alarm: "is-alarm", ready: "is-ready" }[name] ?? "is-dim";
  const wall = clock.wall(hub_ms);
  const tail = gone
    ? [t("board.gone.since", { age: age(silent_ms) }), t("gone.do")]
    : [state(snapshot), snapshot.campus.name, day(wall)];
  return h(
    "header.top",
    { key: "top" },
    mark(name, look),
    h("h1", {}, headline(view)),
    h("p.tail", {}, tail.filter(Boolean).map((text) => h("span", { key: text }, text))),
    h(
      "div.time",
      {},
      h("b", {}, gone ? "–:–:–" : timeOfDay(wall)),
      h("div.beat", { role: "img", "aria-label": t("board.beat") }, [1, 2, 3].map((beat) => h(!gone && beat <= beats ? "i.on" : "i", { key: beat }))),
    ),
  );
}

function state({ incidents, reachable, fault }) {
  if (fault) return t("fault.strip");
  if (incidents.some((incident) => incident.state === "raised")) return t("board.state.raised");
  if (incidents.some((incident) => incident.state === "dispatched")) return t("board.state.dispatched");
  if (incidents.length) return t("board.state.on_scene");
  return reachable ? "" : t("board.unreachable");
}

function site({ terminals }) {
  const zones = [...new Set(terminals.map(({ zone }) => zone))];
  return h(
    "section.site",
    { key: "site", "aria-label": t("board.site") },
    zones.map((zone) => [
      h("h3", { key: `zone-${zone}` }, zone),
      h("ul", { key: `list-${zone}` }, terminals.filter((terminal) => terminal.zone === zone).map(spot)),
    ]),
  );
}

const spot = ({ id, name, place, linked }) =>
  h(
    "li",
    { key: id },
    mark(linked ? "ready" : linked === null ? "called" : "not_ready", linked === false ? "is-trouble" : "is-dim"),
    h("b", {}, name),
    h("span", {}, linked === false ? t("board.terminal.lost") : linked === null ? t("board.terminal.unknown") : place),
  );

function cases(view) {
  const { incidents, more } = view.snapshot;
  const shown = incidents.slice(0, CASES_MAX);
  const others = incidents.slice(CASES_MAX);
  return h(
    shown.length > 1 ? "section.cases.two" : "section.cases",
    { key: "cases" },
    shown.map((incident) => oneCase(incident, view)),
    others.length + more > 0 &&
      h("ul.further", { key: "further" }, others.map(further), more > 0 && h("li", { key: "more" }, tn("board.more", more))),
  );
}

const further = ({ incident, state: is, zone, place }) =>
  h("li", { key: incident }, mark(is === "raised" ? "alarm" : "going", is === "raised" ? "is-alarm" : "is-person"), h("b", {}, place), zone);

function oneCase(incident, { hub_ms }) {
  const { zone, building, floor, place, way, light, crew, raised_ms, presses, state: is, drill, test, next } = incident;
  const lead = crew.find((one) => one.lead) ?? crew.find((one) => ["accepted", "on_scene"].includes(one.state));
  const waits = next && next.what !== "delivered" && next.what !== "accepted";
  const pressed = [t("board.pressed", { age: age(hub_ms - raised_ms) }), presses > 1 && t("board.presses", { n: presses })];
  return h(
    drill || test ? "article.case.drill" : "article.case",
    { key: incident.incident, "data-state": is },
    h("p.where", {}, [(drill || test) && t("board.drill"), zone, [building, floor].filter(Boolean).join(" ")].filter(Boolean).join(" · ")),
    h(`h3.${placeSize(place)}`, {}, place),
    h(
      "p.who",
      {},
      lead
        ? [mark(is === "on_scene" ? "on_scene" : "going"), h("b", {}, lead.name), t(`board.guard.${is === "on_scene" ? "on_scene" : "lead"}`)]
        : [mark("alarm", "lamp-alarm"), t("board.state.raised")],
    ),
    h("p.clock", {}, waits ? [h("b", {}, left(next.due_ms - hub_ms)), t("board.left")] : h("b", {}, age(hub_ms - raised_ms)), h("span", {}, list(pressed.filter(Boolean)))),
    h("div.way", {}, h("b", {}, way || t("board.no_way")), h("span", {}, t(`light.${light}`)), rhythm(light, "")),
  );
}

function watch({ guards, bells }) {
  return h(
    "section.watch",
    { key: "watch" },
    h("div", {}, h("h2", {}, t("board.on_duty")), guards.length ? h("ul", {}, guards.map(guard)) : h("p", {}, t("board.nobody"))),
    bells.length > 0 && h("div", {}, h("h2", {}, t("board.bells")), h("ul", {}, bells.map(bell))),
  );
}

function guard({ id, name, zones, state: is, reasons }) {
  const why = is === "not_ready" ? list(reasons.map((reason) => t(`reason.${reason}`))) : list(zones);
  return h("li", { key: id }, mark(GUARD_MARKS[is] ?? "ready", LOOKS[is] ?? "is-dim"), h("div", {}, h("b", {}, name), h("span", {}, why)), h("em", {}, t(`board.guard.${is}`)));
}

const bell = ({ name, state: is }) =>
  h("li", { key: name }, mark(BELL_MARKS[is], LOOKS[is] ?? "is-dim"), h("div", {}, h("b", {}, name), h("span", {}, t(`board.bell.${is}`))), h("em", {}, t(`board.bell.${is}`)));

function annunciator({ snapshot, clock }) {
  const { troubles, terminals, guards, bells, ledger } = snapshot;
  const linked = terminals.filter((terminal) => terminal.linked).length;
  const ready = guards.filter((one) => one.state !== "not_ready").length;
  const ringing = bells.filter((one) => one.state !== "lost").length;
  const windows = [
    ["terminals", t("board.of", { n: linked, total: terminals.length })],
    ["pagers", t("board.of", { n: ready, total: guards.length })],
    ["bells", t("board.of", { n: ringing, total: bells.length })],
    ["ledger", t(ledger.writing ? "board.ledger.writing" : "board.ledger.stopped")],
    ["entries", String(ledger.size)],
  ];
  return h(
    "footer.annunciator",
    { key: "annunciator" },
    troubles.length > 0 && lit(troubles, clock),
    windows.map(([name, value]) => h("div", { key: name }, t(`board.window.${name}`), h("b", {}, value))),
  );
}

function lit(troubles, clock) {
  const trouble = troubles.find((one) => !one.seen) ?? troubles[0];
  const { what, about, about_name, since_ms, seen } = trouble;
  const since = timeOfDay(clock.wall(since_ms)).slice(0, 5);
  const text = known(`trouble.${what}`) ? t(`trouble.${what}`, { name: about_name }) : t("trouble.other", { what, name: about_name });
  return h(
    seen ? "div.lit" : "div.lit.unseen-trouble",
    { key: "lit", role: "status" },
    mark("not_ready"),
    h("p", {}, h("b", {}, text), t("board.since", { time: since }), troubles.length > 1 && ` · ${tn("board.troubles", troubles.length - 1)}`),
    !seen && h("button", { type: "button", "data-what": what, "data-about": about }, t("board.seen")),
  );
}
