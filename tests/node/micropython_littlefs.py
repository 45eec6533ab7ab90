"""The node's outbox on littlefs, the file system of a Pico's flash, whose power is lost at every write of a block.

Only MicroPython has it: tests/firmware runs this file there.
"""

import vfs  # type: ignore[import-not-found]  # MicroPython's
from node.outbox import Outbox

from tests.node.block_device import Flash, mount, without_power
from tests.node.test_outbox import add, chance, drop, nobody, numbers, receipt

BLOCK_BYTES = 4096
BLOCKS = 14
CUTS_MAX = 400


class PowerLost(Exception):
    pass


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
    flash = Flash(BLOCK_BYTES, BLOCKS)
    cut = 0
    while True:
        vfs.VfsLfs2.mkfs(flash)
        mount(flash)
        box = Outbox("/flash/outbox")
        boots = [box.open(chance, nobody).boot]
        flash.left = cut
        promised: list[int] = []
        gone: list[int] = []
        lost = False
        try:
            live(box, promised, gone)
        except PowerLost:
            lost = True
        without_power(flash)
        mount(flash)
        again = Outbox("/flash/outbox")
        boots.append(again.open(chance, nobody).boot)
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
