"""The board: what it shows as a function (static/board/state.js), and its screen in a real browser."""

import re
import time
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from hub.web.language import texts
from tests.browser.board_frames import board, going, guard, incident, overdue, responder, step, terminal, trouble
from tests.browser.conftest import Served, opened
from tests.browser.fake_hub import FakeHub
from tests.browser.frames import NOW_MS, Frame

STATE = """async ([silent_ms, snapshot, now_ms]) =>
    (await import("/static/board/state.js")).boardState({ silent_ms }, snapshot, now_ms)"""


async def view(tab: Page, frame: Frame | None, silent_ms: int = 0, now_ms: int = NOW_MS) -> Frame:
    shown: Frame = await tab.evaluate(STATE, [silent_ms, frame, now_ms])
    return shown


HEADLINES = [
    (board(), {"what": "quiet", "n": 0}),
    (board(reachable=False), {"what": "unreachable", "n": 0}),
    (board(reachable=False, fault=True), {"what": "fault", "n": 0}),
    (board(incident()), {"what": "alarms", "n": 1, "going": "raised", "waiting": 1}),
    (board(going(), incident("i-2")), {"what": "alarms", "n": 2, "going": "raised", "waiting": 1}),
    (board(going()), {"what": "alarms", "n": 1, "going": "dispatched", "waiting": 0}),
    (board(incident(drill=True)), {"what": "drills", "n": 1, "going": "raised", "waiting": 1}),
    (board(incident(drill=True), going("i-2")), {"what": "alarms", "n": 1, "going": "dispatched", "waiting": 0}),
]


@pytest.mark.parametrize(("frame", "headline"), HEADLINES)
async def test_the_worst_is_the_headline(blank: Page, frame: Frame, headline: Frame) -> None:
    assert (await view(blank, frame))["headline"] == headline


async def test_all_is_red_until_somebody_accepts(blank: Page) -> None:
    tones = [(await view(blank, board(one)))["cases"][0]["tone"] for one in (incident(), going(), going(drill=True))]
    assert tones == ["alarm", "person", "drill"]


async def test_time_left_counts_from_the_step_that_set_it(blank: Page) -> None:
    case = (await view(blank, board(going())))["cases"][0]
    assert (case["left_ms"], case["blocks"]) == (86_420, 9)
    called_again = going(next={"what": "accepted", "due_ms": NOW_MS + 5_000, "guard": ""})
    case = (await view(blank, board(called_again)))["cases"][0]
    assert (case["left_ms"], case["blocks"]) == (86_420, 9)
    assert (await view(blank, board(incident())))["cases"][0]["left_ms"] is None


async def test_an_arrival_that_is_overdue_is_told_until_it_is_one(blank: Page) -> None:
    shown = await view(blank, board(overdue()))
    late = {"what": "on_scene", "name": "王建国", "asked": 4, "since_ms": 55_000}
    assert (shown["cases"][0]["late"], shown["cases"][0]["left_ms"]) == (late, None)
    assert shown["headline"]["going"] == "late_on_scene"
    before = going(responder=responder(due_ms=NOW_MS))
    assert (await view(blank, board(before)))["cases"][0]["late"] == {**late, "asked": 0, "since_ms": 0}
    assert (await view(blank, board(going())))["cases"][0]["late"] is None


async def test_a_lead_whose_pager_cannot_ring_is_both(blank: Page) -> None:
    cut_off = guard("a-wang", "lead", ready=False, reasons=["link"])
    shown = await view(blank, board(going(), guards=[cut_off, guard("a-li", "silenced")]))
    assert [(one["state"], one["unready"]) for one in shown["guards"]] == [("lead", ["link"]), ("silenced", None)]
    assert shown["cases"][0]["who"]["unready"] == ["link"]
    assert shown["panel"]["pagers"] == {"n": 1, "all": 2, "well": False}


async def test_a_drill_that_runs_is_the_headline_of_a_quiet_campus(blank: Page) -> None:
    drill = {"test": False, "until_ms": NOW_MS + 600_000, "name": "东区"}
    shown = await view(blank, board(drills=[drill]))
    assert (shown["headline"]["what"], shown["drills"]["until_ms"]) == ("drilling", NOW_MS + 600_000)
    assert (await view(blank, board(incident(), drills=[drill])))["headline"]["what"] == "alarms"


async def test_nothing_is_claimed_of_a_hub_that_is_gone(blank: Page) -> None:
    panel = (await view(blank, board(reachable=False), silent_ms=9_000))["panel"]
    assert [name for name, window in panel.items() if not window.get("unknown")] == []


async def test_two_are_whole_and_further_ones_are_rows(blank: Page) -> None:
    shown = await view(blank, board(*[incident(f"i-{n}") for n in range(7)], more=2))
    assert [case["incident"] for case in shown["cases"]] == ["i-0", "i-1"]
    assert [row["incident"] for row in shown["rows"]] == ["i-2", "i-3", "i-4"]
    assert (shown["more"], shown["headline"]["n"]) == (4, 9)


