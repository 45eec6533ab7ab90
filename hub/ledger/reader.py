"""Reads the ledger and what lies beside it, beside a running hub or without one. Never writes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hub.database import open_read_only
from hub.dispatch import campus as campuses
from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry, decode
from hub.dispatch.fold import apply
from hub.ledger.errors import LedgerDamaged
from hub.ledger.sealed import Sealed
from hub.ledger.tiles import TILE_HASHES, encode_bundle, width_at
from hub.ledger.tree import Tree
from hub.ledger.writer import Receipt

DETAILS_DOMAINS_LIKE = "firstbell/%-details/v1"


@dataclass(frozen=True, slots=True)
class Head:
    epoch: int
    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class IncidentRow:
    """One line of the list of incidents. Times are hub time."""

    incident: str
    terminal: str
    zone: str
    raised_ms: int
    state: str
    outcome: str
    drill: bool
    test: bool
    presses: int


class Reader:
    """One read-only connection. Every method raises sqlite3.Error when the file can't be read."""

    def __init__(self, path: Path) -> None:
        self._connection = open_read_only(path)
        self._tree: tuple[Head, Tree] | None = None

    def close(self) -> None:
        self._connection.close()

    def head(self) -> Head:
        row = self._connection.execute("SELECT epoch, size, root, note FROM head").fetchone()
        if row is None:
            raise LedgerDamaged("the head is missing")
        return Head(*row)

    def tree(self) -> Tree:
        """The tree of the present head; kept until the head moves."""
        head = self.head()
        if self._tree is None or self._tree[0] != head:
            start = head.size - head.size % TILE_HASHES
            leaves = [leaf for _, leaf in self._rows("leaf", head.epoch, start, head.size)]
            self._tree = head, Tree.load(head.size, leaves, lambda level, n: self._full_tile(head.epoch, level, n))
        return self._tree[1]

    def recorded(self, digest: str) -> bool:
        return self._connection.execute("SELECT 1 FROM events WHERE digest = ?", (digest,)).fetchone() is not None

    def receipt(self, digest: str) -> Receipt | None:
        """A receipt under the present head for an event of the present log, or None."""
        row = self._connection.execute(
            "SELECT events.epoch, idx, body FROM events JOIN entries USING (epoch, idx) WHERE digest = ?", (digest,)
        ).fetchone()
        head = self.head()
        if row is None or row[0] != head.epoch or row[1] >= head.size:
            return None
        proof = self.tree().inclusion_proof(row[1], head.size)
        return Receipt(row[1], bytes(row[2]).decode(), tuple(proof), head.note)

    def entries(self, epoch: int, start: int, end: int) -> Iterator[tuple[int, Entry]]:
        """(index, entry) from `start` up to `end`."""
        for index, body in self._rows("body", epoch, start, end):
            yield index, decode(body)

    def incident(self, incident: str) -> IncidentRow | None:
        row = self._connection.execute(
            """SELECT incident, terminal, zone, raised_ms, state, outcome, drill, test, presses FROM incidents
            WHERE incident = ?""",
            (incident,),
        ).fetchone()
        return _incident(row) if row else None

    def incidents(self, count_max: int) -> list[IncidentRow]:
        """The newest incidents, newest first."""
        rows = self._connection.execute(
            """SELECT incident, terminal, zone, raised_ms, state, outcome, drill, test, presses FROM incidents
            ORDER BY epoch DESC, first_idx DESC LIMIT ?""",
            (count_max,),
        )
        return [_incident(row) for row in rows]

    def incident_entries(self, incident: str) -> list[tuple[int, Entry]]:
        """(index, entry) of everything that concerns this incident, in order."""
        rows = self._connection.execute(
            """SELECT idx, body FROM incident_entries JOIN entries USING (epoch, idx) WHERE incident = ?
            ORDER BY epoch, idx""",
            (incident,),
        )
        return [(index, decode(bytes(body))) for index, body in rows]

    def load_campus(self) -> Campus:
        """The campus of the present head: the newest snapshot and the fold of what came after it."""
        row = self._connection.execute(
            "SELECT epoch, size, campus FROM snapshots ORDER BY epoch DESC, size DESC LIMIT 1"
        ).fetchone()
        epoch, size, campus = (row[0], row[1], campuses.restore(bytes(row[2]))) if row else (1, 0, Campus())
        bodies = self._connection.execute(
            "SELECT body FROM entries WHERE (epoch, idx) >= (?, ?) ORDER BY epoch, idx", (epoch, size)
        )
        for (body,) in bodies:
            apply(campus, decode(bytes(body)))
        return campus

    def details(self) -> Iterator[Sealed]:
        """The sealed names of people and places."""
        rows = self._connection.execute(
            "SELECT commitment, domain, salt, text FROM sealed WHERE domain LIKE ?", (DETAILS_DOMAINS_LIKE,)
        )
        for row in rows:
            yield Sealed(*row)

    def sealed(self, commitment: str) -> Sealed | None:
        row = self._connection.execute(
            "SELECT commitment, domain, salt, text FROM sealed WHERE commitment = ?", (commitment,)
        ).fetchone()
        return Sealed(*row) if row else None

    def secret(self, owner: str, kind: str) -> bytes | None:
        row = self._connection.execute(
            "SELECT value FROM secrets WHERE owner = ? AND kind = ?", (owner, kind)
        ).fetchone()
        return bytes(row[0]) if row else None

    def secret_owner(self, kind: str, value: bytes) -> str | None:
        """Whose secret of this kind has this value (a hash of something random, so that finding it tells nothing)."""
        row = self._connection.execute(
            "SELECT owner FROM secrets WHERE kind = ? AND value = ?", (kind, value)
        ).fetchone()
        return str(row[0]) if row else None

    def tile(self, level: int, n: int, width: int) -> bytes | None:
        """The hashes of a tile of the present log, or None where there are not so many."""
        tree = self.tree()
        return tree.tile(level, n, width) if 0 < width <= width_at(level, n, tree.size) else None

    def bundle(self, n: int, width: int) -> bytes | None:
        """An entry bundle of the present log, or None where there are not so many entries."""
        head = self.head()
        if not 0 < width <= width_at(0, n, head.size):
            return None
        start = n * TILE_HASHES
        return encode_bundle([body for _, body in self._rows("body", head.epoch, start, start + width)])

    def _rows(self, column: str, epoch: int, start: int, end: int) -> Iterator[tuple[int, bytes]]:
        rows = self._connection.execute(
            f"SELECT idx, {column} FROM entries WHERE epoch = ? AND idx >= ? AND idx < ? ORDER BY idx",  # noqa: S608
            (epoch, start, end),
        )
        for index, value in rows:
            yield index, bytes(value)

    def _full_tile(self, epoch: int, level: int, n: int) -> bytes:
        row = self._connection.execute(
            "SELECT hashes FROM tiles WHERE epoch = ? AND level = ? AND n = ?", (epoch, level, n)
        ).fetchone()
        if row is None:
            raise LedgerDamaged(f"tile {level}/{n} is missing")
        return bytes(row[0])


def _incident(row: tuple[str, str, str, int, str, str, int, int, int]) -> IncidentRow:
    incident, terminal, zone, raised_ms, state, outcome, drill, test, presses = row
    return IncidentRow(incident, terminal, zone, raised_ms, state, outcome, bool(drill), bool(test), presses)
