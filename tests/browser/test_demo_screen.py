"""The demo's screen in a real browser, with the demo's end of the socket in the test's hands."""

import re
from typing import Any

import jinja2
import pytest
from playwright.async_api import Browser, Page, expect

from hub.demo.line import Line
from hub.demo.server import demo_texts
from hub.web.language import texts
from tests.browser.conftest import WEB, Served, opened
from tests.browser.fake_hub import FakeHub
from tests.browser.frames import NOW_MS, Frame

SCREEN = WEB.parent / "demo/screen"
SIZES = ((390, 844), (1280, 800), (1366, 768), (1440, 900), (1920, 1080))
DESK_PX = 1280
"""From this width on the whole demo is seen without scrolling."""

STEPS = ("pressed", "light", "sent", "bell", "pager", "recorded", "accepted", "arrived", "resolved")
QUICK = (0, 31, 40, 41, 42, 50, 2_400, 3_900, 5_900)
SLOW = (0, 30, 32, 33, 46, 866, 99_000, 101_100, 40_103_700)
PARTS = {
    "en": ("Teaching block 2", "floor 3", "Washroom corridor"),
    "zh-CN": ("二号教学楼", "3 层", "卫生间走廊"),
}


def told(*after_ms: int, next_ms: int | None = None) -> Frame:
    """The line of a press NOW_MS ago at most, as the demo makes it."""
    pressed_ms = NOW_MS - 7_200
    steps = {what: pressed_ms + at_ms for what, at_ms in zip(STEPS, after_ms, strict=False)}
    due_ms = pressed_ms + next_ms if next_ms else None
    return Line("i-1", "t-1", pressed_ms, steps, next_ms=due_ms).frame()


def cut_off() -> Frame:
    """The longest line: the press of a terminal that the hub could not hear for 14 s."""
    after_ms = {"pressed": 0, "light": 31, "undelivered": 3_031, "late": 14_000, "sent": 14_010, "bell": 14_015}
    after_ms |= {"pager": 14_020, "recorded": 14_030, "accepted": 20_000, "arrived": 31_000, "resolved": 50_000}
    pressed_ms = NOW_MS - 60_000
    return Line("i-1", "t-1", pressed_ms, {what: pressed_ms + ms for what, ms in after_ms.items()}).frame()


def demo(line: Frame, language: str = "en", **changes: Any) -> Frame:
    building, floor, name = PARTS[language]
    wall = {"name": name, "building": building, "floor": floor, "cut": False, "light": "none", "inputs": ["panic"]}
    return {
        "type": "snapshot",
        "hub_ms": NOW_MS,
        "utc_ms": NOW_MS + 1_763_000_000_000,
        "zone_minutes": 480,
        "terminals": [{"id": f"t-{n}", "linked": True, **wall} for n in (1, 2, 3)],
        "bell": {"name": "Guard room", "sound": "none"},
        "line": line,
        **changes,
    }


async def begin(tab: Page, site: Served, frame: Frame, language: str) -> FakeHub:
    words = {**texts(language), **demo_texts(language)}
    shells = jinja2.Environment(
        loader=jinja2.FileSystemLoader([SCREEN, WEB / "templates"]), autoescape=True, undefined=jinja2.StrictUndefined
    )
    shell = shells.get_template("demo.html").render(lang=language, t=words.__getitem__, pin="481516")
    await tab.route("**/demo/static/*", lambda route: route.fulfill(path=SCREEN / route.request.url.rpartition("/")[2]))
    await tab.route("**/demo/locale/*", lambda route: route.fulfill(json=words))
    await tab.route("**/demo", lambda route: route.fulfill(body=shell, content_type="text/html"))
    await tab.route("**/pager", lambda route: route.fulfill(body="<title>pager</title>", content_type="text/html"))
    hub = await FakeHub.of(tab, "/ws/demo", frame)
    await tab.goto(f"{site.url}/demo")
    await expect(tab.locator(".terminal")).to_have_count(3)
    return hub


CUT = """() => [...document.querySelectorAll(".wall *")]
    .filter((one) => !one.closest("svg") && one.clientWidth && getComputedStyle(one).display !== "inline")
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => `${one.tagName}.${one.className} ${one.textContent}`)"""

EXTENT = """() => {
    const { scrollWidth, scrollHeight } = document.documentElement;
    const right = (one) => document.querySelector(one).getBoundingClientRect().right;
    return [scrollWidth, scrollHeight, Math.round(right(".wall header") - right("[data-language]"))];
}"""
WRAPPED = """() => [...document.querySelectorAll(".wall header, .terminal .under, .terminal .light")]
    .filter((one) => one.offsetHeight > 48)
    .map((one) => one.textContent)"""


