"""What people answer to a call: one table of commands, and who may give which."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import SEEN_COMMANDS_MAX, Incident
from tests.hub.dispatch.duty import CHIEF, WEST, Duty, called, kinds, one

OUTCOMES: tuple[e.Outcome, ...] = ("genuine", "mistaken", "malicious", "fault", "drill", "unfounded")


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li"), duty.guard("wang"), duty.guard("west", zone=WEST)
    return duty


def states(incident: Incident) -> dict[str, str]:
    return {guard: assignment.state for guard, assignment in incident.assignments.items()}


# ── accept ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_accept_dispatches_and_silences_the_others(duty: Duty) -> None:
    incident = duty.press()
    accepted = one(duty.command("accept", incident, "a-li"), e.Accepted)
    assert (accepted.lead, accepted.by, accepted.due_ms) == (True, "p-li", duty.now_ms + 120_000)
    assert (incident.state, incident.lead, incident.calling) == ("dispatched", "a-li", False)
    assert states(incident) == {"a-li": "accepted", "a-wang": "paged"}
    assert duty.rings() == {}
    assert duty.bell() == "none"


def test_a_second_accept_is_the_second_responder(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    assert not one(duty.command("accept", incident, "a-wang"), e.Accepted).lead
    assert incident.lead == "a-li"
    assert states(incident) == {"a-li": "accepted", "a-wang": "accepted"}


def test_a_late_accept_is_an_accept(duty: Duty) -> None:
    incident = duty.press()
    duty.wait(60_000)
    assert one(duty.command("accept", incident, "a-li"), e.Accepted).lead


def test_a_guard_who_was_not_called_may_accept(duty: Duty) -> None:
    incident = duty.press()
    duty.command("accept", incident, "a-west")
    assert incident.lead == "a-west"


@pytest.mark.parametrize("first", ["decline", "release"])
def test_who_went_may_come_back(duty: Duty, first: r.Do) -> None:
    incident = duty.press()
    if first == "release":
        duty.command("accept", incident, "a-li")
    duty.command(first, incident, "a-li")
    duty.command("accept", incident, "a-li")
    assert (incident.lead, states(incident)["a-li"]) == ("a-li", "accepted")


def test_accepting_twice_is_refused_and_a_retry_is_not(duty: Duty) -> None:
    incident = duty.press()
    duty.command("accept", incident, "a-li", command="same-tap")
    assert duty.command("accept", incident, "a-li", command="same-tap") == ()
    assert duty.command_refused("accept", incident, "a-li") == "already_accepted"


def test_a_command_may_name_any_event_of_its_incident(duty: Duty) -> None:
    incident = duty.press()
    duty.press()
    accepted = one(duty.command("accept", incident.events[1], "a-li"), e.Accepted)
    assert accepted.incident == incident.incident


def test_an_unknown_incident_is_refused(duty: Duty) -> None:
    assert duty.command_refused("accept", "i-nothing", "a-li") == "unknown_incident"


# ── who may speak for whom ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("guard", "by", "reason"),
    [
        ("a-li", "p-wang", "not_yours"),
        ("a-li", "p-nowhere", "not_yours"),
        ("a-li", "a-leader", "not_yours"),
        ("a-nobody", "p-li", "unknown_guard"),
        ("a-leader", "p-li", "unknown_guard"),
        ("", "p-li", "unknown_guard"),
        ("", CHIEF, "unknown_guard"),
    ],
)
def test_nobody_answers_for_somebody_else(duty: Duty, guard: str, by: str, reason: str) -> None:
    duty.do(r.AddAccount, account="a-leader", roles=("leader",), zones=(), details="", by=CHIEF)
    assert duty.command_refused("accept", duty.press(), guard, by=by) == reason


@pytest.mark.parametrize("role", ["dispatcher", "admin"])
def test_a_dispatcher_acts_for_a_guard_by_radio(duty: Duty, role: e.Role) -> None:
    duty.do(r.AddAccount, account="a-room", roles=(role,), zones=(), details="", by=CHIEF)
    incident = duty.press()
    accepted = one(duty.command("accept", incident, "a-li", by="a-room"), e.Accepted)
    assert (accepted.guard, accepted.by) == ("a-li", "a-room")
    assert one(duty.command("on_scene", incident, "a-li", by="a-room"), e.Arrived).by == "a-room"


# ── decline ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_decline_while_another_may_accept_waits_for_them(duty: Duty) -> None:
    incident = duty.press()
    assert kinds(duty.command("decline", incident, "a-li")) == ["Declined"]
    assert duty.rings() == {"p-wang": "alarm"}


def test_the_last_decline_calls_the_next_tier_at_once(duty: Duty) -> None:
    incident = duty.press()
    duty.command("decline", incident, "a-li")
    tier = one(duty.command("decline", incident, "a-wang"), e.TierRaised)
    assert (tier.tier, called(tier), tier.because) == (1, ["a-west"], "declined")
    assert duty.rings() == {"p-west": "alarm"}


def test_a_decline_where_all_others_have_lapsed_calls_the_next_tier_at_once(duty: Duty) -> None:
    incident = duty.press()
    duty.wait(3_000)
    assert (incident.tier, incident.assignments["a-li"].due_ms) == (1, None)
    tier = one(duty.command("decline", incident, "a-west"), e.TierRaised)
    assert (tier.tier, tier.because, tier.everyone) == (2, "declined", True)


def test_who_declined_is_not_called_again_but_hears_when_everything_rings(duty: Duty) -> None:
    incident = duty.press()
    duty.command("decline", incident, "a-li")
    duty.wait(3_000)
    assert "p-li" not in duty.rings()
    last = one(duty.wait(3_000), e.TierRaised)
    assert (called(last), last.everyone) == (["a-wang", "a-west"], True)
    assert set(duty.rings()) == {"p-li", "p-wang", "p-west"}
    assert states(incident)["a-li"] == "declined"


@pytest.mark.parametrize("do", ["decline", "release"])
def test_who_went_is_not_alerted_by_a_repeat(duty: Duty, do: r.Do) -> None:
    incident = duty.accepted("a-li")
    if do == "release":
        duty.command("accept", incident, "a-wang")
    duty.command(do, incident, "a-wang")
    duty.press()
    assert duty.rings() == {"p-li": "alert"}


def test_a_decline_after_the_answer_calls_nobody(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    assert kinds(duty.command("decline", incident, "a-wang")) == ["Declined"]


@pytest.mark.parametrize("guard", ["a-west", "a-li"])
def test_only_who_is_called_may_decline(duty: Duty, guard: str) -> None:
    incident = duty.accepted("a-li")
    assert duty.command_refused("decline", incident, guard) == "not_called"


# ── release ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_release_with_nobody_left_rings_again(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    released, tier = duty.command("release", incident, "a-li")
    assert isinstance(released, e.Released)
    assert isinstance(tier, e.TierRaised)
    assert (released.lead, tier.tier, called(tier), tier.because) == ("", 0, ["a-wang"], "released")
    assert (incident.state, incident.lead) == ("raised", "")
    assert duty.rings() == {"p-wang": "alarm"}
    assert duty.bell() == "alarm"


def test_a_release_with_nobody_else_in_the_tier_goes_on(duty: Duty) -> None:
    incident = duty.press()
    duty.command("decline", incident, "a-wang")
    duty.command("accept", incident, "a-li")
    tier = one(duty.command("release", incident, "a-li"), e.TierRaised)
    assert (tier.tier, called(tier)) == (1, ["a-west"])


def test_who_is_called_again_and_has_the_page_gets_the_time_to_accept(duty: Duty) -> None:
    incident = duty.press()
    duty.hear("p-wang", have=(incident.incident,))
    duty.command("accept", incident, "a-li")
    duty.command("release", incident, "a-li")
    assert incident.assignments["a-wang"].due_ms == duty.now_ms + 15_000


def test_a_release_passes_the_lead(duty: Duty) -> None:
    incident = duty.accepted("a-li", "a-wang")
    assert one(duty.command("release", incident, "a-li"), e.Released).lead == "a-wang"
    assert (incident.state, incident.lead, duty.rings()) == ("dispatched", "a-wang", {})


def test_a_release_by_the_second_leaves_the_lead(duty: Duty) -> None:
    incident = duty.accepted("a-li", "a-wang")
    duty.command("release", incident, "a-wang")
    assert incident.lead == "a-li"


@pytest.mark.parametrize("do", ["release", "on_scene", "sign", "backup", "resolve"])
def test_only_a_responder_may(duty: Duty, do: r.Do) -> None:
    incident = duty.accepted("a-li")
    assert duty.command_refused(do, incident, "a-wang") == "not_accepted"


# ── on scene, sign, backup ──────────────────────────────────────────────────────────────────────────────────


def test_on_scene(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    assert one(duty.command("on_scene", incident, "a-li"), e.Arrived).due_ms == duty.now_ms + 300_000
    assert incident.state == "on_scene"
    assert duty.command_refused("on_scene", incident, "a-li") == "not_accepted"


def test_a_sign_gives_the_time_of_the_step(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    assert one(duty.command("sign", incident, "a-li"), e.SignGiven).due_ms == duty.now_ms + 120_000
    duty.command("on_scene", incident, "a-li")
    assert one(duty.command("sign", incident, "a-li"), e.SignGiven).due_ms == duty.now_ms + 300_000


def test_a_call_for_backup_is_a_sign_and_rings_again(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    sign, tier = duty.command("backup", incident, "a-li")
    assert isinstance(sign, e.SignGiven)
    assert isinstance(tier, e.TierRaised)
    assert (tier.tier, called(tier), tier.because) == (1, ["a-west"], "backup")
    assert duty.rings() == {"p-wang": "alarm", "p-west": "alarm"}
    duty.command("accept", incident, "a-west")
    assert duty.rings() == {}


def test_backup_with_nobody_else_on_duty_rings_everything_but_who_asked() -> None:
    duty = Duty(tiers=("zone",))
    duty.guard("li")
    duty.pager("p-desk")
    incident = duty.accepted("a-li")
    duty.command("backup", incident, "a-li")
    assert duty.rings() == {"p-desk": "alarm"}


# ── resolve, reopen, close ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_a_resolve_ends_it_for_everybody(duty: Duty, outcome: e.Outcome) -> None:
    incident = duty.accepted("a-li")
    resolved = one(duty.command("resolve", incident, "a-li", outcome=outcome, note="f" * 64), e.Resolved)
    assert (resolved.outcome, resolved.note, resolved.due_ms) == (outcome, "f" * 64, duty.now_ms + 86_400_000)
    assert (incident.state, incident.outcome) == ("resolved", outcome)
    assert states(incident) == {"a-li": "cleared", "a-wang": "cleared"}
    assert {a.due_ms for a in incident.assignments.values()} == {None}
    assert duty.rings() == {}


def test_a_resolve_needs_an_outcome(duty: Duty) -> None:
    assert duty.command_refused("resolve", duty.accepted("a-li"), "a-li", outcome=None) == "outcome_missing"


def test_a_resolve_may_cover_more_than_there_is(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    duty.command("resolve", incident, "a-li", covers=(*incident.events, "0" * 64))
    assert incident.state == "resolved"


@pytest.mark.parametrize("guard", ["", "a-wang", "a-li"])
def test_a_dispatcher_resolves_what_nobody_answered(duty: Duty, guard: str) -> None:
    incident = duty.press()
    resolved = one(duty.command("resolve", incident, guard, by=CHIEF), e.Resolved)
    assert (resolved.by, resolved.guard) == (CHIEF, guard)
    assert (duty.rings(), duty.bell(), incident.calling, incident.repeat_ms) == ({}, "none", False, None)


def test_a_resolve_ends_what_rings_everywhere_and_what_alerts(duty: Duty) -> None:
    duty.pager("p-desk")
    incident = duty.press()
    duty.wait(6_000)
    assert "p-desk" in duty.rings()
    duty.command("resolve", incident, "", by=CHIEF)
    assert (duty.rings(), duty.bell()) == ({}, "none")
    again = duty.accepted("a-li")
    duty.press()
    duty.command("resolve", again, "a-li")
    assert {"AlertEnded", "TierRaised"}.isdisjoint(kinds(duty.wait(60_000)))


def test_who_declined_has_declined_after_the_resolve_too(duty: Duty) -> None:
    incident = duty.press()
    duty.command("decline", incident, "a-wang")
    duty.command("accept", incident, "a-li")
    duty.command("resolve", incident, "a-li")
    assert states(incident) == {"a-li": "cleared", "a-wang": "declined"}


def test_what_rang_everywhere_rings_no_wider_than_its_tier_after_an_answer() -> None:
    duty = Duty(tiers=("zone", "campus"))
    duty.guard("li"), duty.guard("west", zone=WEST)
    duty.pager("p-desk")
    duty.command("on_scene", duty.accepted("a-li"), "a-li")
    duty.wait(330_000)
    (incident,) = duty.campus.incidents.values()
    assert "p-desk" in duty.rings()
    duty.command("accept", incident, "a-li")
    duty.command("backup", incident, "a-li")
    assert duty.rings() == {"p-west": "alarm"}


def test_each_step_has_its_time(duty: Duty) -> None:
    incident = duty.press()
    page = incident.assignments["a-li"]
    assert page.since_ms == duty.now_ms
    for do in ("accept", "on_scene", "release", "accept", "resolve"):
        duty.now_ms += 1_000
        duty.command(do, incident, "a-li")
        assert incident.assignments["a-li"].since_ms == duty.now_ms


@pytest.mark.parametrize("do", ["accept", "decline", "release", "on_scene", "sign", "backup", "resolve"])
def test_what_is_resolved_takes_no_answers(duty: Duty, do: r.Do) -> None:
    assert duty.command_refused(do, duty.resolved("a-li"), "a-li") == "already_resolved"


@pytest.mark.parametrize("do", ["reopen", "close"])
def test_only_what_is_resolved_is_reopened_or_closed(duty: Duty, do: r.Do) -> None:
    assert duty.command_refused(do, duty.accepted("a-li"), "a-li", by=CHIEF) == "not_resolved"


@pytest.mark.parametrize("do", ["reopen", "close"])
@pytest.mark.parametrize(
    ("by", "may"),
    [
        ("a-li", ("reopen", "close")),
        ("p-li", ("reopen", "close")),
        ("a-admin", ("reopen", "close")),
        ("a-leader", ("close",)),
        ("a-dispatcher", ("reopen",)),
        ("a-wang", ()),
        ("p-wang", ()),
        ("p-desk", ()),
        ("", ()),
    ],
)
def test_who_reopens_and_who_closes(duty: Duty, do: r.Do, by: str, may: tuple[r.Do, ...]) -> None:
    for role in ("admin", "leader", "dispatcher"):
        duty.do(r.AddAccount, account=f"a-{role}", roles=(role,), zones=(), details="", by=CHIEF)
    duty.pager("p-desk")
    incident = duty.resolved("a-li")
    if do in may:
        duty.command(do, incident, "", by=by)
        assert (incident.incident in duty.campus.incidents) == (do == "reopen")
    else:
        assert duty.command_refused(do, incident, "", by=by) == "not_yours"


def test_nobody_is_the_lead_of_what_nobody_answered(duty: Duty) -> None:
    incident = duty.press()
    duty.command("resolve", incident, "", by=CHIEF)
    assert duty.command_refused("close", incident, "", by="") == "not_yours"


def test_commands_are_remembered_up_to_a_bound(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    for _ in range(SEEN_COMMANDS_MAX + 5):
        duty.command("sign", incident, "a-li")
    assert len(duty.campus.commands) == SEEN_COMMANDS_MAX
    assert duty.campus.commands[-1] == f"command-{SEEN_COMMANDS_MAX + 6}"
