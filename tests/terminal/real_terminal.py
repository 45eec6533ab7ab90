"""A real daemon in a process of its own, driven over its control socket."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from firstbell.jws import Ed25519Signer, b64url

from terminal.settings import Home
from tests.terminal.small_hub import NAME, WAIT_S_MAX, Campus

COMMAND = str(Path(sys.executable).with_name("firstbell-terminal"))
INPUTS = {"panic": ("panic", 17), "panic_2": ("panic", 18), "door": ("perimeter", 5)}
NO_HUB = "127.0.0.1:1"


def make_home(
    folder: Path,
    campus: Campus,
    address: str = NO_HUB,
    *,
    terminal: str = "t-abcdefghij",
    role: str = "wall",
    server_name: str = NAME,
    more: str = "",
    simulated: bool = True,
) -> tuple[Home, bytes]:
    """A home as enrolment makes it, and the terminal's public key."""
    folder.mkdir()
    home = Home(folder)
    seed = os.urandom(32)
    inputs = "".join(
        f'[inputs.{name}]\nkind = "{kind}"\npin = {pin}\n'
        for name, (kind, pin) in (INPUTS if role == "wall" else {}).items()
    )
    home.settings.write_text(
        f'terminal = "{terminal}"\nname = "二号教学楼"\nrole = "{role}"\n{more}\n'
        f'[hub]\naddress = "{address}"\nserver_name = "{server_name}"\ncampus = "c-abcdefghij"\n'
        f"{inputs}[outputs]\nlight_pin = 27\nsounder_pin = 22\n[simulated]\npins = {str(simulated).lower()}\n",
        "utf-8",
    )
    home.key.write_text(b64url(seed) + "\n")
    home.key.chmod(0o600)
    home.ca.write_bytes((campus.keys / "ca.pem").read_bytes())
    home.vkey.write_text(campus.signer.vkey.text() + "\n")
    return home, Ed25519Signer(seed).public_key()


def simulate(home: Home, board: str = "pi") -> None:
    """What was enrolled for a wall runs on this machine."""
    with home.settings.open("a", encoding="utf-8") as file:
        file.write(f'[simulated]\npins = true\nboard = "{board}"\n')


class RealTerminal:
    """`states` is everything that `watch` has told."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.states: list[dict[str, Any]] = []
        self._process: Process | None = None
        self._log: list[str] = []
        self._ready = asyncio.Event()
        self._changed = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def process(self) -> Process:
        assert self._process is not None
        return self._process

    @property
    def log(self) -> str:
        return "".join(self._log)

    async def start(self, **environment: str) -> "RealTerminal":
        self._ready.clear()
        self._process = await asyncio.create_subprocess_exec(
            COMMAND, "--home", str(self.home.path), "run", stderr=-1, env={**os.environ, **environment}
        )
        self._keep(self._read_log())
        async with asyncio.timeout(WAIT_S_MAX):
            await self._ready.wait()
        assert "event=ready" in self.log, self.log
        self._keep(self._watch())
        return self

    def _keep(self, work: Any) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _read_log(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            self._log.append(line.decode())
            if "event=ready" in self._log[-1]:
                self._ready.set()
        self._ready.set()

    async def _watch(self) -> None:
        reader, writer = await asyncio.open_unix_connection(str(self.home.control))
        writer.write(b'{"do":"watch"}\n')
        # It may be killed at any moment.
        with suppress(ConnectionError):
            async for line in reader:
                async with self._changed:
                    self.states.append(json.loads(line))
                    self._changed.notify_all()
        await _close(writer)

    async def until(self, condition: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The first state told, from now on or just now, that fits."""
        async with self._changed:
            try:
                async with asyncio.timeout(WAIT_S_MAX):
                    await self._changed.wait_for(lambda: self.states and condition(self.states[-1]))
            except TimeoutError:
                raise AssertionError(f"never: last {self.states[-1:]}\n{self.log}") from None
            return self.states[-1]

    async def ask(self, **request: Any) -> dict[str, Any]:
        reader, writer = await asyncio.open_unix_connection(str(self.home.control))
        try:
            writer.write(json.dumps(request).encode() + b"\n")
            answer: dict[str, Any] = json.loads(await reader.readline())
            return answer
        finally:
            await _close(writer)

    async def press(self, name: str = "panic", hold_ms: int = 60) -> str:
        """The digest of the press."""
        answer = await self.ask(do="press", input=name, hold_ms=hold_ms)
        assert answer["ok"], answer
        (event,) = answer["events"]
        digest: str = event["event"]
        return digest

    def send_signal(self, number: signal.Signals) -> None:
        """To all that runs for it: a node has an interpreter."""
        pid = self.process.pid
        for one in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
            os.kill(one, number)

    async def kill(self) -> None:
        self.send_signal(signal.SIGKILL)
        await self._ended()

    async def end(self) -> int:
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self._ended()

    async def _ended(self) -> int:
        async with asyncio.timeout(WAIT_S_MAX):
            code = await self.process.wait()
        await asyncio.gather(*self._tasks)
        return code


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    # Its other end may have been killed.
    with suppress(ConnectionError):
        await writer.wait_closed()
