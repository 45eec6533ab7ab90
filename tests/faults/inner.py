"""Hub and terminal that run in the machine, spoken to from outside as if they ran here."""

import asyncio
from contextlib import suppress
from pathlib import Path

from terminal.settings import Home
from tests.faults.machine import now_ms
from tests.faults.vm import BOOT_S_MAX, Machine, NeverUp
from tests.links.hub_process import LISTENS, HubProcess
from tests.terminal.real_terminal import RealTerminal

READY = "event=ready"


async def _follow(machine: Machine, name: str, log: list[str], sign: str) -> asyncio.Task[None]:
    """Its log, from now on; returns when `sign` was in it. The task ends with the machine. Raises NeverUp."""
    reader, writer = await machine.call(do="log", of=name)
    known, ready = len(log), asyncio.Event()

    async def read() -> None:
        with suppress(ConnectionError):
            async for line in reader:
                log.append(line.decode())
                if sign in log[-1]:
                    ready.set()
        ready.set()
        writer.close()

    reading = asyncio.create_task(read())
    with suppress(TimeoutError):
        async with asyncio.timeout(BOOT_S_MAX):
            await ready.wait()
    if not any(sign in line for line in log[known:]):
        reading.cancel()
        raise NeverUp(f"{name} never came up:\n{''.join(log[known:])}")
    return reading


class InnerHub(HubProcess):
    """Runs here until it has moved into a machine."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._machine: Machine | None = None

    def move(self, machine: Machine) -> None:
        self._machine = machine

    async def spawn(self) -> None:
        """The machine has started it; returns when it listens."""
        if self._machine is None:
            await super().spawn()
            return
        self._reading = await _follow(self._machine, "hub", self.log, LISTENS)

    async def gone(self) -> None:
        """After the power cut."""
        await self._reading
        await self.shut_doors()


class InnerTerminal(RealTerminal):
    """`asked_ms`: press → when the finger was sent, CLOCK_MONOTONIC of this side."""

    def __init__(self, home: Home, machine: Machine) -> None:
        super().__init__(home)
        self._machine = machine
        self.asked_ms: dict[str, int] = {}

    async def start(self, **_environment: str) -> "InnerTerminal":
        """The machine has started it; returns when it is ready."""
        self._keep(await _follow(self._machine, self.home.path.name, self._log, READY))
        self._keep(self._watch())
        return self

    async def _watch(self) -> None:
        # The power may go in the middle of a line.
        with suppress(ValueError):
            await super()._watch()

    async def press(self, name: str = "panic", hold_ms: int = 60) -> str:
        asked_ms = now_ms()
        digest = await super().press(name, hold_ms)
        self.asked_ms[digest] = asked_ms
        return digest

    async def gone(self) -> None:
        """After the power cut."""
        await asyncio.gather(*self._tasks)
