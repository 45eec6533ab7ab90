"""What the bench asks of every peer, and a process that ends with its question."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Protocol

MESSAGE = b"x" * 400
"""About what an event has."""
START_S_MAX = 60


class Client(Protocol):
    """One publisher."""

    async def publish(self) -> None:
        """Returns when the peer has acknowledged it."""


class Peer(Protocol):
    """`pid`: of its server. `heard_ns`: when its listener, at `listener_port`, got each message."""

    @property
    def pid(self) -> int: ...
    @property
    def client(self) -> Client: ...
    @property
    def heard_ns(self) -> "asyncio.Queue[int]": ...
    @property
    def listener_port(self) -> int: ...

    async def clients(self, count: int) -> list[Client]: ...


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


async def once(peer: Peer) -> tuple[float, float]:
    """One message: milliseconds until it was acknowledged, and until the listener had it."""
    sent_ns = time.time_ns()
    await peer.client.publish()
    acknowledged_ns = time.time_ns()
    delivered_ns = await peer.heard_ns.get()
    return (acknowledged_ns - sent_ns) / 1e6, (delivered_ns - sent_ns) / 1e6


async def sustain(peer: Peer, clients: list[Client], seconds: float) -> tuple[list[float], float]:
    """All publish again whenever they are acknowledged: the waits in milliseconds, and the seconds it took."""
    begun_s = time.monotonic()
    waits: list[float] = []

    async def go_on(client: Client) -> None:
        while time.monotonic() < begun_s + seconds:
            sent_ns = time.perf_counter_ns()
            await client.publish()
            waits.append((time.perf_counter_ns() - sent_ns) / 1e6)

    await asyncio.gather(*(go_on(client) for client in clients))
    took_s = time.monotonic() - begun_s
    for _ in waits:
        await peer.heard_ns.get()
    return waits, took_s


@contextlib.asynccontextmanager
async def running_process(
    *command: str | Path, environment: dict[str, str], log: Path, ready: Callable[[], Awaitable[object]]
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Until `ready` raises no OSError any more."""
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, env=environment
        )
    try:
        async with asyncio.timeout(START_S_MAX):
            while True:
                assert process.returncode is None, f"{command[0]} has ended, see {log}"
                with contextlib.suppress(OSError):
                    await ready()
                    break
                await asyncio.sleep(0.1)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
