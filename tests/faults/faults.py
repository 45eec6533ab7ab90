"""The faults, by name: what each does to a running campus, and how it is undone."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

from tests.faults.machine import WallClock, refused_writes, slow_sync
from tests.faults.world import World
from tests.links.campus import Happening
from tests.links.hub_process import COMMAND

DOWN_S = 1.0
"""How long what was killed stays down."""
KILLS = 3
CUT_S = 10.0
SILENCE_S = 12.0
"""Longer than the 9 s after which both sides take each other for lost."""
SLOW_S = 6.0
DELAY_S = 0.3
THIN_BYTES_PER_S = 128_000
HOUR_S = 3_600
FULL_S_MAX = 120
"""Until a full disk is felt: the write-ahead log goes on in the pages that it has already, up to `WAL_PAGES_MAX`, and a
busy machine, which finds no quiet moment, takes 20 s and more to use them up."""
SLOW_FELT_S_MAX = 120
STEP_FELT_S_MAX = 60
"""The hub compares its wall clock with what is on record every 10 s."""
REFUSE_S_MAX = 20
DEVICE = 4
"""The exit code for what this machine, and not the hub, is at fault for (hub/commands/README.md)."""

Inject = Callable[[World], AbstractAsyncContextManager[None]]


@dataclass(frozen=True, slots=True)
class Fault:
    """`lasts_s`: from what `inject` has done on entry to its end; 0: it has then done all."""

    name: str
    inject: Inject
    lasts_s: float


@asynccontextmanager
async def hub_killed(world: World) -> AsyncIterator[None]:
    for _ in range(KILLS):
        await asyncio.sleep(world.dice.uniform(0, DOWN_S))
        await world.hub.kill()
        await asyncio.sleep(DOWN_S)
        await world.hub.start()
    yield


@asynccontextmanager
async def terminals_killed(world: World) -> AsyncIterator[None]:
    for _ in range(KILLS):
        await asyncio.sleep(world.dice.uniform(0, DOWN_S))
        victim = world.dice.choice(world.pressers)
        victim.power.cut()
        await victim.terminal.kill()
        await asyncio.sleep(DOWN_S)
        await victim.terminal.start(**world.terminals_clock.environment)
        victim.power.on.set()
    yield


@asynccontextmanager
async def pagers_killed(world: World) -> AsyncIterator[None]:
    for _ in range(KILLS):
        await asyncio.sleep(world.dice.uniform(0, DOWN_S))
        victim = world.dice.choice(world.pagers)
        await victim.end(signal.SIGKILL)
        await asyncio.sleep(DOWN_S)
        await victim.start()
    yield


@asynccontextmanager
async def hub_stopped(world: World) -> AsyncIterator[None]:
    world.hub.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        world.hub.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def terminal_stopped(world: World) -> AsyncIterator[None]:
    terminal = world.dice.choice(world.pressers).terminal
    terminal.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        terminal.send_signal(signal.SIGCONT)


@asynccontextmanager
async def pagers_stopped(world: World) -> AsyncIterator[None]:
    """All of them: nobody is left who could be called instead."""
    for pager in world.pagers:
        pager.process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        for pager in world.pagers:
            pager.process.send_signal(signal.SIGCONT)


@asynccontextmanager
async def wire_cut(world: World) -> AsyncIterator[None]:
    world.wire.cut()
    try:
        yield
    finally:
        await world.wire.mend()


@asynccontextmanager
async def wire_stalled(world: World) -> AsyncIterator[None]:
    world.wire.stall()
    try:
        yield
    finally:
        world.wire.flow()


@asynccontextmanager
async def wire_slow(world: World) -> AsyncIterator[None]:
    world.wire.delay_s, world.wire.bytes_per_s = DELAY_S, THIN_BYTES_PER_S
    try:
        yield
    finally:
        world.wire.delay_s, world.wire.bytes_per_s = 0, 0


@asynccontextmanager
async def disk_full(world: World) -> AsyncIterator[None]:
    world.disk.fill()
    try:
        await world.hub.until(_disk_fails, FULL_S_MAX)
        yield
    finally:
        world.disk.empty()


@asynccontextmanager
async def disk_refuses(world: World) -> AsyncIterator[None]:
    async with refused_writes(world.hub.process.pid):
        await world.hub.until(_disk_fails, FULL_S_MAX)
        yield


def _disk_fails(told: Happening) -> bool:
    entry: dict[str, object] = told.get("entry", {})
    return told["what"] == "decided" and entry["kind"] == "trouble_began" and entry["what"] == "disk"


@asynccontextmanager
async def disk_read_only(world: World) -> AsyncIterator[None]:
    """No kernel takes the right to write from an open file: the hub is killed first, and has to start on that disk."""
    await world.hub.kill()
    await world.disk.remount("ro")
    try:
        await _refuses_to_start(world)
        yield
    finally:
        await world.disk.remount("rw")
    await world.hub.start()


async def _refuses_to_start(world: World) -> None:
    """It says why, on the one line for programs and in a sentence for people, and ends as documented."""
    process = await asyncio.create_subprocess_exec(
        *(COMMAND, "--home", str(world.hub.home.path), "--json", "serve"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(REFUSE_S_MAX):
            out, error = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = error.decode()
    assert process.returncode == DEVICE, said
    problem = json.loads(out)
    assert problem["problem"] == "cannot_serve", problem
    assert problem["where"].startswith(str(world.hub.home.path)), problem
    assert problem["what"] in said, said
    assert "Traceback" not in said, said


def disk_slow(milliseconds: int) -> Inject:
    @asynccontextmanager
    async def inject(world: World) -> AsyncIterator[None]:
        async with slow_sync(world.hub.process.pid, milliseconds):
            met = _slow_commit(milliseconds, begun_ms=_newest_ms(world))
            yield
            # A write-ahead log that is being moved into the file waits for the disk several times before that.
            await world.hub.until(met, SLOW_FELT_S_MAX)

    return inject


def _newest_ms(world: World) -> int:
    return max((told["at_ms"] for told in world.hub.happened), default=0)


def _slow_commit(milliseconds: int, begun_ms: int) -> Callable[[Happening], bool]:
    """Whether this tells of an event's commit so long after its decision, which came at `begun_ms` or later."""
    decided_ms: dict[str, int] = {}

    def met(told: Happening) -> bool:
        if told.get("entry", {}).get("kind") != "event_recorded" or told["at_ms"] < begun_ms:
            return False
        digest, at_ms = told["entry"]["digest"], told["at_ms"]
        if told["what"] == "decided":
            decided_ms.setdefault(digest, at_ms)
            return False
        took_ms: int = at_ms - decided_ms.get(digest, at_ms)
        return told["what"] == "committed" and took_ms >= milliseconds

    return met


