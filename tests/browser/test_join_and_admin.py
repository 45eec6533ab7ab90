"""One-time links, signing in, and the administration: their screens in a real browser, the API in the test's hands."""

from typing import Any

import pytest
from playwright.async_api import Browser, Locator, Page, expect

from tests.browser.conftest import Served, opened

CAMPUS: dict[str, Any] = {
    "campus": {"id": "c-1", "name": "明德实验学校"},
    "hub_ms": 0,
    "utc_ms": 0,
    "zones": [{"id": "z-1", "name": "东区", "drill_until_ms": None}],
    "accounts": [{"id": "a-wang", "name": "王建国", "roles": ["guard"], "zones": ["z-1"]}],
    "pagers": [{"id": "p-1", "name": "<b>值班手机</b>", "guard": None, "reasons": ["link"]}],
    "terminals": [
        {"id": "t-1", "name": "图书馆北门", "building": "图书馆", "floor": "1 层", "linked": False, "revoked": False}
    ],
    "troubles": [],
}


RULE = "至少三种数字，不要顺子（123456），不要重复。"


async def test_a_link_makes_this_browser_a_pager(tab: Page, site: Served) -> None:
    site.shells["/join/abc"] = ("join.html", {"code": "abc", "kind": "pager", "name": "东门 2 号"})
    site.answers["/api/join"] = (200, {"to": "/blank"})
    await tab.goto(f"{site.url}/join/abc")
    await expect(tab.locator(".name")).to_have_text("东门 2 号")
    await tab.click("#join button[type=submit]")
    await tab.wait_for_url("**/blank")
    assert ("POST", "/api/join", {"code": "abc"}) in site.asked


async def test_a_pin_is_chosen_twice_the_same(tab: Page, site: Served) -> None:
    site.shells["/join/abc"] = ("join.html", {"code": "abc", "kind": "pin", "name": "王建国"})
    site.answers["/api/join"] = (200, {"to": "/blank"})
    await tab.goto(f"{site.url}/join/abc")
    await expect(tab.locator("[name=pin]")).to_have_accessible_description(RULE)
    await tab.fill("[name=pin]", "739148")
    await tab.fill("[name=again]", "739149")
    await tab.click("#join button[type=submit]")
    await expect(tab.locator("#problem")).to_be_visible()
    assert site.asked == []
    await tab.fill("[name=again]", "739148")
    await tab.click("#join button[type=submit]")
    await tab.wait_for_url("**/blank")
    assert site.asked == [("POST", "/api/join", {"code": "abc", "pin": "739148"})]


async def test_a_pin_goes_nowhere_before_somebody_listens(chromium: Browser, site: Served) -> None:
    """A browser by itself would put it into the address, and so into its history."""
    site.shells["/join/abc"] = ("join.html", {"code": "abc", "kind": "pin", "name": "王建国"})
    async with opened(chromium, complaint="ERR_FAILED") as tab:
        await tab.route("**/join.js", lambda route: route.abort())
        await tab.goto(f"{site.url}/join/abc")
        await tab.evaluate("document.querySelector('form').addEventListener('submit', () => (window.submitted = true))")
        await tab.fill("[name=pin]", "739148")
        await tab.fill("[name=again]", "739148")
        await tab.press("[name=again]", "Enter")
        await expect(tab.locator("#join button[type=submit]")).to_be_disabled()
        assert await tab.evaluate("window.submitted") is None
        assert tab.url == f"{site.url}/join/abc"


async def test_a_refused_link_says_why_and_stays(chromium: Browser, site: Served) -> None:
    site.shells["/join/abc"] = ("join.html", {"code": "abc", "kind": "board", "name": "值班室"})
    site.answers["/api/join"] = (404, {"code": "link_spent"})
    async with opened(chromium, complaint="404") as tab:
        await tab.goto(f"{site.url}/join/abc")
        await tab.click("#join button[type=submit]")
        await expect(tab.locator("#problem")).to_have_text("这个链接用过或过期了")


