"""A small campus for tests of whole hubs: founded as `init` founds it, furnished over the control socket."""

import asyncio
import itertools
import json
import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from firstbell.jws import Ed25519Signer, Hs256Key, digest_of, unb64url
from firstbell.note import Vkey, parse_vkey
from firstbell_linux.enrolment import Board

from hub.dispatch.entries import TerminalRole
from hub.founding import Founded, found
from hub.home import Home
from hub.ledger.verdict import Verdict
from hub.ledger.verify import verify
from hub.places.enrolment import HubToFind, TerminalKey, new_key, usual_wiring, write_home
from hub.settings import ListenSettings, Settings
from hub.web.identity import PAGER_COOKIE
from tests.links.line import WAIT_S_MAX, Line
from tests.links.raw_pager import RawPager
from tests.links.raw_terminal import RawTerminal
from tests.terminal.real_terminal import RealTerminal

HOST = "127.0.0.1"
NAME = "localhost"
ZONE = "东区"
PIN = "481516"
UNANNOUNCED = "c-aaaaaaaaaa"

Happening = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A terminal that the hub knows, and its key."""

    terminal: str
    key: TerminalKey


def board_of(key: TerminalKey) -> Board:
    """Whose keys are of this kind."""
    return "pico" if key.algorithm == "HS256" else "pi"


class Doors:
    """How one speaks to a hub that runs at `home`, whatever runs it: API, WebSockets, happenings.

    `happened` is all that the control socket's watch has told since the hub was last started. `terminals` are the real
    ones that it has.
    """

    def __init__(self, home: Home, port: int, founded: Founded) -> None:
        self.home = home
        self.port = port
        self.address = HOST
        self.founded = founded
        self.url = f"https://{NAME}:{port}"
        self.happened: list[Happening] = []
        self.tls = ssl.create_default_context(cafile=home.keys / "ca.pem")
        self._changed = asyncio.Condition()
        self._stack = AsyncExitStack()
        self._names = itertools.count(1)
        self._watching: asyncio.Task[None] | None = None
        self.terminals: list[RealTerminal] = []
        self.control: aiohttp.ClientSession
        self.browser: aiohttp.ClientSession

    @property
    def vkey(self) -> Vkey:
        return parse_vkey(self.founded.vkey)

    async def open_doors(self) -> None:
        """When the hub listens."""
        self.control = await self._session(aiohttp.UnixConnector(str(self.home.control)))
        self.browser = await self._session(aiohttp.TCPConnector(ssl=self.tls, limit=0))
        self.happened.clear()
        timeout = aiohttp.ClientTimeout(total=None)
        told = await self._stack.enter_async_context(self.control.get("http://hub/control/watch", timeout=timeout))
        self._watching = asyncio.create_task(self._watch(told))

    async def shut_doors(self) -> None:
        """Before the hub ends, or after."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await self._stack.aclose()

    async def end_terminals(self) -> None:
        """Those that a test has left running."""
        for terminal in self.terminals:
            if terminal.process.returncode is None:
                await terminal.kill()

    async def _session(self, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        return await self._stack.enter_async_context(session)

    async def _watch(self, told: aiohttp.ClientResponse) -> None:
        try:
            async for line in told.content:
                async with self._changed:
                    self.happened.append(json.loads(line))
                    self._changed.notify_all()
        except aiohttp.ClientError:
            return

    async def until(self, wanted: Callable[[Happening], object], s_max: float = WAIT_S_MAX) -> Happening:
        """The first happening of this run that is wanted, past or to come."""
        found: list[Happening] = []
        seen = 0

        def look() -> bool:
            # Each once, for there are thousands; where somebody has cleared them, from the beginning.
            nonlocal seen
            new = self.happened[seen if seen <= len(self.happened) else 0 :]
            seen = len(self.happened)
            found[:] = [happening for happening in new if wanted(happening)]
            return bool(found)

        try:
            async with asyncio.timeout(s_max), self._changed:
                await self._changed.wait_for(look)
        except TimeoutError:
            raise AssertionError(f"never happened; last: {self.happened[-20:]}") from None
        return found[0]

    async def until_entry(self, kind: str, /, **fields: object) -> dict[str, Any]:
        """The first committed entry of this kind with these fields."""

        def fits(happening: Happening) -> bool:
            entry = happening.get("entry", {})
            same = all(entry.get(name) == value for name, value in fields.items())
            return happening["what"] == "committed" and entry.get("kind") == kind and same

        entry: dict[str, Any] = (await self.until(fits))["entry"]
        return entry

    async def recorded(self, event: str) -> dict[str, Any]:
        """The entry of this event (a JWS), when it is on the disk."""
        return await self.until_entry("event_recorded", digest=digest_of(event))

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """Those of this run that are committed."""
        told = [happening["entry"] for happening in self.happened if happening["what"] == "committed"]
        return [entry for entry in told if entry["kind"] == kind]

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        """To the control socket."""
        async with self.control.post(f"http://hub{path}", json=body) as answer:
            said: dict[str, Any] = await answer.json(content_type=None)
            assert answer.status == 200, (path, answer.status, said)
            return said

    async def delete(self, path: str) -> None:
        async with self.control.delete(f"http://hub{path}") as answer:
            assert answer.status == 200, (path, await answer.text())

    async def get(self, path: str) -> dict[str, Any]:
        async with self.control.get(f"http://hub{path}") as answer:
            said: dict[str, Any] = await answer.json()
            return said

    # ── people and terminals ─────────────────────────────────────────────────────────────────────────────────

    async def enrol(self, name: str = "", role: TerminalRole = "wall", algorithm: Any = "EdDSA") -> Enrolled:
        """`name` empty: one that no other has."""
        key = new_key(algorithm)
        wiring = usual_wiring(role, board_of(key))
        said = await self.post(
            "/api/terminals",
            name=name or f"女卫生间外走廊 {next(self._names)}",
            zone=ZONE,
            role=role,
            algorithm=algorithm,
            key=key.told,
            inputs={name: kind for name, (kind, _pin) in wiring.inputs.items()},
        )
        return Enrolled(said["id"], key)

    def raw_terminal(self, enrolled: Enrolled) -> RawTerminal:
        secret = unb64url(enrolled.key.kept)
        signer = Hs256Key(secret) if enrolled.key.algorithm == "HS256" else Ed25519Signer(secret)
        return RawTerminal(enrolled.terminal, enrolled.key.algorithm, signer, self.terminal_line)

    async def terminal_line(self) -> Line:
        return await Line.open(self.browser, f"{self.url}/ws/terminal")

    def write_terminal(
        self, folder: Path, enrolled: Enrolled, role: TerminalRole = "wall", port: int = 0, *, simulated: bool = True
    ) -> None:
        """A home for the real daemon, or, with a node's key, for a node on this machine; or for a wall.

        `port`: the only place where it finds the hub, if not at the hub's own: it would find that by itself, so it
        looks for a campus that nobody announces.
        """
        folder.mkdir(mode=0o700)
        found_by = HubToFind(
            campus=UNANNOUNCED if port else self.founded.campus,
            server_name=NAME,
            address=f"{self.address}:{port or self.port}",
            ca_pem=(self.home.keys / "ca.pem").read_bytes(),
            vkey=self.founded.vkey,
        )
        write_home(
            folder,
            enrolled.terminal,
            "墙",
            role,
            enrolled.key,
            found_by,
            usual_wiring(role, board_of(enrolled.key), simulated=simulated),
        )

    async def guard(self, name: str) -> str:
        account: str = (await self.post("/api/accounts", name=name, pin=PIN))["id"]
        return account

    async def pager_cookie(self, of: str = "") -> str:
        """A new pager, or another browser for the one whose cookie is `of`: its link is made, and opened."""
        known = of.partition("=")[2].partition(".")[0]
        made = self.post(f"/api/pagers/{known}/link") if known else self.post("/api/pagers", name=self._pager_name())
        link: str = (await made)["link"]
        headers = {"Origin": self.url, "X-Firstbell": "1"}
        async with self.browser.post(
            f"{self.url}/api/join", json={"code": link.rpartition("/")[2]}, headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()
            return f"{PAGER_COOKIE}={answer.cookies[PAGER_COOKIE].value}"

    def _pager_name(self) -> str:
        return f"对讲 {next(self._names)}"

    async def sign_on(self, cookie: str, account: str) -> None:
        headers = {"Origin": self.url, "X-Firstbell": "1", "Cookie": cookie}
        body = {"account": account, "pin": PIN}
        async with self.browser.post(f"{self.url}/api/sign-on", json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def pager(self, account: str = "", cookie: str = "") -> RawPager:
        """Connected; a new one unless `cookie` says which; on it `account` has signed on."""
        cookie = cookie or await self.pager_cookie()
        if account:
            await self.sign_on(cookie, account)
        return RawPager(await self.pager_line(cookie), cookie)

    async def pager_line(self, cookie: str) -> Line:
        return await Line.open(self.browser, f"{self.url}/ws/pager", Origin=self.url, Cookie=cookie)

    async def board(self, account: str) -> Line:
        link: str = (await self.post("/api/boards", account=account))["link"]
        headers = {"Origin": self.url, "X-Firstbell": "1"}
        async with self.browser.post(
            f"{self.url}/api/join", json={"code": link.rpartition("/")[2]}, headers=headers
        ) as answer:
            assert answer.status == 200, await answer.text()
            cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in answer.cookies.items())
        return await Line.open(self.browser, f"{self.url}/ws/board", Origin=self.url, Cookie=cookie)

    async def verify(self, against: str | None = None) -> Verdict:
        return await asyncio.to_thread(verify, self.home.database, self.vkey, against)

    async def checkpoint(self) -> str:
        async with self.browser.get(f"{self.url}/checkpoint") as answer:
            assert answer.status == 200
            return await answer.text()


def found_home(path: Path, address: str = HOST) -> tuple[Home, int, Founded]:
    """A new campus at `path`, on a free port: of this machine alone, or, for another `address`, of all that it has."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        port: int = taken.getsockname()[1]
    listen = ListenSettings(HOST if address == HOST else "0.0.0.0", port, 0)  # noqa: S104
    settings = Settings(names=(NAME,), addresses=(address,), listen=listen)
    founded = found(path, "明德学校", ZONE, "管理员", settings, lambda key: key, datetime.now(UTC))
    return Home(path), port, founded
