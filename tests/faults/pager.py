"""A guard's pager behind the wire: a process of its own, which says what stands on it."""

import asyncio
import signal
import ssl
import sys

import aiohttp

from tests.faults.players import Guard, Power
from tests.links.campus import NAME
from tests.links.hub_process import HubProcess
from tests.links.line import WAIT_S_MAX, Line

CONNECT_S_MAX = 5
RECONNECT_S = 0.25
"""Its pause before it tries again."""
STARTED = "started"


class Pager:
    """The process, as the test has it. `shown`: where it notes each press, and when that first stood on any pager."""

    def __init__(self, hub: HubProcess, wire_port: int, cookie: str, shown: dict[str, int]) -> None:
        self._arguments = (str(hub.home.keys / "ca.pem"), str(wire_port), str(hub.port), cookie)
        self._shown = shown
        self._reading: asyncio.Task[None]
        self.process: asyncio.subprocess.Process

    async def start(self) -> None:
        """It knows nothing of what it knew before it was killed."""
        self.process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", __name__, *self._arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT_S_MAX):
            assert await self.process.stdout.readline() == f"{STARTED}\n".encode()
        self._reading = asyncio.create_task(self._read(self.process.stdout))

    async def _read(self, told: asyncio.StreamReader) -> None:
        async for line in told:
            press, shown_ms = line.decode().split()
            self._shown.setdefault(press, int(shown_ms))

    async def end(self, number: signal.Signals) -> int:
        """Its exit status: of this signal, unless it had ended before."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(WAIT_S_MAX):
            code = await self.process.wait()
            await self._reading
        return code


class FarGuard(Guard):
    async def _rest(self) -> None:
        await asyncio.sleep(RECONNECT_S)

    def _stands(self, press: str) -> None:
        if press not in self.shown_ms:
            super()._stands(press)
            # Before the hub is told: what a guard has answered was seen, whenever the pager is killed.
            print(press, self.shown_ms[press], flush=True)


async def main(ca: str, wire_port: str, hub_port: str, cookie: str) -> None:
    tls = ssl.create_default_context(cafile=ca)

    async def connect() -> Line:
        """To the hub's own name and port, as its cookie and origin ask."""
        hub = f"{NAME}:{hub_port}"
        async with asyncio.timeout(CONNECT_S_MAX):
            url = f"https://{NAME}:{wire_port}/ws/pager"
            return await Line.open(browser, url, Host=hub, Origin=f"https://{hub}", Cookie=cookie)

    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as browser:
        print(STARTED, flush=True)
        await FarGuard(connect, Power()).play()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
