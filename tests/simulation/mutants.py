"""Deliberate bugs, each put into a seam of the real code. The simulator must catch every one: so it can fail.

A mutant swaps a function, a table or a class attribute for a faulty one made of it, for as long as it is built in.
"""

import dataclasses
import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from firstbell.light import RECORDED

from hub.dispatch import campus as campuses
from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.engine import Answer
from hub.dispatch.wanted import alerts
from hub.ledger.batch import Receipt


@dataclass(frozen=True, slots=True)
class Mutant:
    """`where`: "module:name" or "module:Class.name". `make`: of the real thing, the faulty one."""

    name: str
    where: str
    make: Callable[[Any], Any]

    @contextmanager
    def built_in(self) -> Iterator[None]:
        """While it lasts, this process runs with the bug."""
        module, _, path = self.where.partition(":")
        *outer, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for part in outer:
            owner = getattr(owner, part)
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(owner, name, self.make(getattr(owner, name))))
            yield


# ── what the engine promises ─────────────────────────────────────────────────────────────────────────────────


def _receipt_at_decide(real: Any) -> Any:
    def handle(self: Any, submission: Any, done: Any, gathered: Any) -> None:
        before = len(gathered.entries)
        real(self, submission, done, gathered)
        for entry in gathered.entries[before:]:
            if isinstance(entry, e.EventRecorded):
                done(Answer(receipt=Receipt(self.size, e.encode(entry).decode(), (), "not signed yet")))

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


def _pending_forgotten(_real: Any) -> Any:
    def rebase(self: Any, _gathered: Any) -> None:
        self.decided = campuses.copy(self.durable)

    return rebase


def _error_takes_back(real: Any) -> Any:
    def failed(self: Any, word: str) -> None:
        real(self, word)
        self._engine.decided = campuses.copy(self._engine.durable)

    return failed


def _no_deadline(_real: Any) -> Any:
    return lambda _campus: None


def _evidence_receipted(real: Any) -> Any:
    def take(self: Any, jws: str, done: Any) -> None:
        real(self, jws, lambda _answer: None)
        done(Answer())

    return take


# ── what the rules decide ────────────────────────────────────────────────────────────────────────────────────


def _changed(table: dict[Any, Any], key: Any, make: Callable[[Any], Any]) -> dict[Any, Any]:
    return {**table, key: make(table[key])}


def _identity_is_sequence(table: Any) -> Any:
    def make(real: Any) -> Any:
        def receive(campus: Any, request: r.ReceiveEvent) -> Any:
            seen = campus.terminals[request.terminal].seen
            return () if f"{request.boot}:{request.seq}" in seen.values() else real(campus, request)

        return receive

    return _changed(table, r.ReceiveEvent, make)


def _event_counts_twice(table: Any) -> Any:
    def make(real: Any) -> Any:
        def receive(campus: Any, request: r.ReceiveEvent) -> Any:
            seen, campus.terminals[request.terminal].seen = campus.terminals[request.terminal].seen, {}
            try:
                return real(campus, request)
            finally:
                campus.terminals[request.terminal].seen = seen

        return receive

    return _changed(table, r.ReceiveEvent, make)


def _command_counts_twice(table: Any) -> Any:
    def make(real: Any) -> Any:
        def command(campus: Any, request: r.Command) -> Any:
            known, campus.commands = campus.commands, []
            try:
                return real(campus, request)
            finally:
                campus.commands = known

        return command

    return _changed(table, r.Command, make)


def _resolve_unseen(table: Any) -> Any:
    def make(real: Any) -> Any:
        def resolve(campus: Any, incident: Any, request: Any) -> Any:
            events, incident.events = incident.events, []
            try:
                return real(campus, incident, request)
            finally:
                incident.events = events

        return resolve

    return _changed(table, "resolve", make)