@pytest.mark.parametrize("kind", ["spent", "no_pager"])
async def test_where_there_is_no_link_there_is_no_key(tab: Page, site: Served, kind: str) -> None:
    site.shells["/pager"] = ("join.html", {"code": "", "kind": kind, "name": ""})
    await tab.goto(f"{site.url}/pager")
    await expect(tab.locator("h1")).not_to_be_empty()
    await expect(tab.locator("#join")).to_have_count(0)


async def admin(tab: Page, site: Served, campus: dict[str, Any] = CAMPUS) -> None:
    site.answers["/api/campus"] = (200, campus)
    await tab.goto(f"{site.url}/admin")
    await expect(tab.locator("h1")).to_have_text("明德实验学校")


async def test_a_terminals_label_opens_its_row(tab: Page, site: Served) -> None:
    many = [{**CAMPUS["terminals"][0], "id": f"t-{number}", "name": f"墙 {number}"} for number in range(60)]
    site.answers["/api/campus"] = (200, {**CAMPUS, "terminals": many})
    await tab.goto(f"{site.url}/admin#t-59")
    await expect(tab.locator(".here")).to_contain_text("墙 59")
    await expect(tab.locator(".here")).to_be_in_viewport()


async def test_a_guard_is_added_with_name_pin_and_zone(tab: Page, site: Served) -> None:
    site.answers["/api/accounts"] = (200, {"id": "a-new"})
    await admin(tab, site)
    form = tab.locator("[data-form=add_guard]")
    await form.locator("[name=name]").fill("李敏")
    await form.locator("[name=pin]").fill("739148")
    await form.locator("[name=zone]").select_option("z-1")
    async with tab.expect_response("**/api/accounts"):
        await form.locator("[type=submit]").click()
    assert site.asked == [("POST", "/api/accounts", {"name": "李敏", "pin": "739148", "zones": ["z-1"]})]
    await expect(form.locator("[name=name]")).to_have_value("")


async def test_a_pager_is_asked_for_no_persons_name(tab: Page, site: Served) -> None:
    await admin(tab, site)
    await expect(tab.locator("[data-form=add_pager] label")).to_have_text("名字")


async def test_a_pager_that_is_not_ready_says_why(tab: Page, site: Served) -> None:
    pager = {"id": "p-1", "name": "值班手机", "guard": "王建国", "reasons": ["link", "sound"]}
    await admin(tab, site, {**CAMPUS, "pagers": [pager]})
    row = tab.locator("li", has_text="值班手机")
    await expect(row.locator("p")).to_have_text("王建国 · 未就绪：连接断了、声音没开")


async def test_a_terminal_lies_where_every_screen_says_it_lies(tab: Page, site: Served) -> None:
    await admin(tab, site)
    row = tab.locator("li", has_text="图书馆北门")
    await expect(row.locator("p")).to_have_text("图书馆 1 层 · 失联")


async def test_a_new_pager_shows_its_link_once_as_text_and_qr(tab: Page, site: Served) -> None:
    link = "https://hub.local/join/xyz"
    site.answers["/api/pagers/p-1/link"] = (200, {"id": "p-1", "link": link})
    site.answers["/api/qr.svg?link=https%3A%2F%2Fhub.local%2Fjoin%2Fxyz"] = (200, {})
    await admin(tab, site)
    await tab.click("[data-do=pager_link]")
    await expect(tab.locator(".link code")).to_have_text(link)
    await expect(tab.locator(".link img")).to_be_attached()


async def test_a_link_for_this_machine_alone_says_so_and_has_no_code_for_another(tab: Page, site: Served) -> None:
    link = "http://localhost:8000/join/xyz"
    site.answers["/api/pagers/p-1/link"] = (200, {"id": "p-1", "link": link})
    await admin(tab, site)
    await tab.click("[data-do=pager_link]")
    await expect(tab.locator(".link")).to_have_text(f"只能用一次，半小时内有效，只在这台电脑上能打开： {link}")
    await expect(tab.locator(".link img")).to_have_count(0)


