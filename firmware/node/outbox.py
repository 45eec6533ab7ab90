"""What a node must not forget: signed events until their light is out, its boot number, the newest checkpoint.

The same interface as the Pi's outbox. `add` and the others change memory only; `store` brings the flash behind, in one
write for all that waits. Of an event that is stored only a row of a few bytes stays in memory: where it is.
"""

import binascii

from firstbell.jws import digest_of

from node.rows import DIRTY, GONE, MARK_BYTES, PANIC, RECEIPTED, Rows
from node.segments import Segments, record

try:
    from collections.abc import Callable, Iterable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

EVENTS_MAX = 1_000
"""Kept at most. Above it the oldest receipted go, then the oldest that were no panic; a panic without receipt stays."""
UNSTORED_EVENTS_MAX = 24
"""Kept in memory while the flash fails; above it an event is only sent."""
SEGMENTS_MAX = 34
"""Above it what still counts in the oldest is written anew, and the oldest goes: half a MiB at most."""
WRITE_EVENTS_MAX = 32
"""In one write; a thousand would take tens of KiB of memory."""
MOVE_EVENTS_MAX = 8
"""In one write, where a segment's events move on: their text is in memory, and each write wears out a block."""
LAZY_MS = 1_000
"""Receipts and what follows from them wait this long for company."""
RETRY_MS = 5_000
"""After a write that failed."""
BOOT_JUMP_MIN = 1 << 31
BOOT_JUMP_BITS = 46
"""A boot whose number could not be kept takes one from here by chance, so that no two boots share a number."""

_EVENT = 1
_STATE = 2
_MEMORY = 3


class Memory:
    """`boot`: this start's number. `checkpoint`: the largest verified, "" for none."""

    def __init__(self, boot: int, checkpoint: str, silent: bool) -> None:
        self.boot = boot
        self.checkpoint = checkpoint
        self.silent = silent

    def record(self) -> bytes:
        return record(_MEMORY, self.boot.to_bytes(8, "big") + bytes((self.silent,)) + self.checkpoint.encode())


class Kept:
    """One event. `pressed_ms`: mono time, 0 when it is not known any more."""

    def __init__(self, place: int, flags: int, jws: str, pressed_ms: int) -> None:
        self.place = place
        self.panic = bool(flags & PANIC)
        self.receipted = bool(flags & RECEIPTED)
        self.jws = jws
        self.pressed_ms = pressed_ms