def _press_ignored_when_answered(table: Any) -> Any:
    """A press that joins is recorded, and alerts nobody, nor must be seen before a resolve."""

    def make(real: Any) -> Any:
        def receive(campus: Any, request: r.ReceiveEvent) -> Any:
            entries = real(campus, request)
            return () if any(isinstance(entry, e.PressRepeated) for entry in entries) else entries

        return receive

    return _changed(table, r.ReceiveEvent, make)


# ── what the fold makes of it ────────────────────────────────────────────────────────────────────────────────


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

    return _changed(changes, e.Accepted, make)


def _arrival_stops_timer(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def arrived(campus: Any, entry: e.Arrived) -> None:
            real(campus, entry)
            campus.incidents[entry.incident].assignments[entry.guard].due_ms = entry.due_ms + 3_600_000

        return arrived

    return _changed(changes, e.Arrived, make)


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

    return _changed(changes, e.RunStarted, make)


def _drill_outlives_run(changes: Any) -> Any:
    def make(real: Any) -> Any:
        def started(campus: Any, entry: e.RunStarted) -> None:
            drills = {name: zone.drill_until_ms for name, zone in campus.zones.items()}
            real(campus, entry)
            for name, zone in campus.zones.items():
                zone.drill_until_ms = drills[name]

        return started

    return _changed(changes, e.RunStarted, make)


# ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────


def _unclear_is_undone(real: Any) -> Any:
    def settle(self: Any) -> None:
        real(self)

    return settle


def _failed_batch_dropped(real: Any) -> Any:
    def attempt(self: Any, new_log: Any, batches: Any) -> Any:
        commit = real(self, new_log, batches)
        if commit is None:
            self._waiting.clear()
        return commit

    return attempt


def _told_before_commit(real: Any) -> Any:
    """The hub is told as soon as the transaction is prepared; an error of COMMIT itself is swallowed."""

    def write(self: Any, epoch: int, tree: Any, batches: Any) -> Any:
        try:
            return real(self, epoch, tree, batches)
        except Exception:
            if self._attempt is None:
                raise
            return self._done(self._attempt)

    return write


def _row_forgotten(real: Any) -> Any:
    def project(connection: Any, epoch: int, index: int, entry: Any) -> None:
        if not isinstance(entry, e.PressRepeated):
            real(connection, epoch, index, entry)

    return project


# ── the links ────────────────────────────────────────────────────────────────────────────────────────────────


def _old_snapshot_kept(real: Any) -> Any:
    def refresh(self: Any, view: Any) -> None:
        if self._view is None:
            real(self, view)

    return refresh


def _let_go_at_receipt(_real: Any) -> Any:
    def release(self: Any, _light_is_out: bool, _now_ms: int) -> list[str]:
        out = list(self._retained)
        for digest in out:
            del self._retained[digest]
            self._receipted.discard(digest)
            self._awaited.discard(digest)
        return out

    return release


def _never(_real: Any) -> Any:
    return lambda *_args, **_kwargs: None


def _false(_real: Any) -> Any:
    return lambda *_args, **_kwargs: False


def _empty(_real: Any) -> Any:
    return lambda *_args, **_kwargs: ()


# ── the terminal ─────────────────────────────────────────────────────────────────────────────────────────────


def _light_too_early(real: Any) -> Any:
    def wanted(presses: Any, *rest: Any) -> str:
        wanted = str(real(presses, *rest))
        return RECORDED if wanted == "heard" else wanted

    return wanted


def _bound_too_small(real: Any) -> Any:
    def estimate(self: Any, mono_ms: int) -> Any:
        found = real(self, mono_ms)
        return found and (found[0], 1)

    return estimate


def _clock_from_zero(real: Any) -> Any:
    def begin(self: Any, _last_ms: int, _last_offset_ms: Any, *rest: Any) -> None:
        real(self, 0, None, *rest)

    return begin


ENGINE, RULES, FOLD = "hub.dispatch.engine:Engine.", "hub.dispatch.rules:_TABLE", "hub.dispatch.fold:CHANGES"

_ALL = (
    Mutant("receipt at decide", f"{ENGINE}_handle", _receipt_at_decide),
    Mutant("durable := decided", f"{ENGINE}_fold", _durable_is_decided),
    Mutant("pages after the commit", f"{ENGINE}_look", _page_after_commit),
    Mutant("light from decided alone", "hub.dispatch.engine:lights", _light_from_decided),
    Mutant("light from durable alone", "hub.dispatch.engine:lights", _light_from_durable),
    Mutant("pending forgotten at a rebase", f"{ENGINE}_rebase", _pending_forgotten),
    Mutant("disk error takes back decisions", "hub.service:_Disk.failed", _error_takes_back),
    Mutant("deadlines not looked at", "hub.dispatch.engine:next_deadline_ms", _no_deadline),
    Mutant("sign-off at once", "hub.dispatch.requests:SignOff.lowers", lambda _real: False),
    Mutant("drill at once", "hub.dispatch.requests:StartDrill.lowers", lambda _real: False),
    Mutant("repeats not joined", "hub.dispatch.rules_terminal:_joined", _never),
    Mutant("joined press forgotten", RULES, _press_ignored_when_answered),
    Mutant("identity is the sequence", RULES, _identity_is_sequence),
    Mutant("event counts twice", RULES, _event_counts_twice),
    Mutant("command counts twice", RULES, _command_counts_twice),
    Mutant("resolve of the unseen", "hub.dispatch.rules_command:_TABLE", _resolve_unseen),
    Mutant("last tier only once", "hub.dispatch.calls:_repeat_ms", _never),
    Mutant("next tier never called", "hub.dispatch.rules_deadline:_incident", _same_tier),
    Mutant("answered guard rings", "hub.dispatch.wanted:_ring", lambda _real: lambda *_args: "alarm"),
    Mutant("bell is silent", "hub.dispatch.wanted:_bell", lambda _real: lambda _campus: "none"),
    Mutant("accept stops the timer", FOLD, _accept_stops_timer),
    Mutant("arrival stops the timer", FOLD, _arrival_stops_timer),
    Mutant("a tier raised changes nothing", FOLD, _release_leaves_silence),
    Mutant("presence believed after a start", FOLD, _presence_believed),
    Mutant("drill outlives the run", FOLD, _drill_outlives_run),
    Mutant("error of a commit swallowed", "hub.ledger.store:Store._write", _told_before_commit),
    Mutant("unclear commit made again", "hub.ledger.store:Store.settle", _unclear_is_undone),
    Mutant("failed batch dropped", "hub.ledger.writer:SqliteWriter._try", _failed_batch_dropped),
    Mutant("derived row forgotten", "hub.ledger.store:project", _row_forgotten),
    Mutant("old snapshot kept", "hub.links.outlet:Outlet.refresh", _old_snapshot_kept),
    Mutant("silence of terminals not judged", "hub.links.supervision:Sweeps.may_judge", _false),
    Mutant("the forgotten is not looked up", "hub.dispatch.engine:may_be_forgotten", _false),
    Mutant("evidence receipted at once", "hub.links.terminals:TerminalLinks.take_evidence", _evidence_receipted),
    Mutant("evidence ignored", "hub.links.terminals:TerminalLinks.take_evidence", _never),
    Mutant("kept events not offered", "firstbell.flights:Flights.take", _false),
    Mutant("outbox offers nothing", "terminal.outbox:Outbox.after", _empty),
    Mutant("receipted events dropped at once", "firstbell.flights:Flights.release", _let_go_at_receipt),
    Mutant("signs before it has heard", "hub.service:_Memory.hold", _never),
    Mutant("a fork is ignored", "hub.service:_Memory._judge", _never),
    Mutant("light says recorded too early", "firstbell.light:wanted_light", _light_too_early),
    Mutant("error bound too small", "firstbell.clock:HubTime.estimate", _bound_too_small),
    Mutant("hub time starts again", "hub.clock:HubClock.__init__", _clock_from_zero),
)
MUTANTS = {mutant.name: mutant for mutant in _ALL}
