"""A whole campus for a browser to see: `firstbell-hub demo` as a process, its hub's control socket, its terminals."""

import asyncio
import contextlib
import itertools
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Browser, Page, expect

from hub.demo.wall import Wall
from tests.browser.conftest import opened

SCRIPTS = Path(sys.executable).parent
START_S_MAX = 30.0
SOON_S_MAX = 10.0
LINE_BYTES_MAX = 1 << 20
HUB = "http://hub"

EAR = """
const contexts = [];
const Real = window.AudioContext;
window.AudioContext = class extends Real {
  constructor(options) {
    super(options);
    this.ear = new AnalyserNode(this, { fftSize: 2048 });
    this.ear.connect(super.destination);
    contexts.push(this);
  }
  get destination() {
    return this.ear ?? super.destination;
  }
};
const loudness = () => {
  const wave = new Float32Array(2048);
  return contexts.map(({ ear }) => (ear.getFloatTimeDomainData(wave), Math.max(...wave.map(Math.abs))));
};
const pause = (ms) => new Promise((go_on) => setTimeout(go_on, ms));
window.ear = {
  pause,
  states: () => contexts.map(({ state }) => state),
  async hears(within_ms) {
    for (const from_ms = performance.now(); performance.now() - from_ms < within_ms; await pause(10)) {
      if (loudness().some((peak) => peak > 0.05)) return true;
    }
    return false;
  },
};
"""
"""Between the page's sound and the loudspeaker: which contexts there are, and whether anything really sounds."""

ALARM_PAUSE_MS = 3_000
"""Longer than the longest silence within an alarm."""
CUE_MS_MAX = 1_000


class Campus:
    """`said`: the first line of the demo. Every waiting here is for something that the processes tell."""

    def __init__(self, said: dict[str, Any], control: aiohttp.ClientSession) -> None:
        self.said = said
        self.control = control
        self.origin = said["demo_url"].removesuffix("/demo")
        self.walls = [
            Wall(t["terminal"], t["name"], "", "", t["role"], t["board"], tuple(t["inputs"]), Path(t["home"]))
            for t in said["terminals"]
        ]
        self.happenings: list[dict[str, Any]] = []
        self._more = asyncio.Condition()
        self._numbers = itertools.count(1)

    async def get(self, path: str) -> dict[str, Any]:
        async with self.control.get(HUB + path) as answer:
            assert answer.status == 200, await answer.text()
            said: dict[str, Any] = await answer.json()
            return said

    async def post(self, path: str, **body: Any) -> dict[str, Any]:
        async with self.control.post(HUB + path, json=body) as answer:
            assert answer.status == 200, await answer.text()
            said: dict[str, Any] = await answer.json()
            return said

    async def new_guard(self) -> str:
        """The account of a guard who has had part in nothing yet; the PIN is the demo's."""
        made = await self.post("/api/accounts", name=f"王建国 {next(self._numbers)}", pin=self.said["pin"])
        return str(made["id"])

    async def name_of(self, guard: str) -> str:
        accounts = (await self.get("/api/campus"))["accounts"]
        return str(next(account["name"] for account in accounts if account["id"] == guard))

    async def new_pager(self) -> tuple[str, str]:
        """Its id and its one-time link."""
        made = await self.post("/api/pagers", name=f"手机 {next(self._numbers)}")
        return made["id"], made["link"]

    async def reasons(self, pager: str) -> list[str]:
        """Why the hub holds this pager for NOT READY."""
        pagers = (await self.get("/api/campus"))["pagers"]
        found: list[str] = next(one["reasons"] for one in pagers if one["id"] == pager)
        return found

    async def until_reasons(self, pager: str, wanted: Callable[[list[str]], bool]) -> list[str]:
        """The reasons, once they are as wanted; asked again after everything that happens."""
        async with asyncio.timeout(2 * SOON_S_MAX):
            while True:
                told = len(self.happenings)
                reasons = await self.reasons(pager)
                if wanted(reasons):
                    return reasons
                async with self._more:
                    await self._more.wait_for(lambda told=told: len(self.happenings) > told)  # type: ignore[misc]

    async def watch(self) -> None:
        """Collects what happens, until cancelled."""
        async with self.control.get(f"{HUB}/control/watch", timeout=aiohttp.ClientTimeout(total=None)) as answer:
            async for line in answer.content:
                async with self._more:
                    self.happenings.append(json.loads(line))
                    self._more.notify_all()

    async def happened(self, kind: str, since: int = 0, **fields: Any) -> dict[str, Any]:
        """The first committed entry of this kind with these fields, of those after the first `since` happenings."""

        def found() -> dict[str, Any] | None:
            return next(
                (
                    happening["entry"]
                    for happening in self.happenings[since:]
                    if happening["what"] == "committed"
                    and happening["entry"]["kind"] == kind
                    and fields.items() <= happening["entry"].items()
                ),
                None,
            )

        async with asyncio.timeout(SOON_S_MAX), self._more:
            await self._more.wait_for(lambda: found() is not None)
        entry = found()
        assert entry is not None
        return entry

    async def press(self, wall: Wall) -> dict[str, Any]:
        """A real press; the incident that it raised."""
        since = len(self.happenings)
        await wall.ask(do="press", input="panic")
        return await self.happened("incident_raised", since, terminal=wall.terminal)


