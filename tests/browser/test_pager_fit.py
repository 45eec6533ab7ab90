"""The pager's screen at any size: nothing is cut, nothing lies where it should not."""

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served, opened
from tests.browser.frames import GOING, NOW_MS, ON_SCENE, page, snapshot
from tests.browser.test_pager_screen import OVERDUE, begin, key, on_duty

SIZES = [(390, 844), (360, 640), (320, 568), (844, 390), (1366, 768)]
LONG = "学生发展中心与图书馆连廊二层东侧无障碍卫生间外走廊转角处第三根柱子旁"


CUT = """async () => {
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    return [...document.querySelectorAll(".field, .hand, .field *, .hand *")]
        .filter((one) => one.clientWidth && getComputedStyle(one).display !== "inline")
        .filter((one) => one.scrollWidth > one.clientWidth + 1 ||
            (one.matches(".field, .hand") && one.scrollHeight > one.clientHeight + 1) ||
            (one.matches(".strip .word") && one.offsetHeight > 2.5 * parseFloat(getComputedStyle(one).lineHeight)) ||
            (one.matches(".fault") && one.offsetWidth !== one.parentElement.clientWidth))
        .map((one) => `${one.tagName}.${one.className} ${one.scrollWidth}x${one.scrollHeight}`);
}"""
SMALL = """() => [...document.querySelectorAll("[data-do]")].map((one) => one.getBoundingClientRect())
    .filter(({ width, height }) => height < 40 || width < 40).length +
    [...document.querySelectorAll(".others")].filter((one) => one.offsetHeight < 56).length"""


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
async def test_names_stand_in_even_columns(chromium: Browser, site: Served, locale: str) -> None:
    names = ("王建国", "Christopher Featherstonehaugh", "李敏", "Wang Jianguo")
    guards = [{"id": name, "name": name, "zones": ["东区"] * n} for n, name in enumerate(names)]
    site.answers["/api/guards"] = (200, {"guards": guards})
    async with opened(chromium, locale=locale) as tab:
        await begin(tab, site, snapshot(guard=False))
        await expect(tab.locator(key("name"))).to_have_count(4)
        for width, height in SIZES:
            await tab.set_viewport_size({"width": width, "height": height})
            assert (width, await tab.evaluate(CUT)) == (width, [])
            sizes = await tab.locator(key("name")).evaluate_all(
                "keys => keys.map((k) => [k.offsetWidth, k.offsetHeight])"
            )
            assert (width, sizes) == (width, [sizes[0]] * 4)


@pytest.mark.parametrize("size", [(568, 320), (320, 568), (390, 844)])
async def test_sign_on_fits_in_english(chromium: Browser, site: Served, size: tuple[int, int]) -> None:
    guards = [{"id": "a-wang", "name": "Wang Jianguo", "zones": ["East zone"]}]
    site.answers["/api/guards"] = (200, {"guards": guards})
    viewport = {"width": size[0], "height": size[1]}
    async with opened(chromium, locale="en", viewport=viewport) as tab:
        await begin(tab, site, snapshot(guard=False))
        await tab.click("[data-choice=a-wang]")
        heights = await tab.evaluate(
            """() => [".who .say", ".who .key-text"].map((one) => document.querySelector(one).offsetHeight)"""
        )
        assert heights[1] <= 60
        if size == (390, 844):
            assert heights[0] <= 50
        widths = await tab.evaluate(
            """() => [...document.querySelectorAll(".pad-key")].map((one) => one.getBoundingClientRect().width)"""
        )
        assert min(widths) >= 44
        await expect(tab.locator(".aside time")).to_be_visible()
        assert await tab.evaluate(CUT) == []


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
async def test_nothing_is_cut_while_it_rings(chromium: Browser, site: Served, locale: str) -> None:
    cases = [
        snapshot(page(), page("i-2", place=LONG)),
        snapshot(page(place=LONG, presses=12, severity="perimeter"), fault=True),
        snapshot(page(**{**GOING, "ring": "ask", "asked": "arrival"}, due_ms=2_000_000, due_total_ms=120_000)),
        snapshot(page(**OVERDUE, place=LONG, presses=2)),
        snapshot(page("i-1", **ON_SCENE, place=LONG, presses=12, due_ms=NOW_MS + 90_000, due_total_ms=300_000)),
        snapshot(
            page(drill=True, severity="perimeter", place="Corner of the corridor outside the barrier-free toilet")
        ),
    ]
    async with opened(chromium, locale=locale) as tab:
        hub = await on_duty(tab, site)
        for case in cases:
            hub.show(case)
            await expect(tab.locator("h1.place")).to_have_text(case["pages"][0]["place"])
            for width, height in SIZES:
                await tab.set_viewport_size({"width": width, "height": height})
                assert (width, height, await tab.evaluate(CUT), await tab.evaluate(SMALL)) == (width, height, [], 0)


BELOW = """() => {
    const field = document.querySelector(".field");
    const px = (...of) => (side) => parseFloat(getComputedStyle(...of)[side]);
    const [barrier, last] = [px(field, "::after"), px(field.lastElementChild)];
    const free = field.getBoundingClientRect().bottom - field.lastElementChild.getBoundingClientRect().bottom;
    return Math.round(free - last("marginBottom") - barrier("marginTop") - barrier("height"));
}"""


async def test_the_barrier_lies_at_the_edge_where_nothing_else_does(tab: Page, site: Served) -> None:
    """A terminal of which only the name is known, in a drill."""
    hub = await on_duty(tab, site)
    hub.show(snapshot(page(drill=True, building="", floor="", way="")))
    await expect(tab.locator("body[data-tone=drill]")).to_be_attached()
    assert await tab.locator(".way").count() == 0
    assert await tab.evaluate(BELOW) == 0