async def test_a_new_link_is_scrolled_into_view(tab: Page, site: Served) -> None:
    """Its row may be far from the form."""
    many: list[dict[str, Any]] = [
        {"id": f"p-{n}", "name": f"{n} 号", "guard": None, "reasons": []} for n in range(2, 40)
    ]
    new: dict[str, Any] = {"id": "p-40", "name": "新", "guard": None, "reasons": []}
    site.answers["/api/pagers"] = (200, {"id": "p-1", "link": "https://hub.local/join/xyz"})
    site.answers["/api/qr.svg?link=https%3A%2F%2Fhub.local%2Fjoin%2Fxyz"] = (200, {})
    await admin(tab, site, {**CAMPUS, "pagers": [*CAMPUS["pagers"], *many, new]})
    form = tab.locator("[data-form=add_pager]")
    await form.locator("[name=name]").fill("新")
    await form.locator("[type=submit]").click()
    await expect(tab.locator(".link")).to_be_in_viewport(ratio=1)


SETTLED_MS = 500
SURE_LAPSES_MS = 6_100


async def asking(tab: Page, site: Served) -> Locator:
    """The row of a terminal, whose key for taking it away has just been tapped."""
    site.answers["/api/terminals/t-1"] = (200, {})
    await tab.clock.install()
    await admin(tab, site)
    row = tab.locator("li", has_text="图书馆北门")
    await row.locator("[data-do=sure]").click()
    await expect(row.locator("p")).to_have_text("永久吊销？它的按钮不再有人听到。")
    assert site.asked == []
    return row


async def test_taking_away_asks_first(tab: Page, site: Served) -> None:
    row = await asking(tab, site)
    await tab.clock.run_for(SETTLED_MS)
    async with tab.expect_response("**/api/terminals/t-1"):
        await row.locator("[data-do=revoke_terminal]").click()
    assert site.asked == [("DELETE", "/api/terminals/t-1", None)]


async def test_taking_away_can_be_answered_no(tab: Page, site: Served) -> None:
    row = await asking(tab, site)
    await expect(row.locator("[data-do=no]")).to_be_focused()
    await tab.clock.run_for(SETTLED_MS)
    await row.locator("[data-do=no]").click()
    await expect(row.locator("[data-do=revoke_terminal]")).to_have_count(0)
    await expect(row.locator("[data-do=sure]")).to_be_focused()
    assert site.asked == []


@pytest.mark.parametrize("how", ["time", "focus", "elsewhere"])
async def test_no_answer_is_no(tab: Page, site: Served, how: str) -> None:
    row = await asking(tab, site)
    await tab.clock.run_for(SETTLED_MS)
    if how == "time":
        await tab.clock.run_for(SURE_LAPSES_MS)
    elif how == "focus":
        await tab.keyboard.press("Tab")
    else:
        await tab.locator("h1").click()
    await expect(row.locator("[data-do=sure]")).to_be_visible()
    assert site.asked == []


@pytest.mark.parametrize("width", [320, 390, 1280])
async def test_a_stray_second_tap_takes_nothing_away(tab: Page, site: Served, width: int) -> None:
    """At once, and when the keys have settled: where the finger is lies "no"."""
    site.answers["/api/terminals/t-1"] = (200, {})
    await tab.set_viewport_size({"width": width, "height": 844})
    await tab.clock.install()
    await admin(tab, site)
    sure = tab.locator("li", has_text="图书馆北门").locator("[data-do=sure]")
    await sure.scroll_into_view_if_needed()
    box = await sure.bounding_box()
    assert box is not None
    for settled_ms in (0, SETTLED_MS):
        for x in (box["x"] + 4, box["x"] + box["width"] - 4):
            await tab.mouse.click(x, box["y"] + 8)
            await expect(tab.locator("[data-do=no]")).to_be_visible()
            await tab.clock.run_for(settled_ms)
            await tab.mouse.click(x, box["y"] + 8)
            await tab.clock.run_for(SURE_LAPSES_MS)
            await expect(sure).to_be_visible()
    assert site.asked == []


