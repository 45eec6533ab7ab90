"""Bugs of what is decided: in the engine, the rules, the fold and what follows from it."""

import dataclasses
from typing import Any

from hub.dispatch import campus as campuses
from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.asked import Answer
from hub.dispatch.batch import Receipt
from hub.dispatch.wanted import alerts
from tests.simulation.mutant import Mutant, changed, false, never

# ── what the engine promises ────────────────────────────────────────────────────────────────────────────────


def _receipt_at_decide(real: Any) -> Any:
    """The checkpoint that goes with it is the last that was signed."""

    def handle(self: Any, submission: Any, done: Any, gathered: Any) -> None:
        before = len(gathered.entries)
        real(self, submission, done, gathered)
        for place, entry in enumerate(gathered.entries[before:], self.size + before):
            if isinstance(entry, e.EventRecorded):
                done(Answer(receipt=Receipt(place, e.encode(entry).decode(), (), self._writer._store.head.note)))

    return handle


def _command_receipt_at_decide(real: Any) -> Any:
    def handle(self: Any, submission: Any, done: Any, gathered: Any) -> None:
        before = len(gathered.entries)
        real(self, submission, done, gathered)
        if isinstance(submission.request, r.Command) and len(gathered.entries) > before:
            done(Answer())

    return handle


def _durable_is_decided(real: Any) -> Any:
    def fold(self: Any, commit: Any) -> None:
        real(self, commit)
        self.durable = campuses.copy(self.decided)

    return fold


def _page_after_commit(real: Any) -> Any:
    return lambda self: dataclasses.replace(real(self), alerts=alerts(self.durable))


def _light_from_decided(real: Any) -> Any:
    return lambda decided, _durable: real(decided, decided)


def _light_from_durable(real: Any) -> Any:
    return lambda _decided, durable: real(durable, durable)


def _light_out_for_unwritten(real: Any) -> Any:
    def lights(decided: Any, durable: Any) -> Any:
        unwritten = {one.terminal for name, one in decided.incidents.items() if name not in durable.incidents}
        return {wall: "none" if wall in unwritten else light for wall, light in real(decided, durable).items()}

    return lights


def _pending_forgotten(_real: Any) -> Any:
    def rebase(self: Any, _gathered: Any) -> None:
        self.decided = campuses.copy(self.durable)

    return rebase


def _no_deadline(_real: Any) -> Any:
    return lambda _campus: None


# ── what the rules decide ───────────────────────────────────────────────────────────────────────────────────


def _disk_trouble_stays(table: Any) -> Any:
    return changed(table, r.StartRun, lambda real: lambda campus, request: real(campus, request)[:1])


def _identity_is_sequence(table: Any) -> Any:
    def make(real: Any) -> Any:
        def receive(campus: Any, request: r.ReceiveEvent) -> Any:
            seen = campus.terminals[request.terminal].seen
            return () if f"{request.boot}:{request.seq}" in seen.values() else real(campus, request)

        return receive

    return changed(table, r.ReceiveEvent, make)


def _event_counts_twice(table: Any) -> Any:
    def make(real: Any) -> Any:
        def receive(campus: Any, request: r.ReceiveEvent) -> Any:
            seen, campus.terminals[request.terminal].seen = campus.terminals[request.terminal].seen, {}
            try:
                return real(campus, request)
            finally:
                campus.terminals[request.terminal].seen = seen

        return receive

    return changed(table, r.ReceiveEvent, make)


def _command_counts_twice(table: Any) -> Any:
    def make(real: Any) -> Any:
        def command(campus: Any, request: r.Command) -> Any:
            known, campus.commands = campus.commands, []
            try:
                return real(campus, request)
            finally:
                campus.commands = known

        return command

    return changed(table, r.Command, make)


def _resolve_unseen(table: Any) -> Any:
    def make(real: Any) -> Any:
        def resolve(campus: Any, incident: Any, request: Any) -> Any:
            events, incident.events = incident.events, []
            try:
                return real(campus, incident, request)
            finally:
                incident.events = events

        return resolve

    return changed(table, "resolve", make)


