"""The hub beside Mosquitto, NATS JetStream and Home Assistant: same machine, same run, all over TLS, rounds mixed.

Each is set up as its documents advise for not losing messages; whether it waits for the disk before it acknowledges is
read from the kernel, by strace.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from statistics import median

from tests.bench import install
from tests.bench.bench import Bench, BenchHub, pager_of, running_hub, running_pair, warm_up
from tests.bench.crowd import FarCrowd, running_crowd
from tests.bench.ends import READY, running
from tests.bench.figures import FLOOR, Results, interleave
from tests.bench.floor import running_floor
from tests.bench.machine import Missing
from tests.bench.peer import Client, Peer, once, sustain
from tests.bench.peer_home import running_home_assistant
from tests.bench.peer_mqtt import running_mosquitto
from tests.bench.peer_nats import running_nats
from tests.bench.scale import Turn
from tests.bench.targets import ACKNOWLEDGED, CROWDED, DELIVERED, HOME_ASSISTANT, HUB, MOSQUITTO, NATS, PER_SECOND
from tests.faults.machine import COMMAND_S_MAX, attached, need
from tests.faults.machine import Missing as FaultMissing
from tests.faults.trace import SENDS, read_trace
from tests.links.campus import NAME

SECONDS_PART = 0.3
"""Of the time that a question has, what one round with many publishers takes: there are more of them."""
TRACED = 20
QUIET_S = 0.5
"""After each that is traced: all of it is in the trace, and no sync that came later is taken for the next one's."""
SYNCS = ("fsync", "fdatasync", "sync_file_range", "msync")


async def ask(bench: Bench) -> None:
    folder = bench.own("peers")
    async with contextlib.AsyncExitStack() as stack:
        hub = await stack.enter_async_context(running_hub(folder / "hub"))
        peers = {name: peer async for name, peer in _begun(bench, hub, stack)}
        floor = await stack.enter_async_context(running_floor(hub.home.keys, folder, hub.browser, NAME))
        crowded = await stack.enter_async_context(running_hub(folder / "crowded"))
        guard = await pager_of(crowded)
        crowd = await stack.enter_async_context(running_crowd(crowded, bench.extent.publishers))
        await stack.enter_async_context(running(guard))
        await guard.answers.of(READY)
        pair = await stack.enter_async_context(running_pair(hub))
        await warm_up(pair)

        async def press(number: int) -> None:
            for _ in range(bench.extent.presses):
                case = await pair.case()
                bench.results.row(HUB, ACKNOWLEDGED).add(number, case.receipt_ms)
                bench.results.row(HUB, DELIVERED).add(number, case.page_ms)

        async def echo(number: int) -> None:
            for _ in range(bench.extent.presses):
                reading_ms = await floor.once(bench.dice)
                for name in (HUB, *peers):
                    bench.results.row(name, FLOOR).add(number, reading_ms)

        turns: dict[str, Turn] = {name: _turn(bench, name, peer) for name, peer in peers.items()}
        await interleave({**turns, HUB: press, FLOOR: echo}, bench.extent.rounds, bench.dice)
        await _many(bench, peers, crowd)
        for name, peer in peers.items():
            synced = await _synced(bench, name, peer)
            promise(bench.results, name, synced == TRACED, f"{synced} of {TRACED}, by strace")
        promise(bench.results, HUB, True, "by strace in tests/faults/test_fdatasync.py")


async def _begun(bench: Bench, hub: BenchHub, stack: contextlib.AsyncExitStack) -> AsyncIterator[tuple[str, Peer]]:
    """Those that this machine can have; of the others it is told why not."""
    keys, cache = hub.home.keys, bench.cache
    try:
        program, libraries = await install.mosquitto(cache)
        started = running_mosquitto(program, libraries, bench.own("mosquitto"), keys, hub.tls)
        yield MOSQUITTO, await stack.enter_async_context(started)
    except Missing as missing:
        bench.results.missing[MOSQUITTO] = str(missing)
    try:
        nats = running_nats(await install.nats_server(cache), bench.own("nats"), keys, hub.tls)
        yield NATS, await stack.enter_async_context(nats)
    except Missing as missing:
        bench.results.missing[NATS] = str(missing)
    try:
        python = await install.home_assistant(cache)
        home = running_home_assistant(python, bench.own("home-assistant"), keys, hub.tls)
        yield HOME_ASSISTANT, await stack.enter_async_context(home)
    except Missing as missing:
        bench.results.missing[HOME_ASSISTANT] = str(missing)


def _turn(bench: Bench, name: str, peer: Peer) -> Turn:
    async def turn(number: int) -> None:
        for _ in range(bench.extent.presses):
            acknowledged_ms, delivered_ms = await once(peer)
            bench.results.row(name, ACKNOWLEDGED).add(number, acknowledged_ms)
            bench.results.row(name, DELIVERED).add(number, delivered_ms)

    return turn


async def _many(bench: Bench, peers: dict[str, Peer], crowd: FarCrowd) -> None:
    """A hundred publishers at a time."""
    count, seconds = bench.extent.publishers, bench.extent.seconds * SECONDS_PART
    total: dict[str, list[float]] = {}

    def note(name: str, number: int, waits: list[float], took_s: float) -> None:
        bench.results.row(name, CROWDED).add(number, *waits)
        total.setdefault(name, []).append(len(waits) / took_s)

    def turn(name: str, peer: Peer, clients: list[Client]) -> Turn:
        async def take(number: int) -> None:
            note(name, number, *await sustain(peer, clients, seconds))

        return take

    async def press(number: int) -> None:
        sustained = await crowd.ask("sustain", seconds=seconds, publishers=count)
        note(HUB, number, sustained["waits_ms"], sustained["seconds"])

    turns: dict[str, Turn] = {name: turn(name, peer, await peer.clients(count)) for name, peer in peers.items()}
    await interleave({**turns, HUB: press}, bench.extent.rounds, bench.dice)
    for name, rates in total.items():
        bench.results.figure(name, PER_SECOND, median(rates), "/s, the median")


def promise(results: Results, name: str, durable: bool, how: str) -> None:
    """`how`: it is known."""
    for what in (ACKNOWLEDGED, CROWDED, PER_SECOND):
        results.promises[name, what] = f"durable before: {'yes' if durable else 'no'} ({how})"


async def _synced(bench: Bench, name: str, peer: Peer) -> int:
    """How many of some acknowledgements left after a sync that had ended since the message was sent."""
    trace = bench.folder / f"trace {name}"
    try:
        strace = need("strace")
        tracer = await asyncio.create_subprocess_exec(
            *(strace, "-f", "-yy", "-s", "0", "-o", str(trace), "-p", str(peer.pid)),
            *("-e", f"trace={','.join((*SENDS, *SYNCS))}"),
            stderr=asyncio.subprocess.PIPE,
        )
        await attached(tracer)
    except FaultMissing as missing:
        raise Missing(str(missing)) from missing
    synced = 0
    try:
        for _ in range(TRACED):
            since = len(trace.read_text().splitlines())
            await once(peer)
            await asyncio.sleep(QUIET_S)
            calls = read_trace(trace.read_text().splitlines()[since:])
            # The last that goes to the publisher is the acknowledgement.
            listener = f"->127.0.0.1:{peer.listener_port}]"
            sends = [c.began for c in calls if c.name in SENDS and "TCP" in c.file and listener not in c.file]
            synced += any(call.name in SYNCS and call.ended < max(sends, default=0) for call in calls)
    finally:
        tracer.terminate()
        async with asyncio.timeout(COMMAND_S_MAX):
            await tracer.communicate()
    return synced
