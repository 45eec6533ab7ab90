"""Time that passes: each deadline leads to its next step, once, and none is forgotten."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.rules import next_deadline_ms
from hub.dispatch.rules_deadline import GRACE_MS
from tests.hub.dispatch.duty import CHIEF, EAST, WALL, WEST, Duty, called, kinds, one

DEADLINES = e.Deadlines(
    delivered_ms=3_000,
    accepted_ms=15_000,
    on_scene_ms=120_000,
    asked_ms=10_000,
    roll_call_ms=300_000,
    closed_ms=86_400_000,
)


@pytest.fixture
def duty() -> Duty:
    duty = Duty(deadlines=DEADLINES)
    duty.guard("li")
    duty.guard("west", zone=WEST)
    return duty


def tiers(entries: list[e.Entry]) -> list[tuple[int, str]]:
    return [(entry.tier, entry.because) for entry in entries if isinstance(entry, e.TierRaised)]


def test_a_page_not_delivered_in_time_calls_the_next_tier_once(duty: Duty) -> None:
    incident = duty.press()
    assert duty.wait(2_999) == []
    happened = duty.wait(1)
    assert kinds(happened) == ["PageLapsed", "TierRaised"]
    assert tiers(happened) == [(1, "not_delivered")]
    assert incident.assignments["a-li"].due_ms is None
    assert incident.assignments["a-li"].state == "paged"


def test_a_page_delivered_and_not_accepted_in_time_calls_the_next_tier(duty: Duty) -> None:
    incident = duty.press()
    duty.now_ms += 1_000
    progressed = one(duty.hear("p-li", have=(incident.incident,)), e.PageProgressed)
    assert (progressed.to, progressed.due_ms) == ("delivered", duty.now_ms + 15_000)
    duty.now_ms += 1_000
    # Seen is no new start: the time runs from the first delivery.
    assert one(duty.hear("p-li", seen=(incident.incident,)), e.PageProgressed).due_ms is None
    assert duty.wait(13_999) == []
    assert tiers(duty.wait(1)) == [(1, "not_accepted")]


def test_a_page_delivered_after_its_time_may_still_be_accepted_in_time(duty: Duty) -> None:
    incident = duty.press()
    duty.wait(4_000)
    assert one(duty.hear("p-li", have=(incident.incident,)), e.PageProgressed).due_ms == duty.now_ms + 15_000


def test_pages_of_the_last_tier_have_no_deadline_but_its_repeat(duty: Duty) -> None:
    incident = duty.press()
    duty.wait(6_000)
    assert incident.repeat_ms == duty.now_ms + 15_000
    assert one(duty.hear("p-west", have=(incident.incident,)), e.PageProgressed).due_ms is None
    assert kinds(duty.wait(15_000)) == ["TierRaised"]


def test_a_page_delivered_after_the_answer_waits_for_nothing(duty: Duty) -> None:
    duty.guard("wang")
    incident = duty.accepted("a-li")
    assert one(duty.hear("p-wang", have=(incident.incident,)), e.PageProgressed).due_ms is None


def test_an_accept_swaps_the_timer(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    assert incident.assignments["a-li"].due_ms == duty.now_ms + 120_000
    happened = duty.wait(120_000)
    asked = one(happened, e.Asked)
    assert (asked.about, asked.misses, asked.due_ms) == ("arrival", 0, duty.now_ms + 10_000)
    assert "TierRaised" not in kinds(happened)
    assert duty.rings() == {"p-li": "ask"}
    happened = duty.wait(10_000)
    assert tiers(happened) == [(1, "not_on_scene")]
    assert one(happened, e.Asked).misses == 1
    assert incident.assignments["a-li"].state == "accepted"
    assert duty.rings() == {"p-li": "ask", "p-west": "alarm"}


def test_a_responder_who_does_not_arrive_is_escalated_to_the_end(duty: Duty) -> None:
    duty.accepted("a-li")
    happened = duty.wait(120_000 + 10_000 + 3_000)
    assert tiers(happened) == [(1, "not_on_scene"), (2, "not_delivered")]
    assert {entry.because for entry in duty.wait(60_000) if isinstance(entry, e.TierRaised)} == {"again"}


def test_a_late_responder_is_only_asked_while_another_is_on_time(duty: Duty) -> None:
    duty.guard("wang")
    incident = duty.accepted("a-li")
    duty.wait(100_000)
    duty.command("accept", incident, "a-wang")
    happened = duty.wait(60_000)
    assert tiers(happened) == []
    assert [entry.guard for entry in happened if isinstance(entry, e.Asked)] == ["a-li"] * 5
    assert tiers(duty.wait(80_000))[0] == (1, "not_on_scene")


def test_an_answer_to_the_question_gives_new_time(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    duty.wait(125_000)
    sign = one(duty.command("sign", incident, "a-li"), e.SignGiven)
    assert sign.due_ms == duty.now_ms + 120_000
    assert duty.rings() == {}
    assert one(duty.wait(120_000), e.Asked).misses == 0


def test_two_missed_roll_calls_are_a_guard_down(duty: Duty) -> None:
    duty.pager("p-desk")
    incident = duty.accepted("a-li")
    duty.command("on_scene", incident, "a-li")
    asked = one(duty.wait(300_000), e.Asked)
    assert (asked.about, asked.misses) == ("roll_call", 0)
    assert duty.rings() == {"p-li": "ask"}
    assert one(duty.wait(10_000), e.Asked).misses == 1
    happened = duty.wait(10_000)
    assert kinds(happened) == ["GuardDown", "TierRaised"]
    down, tier = one(happened, e.GuardDown), one(happened, e.TierRaised)
    assert (down.guard, down.lead) == ("a-li", "")
    assert (tier.because, tier.everyone, called(tier)) == ("guard_down", True, ["a-west"])
    assert (incident.state, incident.lead) == ("raised", "")
    assert set(duty.rings()) == {"p-li", "p-west", "p-desk"}
    assert duty.bell() == "alarm"


def test_a_sign_on_scene_is_asked_for_again_later(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    duty.command("on_scene", incident, "a-li")
    duty.wait(305_000)
    assert one(duty.command("sign", incident, "a-li"), e.SignGiven).due_ms == duty.now_ms + 300_000
    happened = duty.wait(300_000)
    assert one(happened, e.Asked).misses == 0


def test_a_guard_down_passes_the_lead_and_calls_everyone_beside_who_is_there(duty: Duty) -> None:
    duty.guard("wang")
    incident = duty.accepted("a-li", "a-wang")
    duty.command("on_scene", incident, "a-li")
    duty.wait(110_000)
    duty.command("on_scene", incident, "a-wang")
    happened = duty.wait(300_000 - 110_000 + 20_000)
    assert one(happened, e.GuardDown).lead == "a-wang"
    assert (incident.lead, incident.state) == ("a-wang", "on_scene")
    assert set(duty.rings()) == {"p-li", "p-west"}


def test_two_guards_down_at_once_leave_nobody_to_lead(duty: Duty) -> None:
    duty.guard("wang")
    incident = duty.accepted("a-li", "a-wang")
    duty.command("on_scene", incident, "a-li")
    duty.command("on_scene", incident, "a-wang")
    happened = duty.wait(320_000)
    assert [entry.lead for entry in happened if isinstance(entry, e.GuardDown)] == ["a-wang", ""]
    assert incident.lead == ""
    assert len(tiers(happened)) == 1


@pytest.mark.parametrize("tiers_", [("zone",), ("zone", "campus")])
def test_a_guard_down_rings_everything_whatever_the_tiers(tiers_: tuple[e.TierName, ...]) -> None:
    duty = Duty(tiers=tiers_, deadlines=DEADLINES)
    duty.guard("li")
    duty.pager("p-desk")
    incident = duty.accepted("a-li")
    duty.command("on_scene", incident, "a-li")
    duty.wait(320_000)
    assert set(duty.rings()) == {"p-li", "p-desk"}
    duty.wait(60_000)
    assert set(duty.rings()) == {"p-li", "p-desk"}


def test_a_guard_down_rings_even_who_no_tier_calls() -> None:
    duty = Duty(tiers=("zone", "campus"), deadlines=DEADLINES)
    duty.guard("li"), duty.guard("west", zone=WEST)
    duty.pager("p-desk")
    duty.command("on_scene", duty.accepted("a-li"), "a-li")
    tier = one(duty.wait(320_000), e.TierRaised)
    assert (tier.tier, called(tier), tier.everyone) == (1, ["a-west"], True)
    assert set(duty.rings()) == {"p-li", "p-west", "p-desk"}
    # And goes on so until somebody answers.
    assert {entry.everyone for entry in duty.wait(60_000) if isinstance(entry, e.TierRaised)} == {True}


def test_a_close_that_is_overdue_is_a_task_for_the_lead_once(duty: Duty) -> None:
    incident = duty.resolved("a-li")
    due_ms = duty.now_ms + 86_400_000
    assert "CloseOverdue" not in kinds(duty.wait(86_399_999))
    overdue = one(duty.wait(1), e.CloseOverdue)
    assert (overdue.lead, overdue.due_ms) == ("a-li", due_ms)
    assert (incident.state, incident.close_due_ms) == ("resolved", None)
    assert "CloseOverdue" not in kinds(duty.wait(86_400_000 * 2))


def test_a_deadline_that_is_not_due_leads_to_nothing(duty: Duty) -> None:
    duty.press()
    assert duty.do(r.ReachDeadline) == ()


def test_drills_and_tests_end_by_themselves(duty: Duty) -> None:
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 5_000, by=CHIEF)
    duty.do(r.StartTest, terminal=WALL, until_ms=duty.now_ms + 6_000, by=CHIEF)
    happened = duty.wait(6_000)
    assert kinds(happened) == ["DrillEnded", "TestEnded"]
    assert one(happened, e.DrillEnded).by == one(happened, e.TestEnded).by == "time"


def test_a_terminal_that_never_links_is_lost_after_its_grace() -> None:
    duty = Duty()
    for terminal in ("t-other", "t-bell"):
        duty.do(r.LinkTerminal, terminal=terminal)
    duty.guard("li")
    assert duty.wait(GRACE_MS - 1) == []
    assert duty.campus.terminals[WALL].linked is None
    happened = duty.wait(1)
    assert kinds(happened) == ["LinkChanged", "TroubleBegan"]
    assert one(happened, e.TroubleBegan).about == WALL
    assert duty.wait(GRACE_MS) == []


def test_a_revoked_terminal_is_not_waited_for() -> None:
    duty = Duty()
    duty.guard("li")
    for terminal in (WALL, "t-other", "t-bell"):
        duty.do(r.RevokeTerminal, terminal=terminal, by=CHIEF)
    assert next_deadline_ms(duty.campus) is None


def test_nobody_reachable_is_trouble_after_the_grace_and_ends_at_once() -> None:
    duty = Duty()
    for terminal in (WALL, "t-other", "t-bell"):
        duty.do(r.LinkTerminal, terminal=terminal)
    duty.guard("li", ready=False)
    assert duty.wait(GRACE_MS - 1) == []
    assert one(duty.wait(1), e.TroubleBegan).what == "unreachable"
    assert duty.bell() == "trouble"
    assert duty.wait(GRACE_MS) == []
    duty.hear("p-li")
    assert one(duty.settle(), e.TroubleEnded).what == "unreachable"
    duty.hear("p-li", sound="suspended")
    assert one(duty.settle(), e.TroubleBegan).what == "unreachable"
    duty.hear("p-li")
    duty.settle()
    duty.do(r.SignOff, pager="p-li", by="a-li")
    assert one(duty.settle(), e.TroubleBegan).what == "unreachable"
