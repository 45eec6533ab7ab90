"""The campus under fault: a hub on a small disk and under a clock that can be set, and everybody who needs it.

Fingers on buttons, guards with pagers, and between all of them and the hub a wire that can be anything.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from terminal.settings import Home
from tests.faults.machine import SmallDisk, WallClock, now_ms, small_disk
from tests.faults.pager import Pager
from tests.faults.players import Power
from tests.faults.proxy import Proxy
from tests.links.hub_process import HubProcess
from tests.links.real_terminals import is_quiet
from tests.terminal.real_terminal import RealTerminal

DISK_MEGABYTES = 256
TERMINALS = 8
PAGERS = 2
HOLD_MS = (100, 160)
"""How long a finger stays on a button. On a machine that is busy a simulated finger is late, and stays for less."""
SLIPS_PART_MAX = 0.01
"""So many touches may have been too short for a press, of all."""
PAUSE_S = (0.1, 0.4)
"""Between two presses of one finger. In the longest fault fewer come than the page of one incident names (64)."""
SETTLE_S_MAX = 90
"""So long may it take, after a fault, until everything is delivered and answered."""


@dataclass(frozen=True, slots=True)
class Press:
    """One that a terminal has said it heard. `at_ms`: when the finger was sent, CLOCK_MONOTONIC. `fault`: what was on
    then.

    `kept`: whether it was on the terminal's own disk before anybody killed the terminal.
    """

    digest: str
    terminal: str
    at_ms: int
    fault: str
    kept: bool


class Presser:
    """A finger at one terminal, while `pressing` is set."""

    def __init__(self, world: "World", name: str, terminal: RealTerminal) -> None:
        self.name = name
        self.terminal = terminal
        self.power = Power()
        self.busy = asyncio.Lock()
        self._world = world

    async def play(self) -> None:
        while True:
            await self._world.pressing.wait()
            await self.power.on.wait()
            async with self.busy:
                await self._press()
            await asyncio.sleep(self._world.dice.uniform(*PAUSE_S))

    async def _press(self) -> None:
        fault, cuts, at_ms = self._world.fault, self.power.cuts, now_ms()
        try:
            said = await self.terminal.ask(do="press", input="panic", hold_ms=self._world.dice.randint(*HOLD_MS))
        except (OSError, ValueError):
            if self.power.cuts == cuts:
                raise
            # It was killed before it could answer: what became of this press is open.
            return
        if not said["events"]:
            # For less than the 30 ms that make a press: the terminal has heard none, and its light says none.
            self._world.slips += 1
            return
        (event,) = said["events"]
        kept = await self._is_kept(cuts)
        self._world.presses.append(Press(event["event"], self.name, at_ms, fault, kept))

    async def _is_kept(self, cuts: int) -> bool:
        """Once the terminal has it on its disk; False when it was killed before it could say so."""
        async with asyncio.timeout(SETTLE_S_MAX):
            while True:
                try:
                    status = await self.terminal.ask(do="status")
                except (OSError, ValueError):
                    if self.power.cuts == cuts:
                        raise
                    return False
                if self.power.cuts != cuts:
                    return False
                if status["unstored"] == 0:
                    return True


class World:
    """`terminals_clock` is that of all of them. `fault`: what is on. `presses`: all so far. `shown`: event → when it
    first stood on a pager in monotonic ms.
    """

    def __init__(
        self,
        disk: SmallDisk,
        hub_clock: WallClock,
        terminals_clock: WallClock,
        hub: HubProcess,
        wire: Proxy,
        dice: Random,
    ) -> None:
        self.disk = disk
        self.hub_clock = hub_clock
        self.terminals_clock = terminals_clock
        self.hub = hub
        self.wire = wire
        self.dice = dice
        self.pressers: list[Presser] = []
        self.terminals: list[RealTerminal] = []
        self.pagers: list[Pager] = []
        self.pressing = asyncio.Event()
        self.presses: list[Press] = []
        self.slips = 0
        self.shown: dict[str, int] = {}
        self.fault = ""

    async def furnish(self, folder: Path) -> None:
        for number in range(TERMINALS):
            # Every other one is a node.
            algorithm = "HS256" if number % 2 else "EdDSA"
            name = f"wall-{number}"
            terminal = await self._start(folder / name, await self.hub.enrol(name, algorithm=algorithm), "wall")
            self.pressers.append(Presser(self, name, terminal))
        await self._start(folder / "bell", await self.hub.enrol("bell", role="bell"), "bell")
        for number in range(PAGERS):
            pager = await self.hub.pager(await self.hub.guard(f"王建国 {number}"))
            await pager.line.close()
            self.pagers.append(Pager(self.hub, self.wire.port, pager.cookie, self.shown))
            await self.pagers[-1].start()

    async def _start(self, folder: Path, enrolled: Any, role: Any) -> RealTerminal:
        self.hub.write_terminal(folder, enrolled, role, port=self.wire.port)
        terminal = RealTerminal(Home(folder))
        self.hub.terminals.append(terminal)
        self.terminals.append(terminal)
        await terminal.start(**self.terminals_clock.environment)
        await terminal.until(is_quiet)
        return terminal

    async def kill_pagers(self) -> None:
        """Those that are left."""
        for pager in self.pagers:
            await pager.end(signal.SIGKILL)

    # ── pressing ─────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def called(self, fault: str) -> Iterator[None]:
        """What is pressed now is pressed under this fault."""
        self.fault = fault
        self.pressing.set()
        yield
        self.pressing.clear()

    async def settle(self) -> float:
        """Nobody presses any more; everything gets delivered and answered. How long that took, in seconds."""
        begun_s = time.monotonic()
        async with asyncio.timeout(SETTLE_S_MAX):
            for presser in self.pressers:
                async with presser.busy:
                    pass
            for terminal in self.terminals:
                await terminal.until(is_quiet)
            await self._all_resolved()
        for terminal in self.terminals:
            del terminal.states[:-1]
        return time.monotonic() - begun_s

    async def _all_resolved(self) -> None:
        # What happened before is of no more interest, and would fill the memory.
        self.hub.happened.clear()
        while (await self.hub.get("/control/status"))["incidents_open"]:
            await self.hub.until(lambda told: told["what"] == "committed")
            self.hub.happened.clear()


@asynccontextmanager
async def running_world(folder: Path, dice: Random) -> AsyncIterator[World]:
    """Everything runs and is linked. Raises Missing. Nothing is left running or mounted, whatever fails."""
    mount = folder / "disk"
    mount.mkdir()
    hub_clock, terminals_clock = WallClock(folder / "hub_clock"), WallClock(folder / "terminals_clock")
    async with AsyncExitStack() as stack:
        disk = await stack.enter_async_context(small_disk(mount, DISK_MEGABYTES))
        environment = {"PYTHONFAULTHANDLER": "1"} | hub_clock.environment
        hub = await stack.enter_async_context(HubProcess(mount / "hub", **environment))
        wire = await stack.enter_async_context(Proxy(hub.port))
        world = World(disk, hub_clock, terminals_clock, hub, wire, dice)
        stack.push_async_callback(world.kill_pagers)
        await world.furnish(folder)
        # A player who gives up ends the game.
        async with asyncio.TaskGroup() as group:
            players = [group.create_task(presser.play()) for presser in world.pressers]
            yield world
            for player in players:
                player.cancel()
