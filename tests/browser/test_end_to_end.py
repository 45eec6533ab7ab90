"""The promises to a guard, kept by real processes: hub and terminals over TLS, the pager in a real browser."""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, ViewportSize, WebSocketRoute, expect

from hub.demo.wall import Wall
from tests.browser.conftest import opened
from tests.browser.real_campus import (
    SCRIPTS,
    SOON_S_MAX,
    Campus,
    Device,
    join,
    new_device,
    running_campus,
    shows,
)

GONE_S_MAX = 10 + 1
"""Within 10 s the pager says that the hub is gone; one more for a machine that is busy."""
DESK = ViewportSize(width=1440, height=900)
MARKUP = "<b>三楼</b><img src=x>"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def campus(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Campus]:
    async with running_campus(tmp_path_factory.mktemp("campus")) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def guard(campus: Campus) -> str:
    return await campus.new_guard()


@pytest_asyncio.fixture(loop_scope="session")
async def device(campus: Campus, chromium: Browser, guard: str) -> AsyncIterator[Device]:
    """`guard` is there before the pager looks who can sign on."""
    async with new_device(campus, chromium) as made:
        yield made


class Board:
    """The board's screen, in Chinese."""

    def __init__(self, tab: Page) -> None:
        self._tab = tab

    async def says(self, guard: str, word: str, reason: str = "") -> None:
        row = self._tab.locator("section.watch li", has_text=guard)
        within_ms = 2_000 * SOON_S_MAX
        await expect(row.locator("em")).to_have_text(word, timeout=within_ms)
        if reason:
            await expect(row.locator("div span")).to_contain_text(reason, timeout=within_ms)


class Cable:
    """Between a screen and the hub's real socket. While it is cut nothing comes through and nothing is closed."""

    def __init__(self) -> None:
        self.cut = False
        self._screens: list[WebSocketRoute] = []

    def between(self, screen: WebSocketRoute) -> None:
        self._screens.append(screen)
        if self.cut:
            return
        hub = screen.connect_to_server()
        screen.on_message(lambda text: None if self.cut else hub.send(text))
        hub.on_message(lambda text: None if self.cut else screen.send(text))

    async def mend(self) -> None:
        """A stream with a hole in it is of no use: what was open is closed."""
        self.cut = False
        for screen in self._screens:
            await screen.close()
        self._screens.clear()


@contextlib.asynccontextmanager
async def new_board(campus: Campus, browser: Browser, account: str) -> AsyncIterator[Board]:
    made = await campus.post("/api/boards", account=account)
    async with opened(browser, viewport=DESK) as tab:
        await join(campus, tab, made["link"])
        await tab.wait_for_url("**/board")
        yield Board(tab)


async def test_a_press_rings_the_guard_who_goes_and_closes_the_case(campus: Campus, device: Device, guard: str) -> None:
    wall = campus.walls[0]
    await device.sign_on(guard)
    await device.sees("ready")
    await expect(device.tab.locator(".strip .word")).to_have_text("就绪")
    assert await device.audio() == ["running"]
    assert await campus.until_reasons(device.pager, lambda reasons: not reasons) == []

    raised = await campus.press(wall)
    await device.sees("alarm")
    await expect(device.tab.locator("body[data-tone=alarm]")).to_be_attached()
    assert await device.hears()
    assert await device.audio() == ["running"]
    incident = raised["incident"]
    await campus.happened("page_progressed", incident=incident, guard=guard, to="ringing")

    await device.tap("accept")
    await device.sees("on_the_way")
    await campus.happened("accepted", incident=incident, guard=guard)
    await shows(wall, "coming")
    await device.tap("on_scene")
    await device.sees("on_scene")
    await shows(wall, "here")
    await device.tap("resolve")
    await device.tap("note")
    await device.tab.fill("#note", "她没事 <b>")
    await device.tap("note_done")
    await device.tab.click("[data-do=outcome][data-choice=genuine]")
    await device.sees("resolved")
    resolved = await campus.happened("resolved", incident=incident, by=device.pager)
    assert resolved["outcome"] == "genuine"
    assert resolved["note"], "the ledger holds a commitment to the note"
    assert "她没事" not in json.dumps(campus.happenings, ensure_ascii=False)
    await shows(wall, "none")


async def test_the_other_pager_of_a_guard_goes_quiet_when_one_answers(
    campus: Campus, chromium: Browser, device: Device, guard: str
) -> None:
    async with new_device(campus, chromium) as second:
        await device.on_duty(guard)
        await second.on_duty(guard)
        await campus.press(campus.walls[1])
        for rings in (device, second):
            await rings.sees("alarm")
            assert await rings.hears()
        await device.tap("accept")
        await second.sees("on_the_way")
        await device.sees("on_the_way")
        assert await second.is_quiet()
        await second.see_it_through("mistaken")
        await device.sees("resolved")


async def test_without_a_tap_the_pager_is_not_ready_and_all_know(campus: Campus, chromium: Browser, guard: str) -> None:
    name = await campus.name_of(guard)
    async with new_device(campus, chromium, locale="en-US") as device, new_board(campus, chromium, guard) as board:
        await device.on_duty(guard)
        await expect(device.tab.locator(".strip .word")).to_have_text("Ready")
        await board.says(name, "就绪")
        # Whoever loads the screen anew has not tapped yet.
        await device.tab.reload()
        await device.sees("not_ready")
        await expect(device.tab.locator(".strip .word")).to_have_text("Not ready")
        assert "running" not in await device.audio()
        assert "sound" in await campus.until_reasons(device.pager, lambda reasons: "sound" in reasons)
        await board.says(name, "未就绪", "声音")
        await device.tap("cure_sound")
        await device.sees("ready")
        assert await device.audio() == ["running"]
        await campus.until_reasons(device.pager, lambda reasons: not reasons)
        await board.says(name, "就绪")


