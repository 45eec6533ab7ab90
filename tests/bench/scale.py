"""How long a press takes with 1, 10, 100 and 1,000 terminals connected, beside the floor of the same minutes.

At a busy pace, one after the other, and at one press per 50 ms: a real press finds the machine idle. What the guard's
screen needs is read with a browser beside, apart, for it takes what it needs of the same cores.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from tests.bench.bench import Bench, Pair, running_hub, running_pair, warm_up
from tests.bench.browser import BenchScreen, running_screen
from tests.bench.crowd import running_crowd
from tests.bench.figures import DOM, FLOOR, LIGHT, PAGE, RECEIPT, SOUND, interleave
from tests.bench.floor import Floor, running_floor
from tests.bench.targets import SCALE
from tests.links.campus import NAME

PACE_S = 0.05

Turn = Callable[[int], Awaitable[None]]


async def ask(bench: Bench) -> None:
    for count in bench.extent.counts:
        rounds = bench.extent.long_rounds if count == 1 else bench.extent.rounds
        async with contextlib.AsyncExitStack() as stack:
            folder = bench.own(f"scale-{count}")
            hub = await stack.enter_async_context(running_hub(folder / "hub"))
            pair = await stack.enter_async_context(running_pair(hub))
            if count > 1:
                await stack.enter_async_context(running_crowd(hub, count - 1))
            floor = await stack.enter_async_context(running_floor(hub.home.keys, folder, hub.browser, NAME))
            await warm_up(pair)
            await interleave(_sockets(bench, pair, floor, f"{SCALE} {count:,}"), rounds, bench.dice)
            screen = await stack.enter_async_context(running_screen(hub, await hub.guard("李敏")))
            where = f"{SCALE} {count:,}, a browser beside"
            turns = {
                "floor": floor_turn(bench, floor, where, PACE_S),
                "screen": screen_turn(bench, pair, screen, where, PACE_S),
            }
            await interleave(turns, rounds, bench.dice)
            bench.results.notes.append(f"{where}: the browser's clock is known to ±{screen.error_ms:.1f} ms.")


def _sockets(bench: Bench, pair: Pair, floor: Floor, where: str) -> dict[str, Turn]:
    turns: dict[str, Turn] = {}
    for pace, rest_s in (("busy", 0.0), ("one per 50 ms", PACE_S)):
        turns[f"floor {pace}"] = floor_turn(bench, floor, f"{where}, {pace}", rest_s)
        turns[f"press {pace}"] = press_turn(bench, pair, f"{where}, {pace}", rest_s)
    return turns


def floor_turn(bench: Bench, floor: Floor, where: str, rest_s: float) -> Turn:
    async def turn(number: int) -> None:
        for _ in range(bench.extent.presses):
            if rest_s:
                await asyncio.sleep(rest_s)
            bench.results.row(where, FLOOR).add(number, await floor.once(bench.dice))

    return turn


def press_turn(bench: Bench, pair: Pair, where: str, rest_s: float) -> Turn:
    async def turn(number: int) -> None:
        for _ in range(bench.extent.presses):
            if rest_s:
                await asyncio.sleep(rest_s)
            case = await pair.case()
            bench.results.row(where, PAGE).add(number, case.page_ms)
            bench.results.row(where, RECEIPT).add(number, case.receipt_ms)
            bench.results.row(where, LIGHT).add(number, case.light_ms)

    return turn


def screen_turn(bench: Bench, pair: Pair, screen: BenchScreen, where: str, rest_s: float) -> Turn:
    async def turn(number: int) -> None:
        for _ in range(bench.extent.presses):
            await asyncio.sleep(rest_s)
            incident, sent_ns, _, _ = await pair.press()
            shown_ns, sound_ns = await screen.shown_ns(incident)
            bench.results.row(where, DOM).add(number, (shown_ns - sent_ns) / 1e6)
            bench.results.row(where, SOUND).add(number, (sound_ns - sent_ns) / 1e6)
            await pair.accept(incident)
            await pair.close(incident)

    return turn
