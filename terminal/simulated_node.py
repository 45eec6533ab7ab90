"""A Pico W's program on this machine, in MicroPython's unix port, behind a terminal's control socket."""

import asyncio
import json
import sys
import time
from collections import deque
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import structlog
from firstbell.press import PANIC
from firstbell.supply import VSYS_GPIO
from firstbell_flash.board import FIRMWARE, board_files, own_files, program_files, write_files
from firstbell_linux.problems import Problem

from terminal.control import Answer, ControlServer, problem_fields
from terminal.daemon import RECEIPTS_SHOWN_MAX
from terminal.problems import ControlError, PanelError
from terminal.settings import Home, load_settings

INTERPRETER = Path(sys.executable).with_name("micropython")
START = FIRMWARE / "simulated/start.py"
HEAP = "heapsize=265K"
"""As much as 192 K are on a board, of words half as long (firmware/README.md, Decisions)."""
RESTARTS = 75
"""Exit status of a board that was reset (firmware/simulated/machine.py)."""
LINE_BYTES_MAX = 1 << 16
REST_MS = 20
SUPPLY_MV = 5_000
SUPPLY_LOW_MV = 4_000

log = structlog.get_logger(part="node")


class SimulatedNode:
    """Its flash is `board/` in the terminal's home, flashed at the first start. Set `stopping` to end it."""

    def __init__(self, home: Home, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
        """Raises TerminalError, OSError."""
        if not INTERPRETER.exists():
            raise PanelError(Problem("no_micropython", str(INTERPRETER)))
        self._settings = load_settings(home.settings)
        self._home = home
        self._flash = home.path / "board"
        self._stopping = stopping
        self._ready = ready
        self._control = ControlServer(home.control, self)
        self._receipts: deque[dict[str, Any]] = deque(maxlen=RECEIPTS_SHOWN_MAX)
        self._made: dict[str, list[dict[str, Any]]] = {}
        self._moved: dict[int, asyncio.Event] = {}
        self._state: dict[str, Any] = {}
        self._status: dict[str, Any] = {}
        self._process: asyncio.subprocess.Process

    async def run(self) -> None:
        """Until it is told to stop; a board that resets itself starts anew. Raises TerminalError, OSError."""
        self._flash_board()
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            while not self._stopping.is_set():
                await self._power(stopped)
        finally:
            stopped.cancel()
            await self._control.close()

    def _flash_board(self) -> None:
        """The program of a board that has one is the hub's to change."""
        files = own_files(self._home, self._settings, int(time.time()))
        if not (self._flash / "main.py").exists():
            files = board_files(program_files(), files)
        write_files(files, self._flash)

    async def _power(self, stopped: "asyncio.Task[bool]") -> None:
        self._process = await asyncio.create_subprocess_exec(
            *(INTERPRETER, "-X", HEAP, START, self._flash),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            limit=LINE_BYTES_MAX,
        )
        hearing = asyncio.create_task(self._hear())
        try:
            await asyncio.wait((hearing, stopped), return_when=asyncio.FIRST_COMPLETED)
        finally:
            # A console that has ended has a status to tell; one that we could not go on hearing has not ended.
            if self._process.returncode is None and not (hearing.done() and hearing.exception() is None):
                self._process.kill()
            status = await self._process.wait()
            await hearing
        if not self._stopping.is_set() and status != RESTARTS:
            raise ControlError(Problem("node_ended", str(self._flash), {"status": str(status)}))

    # ── its console ──────────────────────────────────────────────────────────────────────────────────────────

    async def _hear(self) -> None:
        assert self._process.stdout is not None  # noqa: S101
        async for line in self._process.stdout:
            try:
                said = json.loads(line)
            except ValueError:
                log.warning("console", said=line.decode(errors="replace").rstrip())
                continue
            await self._take(said)

    async def _take(self, said: dict[str, Any]) -> None:
        if "boot" in said:
            log.info("boot", boot=said["boot"])
            self._say(status=True)
        elif "status" in said:
            first = not self._status
            self._status = said["status"]
            if first:
                await self._control.start()
                log.info("ready")
                self._ready()
        elif "made" in said:
            made = said["made"]
            log.info("event", what=made["what"], input=made["input"], digest=made["event"])
            if made["input"] in self._made:
                self._made[made["input"]].append({name: made[name] for name in ("event", "what", "mono_ms")})
        elif "receipt" in said:
            self._receipts.append(said["receipt"])
            log.info("receipt", digest=said["receipt"]["event"])
            self._control.publish(self._shown())
        elif "moved" in said:
            self._moved[said["moved"]].set()
        elif "state" in said:
            self._state = said["state"]
            self._control.publish(self._shown())
            self._say(status=True)

    def _say(self, **said: Any) -> None:
        assert self._process.stdin is not None  # noqa: S101
        self._process.stdin.write(json.dumps(said).encode() + b"\n")

    # ── the control socket ───────────────────────────────────────────────────────────────────────────────────

    def _shown(self) -> Answer:
        problems = [problem_fields(self._problem(text)) for text in self._state.get("problems", ())]
        shown = {name: value for name, value in self._state.items() if name not in ("problems", "boot", "unstored")}
        return {"ok": True, **shown, "receipts": list(self._receipts), "problems": problems}

    def _problem(self, text: str) -> Problem:
        """A node says its problems as `name: reason`."""
        name, _, reason = text.partition(": ")
        hub = self._settings.hub
        fields = {"reason": reason or name, "campus": hub.campus, "name": hub.server_name}
        return Problem(name, self._status.get("address", "") or str(self._flash), fields)

    def status(self) -> Answer:
        return self._shown() | {
            **self._status,
            "terminal": self._settings.terminal,
            "name": self._settings.name,
            "role": self._settings.role,
            "simulated": True,
            "boot": self._state.get("boot", 0),
            "unstored": self._state.get("unstored", 0),
        }

    async def press(self, name: str, hold_ms: int) -> Answer:
        pin = self._pin(name)
        active = self._settings.inputs[name].kind == PANIC
        return await self._move(name, pin, [[REST_MS, _level(pin, active)], [hold_ms, _level(pin, not active)]])

    async def edges(self, name: str, edges: list[tuple[int, bool]]) -> Answer:
        pin = self._pin(name)
        waits_ms = [after - before for before, after in pairwise([0, *(offset_ms for offset_ms, _ in edges)])]
        return await self._move(
            name, pin, [[wait_ms, _level(pin, closed)] for wait_ms, (_, closed) in zip(waits_ms, edges, strict=True)]
        )

    async def _move(self, name: str, pin: int, levels: list[list[int]]) -> Answer:
        self._made[name], self._moved[pin] = [], asyncio.Event()
        try:
            self._say(pin=pin, levels=levels)
            await self._moved[pin].wait()
            return {"ok": True, "events": self._made[name]}
        finally:
            del self._made[name]

    def _pin(self, name: str) -> int:
        where = str(self._home.path)
        if name not in self._settings.inputs:
            names = list(self._settings.inputs) or ["–"]
            raise ControlError(Problem("no_such_input", where, {"input": name, "inputs": names}))
        if name in self._made:
            raise ControlError(Problem("input_in_use", where, {"input": name}))
        return self._settings.inputs[name].pin

    def cut(self, on: bool) -> Answer:
        self._say(cut=on)
        return {"ok": True}


def _level(pin: int, closed: bool) -> int:
    """What the board reads there; of its supply, mV."""
    if pin == VSYS_GPIO:
        return SUPPLY_MV if closed else SUPPLY_LOW_MV
    return int(not closed)
