"""`micropython -i board_start.py SIMULATED FLASH EVENTS PORT CUT`: a Pico W on a PC, from power to its console.

Its flash is a littlefs in the file FLASH, its main.py runs as the board's own would, and then the console is stdin and
stdout. EVENTS is a pipe, a letter each: watchdog armed (a) or fed (f), no program, the console waits (i), reset (r),
power lost (c) at block write CUT. A finger calls at PORT of this machine with the levels of
pins, once asyncio runs: `[[pin, ms, level], …]` a line.
"""

import asyncio
import json
import os
import sys

import vfs  # type: ignore[import-not-found]  # MicroPython's

try:  # noqa: SIM105
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

sys.path[:] = [sys.argv[1], sys.argv[1] + "/../lib", ".frozen"]
import machine  # type: ignore[import-not-found]  # noqa: E402
import network  # type: ignore[import-not-found]  # noqa: E402, F401

# What the pins know of our code, the board has of its own.
for name in [name for name in sys.modules if name.partition(".")[0] == "firstbell"]:
    del sys.modules[name]

BLOCK_BYTES = 4096
BLOCKS = 212
BLANK = b"\xff" * BLOCK_BYTES

events = open(sys.argv[3], "wb")  # noqa: SIM115
port = int(sys.argv[4])
run: "Any" = asyncio.run


def tell(letter: bytes) -> None:
    events.write(letter)
    while letter in b"rc":
        pass  # until there is no power any more


class Flash:
    def __init__(self, path: str, cut: int) -> None:
        self._file = open(path, "r+b")  # noqa: SIM115
        self._left = cut

    def readblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        self._file.seek(block * BLOCK_BYTES + offset)
        self._file.readinto(buffer)

    def writeblocks(self, block: int, buffer: bytearray, offset: int = 0) -> None:
        self._left -= 1
        self._file.seek(block * BLOCK_BYTES + offset)
        # The last write is cut off in its middle.
        self._file.write(buffer if self._left else buffer[: len(buffer) // 2])
        if not self._left:
            tell(b"c")

    def ioctl(self, what: int, block: int) -> int:
        if what == 4:
            return BLOCKS
        if what == 5:
            return BLOCK_BYTES
        if what == 6:
            self._file.seek(block * BLOCK_BYTES)
            self._file.write(BLANK)
        return 0


class WDT:
    def __init__(self, timeout: int) -> None:
        tell(b"a")

    def feed(self) -> None:
        tell(b"f")


async def _fingers() -> None:
    reader, _ = await asyncio.open_connection("127.0.0.1", port)
    while True:
        line = await reader.readline()
        if not line:
            return
        for pin, ms, level in json.loads(line):
            await asyncio.sleep(ms / 1_000)
            machine.drive(pin, level)


def _run(program: "Any") -> "Any":
    async def both() -> None:
        fingers = asyncio.create_task(_fingers())
        await program
        fingers.cancel()

    return run(both())


machine.WDT = WDT
machine.reset = lambda: tell(b"r")
machine.unique_id = lambda: bytes((port >> 8, port & 255))
asyncio.run = _run  # type: ignore[assignment]
flash = Flash(sys.argv[2], int(sys.argv[5]))
vfs.umount("/")
try:
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/")
except OSError:
    vfs.VfsLfs2.mkfs(flash, progsize=256)
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/")
os.chdir("/")
sys.path[:] = ["", ".frozen", "/lib"]
try:
    with open("/main.py") as file:
        source = file.read()
except OSError:
    source = ""
try:
    exec(source)  # noqa: S102
finally:
    tell(b"i")
