"""The terminal's own disk: events until the hub has them and their light is out, the boot counter, what it remembers.

What should be on the disk is held here in memory; a thread makes the disk follow. So an event is on its way to the
hub while it is being stored, a card that stalls or fills delays nothing, and what could not be written is written
when it can be. Nobody else writes to the file; a daemon that was killed finds in it all that was ever committed. A file
that somebody removes or replaces meanwhile is written anew, and that is trouble.
"""

import errno
import os
import random
import sqlite3
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import structlog
from firstbell_linux.problems import Problem

from terminal.outbox_file import (
    Kept,
    Memory,
    Replaced,
    connect,
    drop_log,
    explain,
    files_at,
    is_damaged,
    read,
    set_aside,
    write,
)

EVENTS_MAX = 10_000
"""Kept at most. Above it the oldest receipted go, then the oldest that were no panic; a panic without receipt stays."""
LAZY_MS = 1_000
"""Receipts and what follows from them may wait this long for company: the card dies of small writes."""
LOOK_MS = 1_000
"""So often it is looked at whether the file is still there, while there is nothing to write."""
RETRY_MS_MIN = 200
RETRY_MS_MAX = 5_000
OPEN_MS_MAX = 3_000
"""A disk that needs longer to open is not waited for."""
BOOT_JUMP_MIN = 1 << 31
BOOT_JUMP_MAX = 1 << 47
"""A boot whose number could not be kept takes one from here by chance, so that no two boots share a number."""

log = structlog.get_logger(part="outbox")


