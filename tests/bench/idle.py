"""What a thousand terminals cost that only say that they are there."""

import asyncio

from tests.bench.bench import Bench, running_hub
from tests.bench.crowd import running_crowd
from tests.bench.machine import cpu_s, memory_bytes

WHERE = "1,000 idle"
SETTLE_S = 5
"""For the quick heartbeats of the beginning."""


async def ask(bench: Bench) -> None:
    async with running_hub(bench.own("idle") / "hub") as hub:
        pid = hub.process.pid
        # So that what any terminal needs is there already.
        async with running_crowd(hub, 1):
            pass
        before_bytes = memory_bytes(pid)
        async with running_crowd(hub, bench.extent.crowd):
            await asyncio.sleep(min(SETTLE_S, bench.extent.seconds))
            before_s = cpu_s(pid)
            await asyncio.sleep(bench.extent.seconds)
            used = (cpu_s(pid) - before_s) / bench.extent.seconds
            each_bytes = (memory_bytes(pid) - before_bytes) / bench.extent.crowd
    bench.results.figure(WHERE, "memory per terminal", each_bytes / 1024, "KiB")
    bench.results.figure(WHERE, "of a core", used * 100, "%")
