"""The pager's screen in a real browser, with the hub's end of its WebSocket in the test's hands."""

import re
import time

import pytest
from playwright.async_api import Browser, Page, expect

from tests.browser.conftest import Served, opened
from tests.browser.fake_hub import FakeHub
from tests.browser.frames import GOING, NOW_MS, ON_SCENE, Frame, page, snapshot


def screen(name: str) -> str:
    return f"body[data-screen={name}]"


def key(what: str) -> str:
    return f"[data-do={what}]"


async def begin(tab: Page, site: Served, frame: Frame) -> FakeHub:
    hub = await FakeHub.of(tab, "/ws/pager", frame)
    await tab.goto(f"{site.url}/pager")
    return hub


async def on_duty(tab: Page, site: Served) -> FakeHub:
    """A guard is signed on here, and a tap has allowed the sound."""
    hub = await begin(tab, site, snapshot())
    await tab.click(key("cure_sound"))
    await expect(tab.locator(screen("ready"))).to_be_attached()
    return hub


async def test_a_page_without_a_tap_is_not_ready_and_a_tap_makes_it_so(tab: Page, site: Served) -> None:
    hub = await begin(tab, site, snapshot())
    await expect(tab.locator(screen("not_ready"))).to_be_attached()
    state = await hub.heard(lambda frame: frame["type"] == "state")
    assert (state["sound"], state["visible"], state["have"]) == ("unarmed", True, [])
    await tab.click(key("cure_sound"))
    await hub.heard(lambda frame: frame["type"] == "state" and frame["sound"] == "running" and frame["awake"])
    await expect(tab.locator(screen("ready"))).to_be_attached()
    hub.show(snapshot(reasons=("battery",)))
    await expect(tab.locator(screen("not_ready"))).to_be_attached()


OVERDUE: Frame = {
    **GOING,
    "ring": "ask",
    "asked": "arrival",
    "asked_times": 84,
    "late_ms": NOW_MS - 1_253_000,
    "due_ms": NOW_MS + 7_000,
    "due_total_ms": 120_000,
}


async def test_who_is_overdue_is_told_since_when(chromium: Browser, site: Served) -> None:
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, snapshot(page(**OVERDUE)))
        await expect(tab.locator(".say")).to_have_text("Still on the way?")
        await expect(tab.locator(".clock b")).to_have_text(re.compile(r"^20:5\d$"))
        await expect(tab.locator(".clock")).to_contain_text("overdue, not on sceneAsked 84 times")
        assert await tab.locator(".blocks").count() == 0


async def test_a_second_press_is_seen_by_who_is_on_the_way(chromium: Browser, site: Served) -> None:
    async with opened(chromium, locale="en") as tab:
        hub = await begin(tab, site, snapshot(page(**GOING)))
        await expect(tab.locator(screen("on_the_way"))).to_be_attached()
        assert await tab.locator(".repeat").count() == 0
        for mine in (GOING, ON_SCENE):
            hub.show(snapshot(page(**{**mine, "ring": "alert"}, presses=2)))
            await expect(tab.locator(".repeat")).to_have_text("Pressed again, 2 times")
            await expect(tab.locator(".repeat .mark.lamp-alarm")).to_be_attached()


async def test_a_pager_without_a_guard_speaks_of_itself_alone(chromium: Browser, site: Served) -> None:
    """Everybody is called, and another guard's pager rings: that nobody is on duty would not be true."""
    site.answers["/api/guards"] = (200, {"guards": []})
    async with opened(chromium, locale="en") as tab:
        await begin(tab, site, snapshot(page(mine="none"), guard=False))
        await expect(tab.locator(".hand .crew")).to_contain_text("ringing")
        await expect(tab.locator(".hand .why")).to_have_text("Nobody is signed on here. Who goes?")
        await tab.click(key("sign_on"))
        await expect(tab.locator(".others")).to_have_text("1 alarm, not accepted")


