"""How many events per second become durable, each with its receipt, while every terminal presses again and again."""

from tests.bench.bench import Bench, pager_of, running_hub
from tests.bench.crowd import running_crowd
from tests.bench.ends import READY, running
from tests.bench.figures import RECEIPT
from tests.bench.machine import cpu_s

WHERE = "sustained"


async def ask(bench: Bench) -> None:
    folder = bench.own(WHERE)
    async with running_hub(folder / "hub") as hub:
        pager = await pager_of(hub)
        async with running(pager), running_crowd(hub, bench.extent.crowd) as crowd:
            await pager.answers.of(READY)
            before_s = cpu_s(hub.process.pid)
            sustained = await crowd.ask("sustain", seconds=bench.extent.seconds, publishers=bench.extent.crowd)
            used = (cpu_s(hub.process.pid) - before_s) / sustained["seconds"]
    waits = sustained["waits_ms"]
    bench.results.row(WHERE, RECEIPT).add(0, *waits)
    bench.results.figure(WHERE, "durable events", len(waits) / sustained["seconds"], "/s")
    bench.results.figure(WHERE, "of a core, the hub", used * 100, "%")
    bench.results.figure(WHERE, "of a core, those who press", sustained["core"] * 100, "%")