async def shows(wall: Wall, light: str) -> None:
    """Until the terminal itself says that this is its light."""
    async with asyncio.timeout(SOON_S_MAX), contextlib.aclosing(wall.watch()) as states:
        async for state in states:
            if state["light"] == light:
                return


@contextlib.asynccontextmanager
async def running_campus(folder: Path) -> AsyncIterator[Campus]:
    """From the start of `demo` to its end by SIGTERM, which has to be a clean one."""
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "firstbell-hub",
        "--home",
        folder,
        "demo",
        "--json",
        "--port",
        str(free_port()),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "FIRSTBELL_LANG": "zh-CN"},
        limit=LINE_BYTES_MAX,
    )
    assert process.stdout is not None
    tasks: list[asyncio.Task[None]] = []
    try:
        async with asyncio.timeout(START_S_MAX):
            first = await process.stdout.readline()
        assert first, "the demo did not start"
        said = json.loads(first)
        tasks.append(asyncio.create_task(_drain(process.stdout)))
        connector = aiohttp.UnixConnector(str(Path(said["home"]) / "control.sock"))
        async with aiohttp.ClientSession(connector=connector) as control:
            campus = Campus(said, control)
            tasks.append(asyncio.create_task(campus.watch()))
            yield campus
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0


async def _drain(stream: asyncio.StreamReader) -> None:
    while await stream.readline():
        pass


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


class Device:
    """A browser that is a pager. `pager`: its id at the hub."""

    def __init__(self, campus: Campus, tab: Page, pager: str) -> None:
        self.campus = campus
        self.tab = tab
        self.pager = pager

    async def sign_on(self, guard: str) -> None:
        """By name and PIN; the tap on the last key allows the sound."""
        await self.tab.click(f"[data-do=name][data-choice={guard}]")
        for digit in self.campus.said["pin"]:
            await self.tab.click(f"[data-do=digit][data-choice='{digit}']")
        await self.tab.click("[data-do=start]")

    async def on_duty(self, guard: str) -> None:
        await self.sign_on(guard)
        await self.sees("ready")
        await self.campus.until_reasons(self.pager, lambda reasons: not reasons)

    async def sees(self, screen: str, within_ms: float = 1_000 * SOON_S_MAX) -> None:
        # At once: `expect` looks once a second, and would be late for a time that is measured.
        await self.tab.locator(f"body[data-screen={screen}]").wait_for(state="attached", timeout=within_ms)

    async def tap(self, what: str) -> None:
        await self.tab.click(f"[data-do={what}]")

    async def audio(self) -> list[str]:
        states: list[str] = await self.tab.evaluate("ear.states()")
        return states

    async def hears(self, within_ms: int = ALARM_PAUSE_MS) -> bool:
        """Whether anything sounds within this time."""
        return bool(await self.tab.evaluate("(ms) => ear.hears(ms)", within_ms))

    async def is_quiet(self) -> bool:
        """Whether the ringing has ended; the one short cue that something changed may still sound."""
        await self.tab.evaluate("(ms) => ear.pause(ms)", CUE_MS_MAX)
        return not await self.hears()

    async def see_it_through(self, outcome: str = "genuine") -> None:
        """From the way there to the closed case, a tap each."""
        await self.tap("on_scene")
        await self.sees("on_scene")
        await self.tap("resolve")
        await self.tab.click(f"[data-do=outcome][data-choice={outcome}]")
        await self.sees("resolved")


@contextlib.asynccontextmanager
async def new_device(campus: Campus, browser: Browser, **options: Any) -> AsyncIterator[Device]:
    """A browser that opens a new pager's one-time link; the pager is revoked at the end."""
    pager, link = await campus.new_pager()
    async with opened(browser, **options) as tab:
        await tab.add_init_script(f"{{{EAR}}}")
        await join(campus, tab, link)
        await expect(tab).to_have_url(f"{campus.origin}/pager")
        yield Device(campus, tab, pager)
        # Before the hub ends the connection, which a browser would complain of.
        await tab.goto("about:blank")
    async with campus.control.delete(f"{HUB}/api/pagers/{pager}") as answer:
        assert answer.status == 200


async def join(campus: Campus, tab: Page, link: str) -> None:
    await tab.goto(f"{campus.origin}/join/{link.rpartition('/')[2]}")
    await tab.click("#join button[type=submit]")
