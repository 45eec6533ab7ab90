"""How many entries per second `firstbell-hub verify` goes through: a ledger without signed events, one full of them."""

import asyncio
import time
from pathlib import Path
from statistics import median

from tests.bench.bench import Bench, leader_of, pager_of, running_hub
from tests.bench.fill import Story, fill
from tests.links.hub_process import COMMAND

WHERE = "verify"
KINDS = (("structure alone", Story.lights), ("with every signature", Story.events))
START_ENTRIES = 100
"""A ledger so short that verifying it takes no longer than the command's own start."""


async def ask(bench: Bench) -> None:
    for number, (what, story) in enumerate(KINDS):
        async with running_hub(bench.own(f"verify-{number}") / "hub") as hub:
            enrolled = await hub.enrol()
            await pager_of(hub)
            await leader_of(hub)
            await hub.stop()
        await asyncio.to_thread(fill, hub.home, enrolled, START_ENTRIES, story)
        short_s = await _verify_s(hub.home.path, bench.extent.starts)
        await asyncio.to_thread(fill, hub.home, enrolled, bench.extent.verified, story)
        took_s = await _verify_s(hub.home.path, bench.extent.starts) - short_s
        bench.results.figure(WHERE, what, (bench.extent.verified - START_ENTRIES) / max(took_s, 1e-3), "entries/s")


async def _verify_s(home: Path, times: int) -> float:
    """The median: what is looked for is a tenth of a second, and a start varies by some hundredths."""
    return median([await _once_s(home) for _ in range(times)])


async def _once_s(home: Path) -> float:
    begun_s = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "--home", str(home), "verify"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0, said.decode()
    return time.monotonic() - begun_s
