"""The hub's disk: a real SQLite file whose timing and failures are the simulation's.

The writer is the real one; its thread's turns are given by virtual time. A turn takes `before_ms`, then it is done for
real, and `after_ms` later the hub is told. In between it can die.
"""

import asyncio
import contextlib
import functools
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any, Literal

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.database import connect, open_read_only
from hub.dispatch.batch import Batch, Commit
from hub.dispatch.entries import LogBegan, decode, encode
from hub.ledger.lookups import Found, Lookups
from hub.ledger.origin import EPOCH_FIRST
from hub.ledger.project import commitments
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.writer import SqliteWriter
from tests.simulation.tables import difference
from tests.simulation.truth import Truth
from tests.simulation.virtual_time import VirtualLoop

Fault = Literal["", "begin", "insert", "commit", "flip", "open", "settle", "full"]
"""What fails: BEGIN, an INSERT, COMMIT (not done, or done all the same), opening the file, settling the write-ahead
log; or no page is free any more.
"""
FAULTS: tuple[Fault, ...] = ("begin", "insert", "commit", "flip", "open", "settle", "full")
QUICK_MS = (0, 3)
PAUSED_MS = 50
"""How often it is looked whether the process goes on."""
PAGES_MAX = 1 << 30


@dataclass(slots=True)
class Disk:
    """One file. `held`: nothing gets done until it is let go. `when_well`: called once, when the hub finds it well."""

    path: Path
    loop: VirtualLoop
    truth: Truth
    random: Random
    say: Callable[[str, str], None]
    before_ms: tuple[int, int] = QUICK_MS
    after_ms: tuple[int, int] = QUICK_MS
    held: bool = False
    fault: Fault = ""
    when_well: Callable[[], None] | None = None
    _connection: sqlite3.Connection | None = None
    _reader: sqlite3.Connection | None = None
    _writers: "list[StepwiseWriter]" = field(default_factory=list)

    def connect(self, path: Path) -> sqlite3.Connection:
        if self.fault == "open":
            raise _error("unable to open database file", sqlite3.SQLITE_CANTOPEN)
        self._connection = connect(path, functools.partial(_Connection, self))  # type: ignore[arg-type]
        self._limit()
        return self._connection

    def fail(self, fault: Fault) -> None:
        self.say("disk", f"begins to fail: {fault}")
        self.fault = fault
        self._limit()

    def hold(self) -> None:
        self.say("disk", "stands still")
        self.held = True

    def mend(self) -> None:
        if self.fault or self.held:
            self.say("disk", "is well")
        self.fault = ""
        self.held = False
        self.before_ms = self.after_ms = QUICK_MS
        self._limit()
        for writer in self._writers:
            writer.wake()

    def _limit(self) -> None:
        """A full disk is real: SQLite may use no page more than it has."""
        if self._connection is None:
            return
        pages = PAGES_MAX
        if self.fault == "full":
            (pages,) = sqlite3.Connection.execute(self._connection, "PRAGMA page_count").fetchone()
        # A disk may be mended after the last process that had the file open is gone.
        with contextlib.suppress(sqlite3.ProgrammingError):
            sqlite3.Connection.execute(self._connection, f"PRAGMA max_page_count = {pages}")

    def let_go(self) -> None:
        """The process that wrote is gone."""
        self._connection = None
        self._writers = []

    def open_writer(self, store: Store) -> "StepwiseWriter":
        opened = StepwiseWriter(store, self)
        self._writers = [opened]
        return opened

    def open_lookups(self) -> "SlowLookups":
        return SlowLookups(Reader(open_read_only(self.path)), self)

    def tell_truth(self) -> None:
        """Reads what the file holds beyond what is known."""
        logs = self.truth.logs
        rows = self._rows(logs.epoch, logs.size)
        self.truth.grew(rows)
        if rows:
            self._check_sealed(rows)
            self._check_tables()
        if self._read("SELECT epoch, size FROM head") != [(logs.epoch, logs.size)]:
            self.truth.broken(f"the head is not at {logs.size} entries of log {logs.epoch}, where the file ends")

    def _check_sealed(self, rows: list[tuple[int, bytes]]) -> None:
        """Whatever these entries name is in the file with them: the power may fail now."""
        for _, body in rows:
            for commitment in commitments(decode(body)):
                if not self._read("SELECT 1 FROM sealed WHERE commitment = ?", commitment):
                    self.truth.broken(f"an entry on the disk names a sealed text that is not there: {commitment[:8]}")

    def _check_tables(self) -> None:
        """The screens read the tables: after each commit these say what the file folds to."""
        differs = difference(self._own(), self.truth.campus)
        if differs:
            self.truth.broken(f"the rows are not what the file folds to: {differs}")

    def _rows(self, epoch: int, index: int) -> list[tuple[int, bytes]]:
        rows = self._read(
            "SELECT epoch, body FROM entries WHERE (epoch, idx) >= (?, ?) ORDER BY epoch, idx", epoch, index
        )
        return [(epoch, bytes(body)) for epoch, body in rows]

    def _read(self, query: str, *values: object) -> list[Any]:
        return self._own().execute(query, values).fetchall()

    def _own(self) -> sqlite3.Connection:
        if self._reader is None:
            self._reader = open_read_only(self.path)
        return self._reader

    def move_head(self, base: str, key: Ed25519PrivateKey, at_ms: int) -> None:
        """Another program writes to the file, beside the hub: it begins a new log."""
        began = LogBegan(at_ms=at_ms, origin="")
        store = Store(self.path, base, key)
        store.begin_log(Batch(entries=(began,), bodies=(encode(began),)), ())
        store.close()
        self.tell_truth()
        self.truth.taken = True

    def back_up(self) -> bytes:
        """A copy of the whole database as it is now."""
        return self._own().serialize()

    def restore(self, backup: bytes, last_run: int) -> None:
        """Puts an old copy into the file's place; no process may have it open. `last_run`: of the hub's."""
        self.close()
        self._reader = None
        for side in ("-wal", "-shm"):
            self.path.with_name(self.path.name + side).unlink(missing_ok=True)
        self.path.write_bytes(backup)
        self.truth.restored(self._rows(EPOCH_FIRST, 0), last_run)

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()