async def test_the_pager_says_delivered_before_it_draws_and_ringing_when_it_rings(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    before = len(hub.frames)
    hub.show(snapshot(page()))
    await hub.heard(lambda frame: frame["type"] == "state" and frame["ringing"] == ["i-1"], before)
    states = [frame for frame in hub.frames[before:] if frame["type"] == "state" and frame["have"]]
    assert [(state["have"], state["seen"], state["ringing"]) for state in states[:2]] == [
        (["i-1"], [], []),
        (["i-1"], ["i-1"], ["i-1"]),
    ]
    await expect(tab.locator(screen("alarm"))).to_be_attached()
    await expect(tab.locator("h1.place")).to_have_text("女卫生间外走廊")


async def test_another_pager_of_the_guard_answers_and_this_one_is_quiet(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    await hub.heard(lambda frame: frame["type"] == "state" and frame["ringing"] == ["i-1"])
    before = len(hub.frames)
    hub.show(snapshot(page(**GOING)))
    await hub.heard(lambda frame: frame["type"] == "state" and frame["ringing"] == [], before)
    await expect(tab.locator(screen("on_the_way"))).to_be_attached()


async def test_a_tap_is_sent_until_the_hub_has_kept_it(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    await tab.click(key("accept"))
    command = await hub.heard(lambda frame: frame["type"] == "command")
    assert (command["do"], command["incident"]) == ("accept", "i-1")
    accept = tab.locator(key("accept"))
    await expect(accept).to_have_attribute("aria-busy", "true")
    before = len(hub.frames)
    await hub.drop()
    again = await hub.heard(lambda frame: frame["type"] == "command", before)
    assert again == command
    hub.send({"type": "refused", "command": command["id"], "reason": "unknown_incident"})
    assert await hub.heard(lambda frame: frame["type"] == "evidence", before) == {
        "type": "evidence",
        "jws": ["signed.i-1"],
    }
    hub.send({"type": "receipt", "command": command["id"], "index": 7})
    await expect(accept).not_to_have_attribute("aria-busy", "true")


async def test_a_command_about_what_nobody_can_prove_any_more_ends(tab: Page, site: Served) -> None:
    """The hub lost the press, and its terminal was taken out of use meanwhile."""
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    await tab.click(key("accept"))
    command = await hub.heard(lambda frame: frame["type"] == "command")
    before = len(hub.frames)
    hub.send({"type": "refused", "command": command["id"], "reason": "unknown_incident"})
    await hub.heard(lambda frame: frame["type"] == "evidence", before)
    hub.send({"type": "refused", "command": None, "reason": "revoked", "jws": "signed.i-1"})
    assert await hub.heard(lambda frame: frame["type"] == "command", before) == command
    hub.send({"type": "refused", "command": command["id"], "reason": "unknown_incident"})
    await expect(tab.locator(".notice")).to_be_visible()
    await expect(tab.locator(key("accept"))).not_to_have_attribute("aria-busy", "true")


async def test_a_refusal_says_why_and_rings_on(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    await tab.click(key("accept"))
    command = await hub.heard(lambda frame: frame["type"] == "command")
    hub.send({"type": "refused", "command": command["id"], "reason": "not_yours"})
    await expect(tab.locator(".notice")).to_contain_text("这不是你接的警")
    before = len(hub.frames)
    await hub.heard(lambda frame: frame["type"] == "state" and frame["ringing"] == ["i-1"], before)


async def test_the_second_half_of_a_double_tap_does_nothing(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    accept = tab.locator(key("accept"))
    await expect(accept).not_to_have_attribute("aria-disabled", "true")
    box = await accept.bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await tab.mouse.click(*middle)
    command = await hub.heard(lambda frame: frame["type"] == "command")
    hub.send({"type": "receipt", "command": command["id"], "index": 7})
    hub.show(snapshot(page(**GOING)))
    await expect(tab.locator(key("on_scene"))).to_be_attached()
    await tab.mouse.click(*middle)
    await tab.click(key("on_scene"))
    await hub.heard(lambda frame: frame["type"] == "command" and frame["do"] == "on_scene")
    assert [frame["do"] for frame in hub.said("command")] == ["accept", "on_scene"]


async def test_a_hold_takes_a_whole_second(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    decline = tab.locator(key("decline"))
    await expect(decline).not_to_have_attribute("aria-disabled", "true")
    await decline.hover()
    await tab.mouse.down()
    await expect(decline).to_have_class("key key-hold holding")
    await tab.mouse.up()
    await expect(decline).to_have_class("key key-hold")
    assert hub.said("command") == []
    began_s = time.monotonic()
    await tab.mouse.down()
    await hub.heard(lambda frame: frame["type"] == "command" and frame["do"] == "decline")
    assert time.monotonic() - began_s >= 0.99
    await tab.mouse.up()
    assert len(hub.said("command")) == 1


async def test_a_keyboard_confirms_instead_of_holding(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page()))
    decline = tab.locator(key("decline"))
    await expect(decline).not_to_have_attribute("aria-disabled", "true")
    await decline.focus()
    await tab.keyboard.press("Enter")
    await expect(tab.locator(screen("confirm"))).to_be_attached()
    assert hub.said("command") == []
    await expect(tab.locator(".key-main")).not_to_have_attribute("aria-disabled", "true")
    await tab.keyboard.press("Enter")
    await hub.heard(lambda frame: frame["type"] == "command" and frame["do"] == "decline")


async def test_a_resolve_covers_what_was_shown_and_has_an_outcome_and_a_note(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page(**ON_SCENE)))
    await tab.click(key("resolve"))
    await tab.click(key("note"))
    await tab.fill("#note", "一名学生脚扭伤。")
    await tab.click(key("note_done"))
    await tab.click("[data-choice=genuine]")
    command = await hub.heard(lambda frame: frame["type"] == "command")
    assert (command["do"], command["outcome"], command["note"]) == ("resolve", "genuine", "一名学生脚扭伤。")
    assert command["covers"] == ["d" * 64]
    hub.show(snapshot(page(state="resolved", mine="cleared", ring="none", outcome="genuine")))
    await expect(tab.locator(screen("resolved"))).to_be_attached()
    await expect(tab.locator("h2.say")).to_have_text("属实")
    await expect(tab.locator(".say")).to_have_text("属实")


async def test_a_drill_that_runs_is_seen_before_anybody_presses(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    await expect(tab.locator(".drill-band")).to_have_count(0)
    hub.show(snapshot(drill_until_ms=NOW_MS + 600_000))
    await expect(tab.locator(".drill-band")).to_contain_text("演习到")


async def test_the_other_case_has_the_alarms_mark_only_while_nobody_has_it(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page(**GOING), page("i-2", **GOING)))
    await expect(tab.locator(".others use")).to_have_attribute("href", "#mark-going")


async def test_a_perimeter_that_is_crossed_is_no_press(tab: Page, site: Served) -> None:
    await begin(tab, site, snapshot(page(**ON_SCENE, severity="perimeter")))
    await expect(tab.locator(".facts dt").first).to_have_text("触发")


async def test_another_press_ends_a_resolve_that_has_begun(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page(**ON_SCENE)))
    await tab.click(key("resolve"))
    await expect(tab.locator(screen("outcome"))).to_be_attached()
    hub.show(snapshot(page(**{**ON_SCENE, "ring": "alert", "presses": 2, "covers": ["d" * 64, "e" * 64]})))
    await expect(tab.locator(screen("on_scene"))).to_be_attached()
    await expect(tab.locator(".notice")).to_be_visible()


async def test_a_silent_hub_is_gone_within_ten_seconds_and_back_with_its_first_frame(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    hub.show(snapshot(page(**GOING)))
    await expect(tab.locator(screen("on_the_way"))).to_be_attached()
    hub.silent = True
    began_s = time.monotonic()
    await expect(tab.locator(screen("hub_gone"))).to_be_attached(timeout=12_000)
    assert time.monotonic() - began_s <= 10.0
    await expect(tab.locator(".past h1")).to_have_text("女卫生间外走廊")
    await expect(tab.locator("a.key-main")).to_have_attribute("href", "tel:8001")
    hub.silent = False
    await expect(tab.locator(screen("on_the_way"))).to_be_attached(timeout=8_000)
    assert hub.connections == 2


async def test_a_guard_signs_on_with_name_and_pin(tab: Page, site: Served) -> None:
    site.answers["/api/guards"] = (200, {"guards": [{"id": "a-wang", "name": "王建国", "zones": ["东区"]}]})
    site.answers["/api/sign-on"] = (200, {})
    hub = await begin(tab, site, snapshot(guard=False, reasons=("sound",)))
    await tab.click("[data-choice=a-wang]")
    await expect(tab.locator(key("start"))).to_be_disabled()
    await tab.keyboard.type("48151")
    await tab.click("[data-do=digit][data-choice='6']")
    async with tab.expect_response("**/api/sign-on"):
        await tab.click(key("start"))
    await hub.heard(lambda frame: frame["type"] == "state" and frame["sound"] == "running")
    assert ("POST", "/api/sign-on", {"account": "a-wang", "pin": "481516"}) in site.asked
    hub.show(snapshot())
    await expect(tab.locator(screen("ready"))).to_be_attached()


@pytest.mark.parametrize(
    ("answer", "said"), [("wrong_pin", "不对，再输一次"), ("too_soon", "错得太多，稍等再试"), ("new_code", "new_code")]
)
async def test_a_refused_sign_on_says_why(chromium: Browser, site: Served, answer: str, said: str) -> None:
    site.answers["/api/guards"] = (200, {"guards": [{"id": "a-wang", "name": "王建国", "zones": ["东区"]}]})
    site.answers["/api/sign-on"] = (403, {"code": answer})
    async with opened(chromium, complaint="403") as tab:  # the browser's own word for the refusal
        await begin(tab, site, snapshot(guard=False))
        await tab.click("[data-choice=a-wang]")
        await tab.keyboard.type("111111")
        await tab.click(key("start"))
        await expect(tab.locator("#pager [role=alert]")).to_contain_text(said)
        await expect(tab.locator(".pin .in")).to_have_count(0)


async def test_the_language_is_switched_and_kept(tab: Page, site: Served) -> None:
    site.answers["/api/guards"] = (200, {"guards": []})
    site.answers["/api/language"] = (200, {})
    await begin(tab, site, snapshot(guard=False))
    await tab.click(key("language"))
    await expect(tab.locator("h1")).to_have_text("Who is on duty?")
    await expect(tab.locator("html")).to_have_attribute("lang", "en")
    await expect(tab.locator(key("language"))).to_have_text("中文")
    assert ("POST", "/api/language", {"language": "en"}) in site.asked


async def test_a_name_is_text_and_never_markup(tab: Page, site: Served) -> None:
    hub = await on_duty(tab, site)
    name = "<img src=x onerror=document.title='hit'>"
    hub.show(snapshot(page(place=name, way=name, zone=name)))
    await expect(tab.locator("h1.place")).to_have_text(name)
    assert await tab.locator("#pager img").count() == 0
