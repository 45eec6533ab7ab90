"""What the pager's screen should show, as a function (static/pager/state.js): the module itself, in a real browser."""

from typing import Any

import pytest
from playwright.async_api import Page

from tests.browser.frames import ANSWERED, GOING, NOW_MS, ON_SCENE, WELL, Frame, page, snapshot

SCREEN = """async ([changes, snapshot, now_ms]) => {
    const { NEW_LOCAL, screenState } = await import("/static/pager/state.js");
    return screenState({ ...structuredClone(NEW_LOCAL), ...changes }, snapshot, now_ms);
}"""


async def view(tab: Page, frame: Frame | None, now_ms: int = NOW_MS, **local: Any) -> Frame:
    shown: Frame = await tab.evaluate(SCREEN, [{**WELL, **local}, frame, now_ms])
    return shown


@pytest.mark.parametrize(
    ("silent_ms", "screen"), [(0, "ready"), (8_999, "not_ready"), (9_000, "hub_gone"), (60_000, "hub_gone")]
)
async def test_nine_seconds_of_silence_and_the_hub_is_gone(blank: Page, silent_ms: int, screen: str) -> None:
    assert (await view(blank, snapshot(), silent_ms=silent_ms))["screen"] == screen


async def test_before_the_first_snapshot_nothing_is_claimed(blank: Page) -> None:
    shown = await view(blank, None)
    assert (shown["screen"], shown["readiness"]["ready"]) == ("connecting", False)
    assert (await view(blank, None, silent_ms=9_000))["screen"] == "hub_gone"


OWN_TROUBLES = [
    ({"sound": "unarmed"}, "sound"),
    ({"sound": "suspended"}, "sound"),
    ({"linked": False}, "link"),
    ({"silent_ms": 6_000}, "link"),
    ({"round_trip_ms": 2_001}, "link"),
    ({"awake": False}, "screen"),
    ({"visible": False}, "screen"),
    ({"battery": {"percent": 19, "charging": False}}, "battery"),
]


@pytest.mark.parametrize(("local", "reason"), OWN_TROUBLES)
async def test_a_trouble_of_its_own_shows_at_once(blank: Page, local: Frame, reason: str) -> None:
    shown = await view(blank, snapshot(), **local)
    assert shown["screen"] == "not_ready"
    assert shown["readiness"] == {"ready": False, "reasons": [reason], "first": reason, "own": True}


@pytest.mark.parametrize("reason", ["sound", "link", "screen", "battery"])
async def test_ready_needs_the_hubs_word_too(blank: Page, reason: str) -> None:
    shown = await view(blank, snapshot(reasons=(reason,)))
    assert shown["screen"] == "not_ready"
    assert shown["readiness"] == {"ready": False, "reasons": [reason], "first": reason, "own": False}


@pytest.mark.parametrize(
    "battery", [None, {"percent": 20, "charging": False}, {"percent": 3, "charging": True}, {"percent": 100}]
)
async def test_a_battery_that_will_last_is_no_trouble(blank: Page, battery: Frame | None) -> None:
    assert (await view(blank, snapshot(), battery=battery))["screen"] == "ready"


async def test_the_first_window_to_cure_comes_first(blank: Page) -> None:
    shown = await view(blank, snapshot(reasons=("link", "battery")), sound="suspended", awake=False)
    assert shown["readiness"]["reasons"] == ["sound", "link", "screen", "battery"]
    assert shown["readiness"]["first"] == "sound"


MINE = [
    (page(), "alarm"),
    (page(mine="paged"), "alarm"),
    (page(**ANSWERED), "answered"),
    (page(**{**ANSWERED, "state": "on_scene"}), "answered"),
    (page(**GOING), "on_the_way"),
    (page(**ON_SCENE), "on_scene"),
    (page(state="resolved", mine="cleared", ring="none"), "resolved"),
    (page(mine="declined", ring="none"), "ready"),
    (page(mine="released", ring="none"), "ready"),
]


