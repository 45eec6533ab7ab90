"""`kill -9` of hub and terminals at random moments, while people press and answer: nothing that was promised is lost,
nothing counts twice, and the log is one log.
"""

import asyncio
import time
from collections import Counter
from functools import partial
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

import pytest
from firstbell.note import Checkpoint

from hub.dispatch import entries as e
from hub.ledger.origin import open_any_checkpoint
from tests.faults.players import Finger, Guard, Hand, Power
from tests.faults.record import read_bodies, roots
from tests.links.hub_process import HubProcess
from tests.links.real_terminals import is_quiet, receipts, start_terminal

ROUNDS = 50
PRESSES_BETWEEN_MAX = 4
REST_S_MAX = 60
"""So long may it take, once nothing is killed any more, until everything is delivered and answered."""
MOMENT_S_MAX = 0.03
"""Added to the moment of a kill, so that it falls anywhere between two presses and not behind one."""

VICTIMS = {"terminal": "EdDSA", "node": "HS256"}
"""Terminals that are killed, and their keys: of a node, power is lost."""
LOG_CHARS = 2_000
"""Of what a terminal said before a defect and after it."""
PROMISING = 0.6
"""Of the hub's kills, those that wait until it has promised something since its start; the others may come while it
still waits for what its terminals remember.
"""


class Machine:
    """Something that is killed and started again. `starting` is the task that does it."""

    def __init__(self, name: str, process: Any, power: Power) -> None:
        self.name = name
        self.process = process
        self.power = power
        self.starting: asyncio.Task[None] | None = None

    async def kill(self) -> None:
        self.power.cut()
        await self.process.kill()
        self.starting = asyncio.create_task(self._start())

    async def started(self) -> None:
        if self.starting is not None:
            await self.starting

    async def _start(self) -> None:
        await self.process.start()
        self.power.on.set()


async def play(hub: HubProcess, folder: Path, seed: int) -> tuple[list[Finger], Hand, Guard, list[str]]:
    dice = Random(seed)
    pulse = asyncio.Condition()
    hub_power = Power()
    fingers = []
    for name, algorithm in (("survivor", "EdDSA"), *VICTIMS.items()):
        terminal = await start_terminal(hub, folder / name, await hub.enrol(name, algorithm=algorithm))
        fingers.append(Finger(terminal, Power(), dice, pulse))
    hand = Hand(hub.raw_terminal(await hub.enrol("hand")), hub_power)
    pager = await hub.pager(await hub.guard("王建国"))
    guard = Guard(partial(hub.pager_line, pager.cookie), hub_power)
    machines = [Machine("hub", hub, hub_power)]
    for name, victim in zip(VICTIMS, fingers[1:], strict=True):
        machines.append(Machine(name, victim.terminal, victim.power))
    # A player who gives up ends the game.
    async with asyncio.TaskGroup() as group:
        pressing = [group.create_task(finger.play()) for finger in fingers]
        answering = group.create_task(guard.play())
        offering = group.create_task(hand.play())
        checkpoints = await kill_again_and_again(hub, machines, dice, pulse)
        for player in pressing:
            player.cancel()
        hand.ending = True
        async with asyncio.timeout(REST_S_MAX):
            await offering
            for finger in fingers:
                await finger.terminal.until(is_quiet)
            await all_resolved(hub)
        answering.cancel()
    checkpoints.append(await hub.checkpoint())
    for finger in fingers:
        assert await finger.terminal.end() == 0
    await hub.stop()
    return fingers, hand, guard, checkpoints


async def kill_again_and_again(
    hub: HubProcess, machines: list[Machine], dice: Random, pulse: asyncio.Condition
) -> list[str]:
    """When it returns, everything runs. The checkpoints that the hub showed before it was killed."""
    checkpoints = []
    kills: Counter[str] = Counter()
    for _ in range(ROUNDS):
        machine = dice.choice(machines)
        await machine.started()
        if machine.name == "hub":
            if dice.random() < PROMISING:
                await hub.until(lambda told: told["what"] == "committed")
            checkpoints.append(await hub.checkpoint())
        async with pulse:
            for _ in range(dice.randint(1, PRESSES_BETWEEN_MAX)):
                await pulse.wait()
        await asyncio.sleep(dice.uniform(0, MOMENT_S_MAX))
        await machine.kill()
        kills[machine.name] += 1
    for machine in machines:
        await machine.started()
    print("kills:", dict(kills))
    return checkpoints


