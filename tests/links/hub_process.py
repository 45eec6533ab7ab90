"""The hub as a process of its own, started and ended as its service manager would, or killed."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any, Self

from tests.links.campus import HOST, Doors, found_home
from tests.links.line import WAIT_S_MAX

COMMAND = str(Path(sys.executable).with_name("firstbell-hub"))
GONE = "SSL connection is closed\n"
"""The event loop's own word, when a peer that was killed was still written to."""
LISTENS = "the hub listens"


class HubProcess(Doors):
    """`async with` starts it, and ends whatever is left of it and its terminals.

    `log` is what it has said on stderr, over all its runs. `environment` is added to this process's own. `command` is
    what is run.
    """

    def __init__(self, path: Path, address: str = HOST, **environment: str) -> None:
        """`address`: where others find it."""
        super().__init__(*found_home(path, address))
        self.address = address
        self.environment = environment
        self.command: tuple[str, ...] = (COMMAND,)
        self.log: list[str] = []
        self._ready = asyncio.Event()
        self._reading: asyncio.Task[None]
        self.process: asyncio.subprocess.Process

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        """Nothing is left running, whatever has failed."""
        await self.end_terminals()
        if self.process.returncode is None:
            await self.kill()
        await self.shut_doors()

    async def start(self) -> Self:
        await self.spawn()
        await self.open_doors()
        return self

    async def spawn(self) -> None:
        """The process alone; returns when it listens."""
        self._ready.clear()
        self.process = await asyncio.create_subprocess_exec(
            *self.command,
            "--home",
            str(self.home.path),
            "--json",
            "serve",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, **self.environment},
        )
        self._reading = asyncio.create_task(self._read())
        async with asyncio.timeout(WAIT_S_MAX):
            await self._ready.wait()
        assert LISTENS in self.log[-1], "".join(self.log)

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self.log.append(line.decode())
            if LISTENS in self.log[-1]:
                self._ready.set()
        self._ready.set()

    async def stop(self) -> None:
        """SIGTERM, which it takes well."""
        await self.shut_doors()
        assert await self.end(signal.SIGTERM) == 0, "".join(self.log)
        assert self.is_whole()

    async def kill(self) -> None:
        await self.end(signal.SIGKILL)
        await self.shut_doors()

    async def end(self, number: signal.Signals) -> int:
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(WAIT_S_MAX):
            code = await self.process.wait()
            await self._reading
        return code

    def is_whole(self) -> bool:
        """Whether the database is one file, and a copy of it is a backup."""
        return not Path(f"{self.home.database}-wal").exists()

    def complaints(self) -> list[dict[str, Any]]:
        """What it logged above information: errors, and whatever is no line of its log (a traceback)."""
        return [line for line in map(_parsed, self.log) if line["level"] != "info" and line["event"] != GONE]


def _parsed(line: str) -> dict[str, Any]:
    try:
        said: dict[str, Any] = json.loads(line)
    except ValueError:
        return {"level": "none", "event": line}
    return said
