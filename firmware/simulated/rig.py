"""What a PC does for a node: its console is stdin and stdout, and `listen` runs beside its program.

On stdin, a JSON line each: `{"pin":15,"levels":[[0,0],[80,1]]}` moves a pin, each time in ms after the one before (pin
29, the supply, to so many mV), and is answered with `moved`; `{"cut":true}` pulls the antenna off, false puts it on
again; `{"hoard":true}` leaves no piece of memory of HOARD_BYTES; `{"status":true}` and `{"memory":true}` ask. It ends
with its stdin.
"""

import asyncio
import gc
import json
import sys

import machine

try:
    from typing import Any

    from node.daemon import Daemon
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

TLS_BYTES = 23_136
"""What a connection takes of a board's heap: read on a Pico W's firmware 1.28, emulated."""
HOARD_BYTES = 1_024
REST_MS = 10
"""After a move: its edges have been counted."""


class Antenna:
    """Between the link and the daemon. Without it both go on, and find out by silence."""

    def __init__(self, daemon: "Daemon") -> None:
        self._daemon = daemon
        self._send = daemon.link.send
        self._on = True
        self._tls: bytearray | None = None
        daemon.link.send = self.send  # type: ignore[method-assign]
        daemon.link._conversation = self

    def cut(self, on: bool) -> None:
        if self._on == on:
            self._on = not on
            if self._on:
                # What was sent meanwhile is lost: a stream with a hole in it is of no use.
                self._daemon.link.drop()

    def send(self, text: str) -> None:
        if self._on:
            self._send(text)

    def connected(self) -> None:
        # On a PC this is not in MicroPython's heap.
        self._tls = bytearray(TLS_BYTES)
        if self._on:
            self._daemon.connected()
        else:
            self._daemon.link.drop()

    def heard(self, text: str) -> None:
        if self._on:
            self._daemon.heard(text)

    def lost(self) -> None:
        self._tls = None
        self._daemon.lost()


async def listen(daemon: "Daemon") -> None:
    antenna = Antenna(daemon)
    lines = asyncio.StreamReader(sys.stdin)
    moves = []
    hoard: list[bytearray] = []
    while True:
        line = await lines.readline()
        if not line:
            sys.exit(0)
        said = json.loads(line)
        if "pin" in said:
            moves = [move for move in moves if not move.done()]
            moves.append(asyncio.create_task(_move(said["pin"], said["levels"])))
        elif "cut" in said:
            antenna.cut(said["cut"])
        elif "hoard" in said:
            _hoard(hoard)
        elif "status" in said:
            _tell(status=daemon.status())
        else:
            gc.collect()
            _tell(memory={"used": gc.mem_alloc(), "free": gc.mem_free(), "piece": _largest_piece()})


def _hoard(hoard: "list[bytearray]") -> None:
    try:
        while True:
            hoard.append(bytearray(HOARD_BYTES))
    except MemoryError:
        pass


def _largest_piece() -> int:
    """Bytes that can be had in one."""
    size = gc.mem_free()
    while True:
        try:
            bytearray(size)
            return size
        except MemoryError:
            size = size * 7 // 8


async def _move(pin: int, levels: "list[list[int]]") -> None:
    # A finger that is late stays as long as it should.
    for wait_ms, level in levels:
        await asyncio.sleep_ms(wait_ms)
        machine.drive(pin, level)
    await asyncio.sleep_ms(REST_MS)
    _tell(moved=pin)


def _tell(**said: "Any") -> None:
    print(json.dumps(said))