async def test_a_stale_connection_is_not_ready_here_and_there(campus: Campus, chromium: Browser, guard: str) -> None:
    name = await campus.name_of(guard)
    cable = Cable()
    async with new_device(campus, chromium) as device, new_board(campus, chromium, guard) as board:
        await device.tab.route_web_socket("**/ws/pager", cable.between)
        await device.tab.reload()
        await device.on_duty(guard)
        await board.says(name, "就绪")
        cable.cut = True
        cut_s = time.monotonic()
        await device.sees("hub_gone", 1_000 * GONE_S_MAX)
        assert time.monotonic() - cut_s <= GONE_S_MAX
        assert "link" in await campus.until_reasons(device.pager, lambda reasons: "link" in reasons)
        await board.says(name, "未就绪", "连接")
        await cable.mend()
        await device.sees("ready")
        await campus.until_reasons(device.pager, lambda reasons: not reasons)


async def test_the_pager_says_that_the_hub_is_gone_and_comes_back(campus: Campus, device: Device, guard: str) -> None:
    await device.on_duty(guard)
    hub = campus.said["hub_pid"]
    os.kill(hub, signal.SIGSTOP)
    try:
        stopped_s = time.monotonic()
        await device.sees("hub_gone", 1_000 * GONE_S_MAX)
        assert time.monotonic() - stopped_s <= GONE_S_MAX
    finally:
        os.kill(hub, signal.SIGCONT)
    await device.sees("ready")
    await campus.until_reasons(device.pager, lambda reasons: not reasons)


@contextlib.asynccontextmanager
async def new_wall(campus: Campus, folder: Path, name: str) -> AsyncIterator[Wall]:
    """A terminal enrolled by the command and started."""
    process = await asyncio.create_subprocess_exec(
        SCRIPTS / "firstbell-hub",
        *("--home", campus.said["home"], "--json", "terminal", "enrol", name),
        *("--zone", (await campus.get("/api/campus"))["zones"][0]["name"], "--place", name, "--way", name),
        *("--to", folder, "--hub", campus.said["base_url"].removeprefix("https://"), "--simulated"),
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    wall = Wall(json.loads(said)["id"], name, "", "", "wall", "pi", ("panic",), folder)
    since = len(campus.happenings)
    await wall.start()
    assert wall.process is not None
    try:
        await campus.happened("link_changed", since, terminal=wall.terminal, linked=True)
        yield wall
    finally:
        # Else its silence would be a trouble, for which the bell rings.
        async with campus.control.delete(f"http://hub/api/terminals/{wall.terminal}") as answer:
            assert answer.status == 200
        wall.process.terminate()
        await wall.process.wait()


async def test_a_name_with_markup_is_text(campus: Campus, device: Device, guard: str, tmp_path: Path) -> None:
    async with new_wall(campus, tmp_path / "wall", MARKUP) as wall:
        await device.on_duty(guard)
        await campus.press(wall)
        await expect(device.tab.locator("h1.place")).to_have_text(MARKUP)
        assert await device.tab.locator("#pager img, #pager h1 b").count() == 0
        await device.tap("accept")
        await device.see_it_through("fault")


async def test_the_demo_tells_the_whole_story_in_one_window(campus: Campus, chromium: Browser, guard: str) -> None:
    async with opened(chromium, viewport=DESK) as tab:
        await tab.goto(campus.said["demo_url"])
        pager = tab.frame_locator("#pager")
        await pager.locator(f"[data-do=name][data-choice={guard}]").click()
        for digit in campus.said["pin"]:
            await pager.locator(f"[data-do=digit][data-choice='{digit}']").click()
        await pager.locator("[data-do=start]").click()
        await expect(pager.locator("body[data-screen=ready]")).to_be_attached()

        terminal = campus.walls[2].terminal
        section = tab.locator("section.terminal", has=tab.locator(f"[data-press={terminal}]"))
        light = section.locator("[data-light]")
        await expect(light).to_have_attribute("data-light", "none")
        await tab.locator(f"[data-press={terminal}]").hover()
        await tab.mouse.down()
        await expect(light).to_have_attribute("data-light", "recorded")
        await tab.mouse.up()
        await expect(pager.locator("body[data-screen=alarm]")).to_be_attached()
        for step in ("pressed", "light", "sent", "recorded", "pager", "bell"):
            await expect(tab.locator(f".line [data-what={step}]")).to_be_attached()
        await pager.locator("[data-do=accept]").click()
        await expect(light).to_have_attribute("data-light", "coming")
        await pager.locator("[data-do=on_scene]").click()
        await pager.locator("[data-do=resolve]").click()
        await pager.locator("[data-do=outcome][data-choice=drill]").click()
        await expect(light).to_have_attribute("data-light", "none")
        await expect(tab.locator(".line [data-what=resolved]")).to_be_attached()
        await tab.goto("about:blank")