async def test_a_long_line_keeps_its_first_station_and_the_newest(blank: Page) -> None:
    steps = [step("pressed", n) for n in range(20)]
    case = (await view(blank, board(incident(steps=steps))))["cases"][0]
    assert [one["at_ms"] for one in case["shown"]] == [steps[0]["at_ms"], *[one["at_ms"] for one in steps[14:]]]
    assert case["between"] == 13


async def test_whoever_is_called_shows_how_far_the_call_has_come(blank: Page) -> None:
    assert [one["state"] for one in (await view(blank, board(incident())))["guards"]] == ["ringing", "delivered"]
    assert [one["state"] for one in (await view(blank, board(going())))["guards"]] == ["ready", "ready"]
    busy = board(incident(), guards=[guard("a-wang", "on_scene"), guard("a-li", "not_ready", reasons=["sound"])])
    assert [one["state"] for one in (await view(blank, busy))["guards"]] == ["on_scene", "delivered"]


async def test_who_is_not_ready_comes_before_who_is(blank: Page) -> None:
    many = [guard(f"a-{n}") for n in range(9)] + [guard("a-bad", "not_ready", reasons=["sound"])]
    shown = await view(blank, board(guards=many))
    assert (shown["guards"][0]["id"], len(shown["guards"]), shown["more_guards"]) == ("a-bad", 6, 4)


async def test_lost_terminals_come_first_in_their_zone(blank: Page) -> None:
    lost = board(terminals=[terminal("t-1"), terminal("t-2", linked=False), terminal("t-3", linked=None)])
    shown = await view(blank, lost)
    assert [one["id"] for one in shown["zones"][0]["terminals"]] == ["t-2", "t-3", "t-1"]
    assert shown["panel"]["terminals"] == {"n": 1, "all": 3, "well": False}


@pytest.mark.parametrize(
    ("changes", "dark"),
    [
        ({}, []),
        ({"fault": True}, ["hub"]),
        ({"reachable": False}, ["reach"]),
        ({"ledger": {"size": 3, "writing": False}}, ["ledger"]),
        ({"bells": [{"name": "b", "state": "lost"}]}, ["bells"]),
        ({"guards": [guard("a-wang", "not_ready")]}, ["pagers"]),
    ],
)
async def test_a_window_is_lit_only_when_something_is_wrong(blank: Page, changes: Frame, dark: list[str]) -> None:
    panel = (await view(blank, board(**changes)))["panel"]
    assert [name for name, window in panel.items() if not window["well"]] == dark


@pytest.mark.parametrize(
    ("state", "word", "shape"),
    [
        ("ready", "Ready", "ready"),
        ("ringing", "Ringing", "ringing"),
        ("trouble", "Trouble tone", "not_ready"),
        ("lost", "Lost", "gone"),
    ],
)
async def test_the_board_names_what_a_bell_does(
    chromium: Browser, site: Served, state: str, word: str, shape: str
) -> None:
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, board(incident(), bells=[{"name": "值班室", "state": state}]))
        bell = tab.locator("li", has_text="值班室")
        await expect(bell.locator("em")).to_have_text(word)
        await expect(bell.locator("use")).to_have_attribute("href", f"#mark-{shape}")


async def test_the_trouble_that_nobody_has_seen_comes_first(blank: Page) -> None:
    troubles = [
        trouble("clock", "c", NOW_MS, seen=True),
        trouble(since_ms=NOW_MS - 2),
        trouble("stuck", "t-2", NOW_MS - 1),
    ]
    shown = (await view(blank, board(troubles=troubles)))["trouble"]
    assert (shown["what"], shown["more"]) == ("stuck", 2)
    assert (await view(blank, board()))["trouble"] is None


async def begin(tab: Page, site: Served, frame: Frame) -> FakeHub:
    hub = await FakeHub.of(tab, "/ws/board", frame)
    await tab.goto(f"{site.url}/board")
    return hub


async def test_the_board_goes_from_quiet_to_an_alarm_and_on(tab: Page, site: Served) -> None:
    await tab.set_viewport_size({"width": 1920, "height": 1080})
    hub = await begin(tab, site, board())
    await expect(tab.locator("h1")).to_have_text("全校安静")
    hub.show(board(incident()))
    await expect(tab.locator("h1")).to_have_text("1 起报警")
    await expect(tab.locator(".case[data-tone=alarm] .who")).to_have_text("还没有人接")
    await expect(tab.locator(".line .next p")).to_contain_text("有人接警")
    hub.show(board(going()))
    await expect(tab.locator(".case[data-tone=person] .who b")).to_have_text("王建国")
    await expect(tab.locator(".line .person b")).to_have_text("王建国接警")
    await expect(tab.locator(".blocks .left")).to_have_count(9)


