"""Many terminals in a process of their own, so that their work is not the hub's nor the measuring process's.

`python -m tests.bench.crowd FILE`, with FILE as `running_crowd` writes it. Commands come as JSON lines on stdin, each
has its answer on stdout. Receipts are believed, not proven: a thousand wall terminals have as many
processors for that.
"""

import asyncio
import contextlib
import gc
import json
import random
import ssl
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from hub.links.door import raise_file_limit
from tests.bench.bench import BenchHub
from tests.bench.ends import BenchTerminal, believed

AT_A_TIME = 32
"""Connections begun and terminals enrolled at once."""


class Crowd:
    def __init__(self, terminals: list[BenchTerminal]) -> None:
        self._terminals = terminals

    async def storm(self, over_s: float, seed: int) -> list[tuple[int, int]]:
        """Everybody presses once, at a time by chance within `over_s`: when it was sent and when its receipt came."""
        dice = random.Random(seed)
        for terminal in self._terminals:
            terminal.prepare()
        return await asyncio.gather(*(_press_after(terminal, dice.uniform(0, over_s)) for terminal in self._terminals))

    async def sustain(self, seconds: float, publishers: int) -> dict[str, Any]:
        """So many press again whenever they have their receipt: waits in milliseconds, and the seconds it took."""
        begun_s, cpu_s = time.monotonic(), time.process_time()
        waits = await asyncio.gather(
            *(_press_until(terminal, begun_s + seconds) for terminal in self._terminals[:publishers])
        )
        took_s = time.monotonic() - begun_s
        used = (time.process_time() - cpu_s) / took_s
        return {"waits_ms": [ms for each in waits for ms in each], "seconds": took_s, "core": used}


async def _press_after(terminal: BenchTerminal, rest_s: float) -> tuple[int, int]:
    if rest_s:
        await asyncio.sleep(rest_s)
    digest, sent_ns = await terminal.press()
    return sent_ns, await terminal.receipts.of(digest)


async def _press_until(terminal: BenchTerminal, end_s: float) -> list[float]:
    waits = []
    while time.monotonic() < end_s:
        digest, sent_ns = await terminal.press()
        waits.append((await terminal.receipts.of(digest) - sent_ns) / 1e6)
    return waits


async def main(told: dict[str, Any]) -> None:
    raise_file_limit()
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(cafile=told["ca"]), limit=0)
    reader = asyncio.StreamReader(limit=1 << 20)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    async with aiohttp.ClientSession(connector=connector) as session, asyncio.TaskGroup() as group:
        turn = asyncio.Semaphore(AT_A_TIME)

        async def link(terminal: str, key: str) -> BenchTerminal:
            async with turn:
                linked = await BenchTerminal.open(session, told["url"], terminal, key, believed)
                talking.append(group.create_task(linked.run()))
                await linked.linked()
                return linked

        talking: list[asyncio.Task[None]] = []
        crowd = Crowd(await asyncio.gather(*(link(*each) for each in told["terminals"])))
        # A thousand terminals have as many heaps: none stands still to look through those of all.
        gc.freeze()
        print(json.dumps(len(talking)), flush=True)
        while line := await reader.readline():
            command = json.loads(line)
            answer = await getattr(crowd, command.pop("do"))(**command)
            print(json.dumps(answer), flush=True)
        for task in talking:
            task.cancel()


class FarCrowd:
    """The measuring process's side."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, do: str, **arguments: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}).encode() + b"\n")
        return await self.heard()

    async def heard(self) -> Any:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        assert line, "the crowd has ended"
        return json.loads(line)


@contextlib.asynccontextmanager
async def running_crowd(hub: BenchHub, count: int) -> AsyncIterator[FarCrowd]:
    """Enrolled and linked."""
    turn = asyncio.Semaphore(AT_A_TIME)

    async def enrol() -> tuple[str, str]:
        async with turn:
            enrolled = await hub.enrol()
            return enrolled.terminal, enrolled.key.kept

    terminals = await asyncio.gather(*(enrol() for _ in range(count)))
    file = hub.home.path / "crowd.json"
    file.write_text(json.dumps({"url": hub.url, "ca": str(hub.home.keys / "ca.pem"), "terminals": terminals}))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.crowd", str(file)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=1 << 26,
    )
    try:
        crowd = FarCrowd(process)
        assert await crowd.heard() == count
        yield crowd
    finally:
        process.kill()
        await process.wait()


if __name__ == "__main__":
    uvloop.run(main(json.loads(Path(sys.argv[1]).read_text())))