class _Connection(sqlite3.Connection):
    """The writer's connection, which fails as its disk says."""

    def __init__(self, disk: Disk, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._disk = disk

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        fault, verb = self._disk.fault, sql.split(None, 1)[0]
        failing = (fault == "begin" and verb == "BEGIN") or (fault == "commit" and verb == "COMMIT")
        if failing or (fault == "settle" and "wal_checkpoint(TRUNCATE)" in sql):
            raise _error("disk I/O error", sqlite3.SQLITE_IOERR)
        cursor = super().execute(sql, parameters)
        if fault == "flip" and verb == "COMMIT":
            raise _error("disk I/O error", sqlite3.SQLITE_IOERR)
        return cursor

    def executemany(self, sql: str, parameters: Any, /) -> sqlite3.Cursor:
        if self._disk.fault == "insert":
            raise _error("disk I/O error", sqlite3.SQLITE_IOERR)
        return super().executemany(sql, parameters)


def _error(text: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error


class StepwiseWriter(SqliteWriter):
    """The real writer; virtual time gives its turns."""

    def __init__(self, store: Store, disk: Disk) -> None:
        super().__init__(store)
        self._simulated_store = store
        self._disk = disk
        self._busy = False
        self.dead = False
        self.untold = self.untold_entries = 0
        """Batches that the engine has handed over and not been told of, and the entries in them."""

    def start(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        def tell(commit: Commit) -> None:
            self._busy = True
            self._disk.loop.in_ms(self._disk.random.randint(*self._disk.after_ms), self._told, commit, on_commit)

        def failed(word: str) -> None:
            on_error(word)
            if not word and self._disk.when_well is not None:
                when_well, self._disk.when_well = self._disk.when_well, None
                when_well()

        self.tell(tell, failed)

    def submit(self, batch: Batch) -> None:
        super().submit(batch)
        self.untold += 1
        self.untold_entries += len(batch.entries)
        self.wake()

    def release_receipts(self) -> None:
        super().release_receipts()
        self.wake()

    def submit_new_log(self, batch: Batch, beyond_epoch: int = 0) -> None:
        super().submit_new_log(batch, beyond_epoch)
        self.wake()

    def wake(self) -> None:
        """Gives a turn soon, unless one is on its way."""
        if not self._busy and not self.dead and not self._disk.held:
            self._busy = True
            self._disk.loop.in_ms(self._disk.random.randint(*self._disk.before_ms), self._give_turn)

    def _give_turn(self) -> None:
        if self._disk.loop.paused:
            self._disk.loop.in_ms(PAUSED_MS, self._give_turn)
            return
        self._busy = False
        if self.dead or self._disk.held:
            return
        wait_ms = self.turn()
        self._disk.tell_truth()
        if wait_ms:
            self._busy = True
            self._disk.loop.in_ms(wait_ms, self._give_turn)

    def _told(self, commit: Commit, on_commit: Callable[[Commit], None]) -> None:
        if self._disk.loop.paused:
            self._disk.loop.in_ms(PAUSED_MS, self._told, commit, on_commit)
            return
        self._busy = False
        if self.dead:
            return
        # The beginning of a new log is the writer's own.
        told = commit.batches[1:] if commit.first_index == 0 else commit.batches
        self.untold -= len(told)
        self.untold_entries -= sum(len(batch.entries) for batch in told)
        on_commit(commit)
        if self.untold:
            self.wake()

    def die(self) -> None:
        """The process is gone; what is on the disk stays."""
        self.dead = True
        self._simulated_store.close()
        self._disk.let_go()


class SlowLookups(Lookups):
    """The real look-ups; virtual time passes in place of the thread's."""

    def __init__(self, reader: Reader, disk: Disk) -> None:
        super().__init__(reader)
        self._disk = disk

    async def _read(self, question: Callable[[Reader], Found]) -> Found:
        await asyncio.sleep(self._disk.random.randint(*self._disk.before_ms) / 1000)
        return question(self.reader)
