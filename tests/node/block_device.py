"""A Pico's flash in memory, with the file system that it has there, and a power that can go at any write of a block."""

import gc
import os

import vfs  # type: ignore[import-not-found]  # MicroPython's

try:
    from typing import Any
except ImportError:
    pass

EVER = 1 << 30


class Flash:
    """A block device. `left`: how many writes and erasures there is power for; `blocks`: as many as it shows."""

    def __init__(self, block_bytes: int, blocks: int) -> None:
        gc.collect()
        self._block_bytes = block_bytes
        # In pieces, for a small heap has no large one.
        self._data = [bytearray(block_bytes) for _ in range(blocks)]
        self.blocks = blocks
        self.left = EVER

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        buffer[:] = self._data[block][offset : offset + len(buffer)]

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        self._use()
        # The last write may be cut off in its middle.
        size = len(buffer) if self.left else len(buffer) // 2
        self._data[block][offset : offset + size] = buffer[:size]
        if not self.left:
            raise OSError(5)

    def ioctl(self, what: int, block: int) -> "int | None":
        if what == 4:
            return self.blocks
        if what == 5:
            return self._block_bytes
        if what == 6:
            self._use()
            self._data[block][:] = b"\xff" * self._block_bytes
            return 0
        return 0

    def _use(self) -> None:
        if self.left == 0:
            raise OSError(5)
        self.left -= 1


class PowerLost(BaseException):
    """Nothing runs any more."""


class Powered:
    """In the place of `os`: the files of a board, of whose program no further step is done once its power has gone in
    one."""

    def __init__(self, flash: Flash) -> None:
        self._flash = flash

    def open(self, path: str, mode: str = "r") -> "Any":
        self.check()
        return open(path, mode)

    def __getattr__(self, name: str) -> "Any":
        self.check()
        return getattr(os, name)

    def check(self) -> None:
        if self._flash.left == 0:
            raise PowerLost


def mount(flash: Flash) -> None:
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/flash")


def without_power(flash: Flash) -> None:
    """Takes it out, and gives it power again."""
    vfs.umount("/flash")
    # A file that could not be closed would be, when its memory is freed; there is no power for it.
    flash.left = 0
    gc.collect()
    flash.left = EVER
