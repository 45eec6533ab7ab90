"""A node: the real program in a real MicroPython, its pins in a test's hand, its link a real one."""

import asyncio
import functools
import json
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from firstbell_flash.board import board_files, own_files, program_files, write_files

from hub.places.enrolment import usual_wiring
from terminal.settings import Home, load_settings
from terminal.simulated_node import HEAP, INTERPRETER, RESTARTS, START
from tests.links.campus import Doors, Enrolled

WAIT_S_MAX = 30
PANIC_PIN = usual_wiring("wall", "pico").inputs["panic"][1]
ANYWHERE = ("192.0.2.1", 9)
"""Nobody is there (RFC 5737), and nothing is sent."""
REST_MS = 20
"""A shorter interruption would be a bounce of the same press."""


compiled = functools.cache(program_files)


def write_node(hub: Doors, folder: Path, enrolled: Enrolled, port: int) -> None:
    """What flashing leaves on a board. `port`: the only place where it finds the hub; 0: it may ask the LAN, too."""
    home = Home(folder.with_suffix(".home"))
    hub.write_terminal(home.path, enrolled, port=port)
    own = own_files(home, load_settings(home.settings), int(time.time()))
    write_files(board_files(compiled(), own), folder)


def lan_address() -> str:
    """Of this machine, as others see it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(ANYWHERE)
        address: str = asking.getsockname()[0]
    return address


class RealNode:
    """Runs from `start` to `end` or `kill`; after a kill it can be started again, as with new power.

    `told` is all that its console has said since it was last started; `log` what it said that is no JSON.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self._environment = {**os.environ, **(environment or {})}
        self.told: list[dict[str, Any]] = []
        self.log: list[str] = []
        self._changed = asyncio.Condition()
        self.process: asyncio.subprocess.Process

    async def start(self) -> "RealNode":
        await self.power()
        await self.until(lambda told: "boot" in told)
        return self

    async def power(self) -> None:
        """Starts whatever its loader starts."""
        self.told = []
        self.process = await asyncio.create_subprocess_exec(
            *(INTERPRETER, "-X", HEAP, START, self.folder),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=self._environment,
        )
        self._reading = asyncio.create_task(self._read())

    @property
    def runs(self) -> dict[str, Any]:
        """What it said at its start: program, software, tried."""
        runs: dict[str, Any] = next(told["runs"] for told in self.told if "boot" in told)
        return runs

    async def reset(self, boots: bool = True) -> None:
        """The board resets itself, and starts again."""
        async with asyncio.timeout(WAIT_S_MAX):
            assert await self.process.wait() == RESTARTS, "".join(self.log)
            await self._reading
        await (self.start() if boots else self.power())

    async def _read(self) -> None:
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            async with self._changed:
                try:
                    self.told.append(json.loads(line))
                except ValueError:
                    self.log.append(line.decode(errors="replace"))
                self._changed.notify_all()
        async with self._changed:
            self.told.append({"ended": await self.process.wait()})
            self._changed.notify_all()

    async def until(self, wanted: Callable[[dict[str, Any]], object], since: int = 0) -> dict[str, Any]:
        """The first line from number `since` on that is wanted, come or still to come."""
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [told for told in self.told[since:] if wanted(told)]
            return bool(found) or "ended" in (self.told or [{}])[-1]

        async with self._changed:
            try:
                async with asyncio.timeout(WAIT_S_MAX):
                    await self._changed.wait_for(look)
            except TimeoutError:
                pass
            assert found, f"never told; last {self.told[-5:]}\n{''.join(self.log)}"
        return found[0]

    async def until_state(self, since: int = 0, **fields: Any) -> dict[str, Any]:
        """The first state with these fields."""

        def fits(told: dict[str, Any]) -> bool:
            state = told.get("state")
            return state is not None and all(state[name] == value for name, value in fields.items())

        state: dict[str, Any] = (await self.until(fits, since))["state"]
        return state

    async def say(self, **said: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(said).encode() + b"\n")
        await self.process.stdin.drain()

    async def press(self, hold_ms: int = 80) -> str:
        """The digest of the press."""
        since = len(self.told)
        await self.say(pin=PANIC_PIN, levels=[[REST_MS, 0], [hold_ms, 1]])
        await self.until(lambda told: "moved" in told, since)
        made = await self.until(lambda told: told.get("made", {}).get("what") == "panic", since)
        digest: str = made["made"]["event"]
        return digest

    async def receipt(self, digest: str) -> dict[str, Any]:
        return await self.until(lambda told: told.get("receipt", {}).get("event") == digest)

    async def kill(self) -> None:
        """Power is lost."""
        self.process.kill()
        await self.process.wait()
        await self._reading

    async def end(self) -> None:
        if self.process.returncode is None:
            await self.kill()
