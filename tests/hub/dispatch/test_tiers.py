"""Whom an incident calls, tier after tier, and who rings."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.wanted import alerts
from tests.hub.dispatch.duty import BELL, CHIEF, EAST, WEST, Duty, called, kinds, one

DELIVERED_MS, ACCEPTED_MS = 3_000, 15_000


def test_everyone_signed_on_for_the_zone_is_called_first() -> None:
    duty = Duty()
    li, wang = duty.guard("li"), duty.guard("wang")
    duty.guard("west", zone=WEST)
    duty.do(r.AddAccount, account="a-home", roles=("guard",), zones=(EAST,), details="", by=CHIEF)
    raised = one(duty.event(), e.IncidentRaised)
    assert (raised.tier, called(raised), raised.everyone, raised.repeat_ms) == (0, [li, wang], False, None)
    assert [page.due_ms for page in raised.paged] == [duty.now_ms + DELIVERED_MS] * 2
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
    assert duty.bell() == "alarm"


def test_a_guard_on_two_pagers_is_called_once_and_rings_on_both() -> None:
    duty = Duty()
    li = duty.guard("li")
    duty.pager("p-desk")
    duty.do(r.SignOn, guard=li, pager="p-desk")
    assert called(one(duty.event(), e.IncidentRaised)) == [li]
    assert duty.rings() == {"p-li": "alarm", "p-desk": "alarm"}


def test_tiers_accumulate() -> None:
    duty = Duty()
    _li, west = duty.guard("li"), duty.guard("west", zone=WEST)
    duty.press()
    tier = one(duty.wait(DELIVERED_MS), e.TierRaised)
    assert (tier.tier, called(tier), tier.because, tier.everyone) == (1, [west], "not_delivered", False)
    assert duty.rings() == {"p-li": "alarm", "p-west": "alarm"}


def test_the_last_tier_rings_everything_and_repeats_until_somebody_accepts() -> None:
    duty = Duty()
    li, west = duty.guard("li"), duty.guard("west", zone=WEST)
    duty.pager("p-nobody")
    incident = duty.press()
    assert incident.assignments[li].tier == 0
    last = [entry for entry in duty.wait(2 * DELIVERED_MS) if isinstance(entry, e.TierRaised)][-1]
    assert incident.assignments[li].tier == 2
    assert (last.tier, called(last), last.everyone) == (2, [li, west], True)
    assert last.repeat_ms == duty.now_ms + ACCEPTED_MS
    assert set(duty.rings()) == {"p-li", "p-west", "p-nobody"}
    for _ in range(3):
        again = one(duty.wait(ACCEPTED_MS), e.TierRaised)
        assert (again.tier, again.because, again.repeat_ms) == (2, "again", duty.now_ms + ACCEPTED_MS)
    duty.command("accept", incident, west)
    assert duty.rings() == {}
    assert "TierRaised" not in kinds(duty.wait(ACCEPTED_MS))


def test_an_empty_tier_is_skipped_at_once() -> None:
    duty = Duty()
    west = duty.guard("west", zone=WEST)
    raised = one(duty.event(), e.IncidentRaised)
    assert (raised.tier, called(raised), raised.everyone) == (1, [west], False)


def test_a_tier_that_adds_nobody_new_is_skipped_at_once() -> None:
    duty = Duty()
    li = duty.guard("li")
    duty.press()
    tier = one(duty.wait(DELIVERED_MS), e.TierRaised)
    assert (tier.tier, called(tier), tier.everyone) == (2, [li], True)


def test_nobody_signed_on_rings_everything_at_once() -> None:
    duty = Duty()
    duty.pager("p-desk")
    duty.pager("p-revoked")
    duty.do(r.RevokePager, pager="p-revoked", by=CHIEF)
    raised = one(duty.event(), e.IncidentRaised)
    assert (raised.tier, called(raised), raised.everyone) == (2, [], True)
    assert duty.rings() == {"p-desk": "alarm"}
    assert duty.bell() == "alarm"
    assert one(duty.wait(ACCEPTED_MS), e.TierRaised).everyone


@pytest.mark.parametrize("tiers", [("zone",), ("zone", "campus")])
def test_without_an_everyone_tier_everything_rings_once_nobody_is_left_to_call(tiers: tuple[e.TierName, ...]) -> None:
    duty = Duty(tiers=tiers)
    li = duty.guard("li")
    duty.pager("p-desk")
    incident = duty.press()
    duty.wait(DELIVERED_MS)
    assert duty.rings() == {"p-li": "alarm"}
    duty.command("decline", incident, li)
    again = [entry for entry in duty.wait(ACCEPTED_MS) if isinstance(entry, e.TierRaised)][-1]
    assert (called(again), again.everyone) == ([], True)
    assert set(duty.rings()) == {"p-li", "p-desk"}


def test_who_signs_on_into_a_call_is_called_too_where_the_tier_covers_them() -> None:
    duty = Duty()
    duty.guard("li")
    incident = duty.press()
    wang = duty.guard("wang", ready=False)
    call = next(entry for entry in reversed(duty.ledger) if isinstance(entry, e.TierRaised))
    assert (called(call), call.because, call.tier) == ([wang], "signed_on", 0)
    assert incident.assignments[wang].due_ms == duty.now_ms + DELIVERED_MS
    duty.guard("west", zone=WEST)
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}


def test_who_signs_on_while_everything_rings_is_called_by_name() -> None:
    duty = Duty()
    incident = duty.press()
    repeat_ms = incident.repeat_ms
    west = duty.guard("west", zone=WEST)
    assert incident.assignments[west].state == "paged"
    assert (incident.everyone, incident.repeat_ms) == (True, repeat_ms)


def test_who_signs_on_after_the_answer_is_not_called() -> None:
    duty = Duty()
    incident = duty.accepted(duty.guard("li"))
    wang = duty.guard("wang")
    assert wang not in incident.assignments


def test_who_signs_on_again_is_not_called_twice() -> None:
    duty = Duty()
    li = duty.guard("li")
    duty.press()
    duty.pager("p-desk")
    assert kinds(duty.do(r.SignOn, guard=li, pager="p-desk")) == ["SignedOn"]


def test_the_only_one_called_signs_off_and_the_next_tier_comes_at_once() -> None:
    duty = Duty()
    li, west = duty.guard("li"), duty.guard("west", zone=WEST)
    duty.press()
    duty.do(r.SignOff, pager="p-li", by=li)
    happened = duty.settle()
    tier = one(happened, e.TierRaised)
    assert (tier.tier, called(tier), tier.because) == (1, [west], "signed_off")
    assert one(happened, e.PageLapsed).guard == li


def test_the_only_one_called_signs_off_at_the_very_end_of_their_time() -> None:
    duty = Duty()
    li = duty.guard("li")
    duty.guard("west", zone=WEST)
    duty.press()
    duty.now_ms += DELIVERED_MS
    duty.do(r.SignOff, pager="p-li", by=li)
    assert kinds(duty.settle()) == ["PageLapsed", "TierRaised"]


def test_a_tier_that_adds_nobody_new_is_skipped_when_the_called_sign_off_too() -> None:
    duty = Duty(tiers=("zone", "campus", "campus", "everyone"))
    duty.guard("li")
    west = duty.guard("west", zone=WEST)
    duty.press()
    duty.wait(DELIVERED_MS)
    duty.do(r.SignOff, pager="p-west", by=west)
    assert one(duty.settle(), e.TierRaised).tier == 3


def test_one_of_two_called_signs_off_and_the_other_has_their_time() -> None:
    duty = Duty()
    li, _wang = duty.guard("li"), duty.guard("wang")
    duty.press()
    duty.do(r.SignOff, pager="p-li", by=li)
    assert duty.settle() == []
    assert duty.rings() == {"p-wang": "alarm"}


def test_both_called_sign_off_before_either_is_on_the_disk() -> None:
    """Signing off lowers: each was decided while the other was still there. What then is looks at all of it."""
    duty = Duty()
    duty.guard("li"), duty.guard("wang")
    duty.press()
    for pager in ("p-li", "p-wang"):
        duty.campus.pagers[pager].guard = None
    assert one(duty.settle(), e.TierRaised).everyone
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}


@pytest.mark.parametrize("tiers", [("zone",), ("zone", "campus")])
def test_all_called_by_the_last_tier_sign_off_and_everything_rings_at_once(tiers: tuple[e.TierName, ...]) -> None:
    duty = Duty(tiers=tiers)
    duty.guard("li"), duty.guard("wang")
    duty.pager("p-desk")
    duty.press()
    duty.wait(DELIVERED_MS)
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
    duty.do(r.SignOff, pager="p-li", by="a-li")
    assert duty.settle() == []
    duty.do(r.SignOff, pager="p-wang", by="a-wang")
    tier = one(duty.settle(), e.TierRaised)
    assert (called(tier), tier.because, tier.everyone) == ([], "signed_off", True)
    assert set(duty.rings()) == {"p-li", "p-wang", "p-desk"}


@pytest.mark.parametrize("how", ["revoked", "removed", "displaced"])
def test_the_only_one_called_goes_in_another_way(how: str) -> None:
    duty = Duty()
    li = duty.guard("li")
    west = duty.guard("west", zone=WEST)
    duty.press()
    if how == "revoked":
        duty.do(r.RevokePager, pager="p-li", by=CHIEF)
    elif how == "removed":
        duty.do(r.RemoveAccount, account=li, by=CHIEF)
    else:
        duty.do(r.SignOn, guard=west, pager="p-li")
    tier = one(duty.settle(), e.TierRaised)
    assert (called(tier), tier.because) == ([west], "signed_off")


def test_the_only_pager_called_is_lost_and_the_next_tier_comes_at_once() -> None:
    duty = Duty()
    li, west = duty.guard("li"), duty.guard("west", zone=WEST)
    incident = duty.press()
    lost = duty.do(r.LosePager, pager="p-li")
    assert kinds(lost) == ["PagerReadiness", "PageLapsed", "TierRaised"]
    tier = one(lost, e.TierRaised)
    assert (called(tier), tier.because) == ([west], "lost")
    assert incident.assignments[li].due_ms is None
    assert duty.rings() == {"p-li": "alarm", "p-west": "alarm"}


@pytest.mark.parametrize("other", ["their desk", "another guard"])
def test_a_lost_pager_is_not_missed_while_another_can_be_answered(other: str) -> None:
    duty = Duty()
    li = duty.guard("li")
    if other == "their desk":
        duty.pager("p-desk")
        duty.do(r.SignOn, guard=li, pager="p-desk")
        duty.hear("p-desk")
    else:
        duty.guard("wang")
    duty.press()
    assert kinds(duty.do(r.LosePager, pager="p-li")) == ["PagerReadiness"]


def test_a_lost_pager_calls_nobody_once_the_last_tier_repeats_or_somebody_goes() -> None:
    duty = Duty()
    li = duty.guard("li")
    incident = duty.press()
    duty.wait(DELIVERED_MS)
    assert kinds(duty.do(r.LosePager, pager="p-li")) == ["PagerReadiness"]
    duty.hear("p-li")
    duty.command("accept", incident, li)
    assert kinds(duty.do(r.LosePager, pager="p-li")) == ["PagerReadiness"]


def test_a_zone_with_fewer_tiers_than_were_called_goes_on() -> None:
    duty = Duty()
    li = duty.guard("li")
    duty.guard("west", zone=WEST)
    incident = duty.press()
    duty.wait(DELIVERED_MS)
    assert incident.tier == 1
    duty.do(r.SetZone, zone=EAST, details="", by=CHIEF, tiers=("zone",))
    tier = one(duty.wait(DELIVERED_MS), e.TierRaised)
    assert (tier.tier, called(tier)) == (0, [li])
    assert tier.repeat_ms is not None


def test_a_zone_with_more_tiers_than_before_goes_on_from_its_repeat() -> None:
    duty = Duty(tiers=("zone",))
    duty.guard("li")
    duty.press()
    duty.do(r.SetZone, zone=EAST, details="", by=CHIEF, tiers=("zone", "everyone"))
    tier = one(duty.wait(ACCEPTED_MS), e.TierRaised)
    assert (tier.tier, tier.repeat_ms) == (0, None)
    assert one(duty.wait(DELIVERED_MS), e.TierRaised).everyone


def test_a_drill_rings_the_bell_by_its_own_sound_unless_something_real_rings() -> None:
    duty = Duty()
    duty.guard("li")
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 1_000, by=CHIEF)
    duty.press()
    assert (duty.rings(), duty.bell()) == ({"p-li": "alarm"}, "drill")
    duty.press("t-other")
    assert duty.bell() == "alarm"


def test_a_revoked_bell_is_told_nothing() -> None:
    duty = Duty()
    duty.do(r.RevokeTerminal, terminal=BELL, by=CHIEF)
    duty.press()
    assert alerts(duty.campus).bells == {}
