"""The ledger's one writer: a thread that makes durable whatever waits, with one transaction.

While one commit runs, the next batches gather: group commit without timers. A batch leaves the queue when it is on
the disk, not before: after an error the batches are still there, in order, and are tried again once the database is
sound. What the batches become in the file is `hub.ledger.store`'s.
"""

import errno
import sqlite3
import threading
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

import structlog

from hub.dispatch.batch import Batch, Commit
from hub.ledger.errors import LedgerDamaged, LedgerTaken
from hub.ledger.store import Store

BATCHES_PER_COMMIT_MAX = 1_024
ENTRIES_PER_COMMIT_MAX = 4_096
"""What is above either goes into the next transaction. A single batch is never divided."""
RETRY_MS_MIN = 200
RETRY_MS_MAX = 2_000
CLOSE_MS_MAX = 10_000
"""A disk that hangs does not keep the hub from ending for longer."""

_WORDS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_IOERR: "io",
    sqlite3.SQLITE_CANTOPEN: "io",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_PROTOCOL: "busy",
    sqlite3.SQLITE_CORRUPT: "damaged",
    sqlite3.SQLITE_NOTADB: "damaged",
}
_PRIMARY_CODE = 0xFF

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _NewLog:
    batch: Batch
    beyond_epoch: int


class SqliteWriter:
    """The thread. `store` belongs to it from `start` until `close`, which closes the store too."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._changed = threading.Condition()
        self._waiting: deque[Batch] = deque()
        self._new_log: _NewLog | None = None
        self._tried_new_log: _NewLog | None = None
        self._held = False
        self._closing = False
        self._unclear = False
        self._failing = ""
        self._retry_ms = RETRY_MS_MIN
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        self.tell(on_commit, on_error)
        self._thread.start()

    def tell(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        """Whom `turn` tells; without a thread."""
        self._on_commit = on_commit
        self._on_error = on_error

    def submit(self, batch: Batch) -> None:
        with self._changed:
            self._waiting.append(batch)
            self._changed.notify_all()

    def hold_receipts(self) -> None:
        """Nothing more is signed, so nothing is committed and nothing receipted; batches wait. For while it is not
        known whether a checkpoint that somebody remembers is a prefix of our tree. A commit that runs goes on.
        """
        with self._changed:
            self._held = True

    def release_receipts(self) -> None:
        with self._changed:
            self._held = False
            self._changed.notify_all()

    def submit_new_log(self, batch: Batch, beyond_epoch: int = 0) -> None:
        """Begins a new log, for somebody remembers a checkpoint that is no prefix of this one. Ends a hold.

        `batch` begins with a LogBegan: its `at_ms` and `remembered_*` are taken, the rest is filled in here. It goes
        in before everything that is not yet committed, in one transaction with the end of the old log, and comes back
        first in `Commit.batches`, completed: another object than `batch`. Its epoch is above ours and `beyond_epoch`,
        that of the remembered checkpoint: a log that was begun and lost in the restore is not begun a second time.
        """
        with self._changed:
            self._new_log = _NewLog(batch, beyond_epoch)
            self._held = False
            self._changed.notify_all()

    def close(self, ms_max: int = CLOSE_MS_MAX) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(ms_max / 1000)
        if not self._thread.is_alive():
            self._store.close()

    # ── on the thread ────────────────────────────────────────────────────────────────────────────────────────

    def _run(self) -> None:
        wait_ms: int | None = 0
        while wait_ms is not None:
            if wait_ms and self._closes_within(wait_ms):
                return
            if not self._wait_for_work():
                return
            wait_ms = self.turn()

    def turn(self) -> int | None:
        """One transaction of what waits. Returns how long to wait before the next, in ms: 0 when it went well, None
        when there is to be none. Whoever gives turns in place of the thread (a simulation) calls it on one thread.
        """
        group = self._group()
        if group is None:
            return 0
        commit = self._try(*group)
        if commit is None:
            if self._failing == "taken":
                return None
            wait_ms, self._retry_ms = self._retry_ms, min(2 * self._retry_ms, RETRY_MS_MAX)
            return wait_ms
        self._retry_ms = RETRY_MS_MIN
        self._forget(commit)
        self._tell("")
        self._on_commit(commit)
        self._rest()
        return 0

    def _wait_for_work(self) -> bool:
        """False when it is time to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._new_log or (self._waiting and not self._held))
            return bool(self._new_log or (self._waiting and not self._held))

    def _group(self) -> tuple[_NewLog | None, list[Batch]] | None:
        """What the next transaction takes; it stays in the queue. None: nothing."""
        with self._changed:
            if self._held or not (self._waiting or self._new_log):
                return None
            taken: list[Batch] = []
            entries = 0
            for batch in islice(self._waiting, BATCHES_PER_COMMIT_MAX):
                entries += len(batch.entries)
                if taken and entries > ENTRIES_PER_COMMIT_MAX:
                    break
                taken.append(batch)
            return self._new_log, taken

    def _try(self, new_log: _NewLog | None, batches: list[Batch]) -> Commit | None:
        """The commit; of an earlier try, when that turns out to be on the disk. None: `_failing` says why not."""
        try:
            if self._unclear:
                settled = self._store.settle()
                self._unclear = False
                if settled is not None:
                    return settled
            # Until it has returned, nobody knows.
            self._unclear = True
            self._tried_new_log = new_log
            if new_log:
                commit = self._store.begin_log(new_log.batch, batches, new_log.beyond_epoch)
            else:
                commit = self._store.commit(batches)
            self._unclear = False
            return commit
        except (sqlite3.Error, OSError, LedgerDamaged, LedgerTaken) as error:
            self._tell(_word(error), error)
        except Exception as error:
            # A defect of ours: the hub goes on ringing without us, and is told.
            self._tell("defect", error)
        return None

    def _forget(self, commit: Commit) -> None:
        """Take out of the queue what has been committed."""
        with self._changed:
            done = len(commit.batches)
            if self._tried_new_log:
                done -= 1
                if self._new_log is self._tried_new_log:
                    self._new_log = None
            for _ in range(done):
                self._waiting.popleft()

    def _rest(self) -> None:
        with self._changed:
            busy = bool(self._waiting)
        if not busy:
            try:
                self._store.rest()
            except sqlite3.Error as error:
                log.error("the write-ahead log can't be moved into the file", error=repr(error))
                self._unclear = True

    def _closes_within(self, ms: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, ms / 1000)

    def _tell(self, word: str, error: Exception | None = None) -> None:
        if word != self._failing:
            if error is not None:
                # As text: a traceback that shows what variables hold would show names and keys.
                lines = traceback.format_exception(error) if word == "defect" else ()
                log.error("the ledger can't be written", word=word, error=repr(error), trace="".join(lines))
            self._failing = word
            self._on_error(word)


def _word(error: Exception) -> str:
    if isinstance(error, LedgerTaken):
        return "taken"
    if isinstance(error, LedgerDamaged):
        return "damaged"
    if isinstance(error, OSError):
        return "full" if error.errno == errno.ENOSPC else "io"
    return _WORDS.get(getattr(error, "sqlite_errorcode", 0) & _PRIMARY_CODE, "defect")