async def test_no_key_of_the_administration_looks_as_if_it_were_held(tab: Page, site: Served) -> None:
    """A dashed outline means: hold for a second."""
    await admin(tab, site)
    styles = await tab.evaluate(
        """() => [...document.querySelectorAll(".key")].map((one) => getComputedStyle(one).borderTopStyle)"""
    )
    assert "solid" in styles
    assert "dashed" not in styles


async def test_a_drill_begins_and_ends(tab: Page, site: Served) -> None:
    site.answers |= {"/api/drills": (200, {}), "/api/drills/z-1": (200, {})}
    await admin(tab, site)
    drills = tab.locator("section", has_text="演习")
    await tab.clock.install()
    await drills.locator("[data-do=sure]").click()
    await tab.clock.run_for(SETTLED_MS)
    async with tab.expect_response("**/api/drills"):
        await drills.locator("[data-do=start_drill]").click()
    running = {**CAMPUS, "zones": [{"id": "z-1", "name": "东区", "drill_until_ms": 99}]}
    site.answers["/api/campus"] = (200, running)
    await tab.reload()
    async with tab.expect_response("**/api/drills/z-1"):
        await tab.click("[data-do=end_drill]")
    assert [(method, path) for method, path, _ in site.asked] == [
        ("POST", "/api/drills"),
        ("DELETE", "/api/drills/z-1"),
    ]


async def test_names_are_text_in_the_administration_too(tab: Page, site: Served) -> None:
    await admin(tab, site)
    await expect(tab.get_by_text("<b>值班手机</b>")).to_be_visible()


async def test_a_refusal_is_said_in_words(chromium: Browser, site: Served) -> None:
    site.answers["/api/pagers"] = (409, {"code": "known_name"})
    async with opened(chromium, complaint="409") as tab:
        await admin(tab, site)
        form = tab.locator("[data-form=add_pager]")
        await form.locator("[name=name]").fill("东门")
        await form.locator("[type=submit]").click()
        await expect(form.locator(".field [role=alert]")).to_have_text("这个名字已经有了")
        name = form.locator("[name=name]")
        await expect(name).to_be_focused()
        await expect(name).to_have_attribute("aria-invalid", "true")
        await expect(name).to_have_accessible_description("这个名字已经有了")
        await expect(tab.locator("[data-form=add_guard] [role=alert]")).to_have_count(0)


async def test_a_refusal_stands_in_the_row_that_it_concerns(chromium: Browser, site: Served) -> None:
    site.answers["/api/accounts/a-wang/link"] = (403, {"code": "not_permitted"})
    async with opened(chromium, complaint="403") as tab:
        await admin(tab, site)
        row = tab.locator("li", has_text="王建国")
        await row.locator("[data-do=account_link]").click()
        await expect(row.locator("[role=alert]")).to_have_text("你没有这个权限")


@pytest.mark.parametrize(("pin", "says"), [("", "PIN 要 6 位数字"), ("73914", "PIN 要 6 位数字")])
async def test_the_rule_of_a_pin_is_told_before_and_what_is_wrong_after(
    tab: Page, site: Served, pin: str, says: str
) -> None:
    await admin(tab, site)
    form = tab.locator("[data-form=add_guard]")
    field = form.locator("[name=pin]")
    await expect(field).to_have_accessible_description(RULE)
    await form.locator("[name=name]").fill("李敏")
    await field.fill(pin)
    await form.locator("[type=submit]").click()
    await expect(field).to_have_accessible_description(f"{RULE} {says}")
    await expect(field).to_be_focused()
    assert site.asked == []


async def test_a_pin_that_is_easy_to_guess_is_told_why(chromium: Browser, site: Served) -> None:
    site.answers["/api/accounts"] = (409, {"code": "pin_simple"})
    async with opened(chromium, complaint="409") as tab:
        await admin(tab, site)
        form = tab.locator("[data-form=add_guard]")
        await form.locator("[name=name]").fill("李敏")
        await form.locator("[name=pin]").fill("123456")
        await form.locator("[type=submit]").click()
        alert = form.locator(".field", has=tab.locator("[name=pin]")).locator("[role=alert]")
        await expect(alert).to_have_text("太好猜：不要顺子、重复或键盘图案，至少三种数字")
