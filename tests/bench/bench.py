"""What every question of the bench is given, and the hub that it asks."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from hub.web.identity import SESSION_COOKIE
from tests.bench.ends import READY, BenchPager, BenchTerminal, light_name, proven_by, running
from tests.bench.figures import Results
from tests.links.campus import PIN
from tests.links.hub_process import HubProcess


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured. `long_rounds`: where there are to be 1,000 readings. `presses`: in one round. `counts`: of
    connected terminals. `crowd`: of terminals in a storm and idle. `entries`: in the ledgers that are compared and in
    those that are verified.
    """

    rounds: int = 12
    long_rounds: int = 26
    presses: int = 40
    counts: tuple[int, ...] = (1, 10, 100, 1_000)
    crowd: int = 1_000
    storms: int = 3
    seconds: float = 10
    school: tuple[int, int] = (60, 20)
    starts: int = 5
    entries: tuple[int, int] = (1_000, 1_000_000)
    verified: int = 50_000
    publishers: int = 100


@dataclass(frozen=True, slots=True)
class Bench:
    """`folder`: on the disk that is measured; a question makes what it needs in `own(name)`."""

    folder: Path
    cache: Path
    dice: random.Random
    extent: Extent
    results: Results

    def own(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir()
        return folder


class BenchHub(HubProcess):
    """Nobody watches what it does: telling takes time that a hub on a wall does not spend."""

    async def _watch(self, told: aiohttp.ClientResponse) -> None:
        told.close()


class Leader:
    """The person who closes incidents, in a browser: a pager can't."""

    def __init__(self, hub: BenchHub, cookie: str) -> None:
        self._hub = hub
        self._headers = {"Origin": hub.url, "X-Firstbell": "1", "Cookie": cookie}

    async def close(self, incident: str) -> None:
        url = f"{self._hub.url}/api/incidents/{incident}/commands"
        command = {"id": uuid.uuid4().hex, "do": "close"}
        async with self._hub.browser.post(url, json=command, headers=self._headers) as answer:
            assert answer.status == 200, await answer.text()


@dataclass(frozen=True, slots=True)
class Case:
    """What one press took, in milliseconds."""

    page_ms: float
    receipt_ms: float
    light_ms: float
    incident: str


@dataclass(frozen=True, slots=True)
class Pair:
    """A terminal and the pager of a guard who answers it."""

    terminal: BenchTerminal
    pager: BenchPager
    leader: Leader

    async def press(self) -> tuple[str, int, float, float]:
        """Its incident, when it was pressed, how long the page and the receipt took."""
        digest, sent_ns = await self.terminal.press()
        incident = f"i-{digest[:20]}"
        page_ms = (await self.pager.pages.of(incident) - sent_ns) / 1e6
        receipt_ms = (await self.terminal.receipts.of(digest) - sent_ns) / 1e6
        return incident, sent_ns, page_ms, receipt_ms

    async def accept(self, incident: str) -> float:
        """How long it took until the light said that help is coming."""
        times = self.terminal.coming + 1
        _, accepted_ns = await self.pager.command("accept", incident)
        return (await self.terminal.lights.of(light_name(times)) - accepted_ns) / 1e6

    async def close(self, incident: str) -> None:
        """So that the next press is a new incident, and the hub carries no old one."""
        for do in ("on_scene", "resolve"):
            await self.pager.answered(do, incident)
        await self.leader.close(incident)

    async def case(self) -> Case:
        incident, _, page_ms, receipt_ms = await self.press()
        light_ms = await self.accept(incident)
        await self.close(incident)
        return Case(page_ms, receipt_ms, light_ms, incident)


@contextlib.asynccontextmanager
async def running_hub(folder: Path, **environment: str) -> AsyncIterator[BenchHub]:
    async with BenchHub(folder, **environment) as hub:
        yield hub
        assert not hub.complaints(), hub.complaints()


async def terminal_of(hub: BenchHub) -> BenchTerminal:
    enrolled = await hub.enrol()
    return await BenchTerminal.open(
        hub.browser, hub.url, enrolled.terminal, enrolled.key.kept, proven_by(hub.founded.vkey)
    )


async def pager_of(hub: BenchHub, name: str = "王建国") -> BenchPager:
    """On it a guard of this name has signed on."""
    cookie = await hub.pager_cookie()
    await hub.sign_on(cookie, await hub.guard(name))
    headers = {"Origin": hub.url, "Cookie": cookie}
    return BenchPager(await hub.browser.ws_connect(f"{hub.url}/ws/pager", headers=headers, max_msg_size=1 << 20))


async def leader_of(hub: BenchHub, name: str = "校长") -> Leader:
    await hub.post("/api/accounts", name=name, pin=PIN, roles=["leader"])
    headers = {"Origin": hub.url, "X-Firstbell": "1"}
    signing = hub.browser.post(f"{hub.url}/api/session", json={"name": name, "pin": PIN}, headers=headers)
    async with signing as answer:
        assert answer.status == 200, await answer.text()
        return Leader(hub, f"{SESSION_COOKIE}={answer.cookies[SESSION_COOKIE].value}")


@contextlib.asynccontextmanager
async def running_pair(hub: BenchHub, guard: str = "王建国", leader: str = "校长") -> AsyncIterator[Pair]:
    """Linked and READY."""
    pair = Pair(await terminal_of(hub), await pager_of(hub, guard), await leader_of(hub, leader))
    async with running(pair.terminal, pair.pager):
        await pair.terminal.linked()
        await pair.pager.answers.of(READY)
        yield pair


async def warm_up(pair: Pair, cases: int = 5) -> None:
    for _ in range(cases):
        await pair.case()
    await asyncio.sleep(0)
