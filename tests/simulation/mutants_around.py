"""Bugs of what stands around it: the ledger, the start, the links, the terminals, the clocks."""

import asyncio
import dataclasses
from hashlib import sha256
from typing import Any

from firstbell.light import RECORDED

from hub.dispatch import campus as campuses
from hub.dispatch import entries as e
from hub.dispatch.asked import Answer
from tests.simulation.mutant import Mutant, changed, empty, false, never, true

# ── the disk ────────────────────────────────────────────────────────────────────────────────────────────────


def _error_takes_back(real: Any) -> Any:
    def failed(self: Any, word: str) -> None:
        real(self, word)
        self._engine.decided = campuses.copy(self._engine.durable)

    return failed


def _unclear_is_undone(real: Any) -> Any:
    def settle(self: Any) -> None:
        real(self)

    return settle


def _failed_batch_dropped(real: Any) -> Any:
    def attempt(self: Any, new_log: Any, batches: Any) -> Any:
        commit = real(self, new_log, batches)
        if commit is None:
            self._waiting.clear()
            self._store._attempt = None
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


def _row_stays_open(table: Any) -> Any:
    return {kind: change for kind, change in table.items() if kind is not e.Resolved}


def _sealed_later(real: Any) -> Any:
    """Sealed texts go into the transaction after the one that names them."""

    def insert(self: Any, epoch: int, first: int, batches: Any) -> None:
        self.late, late = [batch.sealed for batch in batches], getattr(self, "late", [])
        real(self, epoch, first, [dataclasses.replace(batch, sealed=()) for batch in batches])
        for sealed in (one for many in late for one in many):
            row = (sealed.commitment, sealed.domain, sealed.salt, sealed.text)
            self._connection.execute("INSERT OR IGNORE INTO sealed VALUES (?, ?, ?, ?)", row)

    return insert


def _head_not_compared(_real: Any) -> Any:
    def move(self: Any, attempt: Any) -> None:
        new = attempt.head
        if new.epoch != self.head.epoch:
            self._connection.execute("INSERT INTO logs SELECT epoch, size, root, note FROM head")
        row = (new.epoch, new.size, new.root, new.note)
        self._connection.execute("UPDATE head SET epoch = ?, size = ?, root = ?, note = ?", row)

    return move


# ── the links ───────────────────────────────────────────────────────────────────────────────────────────────


def _evidence_receipted(real: Any) -> Any:
    def take(self: Any, jws: str, done: Any) -> None:
        real(self, jws, lambda _answer: None)
        done(Answer())

    return take


def _old_snapshot_kept(real: Any) -> Any:
    def refresh(self: Any, view: Any) -> None:
        if self._view is None:
            real(self, view)

    return refresh


def _snapshots_queued(_real: Any) -> Any:
    """Each snapshot is rendered when it comes and waits for its turn, instead of the newest alone."""

    def refresh(self: Any, view: Any) -> None:
        text = self._render(view)
        if text:
            self.answer(text)

    return refresh


def _older_time_ignored(handlers: Any) -> Any:
    """A snapshot with a lower hub time than the last one is taken for an older one."""

    def make(real: Any) -> Any:
        def on_snapshot(self: Any, frame: Any, now_ms: int, out: Any) -> None:
            if frame["hub_ms"] >= getattr(self, "newest_ms", 0):
                self.newest_ms = frame["hub_ms"]
                real(self, frame, now_ms, out)

        return on_snapshot

    return changed(handlers, "snapshot", make)


def _reads_no_more(_real: Any) -> Any:
    """After its first frame a connection stands, and is not read."""

    async def taken(_self: Any) -> None:
        await asyncio.Event().wait()

    return taken


def _let_go_at_receipt(_real: Any) -> Any:
    def release(self: Any, _light_is_out: bool, _now_ms: int) -> list[str]:
        out = list(self._retained)
        for digest in out:
            del self._retained[digest]
            self._receipted.discard(digest)
            self._awaited.discard(digest)
        return out

    return release


def _let_go_without_receipt(real: Any) -> Any:
    def release(self: Any, light_is_out: bool, now_ms: int) -> list[str]:
        out = [*real(self, light_is_out, now_ms), *(self._flights if light_is_out else ())]
        for digest in out:
            self._flights.pop(digest, None)
            self._undelivered.pop(digest, None)
        return out

    return release


