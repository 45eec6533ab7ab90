"""One log, recomputed from the bytes of its entries: order, hashes, tiles, root, signatures of events, the fold."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NoReturn

import msgspec
from firstbell.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash

from hub.dispatch import campus as campuses
from hub.dispatch import entries as e
from hub.dispatch.batch import Head
from hub.dispatch.campus import Campus
from hub.dispatch.fold import apply
from hub.ledger.errors import NoVerdict
from hub.ledger.project import commitments, project
from hub.ledger.tiles import TILE_HASHES, TILE_HEIGHT
from hub.ledger.tree import FullTile, Tree
from hub.ledger.verdict import Bad, Checked, Place, Why, entries_place
from hub.ledger.verify_events import Judges, Question

SIZE_BITS = 63
PROGRESS_ENTRIES = 1_000
"""`progress` is called after so many."""


@dataclass(slots=True)
class Story:
    """What all logs together tell, folded as they are walked. `rebuilt`: a database for the derived rows.

    `named`: where each sealed text is first named. `living`: where each incident that is not closed was raised; a light
    at another terminal belongs to none, and needs no statement to find that out. `snapshots`: the stored ones, by
    (epoch, size); those that equal the fold are taken out.
    """

    rebuilt: sqlite3.Connection
    judges: Judges
    snapshots: dict[tuple[int, int], bytes]
    checked: Checked
    progress: Callable[[int], None]
    campus: Campus = field(default_factory=Campus)
    enrolled: dict[str, e.TerminalEnrolled] = field(default_factory=dict)
    named: dict[str, Place] = field(default_factory=dict)
    living: dict[str, str] = field(default_factory=dict)


class LogCheck:
    """Walks log `head.epoch`. `previous`: the log before it, or None. `number`: its own as a place tells it, None where
    one log is all there is. `look_at`: a size at which the root is wanted, for an older checkpoint.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        story: Story,
        head: Head,
        previous: Head | None,
        number: int | None,
        look_at: int,
    ) -> None:
        self._connection = connection
        self._story = story
        self._head = head
        self._previous = previous
        self._number = number
        self._look_at = look_at
        self._suspect: tuple[int, int, Why] | None = None
        self._tile_doubt: tuple[int, int] | None = None
        self._bad_tile: tuple[Place, Why] | None = None
        self.root_then: bytes | None = None

    def run(self) -> None:
        """Raises Bad at the first place that is wrong."""
        tree = self._walk()
        if tree.root() != self._head.root:
            if not self._head.size:
                raise Bad(Place("checkpoint", log=self._number), "root")
            # Where neither leaf hashes nor tiles tell, whoever changed the entries has changed those as well: then
            # it can be any of them.
            self._give_up(0, self._head.size, "root")
        if self._suspect is not None:
            raise self._bad(self._suspect)
        if self._bad_tile is not None:
            raise Bad(*self._bad_tile)
        self._check_no_other_tiles()
        self._story.checked.logs += 1

    # ── the walk ─────────────────────────────────────────────────────────────────────────────────────────────

    def _walk(self) -> Tree:
        tree = Tree.empty(self._stored_tile)
        for rows in self._stretches():
            leaves = [leaf_hash(body) for _, _, body in rows]
            wrong = next((row[0] for row, leaf in zip(rows, leaves, strict=True) if row[1] != leaf), None)
            for index, _, body in rows:
                if index == wrong:
                    self._doubt(index, index + 1, "leaf")
                if self._suspect is None:
                    self._understand(index, body)
                self._story.checked.entries += 1
                if self._story.checked.entries % PROGRESS_ENTRIES == 0:
                    self._story.progress(self._story.checked.entries)
            tree = tree.append(leaves)
            for tile in tree.filled:
                self._compare_tile(tile)
            if tree.size == self._look_at:
                self.root_then = tree.root()
        if self._look_at == 0:
            self.root_then = EMPTY_ROOT
        self._hear_judges()
        return tree

    def _stretches(self) -> Iterator[list[tuple[int, bytes, bytes]]]:
        """Exactly the entries that the checkpoint is about, in order, up to the end of a tile or to `look_at` at a
        time. Raises Bad for a gap and for one too many.
        """
        cursor = self._connection.execute(
            "SELECT idx, leaf, body FROM entries WHERE epoch = ? ORDER BY idx", (self._head.epoch,)
        )
        start = 0
        while start < self._head.size:
            end = min(start - start % TILE_HASHES + TILE_HASHES, self._head.size)
            if start < self._look_at < end:
                end = self._look_at
            rows = cursor.fetchmany(end - start)
            there = [row for row, index in zip(rows, range(start, end), strict=False) if row[0] == index]
            yield there
            start += len(there)
            if start < end:
                following = rows[len(there)][0] if len(there) < len(rows) else self._head.size
                self._give_up(start, max(following, start + 1), "missing")
        row = cursor.fetchone()
        if row is not None:
            raise self._bad((row[0], row[0] + 1, "unsigned"))

    def _give_up(self, start: int, end: int, why: Why) -> NoReturn:
        """The entries are not those that were signed; the first sign of it on the way says where, if there was one."""
        self._hear_judges()
        signs: list[tuple[int, int, Why]] = [self._suspect] if self._suspect else []
        if self._tile_doubt:
            signs.append((*self._tile_doubt, "tile"))
        if not signs or why == "missing":
            signs.append((start, end, why))
        raise self._bad(min(signs))

    def _bad(self, sign: tuple[int, int, Why]) -> Bad:
        start, end, why = sign
        return Bad(entries_place(start, end, self._number), why)

    def _doubt(self, start: int, end: int, why: Why) -> None:
        if self._suspect is None or start <= self._suspect[0]:
            self._suspect = start, end, why

    def _hear_judges(self) -> None:
        """What is wrong with an event goes before what does not follow from it."""
        for finding in self._story.judges.findings():
            self._story.checked.events_unsigned += finding.unsigned
            if finding.why:
                self._doubt(finding.index, finding.index + 1, finding.why)

    # ── what an entry says ───────────────────────────────────────────────────────────────────────────────────

    def _understand(self, index: int, body: bytes) -> None:
        story = self._story
        why: Why | Literal[""] = ""
        try:
            entry = e.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            why = "unreadable"
        else:
            self._ask_judges(index, entry, body)
            why = self._wrong_beginning(index, entry)
            if not why and not self._fold(index, entry):
                why = "fold"
        if why:
            self._doubt(index, index + 1, why)
            return
        place = (self._head.epoch, index + 1)
        if place in story.snapshots and story.snapshots[place] == campuses.snapshot(story.campus):
            del story.snapshots[place]
            story.checked.snapshots += 1

    def _fold(self, index: int, entry: e.Entry) -> bool:
        story = self._story
        try:
            apply(story.campus, entry)
            if isinstance(entry, e.IncidentRaised):
                story.living.setdefault(entry.incident, entry.terminal)
            elif isinstance(entry, e.Closed):
                story.living.pop(entry.incident, None)
            if not isinstance(entry, e.LightShown) or entry.terminal in story.living.values():
                project(story.rebuilt, self._head.epoch, index, entry)
        except (sqlite3.OperationalError, MemoryError) as error:
            # No room for `rebuilt`: no fault of the entry's.
            raise NoVerdict(str(error)) from error
        except Exception:
            # Whatever it is, an entry that the hub could fold when it wrote it folds again.
            return False
        for commitment in commitments(entry):
            story.named.setdefault(commitment, entries_place(index, index + 1, self._number))
        return True

    def _wrong_beginning(self, index: int, entry: e.Entry) -> Why | Literal[""]:
        """A log begins with LogBegan, which says where the one before it ended, and has no other."""
        if not isinstance(entry, e.LogBegan):
            return "" if index else "log_began"
        right = not index and entry.origin == _origin(self._head)
        if right and self._previous is not None:
            ended = (_origin(self._previous), self._previous.size, self._previous.root.hex())
            right = ended == (entry.previous_origin, entry.previous_size, entry.previous_root)
        elif right:
            right = not entry.previous_origin
        return "" if right else "log_began"

    def _ask_judges(self, index: int, entry: e.Entry, body: bytes) -> None:
        story = self._story
        if isinstance(entry, e.TerminalEnrolled):
            story.enrolled[entry.terminal] = entry
        elif isinstance(entry, e.EventRecorded):
            story.judges.ask(Question(index, body, story.enrolled.get(entry.terminal)))
            story.checked.events += 1

    # ── tiles ────────────────────────────────────────────────────────────────────────────────────────────────

    def _compare_tile(self, tile: FullTile) -> None:
        """A stored tile that differs tells of a changed tile or of changed entries: the root decides which."""
        self._story.checked.tiles += 1
        stored = self._stored_tile(tile.level, tile.n)
        if stored == tile.hashes:
            return
        if self._bad_tile is None:
            self._bad_tile = self._tile_place(tile.level, tile.n), "tile" if stored else "missing"
        if len(stored) == len(tile.hashes):
            start, end = _first_difference(tile, stored)
            if self._tile_doubt is None or start < self._tile_doubt[0]:
                self._tile_doubt = start, end

    def _stored_tile(self, level: int, n: int) -> bytes:
        """Empty when it is missing."""
        row = self._connection.execute(
            "SELECT hashes FROM tiles WHERE epoch = ? AND level = ? AND n = ?", (self._head.epoch, level, n)
        ).fetchone()
        return bytes(row[0]) if row else b""

    def _check_no_other_tiles(self) -> None:
        rows = self._connection.execute(
            "SELECT level, n FROM tiles WHERE epoch = ? ORDER BY level, n", (self._head.epoch,)
        )
        for level, n in rows:
            full = self._head.size >> min(max(level + 1, 0) * TILE_HEIGHT, SIZE_BITS)
            if level < 0 or not 0 <= n < full:
                raise Bad(self._tile_place(level, n), "unsigned")

    def _tile_place(self, level: int, n: int) -> Place:
        return Place("tile", {"tile": f"{level}/{n}"}, self._number)


def _first_difference(tile: FullTile, stored: bytes) -> tuple[int, int]:
    """The entries beneath the first hash in which both differ."""
    hashes = range(0, len(stored), HASH_BYTES)
    at = next(at for at in hashes if stored[at : at + HASH_BYTES] != tile.hashes[at : at + HASH_BYTES])
    height = tile.level * TILE_HEIGHT
    place = tile.n * TILE_HASHES + at // HASH_BYTES
    return place << height, (place + 1) << height


def _origin(head: Head) -> str:
    return head.note.partition("\n")[0]
