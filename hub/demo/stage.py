"""The demo's campus: a hub, three wall terminals, a bell and a pager, each a process of its own, over TLS on loopback.

All of it is made and asked for as a person would: `init`, then the control socket's API, the one-time links, the PIN.
"""

import asyncio
import contextlib
import json
import socket
import ssl
import sys
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp
from firstbell_linux.enrolment import Board
from firstbell_linux.private_file import whole_folder

from hub.demo.wall import MICROPYTHON, SCRIPTS, Wall, own_environment
from hub.founding import Founded, found
from hub.home import Home
from hub.places.enrolment import HubToFind, new_key, usual_wiring, write_home
from hub.settings import ListenSettings, Settings
from hub.web.identity import PAGER_COOKIE

HOST = "127.0.0.1"
NAME = "localhost"
START_S_MAX = 30.0
PIN = "481516"
"""Of both guards; the demo shows it, and its hub hears this machine alone."""
LINE_BYTES_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class Script:
    """The demo's words, in one language."""

    campus: str
    zone: str
    administrator: str
    guards: tuple[str, str]
    pager: str
    bell: str
    walls: tuple[tuple[str, str, str, str, str], ...]
    """name, building, floor, place, way"""


class StageError(Exception):
    """The demo can't go on: which part, and what it said."""


