"""Whether a page waits for the disk: the same presses with the disk as it is and with one that takes 200 ms per fsync.

Each press comes while the record of the case before is still being written, and all of a case's steps at the same
times, so that the machine is as cold or as warm in both.
"""

import asyncio

from tests.bench.bench import Bench, Pair, running_hub, running_pair, warm_up
from tests.bench.figures import FLOOR, PAGE, RECEIPT, interleave
from tests.bench.floor import running_floor
from tests.bench.machine import SlowDisk
from tests.bench.scale import Turn
from tests.bench.targets import QUICK, SLOW
from tests.links.campus import NAME

SLOW_MS = 200
STEP_S = 0.35
"""From one step of a case to the next: longer than a commit on the slow disk."""
AFTER_S = 0.02
"""From the last step to the next press: on the slow disk its commit still runs."""
PRESSES = 5


async def ask(bench: Bench) -> None:
    folder = bench.own("disk")
    disk = SlowDisk(folder)
    async with (
        running_hub(folder / "hub", **disk.environment) as hub,
        running_pair(hub) as pair,
        running_floor(hub.home.keys, folder, hub.browser, NAME) as floor,
    ):
        await warm_up(pair)

        def turn(where: str, fsync_ms: int) -> Turn:
            async def take(number: int) -> None:
                disk.takes(fsync_ms)
                before = ""
                for _ in range(min(PRESSES, bench.extent.presses)):
                    bench.results.row(where, FLOOR).add(number, await floor.once(bench.dice))
                    before, page_ms, receipt_ms = await _case(pair, before)
                    bench.results.row(where, PAGE).add(number, page_ms)
                    bench.results.row(where, RECEIPT).add(number, receipt_ms)
                await pair.leader.close(before)

            return take

        await interleave({QUICK: turn(QUICK, 0), SLOW: turn(SLOW, SLOW_MS)}, bench.extent.rounds, bench.dice)


async def _case(pair: Pair, before: str) -> tuple[str, float, float]:
    """Presses while the end of the case before is being written. The new incident, page and receipt in milliseconds."""
    async with asyncio.TaskGroup() as group:
        if before:
            group.create_task(pair.leader.close(before))
        await asyncio.sleep(AFTER_S)
        incident, _, page_ms, receipt_ms = await pair.press()
    for do in ("accept", "on_scene", "resolve"):
        await asyncio.sleep(STEP_S)
        await pair.pager.answered(do, incident)
    await asyncio.sleep(STEP_S)
    return incident, page_ms, receipt_ms