class Outbox:
    """`problem`: why the flash does not hold what it should; "" while it does."""

    def __init__(self, folder: str) -> None:
        self._segments = Segments(folder)
        self._memory = Memory(0, "", False)
        self._rows = Rows()
        self._unstored: dict[int, tuple[str, int]] = {}
        """Text and pressed_ms of those that are not on the flash yet, by place."""
        self._memory_dirty = False
        self._urgent = False
        self._failed = False
        self._store_ms: int | None = None
        self._next_place = 1
        self.problem = ""

    @property
    def pending(self) -> int:
        """How many events have no receipt."""
        return self._rows.count(0, RECEIPTED | GONE)

    @property
    def kept(self) -> int:
        """How many events there are, with a receipt or without."""
        return self._rows.count(0, GONE)

    @property
    def unstored(self) -> int:
        """How many events are not on the flash yet."""
        return len(self._unstored)

    # ── the start ────────────────────────────────────────────────────────────────────────────────────────────

    def open(self, random: "Callable[[int], bytes]", feed: "Callable[[], None]") -> Memory:
        """Begins a boot: its number is on the flash when this returns, unless `problem` says that it can't be. A full
        flash takes a board seconds to read: `feed` is called at each record."""
        try:
            self._segments.open()
            for number in self._segments.numbers:
                self._load(number, feed)
            self._memory.boot += 1
            if self.problem:
                # The highest number used may be in what could not be read.
                self._memory.boot = _chance_boot(random)
            self._append([], [])
        except OSError as error:
            self._memory.boot = _chance_boot(random)
            self._memory_dirty = True
            self._fail(error, 0)
        return self._memory

    def _load(self, number: int, feed: "Callable[[], None]") -> None:
        try:
            for offset, kind, payload in self._segments.read(number):
                feed()
                self._recall(number, offset, kind, payload)
        except OSError as error:
            self.problem = "flash_failed: " + str(error)

    def _recall(self, number: int, offset: int, kind: int, payload: bytes) -> None:
        if kind == _MEMORY:
            boot = max(self._memory.boot, int.from_bytes(payload[:8], "big"))
            self._memory = Memory(boot, payload[9:].decode(), bool(payload[8]))
            return
        place = int.from_bytes(payload[:4], "big")
        flags = payload[4]
        self._next_place = max(self._next_place, place + 1)
        row = self._rows.find(place)
        if kind == _EVENT:
            row = self._rows.insert(place, flags) if row is None else row
            self._rows.segments[row] = number
            self._rows.offsets[row] = offset
        if row is None:
            return
        self._rows.flags[row] = flags
        if flags & GONE:
            self._rows.remove(row)

    # ── what changes ─────────────────────────────────────────────────────────────────────────────────────────

    def add(self, digest: str, jws: str, panic: bool, pressed_ms: int) -> None:
        """Keep an event, pressed at mono `pressed_ms`. Where there is no room it takes the place of one that is missed
        less, or is only sent."""
        if len(self._unstored) >= UNSTORED_EVENTS_MAX or not self._make_room():
            return
        place = self._next_place
        self._next_place += 1
        row = self._rows.insert(place, DIRTY | (PANIC if panic else 0))
        self._rows.mark(row, _mark(digest))
        self._unstored[place] = (jws, pressed_ms)
        self._urgent = True

    def _make_room(self) -> bool:
        if self.kept < EVENTS_MAX:
            return True
        row = self._rows.first(RECEIPTED, GONE)
        if row is None:
            row = self._rows.first(0, PANIC | GONE)
        if row is None:
            return False
        self._set(row, GONE)
        return True

    def receipted(self, digest: str) -> None:
        """The event is in the ledger; it stays until `drop`."""
        row = self._rows.marked(_mark(digest))
        if row is not None:
            self._set(row, RECEIPTED)

    def drop(self, digests: "Iterable[str]") -> None:
        """Their light is out."""
        for digest in digests:
            row = self._rows.marked(_mark(digest))
            if row is not None:
                self._set(row, GONE)

    def _set(self, row: int, flag: int) -> None:
        place = self._rows.places[row]
        if flag == GONE and self._unstored.pop(place, None) is not None:
            self._rows.remove(row)
        else:
            self._rows.flags[row] |= flag | DIRTY

    def remember(self, *, checkpoint: str | None = None, silent: bool | None = None) -> None:
        """Keep the largest verified checkpoint, or whether this node is silent."""
        memory = self._memory
        if checkpoint is not None and checkpoint != memory.checkpoint:
            memory.checkpoint = checkpoint
            self._memory_dirty = True
        if silent is not None and silent != memory.silent:
            memory.silent = silent
            self._memory_dirty = self._urgent = True

    # ── what is kept ─────────────────────────────────────────────────────────────────────────────────────────

    def after(self, place: int, count: int) -> "list[Kept]":
        """The next `count` kept events behind `place` (0: from the oldest)."""
        found: list[Kept] = []
        row = self._rows.start(place + 1)
        while row < len(self._rows) and len(found) < count:
            kept = None if self._rows.flags[row] & GONE else self._read(row)
            if kept is not None:
                self._rows.mark(row, _mark(digest_of(kept.jws)))
                found.append(kept)
            row += 1
        return found

    def _read(self, row: int) -> Kept | None:
        """None for one that the flash has lost."""
        place, flags = self._rows.places[row], self._rows.flags[row]
        if place in self._unstored:
            jws, pressed_ms = self._unstored[place]
            return Kept(place, flags, jws, pressed_ms)
        try:
            found = self._segments.read_at(self._rows.segments[row], self._rows.offsets[row])
        except OSError as error:
            self.problem = "flash_failed: " + str(error)
            return None
        if found is None or found[0] != _EVENT or int.from_bytes(found[1][:4], "big") != place:
            self.problem = "event_rotten"
            self._rows.flags[row] |= GONE | DIRTY
            return None
        return Kept(place, flags, found[1][5:].decode(), 0)

    # ── the flash ────────────────────────────────────────────────────────────────────────────────────────────

    def store(self, now_ms: int) -> int | None:
        """Writes what is due; returns when to be called again if nothing is added before, None for never."""
        dirty = self._rows.count(DIRTY, 0)
        if not (dirty or self._memory_dirty):
            return None
        if self._store_ms is None or (self._urgent and not self._failed):
            self._store_ms = now_ms if self._urgent else now_ms + LAZY_MS
        if now_ms < self._store_ms:
            return self._store_ms
        try:
            while self._rows.count(DIRTY, 0) or self._memory_dirty:
                self._write(self._rows.having(DIRTY, WRITE_EVENTS_MAX))
            self._clean()
        except OSError as error:
            self._fail(error, now_ms + RETRY_MS)
            return self._store_ms
        self.problem = ""
        self._urgent = self._failed = False
        self._store_ms = None
        return None

    def _fail(self, error: OSError, again_ms: int) -> None:
        self.problem = "flash_failed: " + str(error)
        self._failed = True
        self._segments.begin()
        self._store_ms = again_ms

    def _write(self, places: "list[int]") -> None:
        """Brings these rows and the memory to the flash, a segment's worth at a time. Raises OSError."""
        records = [self._memory.record()] if self._memory_dirty else []
        size = sum(map(len, records))
        batch: list[tuple[int, int]] = []
        for place in places:
            item = self._record(place)
            if records and self._segments.is_full(size + len(item)):
                self._append(records, batch)
                records, batch, size = [], [], 0
            batch.append((place, size))
            records.append(item)
            size += len(item)
        self._append(records, batch)

    def _record(self, place: int) -> bytes:
        row = self._rows.start(place)
        head = place.to_bytes(4, "big") + bytes((self._rows.flags[row] & ~DIRTY,))
        if place in self._unstored:
            return record(_EVENT, head + self._unstored[place][0].encode())
        return record(_STATE, head)

    def _append(self, records: "list[bytes]", batch: "list[tuple[int, int]]") -> None:
        """`batch`: places, and where in `records` the one of each begins."""
        shift = 0
        if self._segments.is_full(sum(map(len, records))):
            # Each segment tells the boot and the checkpoint, so that the older ones can go.
            self._segments.begin()
            memory = self._memory.record()
            shift = len(memory)
            records = [memory] + records
        start = self._segments.append(records) + shift
        self._memory_dirty = False
        for place, offset in batch:
            row = self._rows.start(place)
            self._rows.flags[row] &= ~DIRTY
            if self._unstored.pop(place, None) is not None:
                self._rows.segments[row] = self._segments.numbers[-1]
                self._rows.offsets[row] = start + offset
            if self._rows.flags[row] & GONE:
                self._rows.remove(row)

    def _clean(self) -> None:
        """Lets the oldest segments go that hold nothing any more, and moves on when there are many. Raises OSError."""
        numbers = self._segments.numbers
        if len(numbers) > SEGMENTS_MAX:
            places = self._in_segment(numbers[0])
            for first in range(0, len(places), MOVE_EVENTS_MAX):
                moving = [place for place in places[first : first + MOVE_EVENTS_MAX] if self._take_up(place)]
                if moving:
                    self._write(moving)
            self._segments.drop_oldest()
        while len(numbers) > 1 and not self._in_segment(numbers[0]):
            self._segments.drop_oldest()

    def _take_up(self, place: int) -> bool:
        """Into memory, to be written anew; False for one that the flash has lost."""
        row = self._rows.start(place)
        kept = self._read(row)
        if kept is None:
            return False
        self._unstored[place] = (kept.jws, kept.pressed_ms)
        self._rows.flags[row] |= DIRTY
        return True

    def _in_segment(self, number: int) -> "list[int]":
        rows = self._rows
        return [rows.places[row] for row in range(len(rows)) if rows.segments[row] == number]


def _mark(digest: str) -> bytes:
    """A thousand digests would fill the memory. By so much of them a thousand events are told apart for certain enough:
    two are alike once in 10^8 full outboxes."""
    return binascii.unhexlify(digest[: 2 * MARK_BYTES])


def _chance_boot(random: "Callable[[int], bytes]") -> int:
    return BOOT_JUMP_MIN + (int.from_bytes(random(8), "big") >> (64 - BOOT_JUMP_BITS))