@pytest.mark.parametrize(
    ("locale", "two", "one"),
    [("en", "Nobody has accepted yet", "1 of 2 not accepted"), ("zh-CN", "还没有人接", "2 起中 1 起没人接")],
)
async def test_the_head_says_how_many_wait(chromium: Browser, site: Served, locale: str, two: str, one: str) -> None:
    async with opened(chromium, locale=locale) as tab:
        hub = await begin(tab, site, board(incident(), incident("i-2")))
        await expect(tab.locator(".tail span").first).to_have_text(two)
        hub.show(board(incident(), going("i-2")))
        await expect(tab.locator(".tail span").first).to_have_text(one)


async def test_a_late_press_has_one_zero_and_says_when_it_was_heard(chromium: Browser, site: Served) -> None:
    steps = [step("pressed", 0, error_ms=140), step("late", 11_700), step("bell", 11_740)]
    async with opened(chromium, locale="en", viewport={"width": 1920, "height": 1080}) as tab:
        await begin(tab, site, board(incident(steps=steps)))
        line = tab.locator(".line li")
        await expect(line.nth(0).locator("time")).to_have_text(re.compile(r"^\d\d:\d\d:\d\d\.\d$"))
        await expect(line.nth(0).locator("p")).to_have_text("Pressed±0.1 s")
        await expect(line.nth(1)).to_have_text("+11.70 sThe hub hears of itThe terminal was cut off till then")
        await expect(line.nth(2).locator("time")).to_have_text("+11.74 s")


async def test_a_perimeter_that_is_crossed_is_no_press(tab: Page, site: Served) -> None:
    crossed: Frame = {"severity": "perimeter", "steps": [step("pressed", 0, detail="perimeter")]}
    hub = await begin(tab, site, board(incident(**crossed)))
    await expect(tab.locator(".clock")).to_contain_text("前触发")
    await expect(tab.locator(".line .press")).to_have_text(re.compile("周界触发$"))
    for presses in (1, 2):
        hub.show(board(going(presses=presses, **crossed)))
        await expect(tab.locator(".case .pressed")).to_contain_text("前触发" + "，共 2 次" * (presses - 1))
        await expect(tab.locator("#board")).not_to_contain_text("按下")


async def test_a_trouble_is_seen_with_one_tap_or_enter(tab: Page, site: Served) -> None:
    site.answers["/api/troubles/seen"] = (200, {})
    await begin(tab, site, board(troubles=[trouble()]))
    await expect(tab.locator(".annunciator .wide b")).to_have_text("故障：图书馆北门失联")
    async with tab.expect_response("**/api/troubles/seen"):
        await tab.keyboard.press("Enter")
    assert ("POST", "/api/troubles/seen", {"what": "lost", "about": "t-1"}) in site.asked


async def test_a_board_that_may_not_see_troubles_says_so(chromium: Browser, site: Served) -> None:
    site.answers["/api/troubles/seen"] = (403, {"code": "not_permitted"})
    async with opened(chromium, complaint="403") as tab:
        await begin(tab, site, board(troubles=[trouble("a_new_kind")]))
        await expect(tab.locator(".annunciator .wide b")).to_contain_text("a_new_kind")
        await tab.click("[data-do=see]")
        await expect(tab.locator(".annunciator .wide")).to_contain_text("你没有这个权限")


async def test_a_silent_hub_is_gone_and_its_last_picture_has_no_colours(tab: Page, site: Served) -> None:
    hub = await begin(tab, site, board(going()))
    await expect(tab.locator(".case")).to_be_visible()
    hub.silent = True
    began_s = time.monotonic()
    await expect(tab.locator("h1")).to_have_text("主机失联", timeout=12_000)
    assert time.monotonic() - began_s <= 10.0
    colours = await tab.evaluate(
        """() => [".case", ".view"].map((one) => getComputedStyle(document.querySelector(one)).backgroundColor)"""
    )
    assert colours[0] == "rgb(26, 29, 32)"
    hub.silent = False
    await expect(tab.locator("h1")).to_have_text("1 起报警", timeout=8_000)


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (390, 844)])
async def test_a_board_that_never_heard_its_hub_says_so_in_one_line(
    tab: Page, site: Served, width: int, height: int
) -> None:
    await tab.set_viewport_size({"width": width, "height": height})
    await tab.route_web_socket("**/ws/board", lambda socket: None)
    await tab.clock.install()
    await tab.goto(f"{site.url}/board")
    await expect(tab.locator(".tail")).to_have_text("正在找主机")
    assert await tab.locator("h1").evaluate("word => word.offsetHeight") < 50
    await tab.clock.fast_forward(10_000)
    await expect(tab.locator("h1")).to_have_text("主机失联")
    board, word, tail, time = [await tab.locator(one).bounding_box() for one in (".board", "h1", ".tail", ".time")]
    assert board
    assert word
    assert tail
    assert time
    assert board["width"] - (time["x"] + time["width"]) == pytest.approx(width / 48 if width > height else 16, abs=1)
    assert tail["y"] - (word["y"] + word["height"]) < 40
    barrier_px = await tab.evaluate("parseFloat(getComputedStyle(document.querySelector('.board'), '::before').height)")
    assert word["y"] >= barrier_px


