"""Press after press through fault after fault, and what became of each."""

import asyncio
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from tests.faults.faults import Fault
from tests.faults.record import Row, tally
from tests.faults.world import SLIPS_PART_MAX, World, running_world
from tests.links.hub_process import HubProcess

EXPECTED = {"the ledger can't be written", "the write-ahead log can't be moved into the file"}
"""What a hub may complain of here: of a disk that is full."""
LAST_WORDS = 80
"""Lines."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """`troubles`: what is wrong besides the rows."""

    rows: list[Row]
    troubles: list[str]

    @property
    def is_well(self) -> bool:
        return all(row.is_well for row in self.rows) and not self.troubles


async def soak(folder: Path, faults: Sequence[Fault], presses: int, seed: int, say: Callable[[str], None]) -> Verdict:
    """Goes through `faults` again and again until there were so many presses: at least once. `folder` is empty; its
    path is short, for sockets are made in it.
    """
    async with running_world(folder, Random(seed)) as world:
        rounds = 0
        while not rounds or len(world.presses) < presses:
            for fault in faults:
                rounds += 1
                await _round(world, fault, rounds, say)
                if len(world.presses) >= presses and rounds >= len(faults):
                    break
        troubles = await _end(world)
        rows = tally(world)
        unproven = {fault.name for fault in faults} - {row.fault for row in rows}
        return Verdict(rows, [*troubles, *(f"nobody pressed under {name!r}" for name in sorted(unproven))])


async def _round(world: World, fault: Fault, number: int, say: Callable[[str], None]) -> None:
    pressed, begun_s = len(world.presses), time.monotonic()
    try:
        # Nobody presses any more once it is over.
        with world.called(fault.name):
            async with fault.inject(world):
                await asyncio.sleep(fault.lasts_s)
        settled_s = await world.settle()
    except Exception as error:
        error.add_note(f"in round {number}, {fault.name}; the hub's last words:\n{await _last_words(world.hub)}")
        raise
    presses, took_s = len(world.presses) - pressed, time.monotonic() - begun_s
    say(
        f"{number:>4} {fault.name:<20}{presses:>5} presses in {took_s:5.1f} s, "
        f"{settled_s:4.1f} s of them to settle; {len(world.presses)} so far"
    )


async def _last_words(hub: HubProcess) -> str:
    """Where each of its threads stands, if it still runs, and what it logged before."""
    code = await hub.end(signal.SIGABRT)
    return "".join([*hub.log[-LAST_WORDS:], f"ended with {code}"])


async def _end(world: World) -> list[str]:
    """Stops everything in order; what does not fit."""
    troubles = []
    verdict = await world.hub.verify()
    if not verdict.ok:
        troubles.append(f"the ledger does not verify: {verdict}")
    for terminal in world.terminals:
        if code := await terminal.end():
            troubles.append(f"{terminal.home.path.name} ended with {code}")
        if "Traceback" in terminal.log:
            troubles.append(f"{terminal.home.path.name} had a defect:\n{terminal.log[-2_000:]}")
    for pager in world.pagers:
        if (code := await pager.end(signal.SIGTERM)) != -signal.SIGTERM:
            troubles.append(f"a pager ended with {code}")
    await world.hub.stop()
    if world.slips > SLIPS_PART_MAX * len(world.presses):
        troubles.append(f"{world.slips} touches were too short for a press: this machine is too busy")
    troubles += [str(line) for line in world.hub.complaints() if line["event"] not in EXPECTED]
    return troubles
