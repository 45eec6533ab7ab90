"""How soon a death is seen, and an answer: measured on real processes, with a clock that is nobody's but the test's.

Something is dead when it is killed, when it hangs, and when its cable lies on the floor.
"""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from terminal.settings import load_settings
from tests.browser.conftest import CHROMIUM, OPTIONS
from tests.browser.real_campus import Campus, new_device
from tests.faults.proxy import Proxy
from tests.links.campus import HOST, NAME, PIN
from tests.links.hub_process import HubProcess
from tests.links.line import Frame
from tests.links.raw_pager import RawPager
from tests.links.real_terminals import is_quiet, start_terminal
from tests.terminal.real_terminal import RealTerminal

DEAD_TERMINAL_S_MAX = 12.0
DEAD_HUB_S_MAX = 10.0
NOT_DELIVERED_S_MAX = 4.0
"""3 s after the press the light says that nobody has it; one more for a machine that is busy."""
LIGHT_S_MAX = 1.0
ACCEPTS = 20
DEATHS_SEEN_ON_THE_PAGER = 2


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path / "hub") as running:
        yield running


@pytest.fixture
async def wire(hub: HubProcess) -> AsyncIterator[Proxy]:
    async with Proxy(hub.port) as opened:
        yield opened


@pytest.fixture
async def terminals(hub: HubProcess, wire: Proxy, tmp_path: Path) -> dict[str, RealTerminal]:
    """A Raspberry Pi and a node, on one wire."""
    keys = {"a Pi": await hub.enrol(), "a node": await hub.enrol(algorithm="HS256")}
    return {name: await start_terminal(hub, tmp_path / name, enrolled, wire.port) for name, enrolled in keys.items()}


async def seconds(waiting: Awaitable[object]) -> float:
    begun_s = time.monotonic()
    await waiting
    return time.monotonic() - begun_s


def check(what: str, took_s: float, max_s: float) -> None:
    print(f"{what:<56}{took_s:7.2f} s, at most {max_s:g} s")
    assert took_s <= max_s, f"{what}: {took_s:.2f} s"


async def test_a_dead_terminal_is_missed(hub: HubProcess, wire: Proxy, terminals: dict[str, RealTerminal]) -> None:
    def all_get(number: signal.Signals) -> None:
        for terminal in terminals.values():
            terminal.send_signal(number)

    async def missed(name: str, terminal: str) -> None:
        took_s = await seconds(hub.until_entry("link_changed", linked=False, terminal=terminal))
        check(f"{name} {how}: the hub misses it", took_s, DEAD_TERMINAL_S_MAX)

    deaths: tuple[tuple[str, Callable[[], None], Callable[[], None]], ...] = (
        ("hangs", lambda: all_get(signal.SIGSTOP), lambda: all_get(signal.SIGCONT)),
        ("has its cable out", wire.stall, wire.flow),
        ("is killed", lambda: all_get(signal.SIGKILL), lambda: None),
    )
    ids = {name: load_settings(terminal.home.settings).terminal for name, terminal in terminals.items()}
    for how, die, live in deaths:
        hub.happened.clear()
        die()
        await asyncio.gather(*(missed(name, terminal) for name, terminal in ids.items()))
        live()
        if how != "is killed":
            for name, terminal in terminals.items():
                await hub.until_entry("link_changed", linked=True, terminal=ids[name])
                await terminal.until(is_quiet)


