"""Presses and floor, in random order, one at a time; what each took."""

import asyncio
import contextlib
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.browser import BenchScreen, running_screen
from tests.bench.floor import Floor, running_floor
from tests.bench.peers import READY, BenchPager, BenchTerminal, running
from tests.links.campus import NAME, Doors
from tests.links.hub_process import HubProcess

WARM_UP = 5
"""Of each kind, not counted."""
REST_MS = 100
"""Before each turn: a press comes to a hub that has done with the one before."""
FRAME_BYTES = 400
"""About what an event's frame has."""


@dataclass(slots=True)
class Measured:
    """Milliseconds, a reading per press or per frame of the floor."""

    floor: list[float] = field(default_factory=list)
    receipt: list[float] = field(default_factory=list)
    page: list[float] = field(default_factory=list)
    dom: list[float] = field(default_factory=list)
    clock_error_ms: float = 0.0
    snapshot_bytes_max: int = 0


def percentile(readings: Sequence[float], percent: int) -> float:
    """The nearest rank."""
    return sorted(readings)[math.ceil(len(readings) * percent / 100) - 1]


async def measure(presses: int, seed: int, folder: Path) -> Measured:
    """`presses` presses and as many frames of the floor. Everything lies in `folder`."""
    hub = await HubProcess(folder / "hub").start()
    try:
        return await _measure_at(hub, presses, random.Random(seed), folder)
    finally:
        await hub.stop()


async def _measure_at(hub: HubProcess, presses: int, order: random.Random, folder: Path) -> Measured:
    enrolled = await hub.enrol()
    async with contextlib.AsyncExitStack() as stack:
        floor = await stack.enter_async_context(running_floor(hub.home.keys, folder, hub.browser, NAME))
        screen = await stack.enter_async_context(running_screen(hub, await hub.guard("李敏")))
        pager = await _pager(hub, stack)
        socket = await stack.enter_async_context(hub.browser.ws_connect(f"{hub.url}/ws/terminal"))
        terminal = BenchTerminal(socket, enrolled, hub)
        await stack.enter_async_context(running(terminal, pager))
        await terminal.linked()
        await pager.answers.of(READY)
        for _ in range(WARM_UP):
            await _press(terminal, pager, screen, Measured())
            await _echo(floor, order, Measured())
        measured = Measured(clock_error_ms=screen.error_ms)
        turns = ["press", "floor"] * presses
        order.shuffle(turns)
        for turn in turns:
            await asyncio.sleep(REST_MS / 1000)
            if turn == "press":
                await _press(terminal, pager, screen, measured)
            else:
                await _echo(floor, order, measured)
        measured.snapshot_bytes_max = pager.bytes_max
        return measured


async def _pager(hub: Doors, stack: contextlib.AsyncExitStack) -> BenchPager:
    cookie = await hub.pager_cookie()
    await hub.sign_on(cookie, await hub.guard("王建国"))
    headers = {"Origin": hub.url, "Cookie": cookie}
    return BenchPager(await stack.enter_async_context(hub.browser.ws_connect(f"{hub.url}/ws/pager", headers=headers)))


async def _press(terminal: BenchTerminal, pager: BenchPager, screen: BenchScreen, measured: Measured) -> None:
    digest, sent_ns = await terminal.press()
    incident = f"i-{digest[:20]}"
    measured.page.append((await pager.pages.of(incident) - sent_ns) / 1e6)
    measured.receipt.append((await terminal.receipts.of(digest) - sent_ns) / 1e6)
    measured.dom.append((await screen.shown_ns(incident) - sent_ns) / 1e6)
    await pager.close_case(incident)


async def _echo(floor: Floor, order: random.Random, measured: Measured) -> None:
    frame = floor.sign(order.randbytes(FRAME_BYTES))
    sent_ns = time.perf_counter_ns()
    await floor.once(frame)
    measured.floor.append((time.perf_counter_ns() - sent_ns) / 1e6)
