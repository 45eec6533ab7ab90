"""Where each kept event is on the flash: a thousand of them in a few KiB of memory."""

from array import array

PANIC = 1
RECEIPTED = 2
GONE = 4
"""Dropped. Its row goes when the flash knows."""
DIRTY = 8
"""The flash does not know it like this yet."""
MARK_BYTES = 6
_NO_MARK = bytes(MARK_BYTES)
_NO_NUMBER = array("I")
_NO_OFFSET = array("H")


class Rows:
    """Ordered by `place`. A row is spoken of by its index, until the next `insert` or `remove`."""

    def __init__(self) -> None:
        self.places = array("I")
        self.segments = array("I")
        self.offsets = array("H")
        self.flags = bytearray()
        self._marks = bytearray()

    def __len__(self) -> int:
        return len(self.flags)

    def start(self, place: int) -> int:
        """The first row whose place is `place` or behind it."""
        low, high = 0, len(self.places)
        while low < high:
            middle = (low + high) // 2
            if self.places[middle] < place:
                low = middle + 1
            else:
                high = middle
        return low

    def find(self, place: int) -> int | None:
        row = self.start(place)
        return row if row < len(self.places) and self.places[row] == place else None

    def insert(self, place: int, flags: int) -> int:
        """A new row. It moves others only where an event of an older place was written anew."""
        row = self.start(place)
        if row == len(self.flags):
            self.places.append(place)
            self.segments.append(0)
            self.offsets.append(0)
            self.flags.append(flags)
            self._marks.extend(_NO_MARK)
            return row
        self.places = self.places[:row] + array("I", [place]) + self.places[row:]
        self.segments = self.segments[:row] + array("I", [0]) + self.segments[row:]
        self.offsets = self.offsets[:row] + array("H", [0]) + self.offsets[row:]
        self.flags = self.flags[:row] + bytes((flags,)) + self.flags[row:]
        self._marks = self._marks[: row * MARK_BYTES] + _NO_MARK + self._marks[row * MARK_BYTES :]
        return row

    def remove(self, row: int) -> None:
        # In its place: a heap in use may have no room for a second one.
        self.places[row : row + 1] = _NO_NUMBER
        self.segments[row : row + 1] = _NO_NUMBER
        self.offsets[row : row + 1] = _NO_OFFSET
        self.flags[row : row + 1] = b""
        self._marks[row * MARK_BYTES : (row + 1) * MARK_BYTES] = b""

    def mark(self, row: int, mark: bytes) -> None:
        """`mark`: MARK_BYTES that this row is known by."""
        self._marks[row * MARK_BYTES : (row + 1) * MARK_BYTES] = mark

    def marked(self, mark: bytes) -> int | None:
        """The row known by this mark."""
        at = self._marks.find(mark)
        while at % MARK_BYTES and at >= 0:
            at = self._marks.find(mark, at + 1)
        return at // MARK_BYTES if at >= 0 else None

    def first(self, having: int, lacking: int) -> int | None:
        """The oldest with all flags of `having` and none of `lacking`."""
        found = [self.flags.find(value) for value in _values(having, lacking)]
        return min((row for row in found if row >= 0), default=None)

    def having(self, flag: int, count: int) -> "list[int]":
        """The places of the first `count` with this flag."""
        found: list[int] = []
        for row, flags in enumerate(self.flags):
            if flags & flag:
                found.append(self.places[row])
                if len(found) == count:
                    break
        return found

    def count(self, having: int, lacking: int) -> int:
        return sum(self.flags.count(value) for value in _values(having, lacking))


def _values(having: int, lacking: int) -> "list[bytes]":
    """Each byte that a row's flags may be, for the interpreter searches a thousand for one in no time."""
    return [bytes((value,)) for value in range(2 * DIRTY) if value & having == having and not value & lacking]
