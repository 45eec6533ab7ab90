"""One log, recomputed from the bytes of its entries: order, hashes, tiles, root, signatures of events, the fold."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NoReturn

import msgspec
from firstbell.merkle import EMPTY_ROOT, HASH_BYTES, leaf_hash

from hub.dispatch import campus as campuses
from hub.dispatch import entries as e
from hub.dispatch.campus import Campus
from hub.dispatch.fold import apply
from hub.ledger.batch import Head
from hub.ledger.evidence import judge_event
from hub.ledger.project import commitments, project
from hub.ledger.tiles import TILE_HASHES, TILE_HEIGHT
from hub.ledger.tree import FullTile, Tree
from hub.ledger.verdict import Bad, Checked, Why, entries_place

SIZE_BITS = 63
PROGRESS_ENTRIES = 1_000
"""`progress` is called after so many."""


@dataclass(slots=True)
class Story:
    """What all logs together tell, folded as they are walked. `rebuilt`: a database for the derived rows.

    `named`: where each sealed text is first named. `snapshots`: the stored ones, by (epoch, size); those that equal
    the fold are taken out.
    """

    rebuilt: sqlite3.Connection
    snapshots: dict[tuple[int, int], bytes]
    checked: Checked
    progress: Callable[[int], None]
    campus: Campus = field(default_factory=Campus)
    enrolled: dict[str, e.TerminalEnrolled] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)


class LogCheck:
    """Walks log `head.epoch`. `previous`: the log before it, or None. `label`: " of log 2", or nothing where one log
    is all there is. `look_at`: a size at which the root is wanted, for an older checkpoint.
    """

    def __init__(
        self, connection: sqlite3.Connection, story: Story, head: Head, previous: Head | None, label: str, look_at: int
    ) -> None:
        self._connection = connection
        self._story = story
        self._head = head
        self._previous = previous
        self._label = label
        self._look_at = look_at
        self._suspect: tuple[int, int, Why] | None = None
        self._tile_doubt: tuple[int, int] | None = None
        self._bad_tile: tuple[str, Why] | None = None
        self.root_then: bytes | None = None

    def run(self) -> None:
        """Raises Bad at the first place that is wrong."""
        tree = self._walk()
        if tree.root() != self._head.root:
            if not self._head.size:
                raise Bad("checkpoint" + self._label, "root")
            # Where neither leaf hashes nor tiles tell, whoever changed the entries has changed those as well: then
            # it can be any of them.
            self._give_up(0, self._head.size, "root")
        if self._suspect is not None:
            raise self._bad(self._suspect)
        if self._bad_tile is not None:
            place, why = self._bad_tile
            raise Bad(place + self._label, why)
        self._check_no_other_tiles()
        self._story.checked.logs += 1

    # ── the walk ─────────────────────────────────────────────────────────────────────────────────────────────

    def _walk(self) -> Tree:
        tree = Tree.empty(self._stored_tile)
        leaves: list[bytes] = []
        for index, leaf, body in self._rows():
            computed = leaf_hash(body)
            if computed != leaf:
                self._doubt(index, index + 1, "leaf")
            leaves.append(computed)
            if self._suspect is None:
                self._understand(index, body)
            done = index + 1
            if len(leaves) == TILE_HASHES or done in (self._look_at, self._head.size):
                tree = tree.append(leaves)
                leaves.clear()
                for tile in tree.filled:
                    self._compare_tile(tile)
            if done == self._look_at:
                self.root_then = tree.root()
            self._story.checked.entries += 1
            if self._story.checked.entries % PROGRESS_ENTRIES == 0:
                self._story.progress(self._story.checked.entries)
        if self._look_at == 0:
            self.root_then = EMPTY_ROOT
        return tree

    def _rows(self) -> Iterator[tuple[int, bytes, bytes]]:
        """Exactly the entries that the checkpoint is about, in order. Raises Bad for a gap and for one too many."""
        rows = self._connection.execute(
            "SELECT idx, leaf, body FROM entries WHERE epoch = ? ORDER BY idx", (self._head.epoch,)
        )
        expected = 0
        for index, leaf, body in rows:
            if expected >= self._head.size:
                raise self._bad((index, index + 1, "unsigned"))
            if index != expected:
                self._give_up(expected, max(index, expected + 1), "missing")
            yield index, leaf, body
            expected += 1
        if expected < self._head.size:
            self._give_up(expected, self._head.size, "missing")

    def _give_up(self, start: int, end: int, why: Why) -> NoReturn:
        """The entries are not those that were signed; the first sign of it on the way says where, if there was one."""
        signs: list[tuple[int, int, Why]] = [self._suspect] if self._suspect else []
        if self._tile_doubt:
            signs.append((*self._tile_doubt, "tile"))
        if not signs or why == "missing":
            signs.append((start, end, why))
        raise self._bad(min(signs))

    def _bad(self, sign: tuple[int, int, Why]) -> Bad:
        start, end, why = sign
        return Bad(entries_place(start, end) + self._label, why)

    def _doubt(self, start: int, end: int, why: Why) -> None:
        if self._suspect is None or start < self._suspect[0]:
            self._suspect = start, end, why

    # ── what an entry says ───────────────────────────────────────────────────────────────────────────────────

    def _understand(self, index: int, body: bytes) -> None:
        story = self._story
        why: Why | Literal[""] = ""
        try:
            entry = e.decode(body)
        except msgspec.MsgspecError:
            why = "unreadable"
        else:
            why = self._wrong_beginning(index, entry) or self._wrong_event(entry)
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
            project(story.rebuilt, self._head.epoch, index, entry)
        except Exception:
            # Whatever it is, an entry that the hub could fold when it wrote it folds again.
            return False
        for commitment in commitments(entry):
            story.named.setdefault(commitment, f"entry {index}{self._label}")
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

    def _wrong_event(self, entry: e.Entry) -> Why | Literal[""]:
        story = self._story
        if isinstance(entry, e.TerminalEnrolled):
            story.enrolled[entry.terminal] = entry
        if not isinstance(entry, e.EventRecorded):
            return ""
        judgement = judge_event(entry, story.enrolled.get(entry.terminal))
        story.checked.events += 1
        story.checked.events_unsigned += not judgement.checkable
        return judgement.wrong

    # ── tiles ────────────────────────────────────────────────────────────────────────────────────────────────

    def _compare_tile(self, tile: FullTile) -> None:
        """A stored tile that differs tells of a changed tile or of changed entries: the root decides which."""
        self._story.checked.tiles += 1
        stored = self._stored_tile(tile.level, tile.n)
        if stored == tile.hashes:
            return
        if self._bad_tile is None:
            self._bad_tile = f"tile {tile.level}/{tile.n}", "tile" if stored else "missing"
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
                raise Bad(f"tile {level}/{n}{self._label}", "unsigned")


def _first_difference(tile: FullTile, stored: bytes) -> tuple[int, int]:
    """The entries beneath the first hash in which both differ."""
    hashes = range(0, len(stored), HASH_BYTES)
    at = next(at for at in hashes if stored[at : at + HASH_BYTES] != tile.hashes[at : at + HASH_BYTES])
    height = tile.level * TILE_HEIGHT
    place = tile.n * TILE_HASHES + at // HASH_BYTES
    return place << height, (place + 1) << height


def _origin(head: Head) -> str:
    return head.note.partition("\n")[0]
