"""The campus under fault: a hub on a small disk and under a clock that can be set, and everybody who needs it.

Fingers on buttons, guards with pagers, and between all of them and the hub a wire that can be anything.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import aiohttp

from terminal.settings import Home
from tests.faults.machine import SmallDisk, WallClock, now_ms, small_disk
from tests.faults.players import Guard, Power
from tests.faults.proxy import Proxy
from tests.links.campus import NAME
from tests.links.hub_process import HubProcess
from tests.links.line import Frame, Line
from tests.links.real_terminals import is_quiet
from tests.terminal.real_terminal import RealTerminal

DISK_MEGABYTES = 256
TERMINALS = 8
PAGERS = 2
HOLD_MS = (100, 160)
"""How long a finger stays on a button. On a machine that is busy a simulated finger is late, and stays for less."""
SLIPS_PART_MAX = 0.01
"""So many touches may have been too short for a press, of all."""
PAUSE_S = (0.2, 0.7)
"""Between two presses of one finger. In the longest fault fewer come than the page of one incident names (64)."""
CONNECT_S_MAX = 5
RECONNECT_S = 0.25
"""A pager's pause before it tries again."""
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
        await self._world.note(Press(event["event"], self.name, at_ms, fault, kept))

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


class FarGuard(Guard):
    """A guard whose pager is behind the wire."""

    def __init__(self, world: "World", cookie: str) -> None:
        super().__init__(world.hub, Power(), cookie)
        self._world = world
        self.watches = asyncio.Event()

    async def _connect(self) -> Line:
        """To the hub's own name and port, as its cookie and origin ask."""
        hub = self._world.hub
        async with asyncio.timeout(CONNECT_S_MAX):
            return await Line.open(
                self._world.browser,
                f"https://{NAME}:{self._world.wire.port}/ws/pager",
                Host=f"{NAME}:{hub.port}",
                Origin=hub.url,
                Cookie=self._cookie,
            )

    async def _rest(self) -> None:
        await asyncio.sleep(RECONNECT_S)

    async def _look(self, line: Line, snapshot: Frame) -> None:
        shown_ms = now_ms()
        for page in snapshot["pages"]:
            for digest in page["covers"]:
                self._world.shown.setdefault(digest, shown_ms)
        await super()._look(line, snapshot)
        self.watches.set()


class World:
    """`fault`: what is on. `presses`: all so far. `shown`: event → when it first stood on a pager in monotonic ms."""

    def __init__(self, disk: SmallDisk, clock: WallClock, hub: HubProcess, wire: Proxy, dice: Random) -> None:
        self.disk = disk
        self.clock = clock
        self.hub = hub
        self.wire = wire
        self.dice = dice
        self.browser: aiohttp.ClientSession
        self.pressers: list[Presser] = []
        self.terminals: list[RealTerminal] = []
        self.guards: list[FarGuard] = []
        self.pressing = asyncio.Event()
        self.presses: list[Press] = []
        self.slips = 0
        self.pulse = asyncio.Condition()
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
            self.guards.append(FarGuard(self, pager.cookie))

    async def _start(self, folder: Path, enrolled: Any, role: Any) -> RealTerminal:
        self.hub.write_terminal(folder, enrolled, role, port=self.wire.port)
        terminal = RealTerminal(Home(folder))
        self.hub.terminals.append(terminal)
        self.terminals.append(terminal)
        await terminal.start(**self.clock.environment)
        await terminal.until(is_quiet)
        return terminal

    # ── pressing ─────────────────────────────────────────────────────────────────────────────────────────────

    @contextmanager
    def called(self, fault: str) -> Iterator[None]:
        """What is pressed now is pressed under this fault."""
        self.fault = fault
        self.pressing.set()
        yield
        self.pressing.clear()

    async def note(self, press: Press) -> None:
        async with self.pulse:
            self.presses.append(press)
            self.pulse.notify_all()

    async def until_pressed(self, presses: int) -> None:
        """Until there are so many."""
        async with asyncio.timeout(SETTLE_S_MAX), self.pulse:
            await self.pulse.wait_for(lambda: len(self.presses) >= presses)

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
    clock = WallClock(folder / "clock")
    async with AsyncExitStack() as stack:
        disk = await stack.enter_async_context(small_disk(mount, DISK_MEGABYTES))
        hub = await stack.enter_async_context(HubProcess(mount / "hub", PYTHONFAULTHANDLER="1", **clock.environment))
        wire = await stack.enter_async_context(Proxy(hub.port))
        world = World(disk, clock, hub, wire, dice)
        connector = aiohttp.TCPConnector(ssl=hub.tls, limit=0)
        world.browser = await stack.enter_async_context(
            aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        )
        await world.furnish(folder)
        # A player who gives up ends the game.
        async with asyncio.TaskGroup() as group:
            plays = [*(guard.play() for guard in world.guards), *(presser.play() for presser in world.pressers)]
            players = [group.create_task(play) for play in plays]
            async with asyncio.timeout(SETTLE_S_MAX):
                for guard in world.guards:
                    await guard.watches.wait()
            yield world
            for player in players:
                player.cancel()
