"""Whoever uses a keyboard sees where it is: a ring in the ink of what lies around a key, not of the key itself."""

import pytest
from playwright.async_api import Page, expect

from tests.browser.board_frames import board, trouble
from tests.browser.conftest import Served
from tests.browser.fake_hub import FakeHub
from tests.browser.frames import GOING, ON_SCENE, Frame, page, snapshot
from tests.browser.test_join_and_admin import CAMPUS

CONTRAST_MIN = 3.0
"""WCAG 2.2, 1.4.11 and 2.4.13."""

RINGS = """() => {
    const channels = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const luminance = (colour) => channels(colour).slice(0, 3)
        .map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
        .reduce((sum, value, n) => sum + value * [0.2126, 0.7152, 0.0722][n], 0);
    const filled = (one) => (channels(getComputedStyle(one).backgroundColor)[3] ?? 1) === 1;
    const around = (one) => (filled(one.parentElement) ? one.parentElement : around(one.parentElement));
    return [...document.querySelectorAll("a[href], button:enabled, input, select, textarea")].map((one) => {
        one.focus();
        const { outlineColor, outlineStyle, outlineWidth } = getComputedStyle(one);
        const both = [outlineColor, getComputedStyle(around(one)).backgroundColor].map(luminance);
        const contrast = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
        return [one.textContent || one.name, outlineStyle === "none" || parseFloat(outlineWidth) < 3 ? 0 : contrast];
    });
}"""


async def see_each_ring(tab: Page) -> None:
    await tab.keyboard.press("Tab")  # from here on it is a keyboard that moves the focus
    rings = await tab.evaluate(RINGS)
    assert rings
    assert [(key, contrast) for key, contrast in rings if contrast < CONTRAST_MIN] == []


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("pages", [(), (page(),), (page(), page("i-2")), (page(**GOING),), (page(**ON_SCENE),)])
async def test_on_the_pager(tab: Page, site: Served, pages: tuple[Frame, ...], theme: str) -> None:
    await tab.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    await FakeHub.of(tab, "/ws/pager", snapshot(*pages))
    await tab.goto(f"{site.url}/pager")
    await expect(tab.locator(".hand .key").first).to_be_visible()
    await see_each_ring(tab)


async def test_on_the_board(tab: Page, site: Served) -> None:
    await FakeHub.of(tab, "/ws/board", board(troubles=[trouble()]))
    await tab.goto(f"{site.url}/board")
    await expect(tab.locator("[data-do=see]")).to_be_visible()
    await see_each_ring(tab)


async def test_where_one_joins(tab: Page, site: Served) -> None:
    site.shells["/join/abc"] = ("join.html", {"code": "abc", "kind": "pin", "name": "王建国"})
    await tab.goto(f"{site.url}/join/abc")
    await expect(tab.locator("#join button")).to_be_enabled()
    await see_each_ring(tab)


async def test_in_the_administration(tab: Page, site: Served) -> None:
    site.answers["/api/campus"] = (200, CAMPUS)
    await tab.goto(f"{site.url}/admin")
    await expect(tab.locator("form")).to_have_count(2)
    await see_each_ring(tab)