async def all_resolved(hub: HubProcess) -> None:
    known = len(hub.happened)
    while (await hub.get("/control/status"))["incidents_open"]:
        await hub.until(lambda _told, known=known: len(hub.happened) > known)  # type: ignore[misc]
        known = len(hub.happened)


@pytest.mark.timeout(600)
async def test_nothing_promised_is_lost(tmp_path: Path) -> None:
    seed = SystemRandom().randrange(1 << 32)
    print("seed", seed)
    begun_s = time.monotonic()
    async with HubProcess(tmp_path / "hub") as hub:
        fingers, hand, guard, checkpoints = await play(hub, tmp_path, seed)
    survivor, *victims = fingers
    presses = sum(len(finger.pressed) for finger in fingers) + len(hand.events)
    print(f"{presses} presses, {time.monotonic() - begun_s:.0f} s")
    bodies = read_bodies(hub.home.database)
    recorded = [entry for entry in map(e.decode, bodies) if isinstance(entry, e.EventRecorded)]
    times = Counter(entry.digest for entry in recorded)

    # Every event that got a receipt is in once, and so is every press of whoever survived to tell.
    assert set(times.values()) == {1}
    for finger in fingers:
        assert receipts(finger.terminal) <= times.keys()
    assert hand.receipts.keys() == hand.events.keys() <= times.keys()
    assert set(survivor.pressed) <= times.keys()
    for victim in victims:
        assert victim.kept
        assert victim.kept <= times.keys()
    assert len(survivor.pressed) > ROUNDS
    # A terminal that was killed never gives one number to two events.
    assert not [entry for entry in recorded if entry.again]

    # Its incident was raised and paged, and the guard's pager has shown it.
    raised = {entry.incident: entry for entry in map(e.decode, bodies) if isinstance(entry, e.IncidentRaised)}
    pressed = [entry for entry in recorded if entry.what == "panic"]
    assert {entry.incident for entry in pressed} == raised.keys()
    assert all(entry.paged or entry.everyone for entry in raised.values())
    assert raised.keys() <= guard.shown
    # What a person did counts once.
    commands = Counter(entry.command for entry in map(e.decode, bodies) if isinstance(entry, (e.Accepted, e.Resolved)))
    assert set(commands.values()) == {1}
    assert guard.receipted <= commands.keys()

    # One log, of which every checkpoint ever seen is a beginning.
    notes = [*checkpoints, *(frame["checkpoint"] for frame in hand.receipts.values())]
    seen = [opened(hub, note) for note in notes]
    check_prefixes(bodies, seen)
    verdict = await hub.verify()
    assert verdict.ok, verdict
    for note in checkpoints[:: max(1, len(checkpoints) // 3)]:
        assert (await hub.verify(against=note)).ok
    assert hub.complaints() == [], "\n".join(map(str, hub.complaints()))
    for finger in fingers:
        before, defect, after = finger.terminal.log.partition("Traceback")
        assert not defect, before[-LOG_CHARS:] + defect + after[:LOG_CHARS]


def opened(hub: HubProcess, note: str) -> Checkpoint:
    epoch, checkpoint = open_any_checkpoint(note, hub.vkey)
    assert epoch == 1, note
    return checkpoint


def check_prefixes(bodies: list[bytes], seen: list[Checkpoint]) -> None:
    beginnings = roots(bodies)
    assert all(beginnings.get(checkpoint.size) == checkpoint.root for checkpoint in seen)
    assert len({checkpoint.size for checkpoint in seen}) > ROUNDS // 4
