"""Reads the ledger and what lies beside it, beside a running hub or without one. Never writes.

One connection. Every method raises sqlite3.Error when the file can't be read, and LedgerDamaged when it can't be what
was once written. A running hub asks through `hub.ledger.lookups`.
"""

import functools
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
from firstbell.note import Checkpoint

from hub.database import is_migrated
from hub.dispatch import campus as campuses
from hub.dispatch.batch import Head, Receipt, Sealed, SecretKind
from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry, UtcSet, decode
from hub.dispatch.fold import apply
from hub.ledger.errors import LedgerDamaged
from hub.ledger.origin import EPOCH_FIRST, split_origin
from hub.ledger.tiles import TILE_HASHES, encode_bundle, width_at
from hub.ledger.tree import Tree

DETAILS_DOMAINS_LIKE = "firstbell/%-details/v1"
CATCH_UP_ENTRIES = 1_024
"""A tree that is further behind is loaded anew from its tiles."""

_UTC_SET_BEGINS = b'{"kind":"utc_set",'

Standing = Literal["prefix", "ended", "fork", "stranger"]

_INCIDENT_COLUMNS = "incident, terminal, zone, severity, raised_ms, state, outcome, drill, test, presses"


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One line of the list of incidents. `raised_ms`: hub time."""

    incident: str
    terminal: str
    zone: str
    severity: str
    raised_ms: int
    state: str
    outcome: str
    drill: bool
    test: bool
    presses: int


class Reader:
    """Reads with `connection`, which `close` closes; nobody else uses it meanwhile."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._trees: dict[int, tuple[Head, Tree]] = {}

    def close(self) -> None:
        self._connection.close()

    # ── the log ──────────────────────────────────────────────────────────────────────────────────────────────

    def head(self) -> Head:
        """The end of the present log; its `note` is what `/checkpoint` serves."""
        row = self._row("SELECT epoch, size, root, note FROM head")
        if row is None:
            raise LedgerDamaged("the head is missing")
        return Head(*row)

    def head_of(self, epoch: int) -> Head | None:
        """The end of log `epoch`, the present one or one that ended; None when there is none."""
        head = self.head()
        if head.epoch == epoch:
            return head
        row = self._row("SELECT epoch, size, root, note FROM logs WHERE epoch = ?", epoch)
        return Head(*row) if row else None

    def tile(self, level: int, n: int, width: int) -> bytes | None:
        """The first `width` hashes of a tile of the present log, or None where there are not so many."""
        tree = self._tree(self.head())
        return tree.tile(level, n, width) if 0 < width <= width_at(level, n, tree.size) else None

    def bundle(self, n: int, width: int) -> bytes | None:
        """The first `width` entries of an entry bundle of the present log, or None where there are not so many."""
        head = self.head()
        if not 0 < width <= width_at("entries", n, head.size):
            return None
        start = n * TILE_HASHES
        return encode_bundle([body for _, body in self._bodies(head.epoch, start, start + width)])

    def root_at(self, epoch: int, size: int) -> bytes | None:
        """The root over the first `size` entries of log `epoch`; None where there are not so many."""
        head = self.head_of(epoch)
        return self._tree(head).root_at(size) if head and size <= head.size else None

    def standing(self, remembered: Checkpoint) -> Standing:
        """How a checkpoint that somebody remembers stands to our logs. Whoever asks has checked its signature.

        prefix: our log of that origin goes on from it. ended: it isn't, but that log has ended here and a new one
        was begun: nothing that we sign now can contradict it. fork: it isn't, and the next signature would make two
        histories of one log; a new log has to be begun. stranger: another hub's.
        """
        head = self.head()
        base, epoch = split_origin(remembered.origin)
        if base != split_origin(head.note.partition("\n")[0])[0]:
            return "stranger"
        if self.root_at(epoch, remembered.size) == remembered.root:
            return "prefix"
        return "ended" if epoch < head.epoch else "fork"

    def entries(self, epoch: int, start: int, end: int) -> Iterator[tuple[int, Entry]]:
        """(index, entry) from `start` up to `end`."""
        for index, body in self._bodies(epoch, start, end):
            yield index, _decode(epoch, index, body)

    # ── events and incidents ─────────────────────────────────────────────────────────────────────────────────

    def recorded(self, digest: str) -> bool:
        """Whether the event of this digest is in the ledger. Raises sqlite3.Error."""
        return self._row("SELECT 1 FROM events WHERE digest = ?", digest) is not None

    def receipt(self, digest: str) -> Receipt | None:
        """The receipt of a recorded event under the newest checkpoint of its log; None for an unknown event."""
        row = self._row("SELECT epoch, idx, body FROM events JOIN entries USING (epoch, idx) WHERE digest = ?", digest)
        if row is None:
            return None
        epoch, index, body = row
        head = self.head_of(epoch)
        if head is None:
            raise LedgerDamaged(f"log {epoch} has an entry and no head")
        proof = self._tree(head).inclusion_proof(index, head.size)
        try:
            text = bytes(body).decode()
        except UnicodeDecodeError as error:
            raise LedgerDamaged(f"entry {index} of log {epoch} is no text") from error
        return Receipt(index, text, tuple(proof), head.note)

    def incident(self, incident: str) -> IncidentRow | None:
        row = self._row(f"SELECT {_INCIDENT_COLUMNS} FROM incidents WHERE incident = ?", incident)  # noqa: S608
        return _incident(row) if row else None

    def incidents(self, count_max: int) -> list[IncidentRow]:
        """The newest incidents, newest first."""
        rows = self._connection.execute(
            f"SELECT {_INCIDENT_COLUMNS} FROM incidents ORDER BY epoch DESC, idx DESC LIMIT ?",  # noqa: S608
            (count_max,),
        )
        return [_incident(row) for row in rows]

    def incident_entries(self, incident: str) -> list[tuple[int, Entry]]:
        """(index, entry) of everything that concerns this incident, in order, what its wall light showed too."""
        rows = self._connection.execute(
            """SELECT epoch, idx, body FROM incident_entries JOIN entries USING (epoch, idx) WHERE incident = ?
            ORDER BY epoch, idx""",
            (incident,),
        )
        return [(index, _decode(epoch, index, bytes(body))) for epoch, index, body in rows]

    def tested_ms(self, terminal: str) -> int | None:
        """Hub time of the newest alarm of this terminal that was marked as a test; None: there is none."""
        row = self._row("SELECT max(raised_ms) FROM incidents WHERE terminal = ? AND test = 1", terminal)
        return None if row[0] is None else int(row[0])

    def utc_offsets(self) -> list[tuple[int, int]]:
        """(hub time, offset): how far UTC was from hub time, each from when on, in order."""
        rows = self._connection.execute(
            "SELECT epoch, idx, body FROM entries WHERE substr(body, 1, ?) = ? ORDER BY epoch, idx",
            (len(_UTC_SET_BEGINS), _UTC_SET_BEGINS),
        )
        entries = [_decode(epoch, index, bytes(body)) for epoch, index, body in rows]
        return [(entry.at_ms, entry.offset_ms) for entry in entries if isinstance(entry, UtcSet)]

    # ── the campus ───────────────────────────────────────────────────────────────────────────────────────────

    def load_campus(self) -> Campus:
        """The campus of the present head: the newest snapshot, and the fold of what came after it."""
        epoch, size, campus = self._last_snapshot()
        bodies = self._connection.execute(
            "SELECT epoch, idx, body FROM entries WHERE (epoch, idx) >= (?, ?) ORDER BY epoch, idx", (epoch, size)
        )
        for at_epoch, index, body in bodies:
            apply(campus, _decode(at_epoch, index, bytes(body)))
        return campus

    def _last_snapshot(self) -> tuple[int, int, Campus]:
        rows = self._connection.execute("SELECT epoch, size, campus FROM snapshots ORDER BY epoch DESC, size DESC")
        # An earlier version's campus held something else.
        for epoch, size, data in rows.fetchall() if is_migrated(self._connection) else ():
            try:
                return epoch, size, campuses.restore(bytes(data))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                # It only saves time. `verify` tells of it.
                continue
        return EPOCH_FIRST, 0, Campus()

    # ── sealed texts and secrets ─────────────────────────────────────────────────────────────────────────────

    def details(self) -> Iterator[Sealed]:
        """The sealed names of people and places."""
        rows = self._connection.execute(
            "SELECT commitment, domain, salt, text FROM sealed WHERE domain LIKE ?", (DETAILS_DOMAINS_LIKE,)
        )
        for row in rows:
            yield Sealed(*row)

    def sealed(self, commitment: str) -> Sealed | None:
        row = self._row("SELECT commitment, domain, salt, text FROM sealed WHERE commitment = ?", commitment)
        return Sealed(*row) if row else None

    def secret(self, owner: str, kind: SecretKind) -> bytes | None:
        row = self._row("SELECT value FROM secrets WHERE owner = ? AND kind = ?", owner, kind)
        return bytes(row[0]) if row else None

    def secret_owner(self, kind: SecretKind, value: bytes) -> str | None:
        """Whose secret of this kind has this value (a hash of something random, so that finding it tells nothing)."""
        row = self._row("SELECT owner FROM secrets WHERE kind = ? AND value = ?", kind, value)
        return str(row[0]) if row else None

    # ── beneath ──────────────────────────────────────────────────────────────────────────────────────────────

    def _row(self, query: str, *values: object) -> Any:
        return self._connection.execute(query, values).fetchone()

    def _bodies(self, epoch: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        rows = self._connection.execute(
            "SELECT idx, body FROM entries WHERE epoch = ? AND idx >= ? AND idx < ? ORDER BY idx", (epoch, start, end)
        )
        for index, body in rows:
            yield index, bytes(body)

    def _tree(self, head: Head) -> Tree:
        """The tree of a log at its end, kept, and grown when the log has grown."""
        known, tree = self._trees.get(head.epoch, (None, None))
        if tree is not None and known == head:
            return tree
        if tree is not None and tree.size <= head.size <= tree.size + CATCH_UP_ENTRIES:
            tree = tree.append(self._leaves(head.epoch, tree.size, head.size))
        else:
            start = head.size - head.size % TILE_HASHES
            leaves = self._leaves(head.epoch, start, head.size)
            tree = Tree.load(head.size, leaves, functools.partial(self._full_tile, head.epoch))
        if (tree.size, tree.root()) != (head.size, head.root):
            raise LedgerDamaged(f"the tree of {head.size} entries is not the one that was signed")
        self._trees[head.epoch] = head, tree
        return tree

    def _leaves(self, epoch: int, start: int, end: int) -> list[bytes]:
        rows = self._connection.execute(
            "SELECT leaf FROM entries WHERE epoch = ? AND idx >= ? AND idx < ? ORDER BY idx", (epoch, start, end)
        )
        return [bytes(leaf) for (leaf,) in rows]

    def _full_tile(self, epoch: int, level: int, n: int) -> bytes:
        row = self._row("SELECT hashes FROM tiles WHERE epoch = ? AND level = ? AND n = ?", epoch, level, n)
        if row is None:
            raise LedgerDamaged(f"tile {level}/{n} is missing")
        return bytes(row[0])


def _decode(epoch: int, index: int, body: bytes) -> Entry:
    try:
        return decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise LedgerDamaged(f"entry {index} of log {epoch} can't be read: {error}") from error


def _incident(row: tuple[Any, ...]) -> IncidentRow:
    incident, terminal, zone, severity, raised_ms, state, outcome, drill, test, presses = row
    return IncidentRow(incident, terminal, zone, severity, raised_ms, state, outcome, bool(drill), bool(test), presses)
