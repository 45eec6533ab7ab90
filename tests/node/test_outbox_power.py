"""Power that goes at any byte while the node's outbox begins segments, moves events on and removes old ones."""

import os

from firstbell.jws import digest_of
from node import outbox as outbox_module
from node import segments as segments_module
from node.outbox import LAZY_MS

from tests.node.flash import new_folder, remove
from tests.node.test_outbox import opened

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


class PowerLost(Exception):
    pass


class Powered:
    """In the place of `os` and `open` of the segments: `left` bytes are written, a file made or removed is one; then
    there is no power any more."""

    def __init__(self) -> None:
        self.left = 1 << 30

    def use(self, size: int) -> int:
        used = min(size, self.left)
        self.left -= used
        return used

    def __getattr__(self, name: str) -> "Any":
        if name == "remove" and not self.use(1):
            raise PowerLost
        return getattr(os, name)

    def open(self, path: str, mode: str) -> "Any":
        if mode == "rb":
            return open(path, mode)
        if not self.use(1):
            raise PowerLost
        return Writing(self, open(path, mode))


class Writing:
    def __init__(self, power: Powered, file: "Any") -> None:
        self._power = power
        self._file = file

    def __enter__(self) -> "Writing":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def flush(self) -> None:
        self._file.flush()

    def write(self, data: bytes) -> None:
        used = self._power.use(len(data))
        self._file.write(data[:used])
        if used < len(data):
            raise PowerLost


def test_a_cut_at_every_byte_while_segments_begin_and_move_on() -> None:
    power, module = Powered(), segments_module
    patched: Any = module
    most = outbox_module.SEGMENTS_MAX, module.SEGMENT_BYTES
    outbox_module.SEGMENTS_MAX, module.SEGMENT_BYTES = 3, 150
    patched.os, patched.open = power, power.open
    cut, dropped, lost = 0, 0, True
    try:
        while lost:
            folder = new_folder()
            box, memory = opened(folder)
            for number in range(1, 7):
                box.add(digest_of(str(number)), str(number), True, 0)
                box.store(number)
            power.left, lost, stored = cut, False, 6
            try:
                box.receipted(digest_of("1"))
                for number in range(7, 13):
                    box.drop([digest_of(str(number - 4))])
                    box.add(digest_of(str(number)), str(number), True, 0)
                    box.store(10 * LAZY_MS * number)
                    dropped, stored = number - 4, number
            except PowerLost:
                lost = True
            power.left = 1 << 30
            again, later = opened(folder)
            found = [int(one.jws) for one in again.after(0, 99)]
            assert (again.problem, later.boot) == ("", memory.boot + 1), cut
            assert found == sorted(set(found)), (cut, found)
            assert {1, 2} <= set(found), (cut, found)
            assert [number for number in range(stored - 2, stored + 1) if number not in found] == [], (cut, found)
            remove(folder)
            cut += 1
    finally:
        outbox_module.SEGMENTS_MAX, module.SEGMENT_BYTES = most
        patched.os, patched.open = os, open
    assert dropped == 8
    assert cut > 150