def _press_ignored_when_answered(table: Any) -> Any:
    """A press that joins is recorded, and alerts nobody, nor must be seen before a resolve."""

    def make(real: Any) -> Any:
        def receive(campus: Any, request: r.ReceiveEvent) -> Any:
            entries = real(campus, request)
            return () if any(isinstance(entry, e.PressRepeated) for entry in entries) else entries

        return receive

    return changed(table, r.ReceiveEvent, make)


def _page_waits_for_accept(_real: Any) -> Any:
    """A page that is not delivered waits as long as one that is."""

    def pages(zone: Any, _incident: Any, guards: Any, repeat_ms: Any, now_ms: int) -> Any:
        due_ms = now_ms + zone.deadlines.accepted_ms if repeat_ms is None else None
        return tuple(e.Paged(guard=guard, due_ms=due_ms) for guard in guards)

    return pages


def _arrival_asked_only(real: Any) -> Any:
    return lambda campus, incident, mine, now_ms, _calls: real(campus, incident, mine, now_ms, [])


# ── what the fold makes of it ───────────────────────────────────────────────────────────────────────────────


def _same_tier(real: Any) -> Any:
    """Calling on where nobody is left would do what the timer forgot: it is taken away, too."""

    def reach(*said: Any) -> list[e.Entry]:
        return [entry for entry in real(*said) if not isinstance(entry, e.TierRaised) or entry.because == "again"]

    return reach


