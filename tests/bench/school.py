"""What a school feels first: a small hub with half a core and a disk that takes 30 ms, 60 terminals and 20 pagers; and
the floor on the same half core and the same disk."""

import asyncio
import contextlib

from tests.bench.bench import Bench, Pair, leader_of, pager_of, running_hub, terminal_of
from tests.bench.browser import running_screen
from tests.bench.crowd import running_crowd
from tests.bench.ends import READY, running
from tests.bench.figures import FLOOR, LIGHT, PAGE, RECEIPT, SOUND
from tests.bench.floor import running_floor
from tests.bench.machine import PartOfACore, SlowDisk
from tests.links.campus import NAME

FSYNC_MS = 30
CORE = 0.5
PAUSE_S = (0.1, 0.3)
"""Before each reading, while the hub does what it does."""
LAST_PAGE = "press → page on the last socket"


async def ask(bench: Bench) -> None:
    terminals, pagers = bench.extent.school
    where = f"a school: {terminals} terminals, {pagers} pagers, fsync {FSYNC_MS} ms, half a core"
    folder = bench.own("school")
    disk = SlowDisk(folder)
    async with contextlib.AsyncExitStack() as stack:
        core = stack.enter_context(PartOfACore(CORE))
        hub = await stack.enter_async_context(running_hub(folder / "hub", **disk.environment))
        await stack.enter_async_context(running_crowd(hub, terminals - 1))
        terminal = await terminal_of(hub)
        guards = [await pager_of(hub, f"保安 {number}") for number in range(pagers - 1)]
        pair = Pair(terminal, guards[0], await leader_of(hub))
        await stack.enter_async_context(running(terminal, *guards))
        await terminal.linked()
        for guard in guards:
            await guard.answers.of(READY)
        screen = await stack.enter_async_context(running_screen(hub, await hub.guard("李敏")))
        floor = await stack.enter_async_context(
            running_floor(hub.home.keys, folder, hub.browser, NAME, **disk.environment)
        )
        core.give(hub.process.pid)
        core.give(floor.pid)
        disk.takes(FSYNC_MS)

        async def press(number: int) -> None:
            incident, sent_ns, _, receipt_ms = await pair.press()
            pages_ms = [(await guard.pages.of(incident) - sent_ns) / 1e6 for guard in guards]
            _, sound_ns = await screen.shown_ns(incident)
            bench.results.row(where, PAGE).add(number, *pages_ms)
            bench.results.row(where, LAST_PAGE).add(number, max(pages_ms))
            bench.results.row(where, SOUND).add(number, (sound_ns - sent_ns) / 1e6)
            bench.results.row(where, RECEIPT).add(number, receipt_ms)
            bench.results.row(where, LIGHT).add(number, await pair.accept(incident))
            await pair.close(incident)

        async def echo(number: int) -> None:
            bench.results.row(where, FLOOR).add(number, await floor.once(bench.dice))

        for number in range(bench.extent.long_rounds):
            for _ in range(bench.extent.presses):
                for turn in bench.dice.sample((press, echo), 2):
                    await asyncio.sleep(bench.dice.uniform(*PAUSE_S))
                    await turn(number)