@asynccontextmanager
async def _stepped(world: World, clock: WallClock, seconds: int) -> AsyncIterator[None]:
    clock.step(seconds)
    # Who connects anew looks at certificates by the new time.
    world.wire.break_all()
    try:
        yield
    finally:
        clock.step(0)
        world.wire.break_all()


def hub_clock_stepped(seconds: int) -> Inject:
    @asynccontextmanager
    async def inject(world: World) -> AsyncIterator[None]:
        met = _utc_set(seconds, begun_ms=_newest_ms(world))
        async with _stepped(world, world.hub_clock, seconds):
            yield
            await world.hub.until(met, STEP_FELT_S_MAX)

    return inject


def _utc_set(seconds: int, begun_ms: int) -> Callable[[Happening], bool]:
    """Whether this tells that the hub, later than `begun_ms`, has found its wall clock so far from the machine's."""

    def met(told: Happening) -> bool:
        entry = told.get("entry", {})
        if entry.get("kind") != "utc_set" or told["at_ms"] <= begun_ms:
            return False
        away_s: float = (entry["at_ms"] + entry["offset_ms"]) / 1_000 - time.time()
        return abs(away_s - seconds) < STEP_FELT_S_MAX

    return met


def terminals_clock_stepped(seconds: int) -> Inject:
    return lambda world: _stepped(world, world.terminals_clock, seconds)


FAULTS = (
    Fault("hub killed", hub_killed, 0),
    Fault("hub stopped", hub_stopped, SLOW_S),
    Fault("terminals killed", terminals_killed, 0),
    Fault("terminal stopped", terminal_stopped, SILENCE_S),
    Fault("pagers killed", pagers_killed, 0),
    Fault("pagers stopped", pagers_stopped, SILENCE_S),
    Fault("wire cut", wire_cut, CUT_S),
    Fault("wire half-open", wire_stalled, SILENCE_S),
    Fault("wire slow and thin", wire_slow, SLOW_S),
    Fault("disk full", disk_full, SLOW_S),
    Fault("disk turned read-only", disk_refuses, SLOW_S),
    Fault("disk read-only", disk_read_only, SLOW_S),
    Fault("fsync 200 ms", disk_slow(200), SLOW_S),
    Fault("fsync 5 s", disk_slow(5_000), SILENCE_S),
    Fault("hub's clock +1 h", hub_clock_stepped(HOUR_S), SLOW_S),
    Fault("hub's clock -1 h", hub_clock_stepped(-HOUR_S), SLOW_S),
    Fault("terminals' clock +1 h", terminals_clock_stepped(HOUR_S), SLOW_S),
    Fault("terminals' clock -1 h", terminals_clock_stepped(-HOUR_S), SLOW_S),
)