CUT = """() => [...document.querySelectorAll(".board *")]
    .filter((one) => !one.closest("svg") && one.clientWidth && getComputedStyle(one).display !== "inline")
    .filter((one) => one.scrollWidth > one.clientWidth + 1 ||
        (one.matches(".case, .view > *, .annunciator > *") && one.scrollHeight > one.clientHeight + 2))
    .map((one) => `${one.tagName}.${one.className}`)"""


@pytest.mark.parametrize("locale", ["zh-CN", "en"])
async def test_nothing_is_cut_on_the_wall_on_a_desk_or_on_a_phone(chromium: Browser, site: Served, locale: str) -> None:
    long: dict[str, Any] = {"place": "学生发展中心与图书馆连廊二层东侧无障碍卫生间外走廊转角处第三根柱子旁"}
    cases = [
        board(),
        board(guards=[], reachable=False, troubles=[trouble("unreachable", "c", seen=True)]),
        board(going(**long), troubles=[trouble(), trouble("stuck", "t-2")]),
        board(incident("i-2", place="Corridor outside the washroom"), going()),
        board(*[incident(f"i-{n}") for n in range(7)]),
        board(*[incident(f"i-{n}", place="Corridor outside the washroom", floor="fourth floor") for n in range(7)]),
        board(*[overdue(f"i-{n}", place="Corridor outside the washroom") for n in range(7)]),
        board(overdue()),
        board(
            overdue(**long),
            guards=[guard("a-wang", "lead", ready=False, reasons=["link"]), guard("a-li", "silenced")],
        ),
        board(overdue(), incident("i-2", place="Corridor outside the washroom")),
        board(drills=[{"test": False, "until_ms": NOW_MS + 600_000, "name": "东区"}]),
        board(terminals=[terminal(f"t-{n}", zone=f"zone {n % 3}") for n in range(42)]),
    ]
    async with opened(chromium, locale=locale) as tab:
        hub = await begin(tab, site, cases[0])
        await expect(tab.locator("footer")).to_be_visible()
        for n, case in enumerate(cases):
            hub.show({**case, "campus": {"name": f"明德实验学校 {n}"}})
            await expect(tab.locator(".tail")).to_contain_text(f"明德实验学校 {n}")
            for width, height in ((1920, 1080), (1366, 768), (390, 844)):
                await tab.set_viewport_size({"width": width, "height": height})
                await tab.evaluate("() => new Promise((drawn) => setTimeout(drawn, 300))")
                assert (n, width, await tab.evaluate(CUT)) == (n, width, [])


@pytest.mark.parametrize(
    ("locale", "name"),
    [
        ("zh-CN", "学生发展中心与图书馆连廊二层东侧无障碍卫生间外走廊转角处第三根柱子旁甲乙"),
        ("en", "Students centre, west corridor, wall"),
    ],
)
async def test_no_trouble_is_cut_however_it_is_called(chromium: Browser, site: Served, locale: str, name: str) -> None:
    kinds = [key.split(".")[1] for key in texts("en") if key.startswith("trouble.") and key.endswith(".do")]
    async with opened(chromium, locale=locale, viewport={"width": 1280, "height": 800}) as tab:
        hub = await begin(tab, site, board())
        await expect(tab.locator("footer")).to_be_visible()
        for kind in kinds:
            shown = {**trouble(kind, kind), "about_name": name}
            hub.show(board(troubles=[shown, trouble(seen=True)]))
            await expect(tab.locator(f"[data-what={kind}]")).to_be_visible()
            assert (kind, await tab.evaluate(CUT)) == (kind, [])


@pytest.mark.parametrize(
    ("frame", "above", "below"),
    [
        (board(going()), ".clock b", ".pressed"),
        (board(incident()), ".clock b", ".way"),
        (board(overdue()), ".line li:nth-last-child(2) p span", ".line .next p"),
    ],
)
async def test_texts_do_not_touch_on_a_phone(
    chromium: Browser, site: Served, frame: Frame, above: str, below: str
) -> None:
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, frame)
        upper, lower = [await tab.locator(one).last.bounding_box() for one in (above, below)]
        assert upper is not None
        assert lower is not None
        assert lower["y"] - (upper["y"] + upper["height"]) >= 8