def _accept_stops_timer(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def accepted(campus: Any, entry: e.Accepted) -> None:
            real(campus, entry)
            campus.incidents[entry.incident].assignments[entry.guard].due_ms = None

        return accepted

    return changed(changes, e.Accepted, make)


def _arrival_stops_timer(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def arrived(campus: Any, entry: e.Arrived) -> None:
            real(campus, entry)
            campus.incidents[entry.incident].assignments[entry.guard].due_ms = entry.due_ms + 3_600_000

        return arrived

    return changed(changes, e.Arrived, make)


def _release_leaves_silence(changes: Any) -> Any:
    return {kind: change for kind, change in changes.items() if kind is not e.TierRaised}


def _presence_believed(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def started(campus: Any, entry: e.RunStarted) -> None:
            reasons = {name: pager.reasons for name, pager in campus.pagers.items()}
            real(campus, entry)
            for name, pager in campus.pagers.items():
                pager.reasons = reasons[name]

        return started

    return changed(changes, e.RunStarted, make)


def _drill_outlives_run(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def started(campus: Any, entry: e.RunStarted) -> None:
            drills = {name: zone.drill_until_ms for name, zone in campus.zones.items()}
            real(campus, entry)
            for name, zone in campus.zones.items():
                zone.drill_until_ms = drills[name]

        return started

    return changed(changes, e.RunStarted, make)


def _close_never_due(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def resolved(campus: Any, entry: e.Resolved) -> None:
            real(campus, entry)
            campus.incidents[entry.incident].close_due_ms = None

        return resolved

    return changed(changes, e.Resolved, make)


def _deadlines_outside(changes: Any) -> Any:
    """As if deadlines were kept beside the campus: the next run knows of none."""

    def make(real: Any) -> Any:
        def started(campus: Any, entry: e.RunStarted) -> None:
            real(campus, entry)
            for incident in campus.incidents.values():
                incident.repeat_ms = incident.close_due_ms = None
                for mine in incident.assignments.values():
                    mine.due_ms = None

        return started

    return changed(changes, e.RunStarted, make)


def _settings_move_deadlines(changes: Any) -> Any:
    """The fold goes by a zone's present settings, not by what was decided."""

    def make(real: Any) -> Any:
        def zone_set(campus: Any, entry: e.ZoneSet) -> None:
            before = campus.zones.get(entry.zone)
            real(campus, entry)
            later_ms = entry.deadlines.on_scene_ms - before.deadlines.on_scene_ms if before else 0
            for incident in campus.incidents.values():
                for mine in incident.assignments.values():
                    if mine.state == "accepted" and incident.zone == entry.zone:
                        mine.due_ms += later_ms

        return zone_set

    return changed(changes, e.ZoneSet, make)


def _declined_rings(real: Any) -> Any:
    return lambda incident, state, asked: "alarm" if state == "declined" else real(incident, state, asked)


ENGINE, RULES, FOLD = "hub.dispatch.engine:Engine.", "hub.dispatch.rules:_TABLE", "hub.dispatch.fold:CHANGES"

MUTANTS = (
    Mutant("receipt at decide", f"{ENGINE}_handle", _receipt_at_decide),
    Mutant("receipt of a command at decide", f"{ENGINE}_handle", _command_receipt_at_decide),
    Mutant("durable := decided", f"{ENGINE}_fold", _durable_is_decided),
    Mutant("pages after the commit", f"{ENGINE}_look", _page_after_commit),
    Mutant("light from decided alone", "hub.dispatch.engine:lights", _light_from_decided),
    Mutant("light from durable alone", "hub.dispatch.engine:lights", _light_from_durable),
    Mutant("light out for what is not on the disk", "hub.dispatch.engine:lights", _light_out_for_unwritten),
    Mutant("pending forgotten at a rebase", f"{ENGINE}_rebase", _pending_forgotten),
    Mutant("deadlines not looked at", "hub.dispatch.engine:next_deadline_ms", _no_deadline),
    Mutant("a defect is swallowed", f"{ENGINE}_fault", never),
    Mutant("no bound to what waits", "hub.dispatch.engine:PENDING_ENTRIES_MAX", lambda _real: 1 << 60),
    Mutant("sign-off at once", "hub.dispatch.requests:SignOff.lowers", lambda _real: False),
    Mutant("drill at once", "hub.dispatch.requests:StartDrill.lowers", lambda _real: False),
    Mutant("test at once", "hub.dispatch.requests:StartTest.lowers", lambda _real: False),
    Mutant("revoked at once", "hub.dispatch.requests:RevokeTerminal.lowers", lambda _real: False),
    Mutant("trouble of the disk outlives the run", RULES, _disk_trouble_stays),
    Mutant("repeats not joined", "hub.dispatch.rules_terminal:_joined", never),
    Mutant("joined press forgotten", RULES, _press_ignored_when_answered),
    Mutant("identity is the sequence", RULES, _identity_is_sequence),
    Mutant("event counts twice", RULES, _event_counts_twice),
    Mutant("command counts twice", RULES, _command_counts_twice),
    Mutant("resolve of the unseen", "hub.dispatch.rules_command:_TABLE", _resolve_unseen),
    Mutant(
        "incident known by its own id alone", "hub.dispatch.rules_command:_incident_of", lambda _real: lambda *_: ""
    ),
    Mutant("last tier only once", "hub.dispatch.calls:_repeat_ms", never),
    Mutant("next tier never called", "hub.dispatch.rules_deadline:_incident", _same_tier),
    Mutant("an undelivered page waits", "hub.dispatch.calls:_pages", _page_waits_for_accept),
    Mutant("late arrival is only asked about", "hub.dispatch.rules_deadline:_ask_arrival", _arrival_asked_only),
    Mutant("guard never down", "hub.dispatch.rules_deadline:MISSES_MAX", lambda _real: 1 << 60),
    Mutant("answered guard rings", "hub.dispatch.wanted:_ring", lambda _real: lambda *_args: "alarm"),
    Mutant("declined guard rings", "hub.dispatch.wanted:_ring", _declined_rings),
    Mutant("bell is silent", "hub.dispatch.wanted:_bell", lambda _real: lambda _campus: "none"),
    Mutant("accept stops the timer", FOLD, _accept_stops_timer),
    Mutant("arrival stops the timer", FOLD, _arrival_stops_timer),
    Mutant("close never due", FOLD, _close_never_due),
    Mutant("deadlines kept outside the state", FOLD, _deadlines_outside),
    Mutant("a tier raised changes nothing", FOLD, _release_leaves_silence),
    Mutant("presence believed after a start", FOLD, _presence_believed),
    Mutant("drill outlives the run", FOLD, _drill_outlives_run),
    Mutant("settings move deadlines", FOLD, _settings_move_deadlines),
    Mutant("the forgotten is not looked up", "hub.dispatch.engine:may_be_forgotten", false),
)