class Outbox:
    """Every method but the callbacks belongs to one thread, the daemon's; only `open` and `close` wait for the disk.

    Called on the outbox's own thread: `on_change` when trouble began or ended and when something was stored;
    `on_found` with what turned up in a file that could only be opened later.
    """

    def __init__(
        self,
        path: Path,
        on_change: Callable[[], None],
        on_found: Callable[[Memory, tuple[Kept, ...]], None],
    ) -> None:
        self._path = path
        self._on_change = on_change
        self._on_found = on_found
        self._thread = threading.Thread(target=self._run, name="outbox", daemon=True)
        self._opened = threading.Event()
        self._loaded = False
        self._files: tuple[tuple[int, int] | None, ...] = ()
        # All below is guarded by `_changed`.
        self._changed = threading.Condition()
        self._events: dict[str, Kept] = {}
        self._memory: Memory | None = None
        self._dirty: set[str] = set()
        self._writing: set[str] = set()
        self._memory_dirty = False
        self._urgent = False
        self._closing = False
        self._pending = 0
        self._next_place = 1
        self._problem: Problem | None = None
        self._damage: Problem | None = None

    def open(self) -> tuple[Memory, tuple[Kept, ...]]:
        """Begin a boot: its number is on the disk when this returns, unless `problem` says that the disk fails.

        Returns also the events kept from earlier boots, oldest first. Waits OPEN_MS_MAX at most.
        """
        self._thread.start()
        self._opened.wait(OPEN_MS_MAX / 1000)
        with self._changed:
            if self._memory is None:
                self._memory = Memory(_chance_boot(), "", False)
                self._memory_dirty = True
                self._problem = self._problem or Problem("disk_slow", str(self._path))
            return self._memory, tuple(self._events.values())

    @property
    def problem(self) -> Problem | None:
        """Why the disk does not hold what it should; None while it does."""
        with self._changed:
            return self._problem or self._damage

    @property
    def pending(self) -> int:
        """How many events have no receipt."""
        with self._changed:
            return self._pending

    @property
    def kept(self) -> int:
        """How many events there are, with a receipt or without."""
        with self._changed:
            return len(self._events)

    @property
    def unstored(self) -> int:
        """How many events are in memory only, or differ there."""
        with self._changed:
            return sum(digest in self._events for digest in self._dirty | self._writing)

    def add(self, digest: str, jws: str, panic: bool, pressed_ms: int) -> None:
        """Keep an event, pressed at mono `pressed_ms`. Where there is no room it takes the place of one that is missed
        less, or is only sent."""
        with self._changed:
            self._events[digest] = Kept(self._next_place, digest, jws, panic, False, pressed_ms)
            self._next_place += 1
            self._pending += 1
            dropped = self._make_room()
            self._mark((digest, *dropped), urgent=True)
        if dropped:
            log.warning("outbox full", dropped=list(dropped))

    def _make_room(self) -> tuple[str, ...]:
        dropped = []
        while len(self._events) > EVENTS_MAX:
            digest = self._least_missed()
            self._forget(digest)
            dropped.append(digest)
        return tuple(dropped)

    def _least_missed(self) -> str:
        for kept in self._events.values():
            if kept.receipted:
                return kept.digest
        for kept in self._events.values():
            if not kept.panic:
                return kept.digest
        # Nothing but panics that nobody knows of. Whoever waits longest keeps the place; the newest is only sent.
        return next(reversed(self._events))

    def after(self, place: int, count: int) -> tuple[Kept, ...]:
        """The next `count` kept events behind `place` (0: from the oldest)."""
        with self._changed:
            if place >= self._next_place - 1:
                return ()
            return tuple(islice((kept for kept in self._events.values() if kept.place > place), count))

    def receipted(self, digest: str) -> None:
        """The event is in the ledger; it stays until `drop`."""
        with self._changed:
            kept = self._events.get(digest)
            if kept is not None and not kept.receipted:
                self._events[digest] = replace(kept, receipted=True)
                self._pending -= 1
                self._mark((digest,), urgent=False)

    def drop(self, digests: Iterable[str]) -> None:
        """Their light is out."""
        with self._changed:
            gone = [digest for digest in digests if digest in self._events]
            for digest in gone:
                self._forget(digest)
            self._mark(gone, urgent=False)

    def _forget(self, digest: str) -> None:
        self._pending -= not self._events.pop(digest).receipted

    def remember(self, *, checkpoint: str | None = None, silent: bool | None = None) -> None:
        """Keep the largest verified checkpoint, or whether this terminal is silent. Not before `open`."""
        with self._changed:
            if self._memory is None:
                raise RuntimeError("the outbox was not opened")
            new = self._memory
            if checkpoint is not None:
                new = replace(new, checkpoint=checkpoint)
            if silent is not None:
                new = replace(new, silent=silent)
            if new != self._memory:
                self._memory, self._memory_dirty = new, True
                self._mark((), urgent=silent is not None)

    def _mark(self, digests: Iterable[str], *, urgent: bool) -> None:
        self._dirty.update(digests)
        self._urgent = self._urgent or urgent
        self._changed.notify()

    def close(self, wait_ms: int) -> None:
        """Write what waits, for `wait_ms` at most, and end."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(wait_ms / 1000)

    # ── on the outbox's thread ──────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        try:
            self._follow()
        except BaseException as error:
            # A defect of ours. Presses go on from memory, but not without anybody knowing.
            self._tell(Problem("disk_fails", str(self._path), {"reason": repr(error)}))
            raise

    def _follow(self) -> None:
        retry_ms = RETRY_MS_MIN
        is_last = False
        while True:
            try:
                with closing(self._connect()) as connection:
                    while self._wait_for_work():
                        self._write(connection)
                        retry_ms = RETRY_MS_MIN
                    self._check_files()
                return
            except (sqlite3.Error, OSError) as error:
                # A connection that has failed is not trusted with what comes next: the file is opened again.
                self._tell(explain(error, self._path))
            self._opened.set()
            if is_last:
                return
            with self._changed:
                is_last = self._changed.wait_for(lambda: self._closing, retry_ms / 1000)
            retry_ms = min(2 * retry_ms, RETRY_MS_MAX)

    def _connect(self) -> sqlite3.Connection:
        if self._files and files_at(self._path)[0] != self._files[0]:
            drop_log(self._path, self._files[1])
            return self._connect_anew("outbox_replaced")
        try:
            return self._begin(connect(self._path), lost_count=False)
        except sqlite3.Error as error:
            if not is_damaged(error):
                raise
        return self._connect_anew("outbox_damaged")

    def _connect_anew(self, problem: str) -> sqlite3.Connection:
        """Whatever lies there is set aside; all that is known goes into a new file."""
        aside = set_aside(self._path)
        self._files = ()
        with self._changed:
            self._damage = Problem(problem, str(aside if aside.exists() else self._path))
            self._write_all()
        return self._begin(connect(self._path), lost_count=True)

    def _begin(self, connection: sqlite3.Connection, *, lost_count: bool) -> sqlite3.Connection:
        """The first time: take over what earlier boots left and begin this one. Closes `connection` if it raises."""
        try:
            if not self._loaded:
                stored, events = read(connection)
                begun = replace(stored, boot=_chance_boot() if lost_count else stored.boot + 1)
                try:
                    write(connection, (), (), begun)
                except sqlite3.Error:
                    # Read only, or full: what it holds is still good.
                    self._take_over(replace(stored, boot=_chance_boot()), events, stored=False)
                    raise
                self._take_over(begun, events, stored=True)
        except BaseException:
            connection.close()
            raise
        self._files = files_at(self._path)
        self._opened.set()
        return connection

    def _check_files(self) -> None:
        """Raises Replaced: nothing of what was written counts any more."""
        if files_at(self._path) == self._files:
            return
        with self._changed:
            self._write_all()
        raise Replaced(errno.ENOENT, os.strerror(errno.ENOENT), str(self._path))

    def _write_all(self) -> None:
        self._dirty.update(self._events)
        self._memory_dirty = self._memory is not None
        self._urgent = True

    def _take_over(self, memory: Memory, events: tuple[Kept, ...], *, stored: bool) -> None:
        self._loaded = True
        with self._changed:
            made_meanwhile = tuple(self._events.values())
            self._events = {kept.digest: kept for kept in events}
            self._next_place = events[-1].place + 1 if events else 1
            for kept in made_meanwhile:
                self._events[kept.digest] = replace(kept, place=self._next_place)
                self._next_place += 1
            self._dirty.update(kept.digest for kept in made_meanwhile)
            self._pending = sum(not kept.receipted for kept in self._events.values())
            late, self._memory, self._memory_dirty = self._memory, memory, not stored
            if late is None:
                return
            # `open` did not wait: this boot has another number, and has perhaps heard from the hub since.
            self._memory = Memory(
                max(late.boot, memory.boot), late.checkpoint or memory.checkpoint, late.silent or memory.silent
            )
            self._memory_dirty = True
            memory = self._memory
        self._on_found(memory, events)

    def _wait_for_work(self) -> bool:
        """Whether something is to be written; False once all is and the outbox is closing."""
        while not self._is_called(LOOK_MS):
            self._check_files()
        with self._changed:
            if not (self._urgent or self._closing):
                self._changed.wait_for(lambda: self._urgent or self._closing, LAZY_MS / 1000)
            return bool(self._dirty or self._memory_dirty)

    def _is_called(self, wait_ms: int) -> bool:
        with self._changed:
            called = self._changed.wait_for(lambda: self._dirty or self._memory_dirty or self._closing, wait_ms / 1000)
            return bool(called)

    def _write(self, connection: sqlite3.Connection) -> None:
        with self._changed:
            dirty, self._dirty = self._dirty, set()
            self._writing = dirty
            memory = self._memory if self._memory_dirty else None
            self._memory_dirty = self._urgent = False
            rows = [self._events[digest] for digest in dirty if digest in self._events]
            gone = [digest for digest in dirty if digest not in self._events]
        try:
            write(connection, rows, gone, memory)
            self._check_files()
        except BaseException:
            with self._changed:
                self._dirty |= dirty
                self._memory_dirty = self._memory_dirty or memory is not None
                self._urgent = True
            raise
        finally:
            with self._changed:
                self._writing = set()
        self._tell(None)

    def _tell(self, problem: Problem | None) -> None:
        with self._changed:
            self._problem = problem
        self._on_change()


def _chance_boot() -> int:
    return random.SystemRandom().randrange(BOOT_JUMP_MIN, BOOT_JUMP_MAX)
