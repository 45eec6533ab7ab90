"""A Pico W on a USB cable: the real loader and program in a real MicroPython, its console a pseudo-terminal.

What hardware does to whoever flashes it is done here, too: a reset takes the port away for a moment, a watchdog that
was armed and is not fed resets, and power goes at any moment.
"""

import json
import os
import pty
import select
import signal
import socket
import subprocess
import threading
import time
import tty
from pathlib import Path
from typing import Self

from firstbell_flash.board import FIRMWARE
from firstbell_flash.image import BLOCK_BYTES, BLOCKS

from terminal.simulated_node import HEAP, INTERPRETER

START = Path(__file__).with_name("board_start.py")
WATCHDOG_S = 8
BACK_S = 0.05
"""A board is away so long when it resets."""
NEVER = 1 << 30
CTRL_C = b"\x03"
WAIT_S_MAX = 60


class UsbBoard:
    """Plugged in from `plug` to `unplug`. `port`: a link to its console. `cut_at`: the block write at which power goes
    next time. `said`: all that it has said. `resets`, `bites`: how often it was reset, and how often by its watchdog.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.port = folder / "port"
        self.flash = folder / "flash"
        self.flash.write_bytes(b"\xff" * BLOCK_BYTES * BLOCKS)
        self.cut_at = NEVER
        self.said = b""
        self.resets = self.bites = 0
        self._events = folder / "events"
        os.mkfifo(self._events)
        self._fingers = socket.create_server(("127.0.0.1", 0))
        self._finger: socket.socket | None = None
        self._stop = self._pull = -1
        self._thread: threading.Thread | None = None
        self._there = threading.Event()
        self._runs = False

    def __enter__(self) -> Self:
        return self.plug()

    def __exit__(self, *_: object) -> None:
        self.unplug()
        self._fingers.close()
        if self._finger is not None:
            self._finger.close()

    def plug(self) -> Self:
        """Returns when its port is there."""
        self._there.clear()
        self._stop, self._pull = os.pipe()
        self._thread = threading.Thread(target=self._powered)
        self._thread.start()
        assert self._there.wait(WAIT_S_MAX)
        return self

    def unplug(self) -> None:
        if self._thread is not None:
            os.write(self._pull, b"x")
            self._thread.join()
            os.close(self._stop)
            os.close(self._pull)
            self._thread = None

    def press(self, pin: int, hold_ms: int = 80) -> None:
        """When its program runs."""
        wait_s = WAIT_S_MAX if self._finger is None else 0
        while select.select([self._fingers], [], [], wait_s)[0]:
            # Each start calls for a finger; the last one is the one that runs.
            if self._finger is not None:
                self._finger.close()
            self._finger, _ = self._fingers.accept()
            wait_s = 0
        assert self._finger is not None
        self._finger.sendall(json.dumps([[pin, 20, 0], [pin, hold_ms, 1]]).encode() + b"\n")

    def _powered(self) -> None:
        while self._boot():
            time.sleep(BACK_S)

    def _boot(self) -> bool:
        """From one reset to the next. False when power is gone."""
        # No terminal: MicroPython throws away what came to one while it was busy.
        board, console = socket.socketpair()
        arguments = [FIRMWARE / "simulated", self.flash, self._events, self._fingers.getsockname()[1], self.cut_at]
        process = subprocess.Popen(
            [str(one) for one in (INTERPRETER, "-i", "-X", HEAP, START, *arguments)],
            stdin=console.fileno(),
            stdout=console.fileno(),
            stderr=console.fileno(),
        )
        console.close()
        events = os.open(self._events, os.O_RDONLY | os.O_NONBLOCK)
        cable, end = pty.openpty()
        tty.setraw(end)
        self.port.symlink_to(os.ttyname(end))
        self._there.set()
        self._runs = False
        try:
            return self._carry(board.fileno(), cable, events, process)
        finally:
            self.port.unlink()
            process.kill()
            process.wait()
            board.close()
            for number in (cable, end, events):
                os.close(number)

    def _carry(self, board: int, cable: int, events: int, process: "subprocess.Popen[bytes]") -> bool:
        """Bytes both ways, until a reset (True) or the end of power."""
        deadline_s: float | None = None
        # USB takes longer than the loader. And before that, whoever interrupts it would have this machine's files in
        # their hands.
        heard = [board, events, self._stop]
        while True:
            wait_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
            ready, _, _ = select.select(heard, [], [], wait_s)
            if self._stop in ready:
                return False
            for letter in _read(events) if events in ready else b"":
                if letter == ord("c"):
                    self.cut_at = NEVER
                    return False
                if letter == ord("r"):
                    self.resets += 1
                    return True
                if letter in b"ai":
                    self._runs = letter == ord("a")
                    heard.append(cable)
                if letter == ord("i"):
                    continue
                deadline_s = time.monotonic() + WATCHDOG_S
            if deadline_s is not None and time.monotonic() >= deadline_s:
                self.bites += 1
                return True
            if cable in ready:
                os.write(board, self._interrupting(_read(cable), process))
            if board in ready:
                data = _read(board)
                if not data:
                    return True
                self.said += data
                os.write(cable, data)

    def _interrupting(self, typed: bytes, process: "subprocess.Popen[bytes]") -> bytes:
        """A Ctrl-C ends the program that runs; a console that waits reads it."""
        if self._runs and CTRL_C in typed:
            self._runs = False
            process.send_signal(signal.SIGINT)
            return typed.partition(CTRL_C)[2]
        return typed


def _read(number: int) -> bytes:
    try:
        return os.read(number, 65_536)
    except OSError:
        return b""
