"""A whole hub in the test's own loop, over real TLS, a real database and its control socket; and browsers that come."""

import asyncio
import contextlib
import json
import secrets
import socket
import sqlite3
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from hub import service
from hub.founding import Founded, found
from hub.home import Home
from hub.settings import ListenSettings, Settings
from hub.words import words
from tests.hub.web.wall import Wall

START_S_MAX = 20
HAPPENS_S_MAX = 30
PIN = "482913"
OWN = {"X-Firstbell": "1"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


class Answer:
    """Status, headers and JSON (or text) of an answer."""

    def __init__(self, answer: aiohttp.ClientResponse, body: bytes) -> None:
        self.status = answer.status
        self.headers = answer.headers
        self.cookies = answer.cookies
        self.body = body

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Why not: the problem's code, "" when it went well."""
        return str(self.json["code"]) if self.status >= 400 else ""


class Browser:
    """Keeps cookies, says the right origin; `headers` may say otherwise."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.session = session
        self.url = url

    async def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        said = {"Origin": self.url, **OWN, **headers}
        said = {name: value for name, value in said.items() if value}
        async with self.session.request(
            method, self.url + path, json=body, headers=said, allow_redirects=False
        ) as answer:
            return Answer(answer, await answer.read())

    async def get(self, path: str, **headers: str) -> Answer:
        return await self.ask("GET", path, None, **headers)

    async def post(self, path: str, body: object = None, **headers: str) -> Answer:
        return await self.ask("POST", path, body if body is not None else {}, **headers)

    def cookie(self, name: str) -> str:
        return next((cookie.value for cookie in self.session.cookie_jar if cookie.key == name), "")


class RunningHub:
    def __init__(self, home: Home, settings: Settings, founded: Founded, stack: contextlib.AsyncExitStack) -> None:
        self.home = home
        self.settings = settings
        self.founded = founded
        self.url = settings.base_url
        self._stack = stack
        self.tls = ssl.create_default_context(cafile=home.keys / "ca.pem")

    async def browser(self) -> Browser:
        """A new one, that knows nothing yet."""
        jar = aiohttp.CookieJar(unsafe=True)
        session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.tls), cookie_jar=jar)
        await self._stack.enter_async_context(session)
        return Browser(session, self.url)

    async def console(self) -> Browser:
        """Who sits at the hub's own machine."""
        session = aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self.home.control)))
        await self._stack.enter_async_context(session)
        return Browser(session, "http://hub")

    def wall(self, name: str = "Stairs", host: str = "") -> Wall:
        return Wall(self.url, self.tls, self.home.control, name, host=host)

    @contextlib.contextmanager
    def disk_held(self) -> Iterator[None]:
        """Another program has the database for itself: nothing can be committed."""
        other = sqlite3.connect(self.home.database, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            other.execute("ROLLBACK")
            other.close()

    async def until(self, check: Callable[[], Awaitable[bool]]) -> None:
        """Asks again whenever something has happened in the hub."""
        console = await self.console()
        async with console.session.get("http://hub/control/watch") as told, asyncio.timeout(HAPPENS_S_MAX):
            while not await check():
                await told.content.readline()

    async def person(self, *roles: str, name: str = "") -> Browser:
        """A browser that is signed in as a new account of these roles."""
        console, browser = await self.console(), await self.browser()
        name = name or f"n{secrets.token_hex(4)}"
        added = await console.post("/api/accounts", {"name": name, "roles": roles, "pin": PIN})
        assert added.status == 200, added.body
        signed_in = await browser.post("/api/session", {"name": name, "pin": PIN})
        assert signed_in.status == 200, signed_in.body
        return browser

    async def pager(self, name: str = "") -> Browser:
        """A browser that is a new pager."""
        console, browser = await self.console(), await self.browser()
        made = await console.post("/api/pagers", {"name": name or f"p{secrets.token_hex(4)}"})
        joined = await browser.post("/api/join", {"code": made.json["link"].rpartition("/")[2]})
        assert joined.status == 200, joined.body
        return browser


@contextlib.asynccontextmanager
async def running_hub(folder: Path) -> AsyncIterator[RunningHub]:
    """Founded and started, until the block ends."""
    settings = Settings(("localhost", "hub.local"), (), ListenSettings("127.0.0.1", free_port(), free_port()))
    say = words("en").say
    founded = found(folder / "hub", "Campus", "East", "Root", settings, say, datetime.now(UTC))
    home = Home(folder / "hub")
    serving = asyncio.create_task(service.serve(home.path))
    async with contextlib.AsyncExitStack() as stack:
        hub = RunningHub(home, settings, founded, stack)
        try:
            await _until_it_answers(hub, serving)
            yield hub
        finally:
            await stack.aclose()
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


async def _until_it_answers(hub: RunningHub, serving: "asyncio.Task[None]") -> None:
    browser = await hub.browser()
    async with asyncio.timeout(START_S_MAX):
        while not serving.done():
            with contextlib.suppress(aiohttp.ClientError):
                if (await browser.get("/checkpoint")).status == 200:
                    return
            await asyncio.sleep(0.01)
    serving.result()
