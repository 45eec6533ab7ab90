"""What a long record costs: the start and a press with 10^6 entries in the ledger, beside 10^3; bytes on the disk."""

import asyncio
import contextlib
import time

from hub.database import open_read_only
from tests.bench.bench import Bench, BenchHub, leader_of, pager_of, running_hub, running_pair, warm_up
from tests.bench.figures import interleave
from tests.bench.fill import Story, fill
from tests.bench.scale import press_turn
from tests.bench.targets import LARGE, SMALL


async def ask(bench: Bench) -> None:
    async with contextlib.AsyncExitStack() as stack:
        turns = {}
        for where, entries in zip((SMALL, LARGE), bench.extent.entries, strict=True):
            hub = await stack.enter_async_context(running_hub(bench.own(f"entries-{entries}") / "hub"))
            enrolled = await hub.enrol()
            await pager_of(hub)
            await leader_of(hub)
            await hub.stop()
            before_bytes = hub.home.database.stat().st_size
            begun_s = time.monotonic()
            await asyncio.to_thread(fill, hub.home, enrolled, entries, Story.whole)
            bench.results.notes.append(f"{where}: made in {time.monotonic() - begun_s:.0f} s.")
            grown_bytes = hub.home.database.stat().st_size - before_bytes
            bench.results.figure(where, "bytes on the disk per entry", grown_bytes / entries, "bytes")
            each_bytes = grown_bytes / _events(hub)
            bench.results.figure(where, "bytes on the disk per press, to its close", each_bytes, "bytes")
            bench.results.figure(where, "start", await _start_s(hub, bench.extent.starts), "s, the median")
            pair = await stack.enter_async_context(running_pair(hub, "李敏", "主任"))
            await warm_up(pair)
            turns[where] = press_turn(bench, pair, where, 0)
        await interleave(turns, bench.extent.rounds, bench.dice)


def _events(hub: BenchHub) -> int:
    connection = open_read_only(hub.home.database)
    try:
        (events,) = connection.execute("SELECT count(*) FROM events").fetchone()
        return int(events)
    finally:
        connection.close()


async def _start_s(hub: BenchHub, starts: int) -> float:
    """From the command until it listens. Leaves it running."""
    took = []
    for number in range(starts):
        if number:
            await hub.stop()
        begun_s = time.monotonic()
        await hub.spawn()
        took.append(time.monotonic() - begun_s)
        await hub.open_doors()
    return sorted(took)[starts // 2]
