"""The node's outbox on littlefs, the file system of a Pico's flash, whose power is lost at every write of a block.

Only MicroPython has it: tests/firmware runs this file there.
"""

import gc

import vfs  # type: ignore[import-not-found]  # MicroPython's
from node.outbox import Outbox

from tests.node.test_outbox import add, chance, drop, numbers, receipt

BLOCK_BYTES = 4096
BLOCKS = 14
CUTS_MAX = 400


class PowerLost(Exception):
    pass


class Flash:
    """A block device in memory. `left`: how many writes and erasures there is power for."""

    def __init__(self) -> None:
        self._data = bytearray(BLOCK_BYTES * BLOCKS)
        self.left = 1 << 30

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        start = block * BLOCK_BYTES + offset
        buffer[:] = self._data[start : start + len(buffer)]

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        self._use()
        start = block * BLOCK_BYTES + offset
        # The last write may be cut off in its middle.
        size = len(buffer) if self.left else len(buffer) // 2
        self._data[start : start + size] = buffer[:size]
        if not self.left:
            raise OSError(5)

    def ioctl(self, what: int, block: int) -> "int | None":
        if what == 4:
            return BLOCKS
        if what == 5:
            return BLOCK_BYTES
        if what == 6:
            self._use()
            start = block * BLOCK_BYTES
            self._data[start : start + BLOCK_BYTES] = b"\xff" * BLOCK_BYTES
            return 0
        return 0

    def _use(self) -> None:
        if self.left == 0:
            raise OSError(5)
        self.left -= 1


def mount(flash: Flash) -> None:
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/flash")


def live(box: Outbox, promised: "list[int]", gone: "list[int]") -> None:
    """A day of a node; `promised` are the events that were stored, `gone` those that were dropped."""
    for number in range(1, 30):
        add(box, number)
        box.store(number)
        if box.problem:
            raise PowerLost
        promised.append(number)
        if number % 4:
            receipt(box, number)
            gone.append(number)
            drop(box, number)


def test_a_cut_at_every_write_of_a_block() -> None:
    flash = Flash()
    cut = 0
    while True:
        vfs.VfsLfs2.mkfs(flash)
        mount(flash)
        box = Outbox("/flash/outbox")
        boots = [box.open(chance).boot]
        flash.left = cut
        promised: list[int] = []
        gone: list[int] = []
        lost = False
        try:
            live(box, promised, gone)
        except PowerLost:
            lost = True
        vfs.umount("/flash")
        # A file that could not be closed would be, when its memory is freed; there is no power for it.
        flash.left = 0
        gc.collect()
        flash.left = 1 << 30
        mount(flash)
        again = Outbox("/flash/outbox")
        boots.append(again.open(chance).boot)
        found = numbers(again)
        assert again.problem == "", (cut, again.problem)
        assert boots[1] > boots[0], cut
        assert found == sorted(set(found)), (cut, found)
        missing = [number for number in promised if number not in found and number not in gone]
        assert missing == [], (cut, missing)
        vfs.umount("/flash")
        if not lost:
            break
        cut += 1
        assert cut < CUTS_MAX
    print(cut, "cuts")
    assert cut > 50