@pytest.mark.parametrize(("mine", "screen"), MINE)
async def test_the_screen_follows_the_page(blank: Page, mine: Frame, screen: str) -> None:
    assert (await view(blank, snapshot(mine)))["screen"] == screen


async def test_a_page_that_i_stepped_back_from_can_be_looked_at_again(blank: Page) -> None:
    shown = await view(blank, snapshot(page(mine="declined", ring="none")), chosen="i-1")
    assert (shown["screen"], shown["loop"]["name"]) == ("alarm", "none")


async def test_what_nobody_answers_is_on_top_of_what_i_am_doing(blank: Page) -> None:
    both = snapshot(page("i-2"), page("i-1", **GOING))
    shown = await view(blank, both)
    assert (shown["page"]["incident"], shown["more"], shown["unanswered"]) == ("i-2", 1, 0)
    swapped = await view(blank, both, chosen="i-1")
    assert (swapped["screen"], swapped["more"], swapped["unanswered"]) == ("on_the_way", 1, 1)
    assert swapped["loop"]["name"] == "alarm"


async def test_what_i_do_is_on_top_of_what_others_do(blank: Page) -> None:
    shown = await view(blank, snapshot(page("i-1", **ANSWERED), page("i-2", **GOING)))
    assert (shown["page"]["incident"], shown["more"], shown["unanswered"]) == ("i-2", 1, 0)


async def test_pages_that_do_not_fit_the_snapshot_are_counted(blank: Page) -> None:
    assert (await view(blank, snapshot(page("i-1"), page("i-2"), more=3)))["more"] == 4


@pytest.mark.parametrize(
    ("before", "after", "kept"),
    [
        ([page("i-1", **GOING)], [page("i-1", **GOING)], "i-1"),
        ([page("i-1", **GOING)], [page("i-2"), page("i-1", **GOING)], None),
        ([page("i-2"), page("i-1", **GOING)], [page("i-2"), page("i-1", **GOING)], "i-1"),
        ([page("i-1", **GOING)], [], None),
    ],
)
async def test_a_new_alarm_comes_to_the_front(
    blank: Page, before: list[Frame], after: list[Frame], kept: str | None
) -> None:
    chosen = await blank.evaluate(
        """async ([before, after]) => (await import("/static/pager/state.js")).keepChosen("i-1", before, after)""",
        [snapshot(*before), snapshot(*after)],
    )
    assert chosen == kept


async def test_an_answer_on_its_way_quiets_this_pager_and_back_up_does_not(blank: Page) -> None:
    ringing = snapshot(page())
    for do, loop, rings in (("accept", "none", []), ("decline", "none", []), ("backup", "alarm", ["i-1"])):
        shown = await view(blank, ringing, sending=[{"do": do, "incident": "i-1"}])
        assert (shown["loop"]["name"], shown["rings"], shown["sending"]) == (loop, rings, do)


async def test_a_repeat_press_begins_the_burst_anew(blank: Page) -> None:
    once = await view(blank, snapshot(page(presses=1)))
    again = await view(blank, snapshot(page(presses=2)))
    assert once["loop"]["name"] == again["loop"]["name"] == "alarm"
    assert once["loop"]["key"] != again["loop"]["key"]


async def test_a_question_sounds_lower_than_an_alarm(blank: Page) -> None:
    asked = page("i-1", **{**GOING, "ring": "ask", "asked": "arrival"})
    assert (await view(blank, snapshot(asked)))["loop"]["name"] == "ask"
    both = await view(blank, snapshot(page("i-2"), asked))
    assert (both["loop"]["name"], both["rings"]) == ("alarm", ["i-2", "i-1"])


async def test_a_hub_fault_rings_until_somebody_has_heard_it(blank: Page) -> None:
    fault = snapshot(fault=True)
    assert (await view(blank, fault))["loop"] == {"name": "alarm", "key": "fault"}
    heard = await view(blank, fault, heard=["fault"])
    assert (heard["screen"], heard["loop"]["name"]) == ("fault", "none")
    with_page = await view(blank, snapshot(page(), fault=True), heard=["fault"])
    assert (with_page["screen"], with_page["fault"], with_page["loop"]["name"]) == ("alarm", True, "alarm")


