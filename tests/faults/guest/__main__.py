"""`python -m tests.faults.guest DISK`: starts the hub and the terminals whose homes are on that disk, and is the way to
them from outside. A caller says in one line of JSON what it wants.
"""

import asyncio
import json
import signal
import subprocess
import sys
import tempfile
from asyncio import StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.faults.guest.meeting import LISTENS, PORT, splice

BIN = Path(sys.executable).parent


class Program:
    """One that runs until the power goes. `said`: the lines of its stderr."""

    def __init__(self, *command: str) -> None:
        self.command = command
        self.said: list[bytes] = []
        self.process: asyncio.subprocess.Process
        self._changed = asyncio.Condition()
        self._ended = False

    async def run(self) -> None:
        self.process = await asyncio.create_subprocess_exec(*self.command, stderr=subprocess.PIPE)
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            await self._note(line)
        self._ended = True
        await self._note(b"")

    async def _note(self, line: bytes) -> None:
        async with self._changed:
            self.said.append(line)
            self._changed.notify_all()

    async def tell(self, writer: StreamWriter) -> None:
        """All of it, from the start, as it comes."""
        told = 0
        while told < len(self.said) or not self._ended:
            async with self._changed:
                while told == len(self.said):
                    await self._changed.wait()
            writer.writelines(self.said[told:])
            told = len(self.said)
            await writer.drain()

    async def end(self) -> int:
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


class Guest:
    def __init__(self, disk: Path) -> None:
        self._hub = disk / "hub"
        self._programs = {"hub": Program(str(BIN / "firstbell-hub"), "--home", str(self._hub), "--json", "serve")}
        for home in sorted(disk.glob("wall*")):
            self._programs[home.name] = Program(str(BIN / "firstbell-terminal"), "--home", str(home), "run")
        self._end = asyncio.Event()

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for program in self._programs.values():
                group.create_task(program.run())
            server = await asyncio.start_server(self._serve, "0.0.0.0", PORT)  # noqa: S104
            print(LISTENS, flush=True)
            await self._end.wait()
            server.close()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        with suppress(ConnectionError):
            await self._answer(json.loads(await reader.readline()), reader, writer)
        writer.close()

    async def _answer(self, asked: dict[str, Any], reader: StreamReader, writer: StreamWriter) -> None:
        do = asked["do"]
        if do == "socket":
            # Not there yet, or its owner has ended: the caller finds it shut.
            with suppress(OSError):
                await splice(reader, writer, *await asyncio.open_unix_connection(asked["path"]))
        elif do == "log":
            await self._programs[asked["of"]].tell(writer)
        elif do == "verify":
            writer.write(json.dumps(await self._verify(asked["against"])).encode() + b"\n")
        elif do == "end":
            codes = {name: await program.end() for name, program in reversed(self._programs.items())}
            writer.write(json.dumps(codes).encode() + b"\n")
            await writer.drain()
            self._end.set()

    async def _verify(self, against: str) -> dict[str, Any]:
        """By the hub's own command, beside the running hub. `against`: a checkpoint, which must be a beginning."""
        with tempfile.NamedTemporaryFile("w", suffix=".note") as note:
            note.write(against)
            note.flush()
            return await self._verify_against(note.name)

    async def _verify_against(self, note: str) -> dict[str, Any]:
        process = await asyncio.create_subprocess_exec(
            *(str(BIN / "firstbell-hub"), "--home", str(self._hub), "--json", "verify", "--against", note),
            stdout=subprocess.PIPE,
        )
        out, _ = await process.communicate()
        return {"code": process.returncode, **json.loads(out)}


if __name__ == "__main__":
    asyncio.run(Guest(Path(sys.argv[1])).run())
