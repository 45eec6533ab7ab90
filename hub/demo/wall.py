"""A simulated terminal as a process of its own, spoken to through its control socket."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SCRIPTS = Path(sys.executable).parent
MICROPYTHON = SCRIPTS / "micropython"
"""What a node's program runs in; it exists for x86_64 alone."""
LINE_BYTES_MAX = 1 << 20


def own_environment() -> dict[str, str]:
    """For the demo's processes: each is told its home, and the one that the shell names is somebody else's."""
    return {name: value for name, value in os.environ.items() if name != "FIRSTBELL_HOME"}


@dataclass(slots=True)
class Wall:
    """`state`: what its daemon said last."""

    terminal: str
    name: str
    building: str
    floor: str
    role: str
    board: str
    inputs: tuple[str, ...]
    home: Path
    process: asyncio.subprocess.Process | None = None
    state: dict[str, Any] = field(default_factory=dict)
    cut: bool = False

    async def start(self) -> None:
        with (self.home.parent / f"{self.home.name}.log").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                SCRIPTS / "firstbell-terminal",
                "--home",
                self.home,
                "run",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=log,
                env=own_environment(),
            )

    async def ask(self, **request: Any) -> dict[str, Any]:
        """One request, one answer. Raises OSError, ValueError."""
        async with self._connected(request) as reader:
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer

    async def watch(self) -> AsyncGenerator[dict[str, Any], None]:
        """Its state now and at each change, kept in `state`."""
        async with self._connected({"do": "watch"}) as reader:
            while line := await reader.readline():
                self.state = json.loads(line)
                yield self.state

    @contextlib.asynccontextmanager
    async def _connected(self, request: dict[str, Any]) -> AsyncIterator[asyncio.StreamReader]:
        reader, writer = await asyncio.open_unix_connection(str(self.home / "control.sock"), limit=LINE_BYTES_MAX)
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            await writer.drain()
            yield reader
        finally:
            writer.close()