@pytest.mark.parametrize("language", ["zh-CN", "en"])
async def test_nothing_overlaps_whatever_the_size_and_however_long_it_took(
    chromium: Browser, site: Served, language: str
) -> None:
    lines = [told(), told(*QUICK), told(*SLOW), told(*QUICK[:6], next_ms=15_041), told(*SLOW[:6]), cut_off()]
    async with opened(chromium, locale=language) as tab:
        hub = await begin(tab, site, demo(told(), language), language)
        for n, line in enumerate(lines):
            hub.show(demo(line, language))
            await expect(tab.locator(".line li:not([data-what=nobody])")).to_have_count(len(line["steps"]))
            for width, height in SIZES:
                await tab.set_viewport_size({"width": width, "height": height})
                assert (n, width, await tab.evaluate(CUT)) == (n, width, [])
                wide, high, key_to_edge = await tab.evaluate(EXTENT)
                lines_of_cut = await tab.evaluate("document.querySelector('.cut').offsetHeight")
                assert (n, width, wide, lines_of_cut <= 34) == (n, width, width, True)
                assert (n, width, key_to_edge) == (n, width, 0)
                if width >= DESK_PX:
                    assert (n, width, high, await tab.evaluate(WRAPPED)) == (n, width, height, [])


async def test_what_to_do_first_stands_at_the_top(chromium: Browser, site: Served) -> None:
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, demo(told()), "en")
        await expect(tab.locator(".wall header p").first).to_have_text("First sign on at the pager: its PIN is 481516")


@pytest.mark.parametrize(
    ("sound", "says"),
    [
        ("alarm", "Ringing"),
        ("drill", "Ringing"),
        ("fault", "Ringing"),
        ("trouble", "Trouble tone"),
        ("lost", "Trouble tone"),
        ("none", "Quiet"),
    ],
)
async def test_the_bell_says_what_it_sounds(chromium: Browser, site: Served, sound: str, says: str) -> None:
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, demo(told(), bell={"name": "Guard room", "sound": sound}), "en")
        await expect(tab.locator(".bell [role=status]")).to_have_text(says)
        await expect(tab.locator(".bell .mark")).to_have_count(0 if sound == "none" else 1)


async def test_the_language_is_switched(chromium: Browser, site: Served) -> None:
    site.answers["/api/language"] = (200, {})
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, demo(told()), "en")
        async with tab.expect_event("load"):
            await tab.get_by_role("button", name="中文").click()
        assert site.asked == [("POST", "/api/language", {"language": "zh-CN"})]


async def test_nobody_yet_is_a_hollow_station_until_somebody_accepts(chromium: Browser, site: Served) -> None:
    async with opened(chromium, locale="en") as tab:
        hub = await begin(tab, site, demo(told(*QUICK[:6], next_ms=15_041)), "en")
        nobody = tab.locator(".line [data-what=nobody]")
        await expect(nobody).to_contain_text("Nobody yet")
        await expect(nobody).to_contain_text("more at 15 s")
        await expect(nobody.locator("b")).to_contain_text("7.")
        hub.show(demo(told(*QUICK[:7])))
        await expect(tab.locator(".line li")).to_have_count(7)
        await expect(nobody).to_have_count(0)


async def test_the_pager_keeps_its_place_in_its_frame(chromium: Browser, site: Served) -> None:
    """It is drawn smaller than it is laid out: what brings one of its keys into view must not move it in there."""
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, demo(told()), "en")
        moved = await tab.locator(".frame").evaluate(
            "frame => (frame.scrollTo(50, 50), [frame.scrollLeft, frame.scrollTop])"
        )
        assert moved == [0, 0]


async def test_the_time_since_a_press_is_told_in_whole_milliseconds(chromium: Browser, site: Served) -> None:
    """From none on: the screen's clock may be behind the terminal's."""
    async with opened(chromium, locale="en") as tab:
        hub = await begin(tab, site, demo(told()), "en")
        pressed_ms = hub.now_ms() + 1_000
        hub.show(demo(Line("i-1", "t-1", pressed_ms, {"pressed": pressed_ms}).frame()))
        await expect(tab.locator(".line [data-what=nobody] b")).to_have_text(re.compile(r"^\d{1,3} ms$"))


def test_the_stations_stand_in_the_order_of_time() -> None:
    line = Line("i-1", "t-1", 1_000, {"pressed": 1_000, "sent": 1_036, "light": 1_031})
    assert [step["what"] for step in line.frame()["steps"]] == ["pressed", "light", "sent"]