# ── the terminal ────────────────────────────────────────────────────────────────────────────────────────────


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


def _called_once(real: Any) -> Any:
    async def pause(self: Any) -> None:
        await real(self)
        await asyncio.Event().wait()

    return pause


def _waits_for_all(_real: Any) -> Any:
    async def first_of(*waits: Any) -> None:
        await asyncio.gather(*waits)

    return first_of


def _held_at_the_start_alone(real: Any) -> Any:
    def hold(self: Any) -> None:
        if not hasattr(self, "_on_commit"):
            real(self)

    return hold


def _clock_from_zero(real: Any) -> Any:
    def begin(self: Any, _last_ms: int, _last_offset_ms: Any, *rest: Any) -> None:
        real(self, 0, None, *rest)

    return begin


MUTANTS = (
    Mutant("disk error takes back decisions", "hub.service:_Disk.failed", _error_takes_back),
    Mutant("error of a commit swallowed", "hub.ledger.store:Store._write", _told_before_commit),
    Mutant("unclear commit made again", "hub.ledger.store:Store.settle", _unclear_is_undone),
    Mutant("failed batch dropped", "hub.ledger.writer:SqliteWriter._try", _failed_batch_dropped),
    Mutant(
        "leaf hashed without its prefix", "hub.ledger.store:leaf_hash", lambda _real: lambda body: sha256(body).digest()
    ),
    Mutant("derived row forgotten", "hub.ledger.store:project", _row_forgotten),
    Mutant("a resolve changes no row", "hub.ledger.project:_CHANGES", _row_stays_open),
    Mutant("an answer changes no row's state", "hub.ledger.project:_settle", never),
    Mutant("sealed text in another transaction", "hub.ledger.store:Store._insert_beside", _sealed_later),
    Mutant("head moved whatever it is", "hub.ledger.store:Store._move_head", _head_not_compared),
    Mutant("old snapshot kept", "hub.links.outlet:Outlet.refresh", _old_snapshot_kept),
    Mutant("snapshots are queued", "hub.links.outlet:Outlet.refresh", _snapshots_queued),
    Mutant("a connection reads no more", "hub.dispatch.engine:Engine.taken", _reads_no_more),
    Mutant("a lower hub time is ignored", "firstbell.session:_HANDLERS", _older_time_ignored),
    Mutant("silence judged after a pause", "hub.links.supervision:Sweeps.may_judge", true),
    Mutant("silence of terminals not judged", "hub.links.supervision:Sweeps.may_judge", false),
    Mutant("evidence receipted at once", "hub.links.terminals:TerminalLinks.take_evidence", _evidence_receipted),
    Mutant("evidence ignored", "hub.links.terminals:TerminalLinks.take_evidence", never),
    Mutant("kept events not offered", "firstbell.flights:Flights.take", false),
    Mutant("outbox offers nothing", "terminal.outbox:Outbox.after", empty),
    Mutant("a terminal calls once", "terminal.hub_link:HubLink._pause", _called_once),
    Mutant("a terminal keeps a dead connection", "terminal.hub_link:HubLink.drop", never),
    Mutant("the end of a connection is not noticed", "terminal.hub_link:_first_of", _waits_for_all),
    Mutant("outbox writes nothing", "terminal.outbox:Outbox._write", never),
    Mutant("events dropped without a receipt", "firstbell.flights:Flights.release", _let_go_without_receipt),
    Mutant("receipted events dropped at once", "firstbell.flights:Flights.release", _let_go_at_receipt),
    Mutant("signs before it has heard", "hub.service:_Memory.hold", never),
    Mutant("signs while it looks up", "hub.ledger.writer:SqliteWriter.hold_receipts", _held_at_the_start_alone),
    Mutant("a fork is ignored", "hub.service:_Memory._forked", never),
    Mutant("light says recorded too early", "firstbell.light:wanted_light", _light_too_early),
    Mutant("error bound too small", "firstbell.clock:HubTime.estimate", _bound_too_small),
    Mutant("hub time starts again", "hub.clock:HubClock.__init__", _clock_from_zero),
    Mutant("the wall clock is believed", "hub.clock:OFF_MS_MAX", lambda _real: 1 << 60),
)
