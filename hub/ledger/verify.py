"""Recomputes everything from the entries and says where it first differs. Needs nothing secret, changes nothing.

Works beside a running hub (one read transaction), without one, and on a file that can't be written. What is wrong
with a file is never an exception but a verdict.
"""

import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

from firstbell.note import Checkpoint, NoteError, Vkey

from hub.database import beside, migrate, untouched
from hub.dispatch.batch import Head
from hub.ledger.checkpoint import checkpoint_text
from hub.ledger.origin import EPOCH_FIRST, open_any_checkpoint
from hub.ledger.verdict import Bad, Checked, Place, Verdict, Why
from hub.ledger.verify_events import Judges
from hub.ledger.verify_log import LogCheck, Story
from hub.ledger.verify_tables import (
    check_derived,
    check_file,
    check_references,
    check_schema,
    check_sealed,
    check_snapshots,
)

__all__ = ["Checked", "Verdict", "verify"]

Progress = Callable[[int, int], None]


def verify(
    path: Path, vkey: Vkey, against: str | None = None, progress: Progress = lambda _done, _total: None
) -> Verdict:
    """Checks the ledger in the file `path`.

    `vkey`: the verifier key of any log of this hub; only one that was kept outside the hub shows that nobody signed
    anew. `against`: an older checkpoint (a signed note), to find a cut tail or another history. `progress(done,
    total)`: entries so far and altogether. Raises NoVerdict when this machine stops one of the processes that help, or
    has no room for the tables that are rebuilt.
    """
    while True:
        still = _lies_still(path)
        verdict = _Verification(path, vkey, against, progress).run()
        # A hub that starts meanwhile changes a file that was taken to lie still, and may have ended since: look again.
        if still in (None, _lies_still(path)):
            return verdict


def _lies_still(path: Path) -> tuple[int, int, int] | None:
    """Another whenever somebody has changed the file; None while a hub has it open, for then it is read beside it."""
    if not path.exists() or beside(path, "wal").exists():
        return None
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


class _Verification:
    def __init__(self, path: Path, vkey: Vkey, against: str | None, progress: Progress) -> None:
        self._path = path
        self._vkey = vkey
        self._against = against
        self._progress = progress
        self._checked = Checked()
        self._size = 0
        self._has_our_snapshots = False

    def run(self) -> Verdict:
        try:
            if not self._path.is_file():
                raise Bad(Place("database"), "missing", str(self._path))
            if os.path.lexists(beside(self._path, "journal")):
                # The hub never leaves one; who opens the file next would take its pages into it.
                raise Bad(Place("database"), "journal")
            older = self._open(Place("against"), self._against) if self._against is not None else None
            with untouched(self._path) as connection:
                # Text that isn't UTF-8 is to be found wrong, not to end the reading.
                connection.text_factory = lambda data: data.decode(errors="surrogateescape")
                connection.execute("BEGIN")
                self._check(connection, older)
        except Bad as bad:
            return Verdict(self._size, self._checked, bad.place, bad.why, bad.detail)
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            # The last is SQLite's own message when it quotes damaged bytes.
            return Verdict(self._size, self._checked, Place("database"), _why(error), str(error))
        return Verdict(self._size, self._checked)

    def _check(self, connection: sqlite3.Connection, older: tuple[int, Checkpoint] | None) -> None:
        # A database in a file of its own that SQLite removes by itself, so that a large ledger need not fit memory.
        rebuilt = sqlite3.connect("", isolation_level=None)
        judges = Judges(len(os.sched_getaffinity(0)))
        try:
            migrate(rebuilt)
            # First, for SQLite's check computes whatever somebody's own tables ask for.
            self._has_our_snapshots = check_schema(connection, rebuilt)
            check_file(connection)
            rebuilt.execute("BEGIN")
            self._check_logs(connection, rebuilt, judges, older)
            check_references(connection)
        finally:
            judges.close()
            rebuilt.close()

    def _check_logs(
        self,
        connection: sqlite3.Connection,
        rebuilt: sqlite3.Connection,
        judges: Judges,
        older: tuple[int, Checkpoint] | None,
    ) -> None:
        heads = self._heads(connection)
        total = sum(head.size for head in heads)
        snapshots = {(epoch, size): data for epoch, size, data in connection.execute("SELECT * FROM snapshots")}
        story = Story(rebuilt, judges, snapshots, self._checked, lambda done: self._progress(done, total))
        several = len(heads) > 1
        previous = None
        for head in heads:
            number = head.epoch if several else None
            look_at = older[1].size if older and older[0] == head.epoch else -1
            log = LogCheck(connection, story, head, previous, number, look_at)
            log.run()
            if older and older[0] == head.epoch:
                _compare(older[1], head, log.root_then, number)
            previous = head
        if older and older[0] not in {head.epoch for head in heads}:
            raise Bad(Place("cut_log", {"number": older[0]}), "cut")
        self._check_no_other_logs(connection, heads)
        check_sealed(connection, story)
        if self._has_our_snapshots:
            check_snapshots(connection, story, several)
        check_derived(connection, story)

    def _heads(self, connection: sqlite3.Connection) -> list[Head]:
        """The logs that ended and the present one, each with a checkpoint that `vkey` signed. Raises Bad."""
        ended = [Head(*row) for row in connection.execute("SELECT epoch, size, root, note FROM logs ORDER BY epoch")]
        present = {id: Head(*row) for id, *row in connection.execute("SELECT id, epoch, size, root, note FROM head")}
        if list(present) != [1]:
            raise Bad(Place("checkpoint"), "missing")
        self._size = present[1].size
        heads = [*ended, present[1]]
        for head in heads:
            place = Place("checkpoint", log=head.epoch if ended else None)
            epoch, signed = self._open(place, head.note)
            if (epoch, signed.size, signed.root) != (head.epoch, head.size, head.root):
                raise Bad(place, "head")
            if not _is_all_ours(head.note, signed):
                raise Bad(place, "added")
        epochs = [head.epoch for head in heads]
        if epochs != sorted(set(epochs)) or epochs[0] != EPOCH_FIRST:
            raise Bad(Place("table", {"name": "logs"}), "missing")
        return heads

    def _open(self, place: Place, note: str) -> tuple[int, Checkpoint]:
        try:
            return open_any_checkpoint(note, self._vkey)
        except NoteError as error:
            raise Bad(place, "signature", str(error)) from error

    def _check_no_other_logs(self, connection: sqlite3.Connection, heads: list[Head]) -> None:
        known = ", ".join(str(head.epoch) for head in heads)
        for table in ("entries", "tiles"):
            row = connection.execute(f"SELECT epoch FROM {table} WHERE epoch NOT IN ({known}) LIMIT 1").fetchone()  # noqa: S608
            if row is not None:
                raise Bad(Place("log", {"number": row[0]}), "unsigned")


def _is_all_ours(note: str, signed: Checkpoint) -> bool:
    """A note may carry others' signatures; in the one that we keep there is ours alone."""
    text, _, signatures = note.rpartition("\n\n")
    return f"{text}\n" == checkpoint_text(signed.origin, signed.size, signed.root) and signatures.count("\n") == 1


def _why(error: Exception) -> Why:
    """A file that we may not read is not a damaged one."""
    closed = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_CANTOPEN
    return "unreadable" if closed or isinstance(error, OSError) else "integrity"


def _compare(older: Checkpoint, head: Head, root: bytes | None, number: int | None) -> None:
    if older.size > head.size:
        raise Bad(Place("cut", {"given": older.size, "there": head.size}, number), "cut")
    if root != older.root:
        raise Bad(Place("fork", {"given": older.size}, number), "fork")
