"""All terminals press: within one second, and all at once. Each storm meets a hub of its own."""

from bisect import bisect_left

from tests.bench.bench import Bench, pager_of, running_hub
from tests.bench.crowd import running_crowd
from tests.bench.ends import READY, BenchPager, running
from tests.bench.figures import PAGE, RECEIPT
from tests.bench.targets import ALL_PAGED, ALL_RECEIPTS, AT_ONCE, STORM


async def ask(bench: Bench) -> None:
    for where, over_s in ((STORM, 1.0), (AT_ONCE, 0.0)):
        ends = []
        for number in range(bench.extent.storms):
            ends.append(await _storm(bench, number, where, over_s))
        bench.results.figure(where, ALL_PAGED, max(paged for paged, _ in ends), "s, the longest")
        bench.results.figure(where, ALL_RECEIPTS, max(receipted for _, receipted in ends), "s, the longest")


async def _storm(bench: Bench, number: int, where: str, over_s: float) -> tuple[float, float]:
    """From the first press: seconds until all are paged, and until all have their receipts."""
    folder = bench.own(f"storm-{over_s:.0f}-{number}")
    async with running_hub(folder / "hub") as hub:
        pager = await pager_of(hub)
        async with running(pager), running_crowd(hub, bench.extent.crowd) as crowd:
            await pager.answers.of(READY)
            pressed = await crowd.ask("storm", over_s=over_s, seed=bench.dice.randrange(1 << 32))
            sent_ns = sorted(sent for sent, _ in pressed)
            paged_ns = await _paged_ns(pager, len(pressed))
    waits = [(paged - sent) / 1e6 for sent, paged in zip(sent_ns, paged_ns, strict=True)]
    bench.results.row(where, PAGE).add(number, *waits)
    bench.results.row(where, RECEIPT).add(number, *((receipt - sent) / 1e6 for sent, receipt in pressed))
    return (paged_ns[-1] - sent_ns[0]) / 1e9, (max(receipt for _, receipt in pressed) - sent_ns[0]) / 1e9


async def _paged_ns(pager: BenchPager, count: int) -> list[int]:
    """When the pager was first called to one, to two, … incidents. A snapshot shows few of them and counts all; the hub
    takes them in the order in which they come, so the n-th call is that of the n-th press.
    """
    await pager.called_to(count)
    counts = [called for called, _ in pager.called]
    return [pager.called[bisect_left(counts, wanted)][1] for wanted in range(1, count + 1)]