class Stage:
    """Everything of the demo that runs. `async with` starts and ends it."""

    def __init__(self, path: Path, script: Script, say: Callable[[str], str]) -> None:
        self.path = path
        self.home = Home(path / "hub")
        self.script = script
        self._say = say
        self._stack = contextlib.AsyncExitStack()
        self._processes: list[asyncio.subprocess.Process] = []
        self.walls: list[Wall] = []
        self.links: dict[str, str] = {}
        self.guards: list[str] = []
        self.offset_ms = 0
        self.founded: Founded
        self.settings: Settings
        self.hub: asyncio.subprocess.Process
        self.pager: asyncio.subprocess.Process
        self.control: aiohttp.ClientSession
        self.browser: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return self.settings.base_url

    async def __aenter__(self) -> Self:
        try:
            await self._found()
            await self._start_hub()
            await self._people()
            await self._terminals()
            await self._start_pager()
            await self._look_at_clock()
        except BaseException:
            await self._end()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._end()

    async def _end(self) -> None:
        await self._stack.aclose()
        for process in reversed(self._processes):
            if process.returncode is None:
                process.terminate()
        for process in self._processes:
            await process.wait()

    async def _found(self) -> None:
        self.settings = Settings(names=(NAME,), addresses=(HOST,), listen=ListenSettings(HOST, _free_port(), 0))
        script = self.script
        self.founded = await asyncio.to_thread(
            found,
            self.home.path,
            script.campus,
            script.zone,
            script.administrator,
            self.settings,
            self._say,
            datetime.now(UTC),
        )
        self.links["administrator"] = self.founded.link

    async def _start_hub(self) -> None:
        log = (self.path / "hub.log").open("wb")
        self.hub = await asyncio.create_subprocess_exec(
            SCRIPTS / "firstbell-hub",
            "--home",
            self.home.path,
            "serve",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            env=own_environment(),
        )
        self._processes.append(self.hub)
        tls = ssl.create_default_context(cafile=self.home.keys / "ca.pem")
        self.control = await self._session(aiohttp.UnixConnector(str(self.home.control)))
        # One that was kept would be found ended after the hub has stood still for a while.
        self.browser = await self._session(aiohttp.TCPConnector(ssl=tls, force_close=True))
        await self._until(self._hub_answers, self.hub, "hub")

    async def _session(self, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        await self._stack.enter_async_context(session)
        return session

    async def _hub_answers(self) -> bool:
        try:
            async with self.control.get("http://hub/control/status") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def _until(self, check: Callable[[], Any], process: asyncio.subprocess.Process, name: str) -> None:
        """Asks a starting process again and again until it answers; it has nothing to tell us by itself yet."""
        deadline = asyncio.get_running_loop().time() + START_S_MAX
        while not await check():
            late = asyncio.get_running_loop().time() > deadline
            if process.returncode is not None or late:
                said = (self.path / f"{name}.log").read_text(errors="replace")[-2_000:]
                raise StageError(f"{name}: {said}")
            await asyncio.sleep(0.02)

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """To the control socket. Raises StageError."""
        async with self.control.post(f"http://hub{path}", json=body) as answer:
            said: dict[str, Any] = json.loads(await answer.text() or "{}")
            if answer.status != 200:
                raise StageError(f"{path}: {said.get('code', answer.status)}")
            return said

    async def _people(self) -> None:
        for name in self.script.guards:
            self.guards.append((await self.post("/api/accounts", name=name, pin=PIN))["id"])
        pager = await self.post("/api/pagers", name=self.script.pager)
        self.links["pager"] = pager["link"].rpartition("/")[2]
        board = await self.post("/api/boards", account=self.guards[0])
        self.links["board"] = board["link"].rpartition("/")[2]

    async def _terminals(self) -> None:
        for number, place in enumerate(self.script.walls, 1):
            # The last one is a node, where there is an interpreter to run its program.
            board: Board = "pico" if number == len(self.script.walls) and MICROPYTHON.exists() else "pi"
            await self._enrol(f"terminal-{number}", "wall", board, *place)
        await self._enrol("bell", "bell", "pi", self.script.bell, "", "", "", "")
        for wall in self.walls:
            await wall.start()
            assert wall.process is not None  # noqa: S101
            self._processes.append(wall.process)
        await asyncio.gather(*(self._linked(wall) for wall in self.walls))

    async def _enrol(
        self, folder: str, role: Any, board: Board, name: str, building: str, floor: str, place: str, way: str
    ) -> None:
        key = new_key("HS256" if board == "pico" else "EdDSA")
        wiring = usual_wiring(role, board, simulated=True)
        enrolled = await self.post(
            "/api/terminals",
            name=name,
            zone=self.script.zone,
            role=role,
            algorithm=key.algorithm,
            key=key.told,
            inputs={name: kind for name, (kind, _pin) in wiring.inputs.items()},
            building=building,
            floor=floor,
            place=place,
            way=way,
        )
        home = self.path / folder
        found_by = HubToFind(
            campus=self.founded.campus,
            server_name=NAME,
            address=f"{HOST}:{self.settings.listen.port}",
            ca_pem=(self.home.keys / "ca.pem").read_bytes(),
            vkey=self.founded.vkey,
        )
        with whole_folder(home) as beside:
            write_home(beside, enrolled["id"], name, role, key, found_by, wiring)
        self.walls.append(Wall(enrolled["id"], name, building, floor, role, board, tuple(wiring.inputs), home))

    async def _linked(self, wall: Wall) -> None:
        """Until its daemon has found the hub and knows the hub's time."""

        async def linked() -> bool:
            try:
                state = await wall.ask(do="status")
            except (OSError, ValueError):
                return False
            return bool(state.get("linked")) and state.get("clock_error_ms") is not None

        assert wall.process is not None  # noqa: S101
        await self._until(linked, wall.process, wall.home.name)

    async def join_as_pager(self, name: str) -> str:
        """The key of a new pager: its link is made, and opened as a browser would. Raises StageError."""
        link = await self.post("/api/pagers", name=name)
        async with self.browser.post(
            f"{self.url}/api/join",
            json={"code": link["link"].rpartition("/")[2]},
            headers={"Origin": self.url, "X-Firstbell": "1"},
        ) as answer:
            if answer.status != 200:
                raise StageError(f"join: {await answer.text()}")
            return answer.cookies[PAGER_COOKIE].value

    async def _start_pager(self) -> None:
        """The second guard's, without a screen."""
        cookie = f"{PAGER_COOKIE}={await self.join_as_pager(f'{self.script.pager} 2')}"
        headers = {"Origin": self.url, "X-Firstbell": "1", "Cookie": cookie}
        async with self.browser.post(
            f"{self.url}/api/sign-on", json={"account": self.guards[1], "pin": PIN}, headers=headers
        ) as answer:
            if answer.status != 200:
                raise StageError(f"sign-on: {await answer.text()}")
        self.pager = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "hub.demo.pager",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=(self.path / "pager.log").open("wb"),
            limit=LINE_BYTES_MAX,
            env=own_environment(),
        )
        self._processes.append(self.pager)
        given = {"hub_url": self.url, "ca_file": str(self.home.keys / "ca.pem"), "cookie": cookie}
        await self.tap(json.dumps(given))

    async def _look_at_clock(self) -> None:
        """Hub time is a count; the hub has said by now how far it is from UTC."""
        async with self.control.get("http://hub/api/campus") as answer:
            campus = await answer.json()
        self.offset_ms = campus["utc_ms"] - campus["hub_ms"]

    def hub_ms(self) -> int:
        """Hub time now, by this machine's clock, which is the hub's."""
        return time.time_ns() // 1_000_000 - self.offset_ms

    async def tap(self, words: str) -> None:
        """What the simulated guard does."""
        assert self.pager.stdin is not None  # noqa: S101
        self.pager.stdin.write(words.encode() + b"\n")
        await self.pager.stdin.drain()

    @contextlib.asynccontextmanager
    async def watch(self) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
        """Everything that happens at the hub from the moment on that this is entered."""
        timeout = aiohttp.ClientTimeout(total=None)
        async with self.control.get("http://hub/control/watch", timeout=timeout) as answer:
            yield _lines(answer.content)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[dict[str, Any]]:
    async for line in content:
        yield json.loads(line)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])