async def test_a_dead_hub_is_seen_at_the_button(
    hub: HubProcess, wire: Proxy, terminals: dict[str, RealTerminal]
) -> None:
    async def sees(name: str, terminal: RealTerminal) -> None:
        # The one who presses sees it by the light, which waits for no silence.
        await terminal.press()
        not_delivered_s = await seconds(terminal.until(lambda state: state["light"] == "not_delivered"))
        check(f"the hub {how}: the light of {name} says so", not_delivered_s, NOT_DELIVERED_S_MAX)
        await terminal.until(lambda state: not state["linked"])
        check(f"the hub {how}: {name} misses it", time.monotonic() - died_s, DEAD_HUB_S_MAX)

    deaths: tuple[tuple[str, Callable[[], None], Callable[[], None]], ...] = (
        (
            "hangs",
            lambda: hub.process.send_signal(signal.SIGSTOP),
            lambda: hub.process.send_signal(signal.SIGCONT),
        ),
        ("has its cable out", wire.stall, wire.flow),
        ("is killed", lambda: hub.process.send_signal(signal.SIGKILL), lambda: None),
    )
    for how, die, live in deaths:
        die()
        died_s = time.monotonic()
        await asyncio.gather(*(sees(name, terminal) for name, terminal in terminals.items()))
        live()
        if how != "is killed":
            for terminal in terminals.values():
                await terminal.until(is_quiet)


async def test_a_dead_hub_is_seen_on_the_pager(hub: HubProcess, wire: Proxy) -> None:
    async def lives_again() -> None:
        await hub.start()
        campus.control = hub.control

    async def flows() -> None:
        wire.flow()

    async def goes_on() -> None:
        hub.process.send_signal(signal.SIGCONT)

    deaths: tuple[tuple[str, Callable[[], None], Callable[[], Awaitable[None]]], ...] = (
        ("hangs", lambda: hub.process.send_signal(signal.SIGSTOP), goes_on),
        ("has its cable out", wire.stall, flows),
        ("is killed", lambda: hub.process.send_signal(signal.SIGKILL), lives_again),
    )
    campus = Campus({"demo_url": f"{hub.url}/demo", "pin": PIN, "terminals": []}, hub.control)
    guard = await campus.new_guard()
    # What the browser takes for the hub's own port is the wire's.
    through_the_wire = f"--host-resolver-rules=MAP {NAME}:{hub.port} {HOST}:{wire.port}"
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*OPTIONS, through_the_wire, "--ignore-certificate-errors"]
        ) as browser,
        new_device(campus, browser, complaint="net::ERR_CONNECTION") as device,
    ):
        await device.sign_on(guard)
        await device.sees("ready")
        for how, die, live in deaths * DEATHS_SEEN_ON_THE_PAGER:
            die()
            took_s = await seconds(device.sees("hub_gone", 2_000 * DEAD_HUB_S_MAX))
            await live()
            await device.sees("ready")
            check(f"the hub {how}: the pager says so", took_s, DEAD_HUB_S_MAX)


@pytest.mark.parametrize("name", ["a Pi", "a node"])
async def test_an_accept_is_seen_at_the_button(name: str, hub: HubProcess, terminals: dict[str, RealTerminal]) -> None:
    terminal = terminals[name]
    pager = await hub.pager(await hub.guard("王建国"))
    pager.line.keep_alive()
    await pager.ready()
    worst_s = 0.0
    for _ in range(ACCEPTS):
        event = await terminal.press()
        page = await page_of(pager, event, "none", "paged", "delivered", "seen")
        await terminal.until(lambda state: state["light"] == "recorded")
        await pager.tap("accept", page["incident"])
        worst_s = max(worst_s, await seconds(terminal.until(lambda state: state["light"] == "coming")))
        page = await page_of(pager, event, "accepted")
        await pager.tap("resolve", page["incident"], covers=page["covers"], outcome="genuine")
        await terminal.until(lambda state: state["light"] == "none")
    check(f"the worst of {ACCEPTS} accepts: the light of {name}", worst_s, LIGHT_S_MAX)
    await pager.line.close()


async def page_of(pager: RawPager, event: str, *states: str) -> Frame:
    """The page that names this event, once this guard's part in it is one of these."""

    def found(frame: Frame) -> list[Frame]:
        return [page for page in frame["pages"] if event in page["covers"] and page["mine"] in states]

    return found(await pager.until(found))[0]
