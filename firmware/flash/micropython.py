"""MicroPython itself: put onto a board that waits in BOOTSEL, and whether it is one that our program runs on."""

import errno
import os
import time
from collections.abc import Mapping

from firstbell_flash.dialogue import bar, step
from firstbell_flash.find_boards import Board, Drive, Usb
from firstbell_flash.problems import BoardError
from firstbell_flash.repl import Repl
from firstbell_linux.private_file import naming
from firstbell_linux.problems import Problem
from firstbell_linux.shell import Run

NAME = "firstbell.uf2"
COPY_BYTES = 16_384
APPEAR_S_MAX = 30
LOOK_S = 0.2
_NO_DRIVE = (errno.EACCES, errno.EROFS, errno.ENOSPC)
_NEEDS = """
import sys, network, machine
network.WLAN, machine.WDT, machine.PWM
print(sys.implementation._mpy & 0xff)
"""


def put_micropython(run: Run, usb: Usb, drive: Drive, firmware: bytes) -> Board:
    """The board, when it has come back with it. Raises BoardError, OSError."""
    assert drive.folder is not None  # noqa: S101 - it was chosen by it
    before, copy = set(usb.boards()), drive.folder / NAME
    try:
        with naming(copy), bar(run, "micropython", len(firmware)) as wrote, copy.open("wb", buffering=0) as file:
            for start in range(0, len(firmware), COPY_BYTES):
                wrote(file.write(firmware[start : start + COPY_BYTES]))
            os.fsync(file.fileno())
    except OSError as error:
        if error.errno in _NO_DRIVE:
            raise
        # A board that has all of it leaves at once, before its drive can say that it is written.
    step(run, "appear")
    deadline_s = time.monotonic() + APPEAR_S_MAX
    while time.monotonic() < deadline_s:
        new = set(usb.boards()) - before
        if new:
            return new.pop()
        time.sleep(LOOK_S)
    raise BoardError(Problem("no_board_came", str(drive.folder)))


def check_firmware(repl: Repl, program: Mapping[str, bytes]) -> None:
    """Raises BoardError: no Wi-Fi, or it takes no files of our compiler (their second byte says for whom they are)."""
    try:
        takes = repl.run(_NEEDS).strip()
    except BoardError as error:
        if error.problem.name != "board_refused":
            raise
        raise BoardError(Problem("board_unfit", repl.port, error.problem.fields)) from error
    compiled = {data[1] for path, data in program.items() if path.endswith(".mpy")}
    if compiled != {int(takes)}:
        raise BoardError(Problem("board_unfit", repl.port, {"reason": f"mpy {takes}"}))