@pytest.mark.parametrize(
    ("left_ms", "total_ms", "blocks"),
    [
        (87_400, 120_000, 9),
        (120_000, 120_000, 12),
        (10_000, 120_000, 1),
        (1, 120_000, 1),
        (0, 120_000, 0),
        (-9, 120_000, 0),
        (130_000, 120_000, 12),
        (108_400, 300_000, 5),
    ],
)
async def test_twelve_blocks_count_down(blank: Page, left_ms: int, total_ms: int, blocks: int) -> None:
    shown = await view(blank, snapshot(page(**GOING, due_ms=NOW_MS + left_ms, due_total_ms=total_ms)))
    assert (shown["blocks"], shown["left_ms"]) == (blocks, max(0, left_ms))


async def test_what_is_overdue_counts_from_when_it_was_due_whatever_was_asked_since(blank: Page) -> None:
    asked = page(**GOING, due_ms=NOW_MS + 7_000, due_total_ms=120_000, asked="arrival", late_ms=NOW_MS - 1_253_000)
    shown = await view(blank, snapshot(asked))
    assert (shown["late_ms"], shown["left_ms"], shown["blocks"]) == (1_253_000, None, None)


async def test_resolved_is_said_for_ten_seconds(blank: Page) -> None:
    over = snapshot(page(state="resolved", mine="cleared", ring="none"))
    first = {"resolved_ms": {"i-1": NOW_MS}}
    assert (await view(blank, over, NOW_MS + 9_999, **first))["screen"] == "resolved"
    assert (await view(blank, over, NOW_MS + 10_000, **first))["screen"] == "ready"


async def test_the_time_since_is_the_presss_own_where_it_is_known(blank: Page) -> None:
    late = page(event_ms=NOW_MS - 3_600_000, raised_ms=NOW_MS - 1_000)
    assert (await view(blank, snapshot(late)))["since_ms"] == 3_600_000
    assert (await view(blank, snapshot(page(event_ms=None))))["since_ms"] == 6_000


async def test_nobody_on_duty_still_shows_the_alarm_and_leads_to_the_names(blank: Page) -> None:
    alone = snapshot(page(mine="none"), guard=False)
    shown = await view(blank, alone)
    assert (shown["screen"], shown["guard"]) == ("alarm", False)
    opened = await view(blank, alone, sign_on={"open": True, "guard": None, "starting": False})
    assert (opened["screen"], opened["unanswered"], opened["loop"]["name"]) == ("name", 1, "alarm")
    assert (await view(blank, snapshot(guard=False)))["screen"] == "name"
    typing = {"open": False, "guard": {"id": "a-wang"}, "starting": False}
    assert (await view(blank, snapshot(guard=False), sign_on=typing))["screen"] == "pin"


async def test_a_gone_hub_leaves_the_last_page_and_its_alarm_until_it_is_heard(blank: Page) -> None:
    ringing = snapshot(page())
    shown = await view(blank, ringing, silent_ms=9_000)
    assert (shown["screen"], shown["was"], shown["page"]["incident"]) == ("hub_gone", "alarm", "i-1")
    assert (shown["loop"]["name"], shown["rings"]) == ("alarm", ["i-1"])
    assert (await view(blank, ringing, silent_ms=9_000, heard=["i-1"]))["loop"]["name"] == "none"
    going = await view(blank, snapshot(page(**GOING)), silent_ms=9_000)
    assert (going["was"], going["loop"]["name"]) == ("on_the_way", "none")


async def test_a_resolve_is_asked_for_on_its_own_page_only(blank: Page) -> None:
    step = {"kind": "outcome", "incident": "i-1", "covers": ["d" * 64], "note": ""}
    assert (await view(blank, snapshot(page(**ON_SCENE)), step=step))["screen"] == "outcome"
    assert (await view(blank, snapshot(page("i-2")), step=step))["screen"] == "alarm"
    assert (await view(blank, snapshot(page(**GOING)), step=step))["screen"] == "on_the_way"
