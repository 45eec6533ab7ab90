"""What becomes of a resolved incident: reopened, or closed and forgotten."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from tests.hub.dispatch.duty import CHIEF, Duty, called, one


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li"), duty.guard("wang")
    return duty


def test_a_reopened_incident_calls_everybody_anew(duty: Duty) -> None:
    incident = duty.press()
    duty.command("decline", incident, "a-wang")
    duty.command("accept", incident, "a-li")
    duty.command("resolve", incident, "a-li")
    reopened, tier = duty.command("reopen", incident, "", by=CHIEF)
    assert isinstance(reopened, e.Reopened)
    assert isinstance(tier, e.TierRaised)
    assert (tier.tier, called(tier), tier.because) == (0, ["a-li", "a-wang"], "reopened")
    assert (incident.state, incident.lead, incident.outcome, incident.close_due_ms) == ("raised", "", None, None)
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
    assert duty.wait(3_000) != []


def test_who_was_cleared_and_signs_on_after_the_reopening_is_called(duty: Duty) -> None:
    incident = duty.resolved("a-li")
    duty.do(r.SignOff, pager="p-wang", by="a-wang")
    duty.command("reopen", incident, "", by=CHIEF)
    assert incident.assignments["a-wang"].state == "cleared"
    duty.do(r.SignOn, guard="a-wang", pager="p-wang")
    assert incident.assignments["a-wang"].state == "paged"


def test_a_close_forgets(duty: Duty) -> None:
    incident = duty.resolved("a-li")
    assert one(duty.command("close", incident, "", by=CHIEF), e.Closed).by == CHIEF
    assert (duty.campus.incidents, duty.campus.event_incidents) == ({}, {})
    assert duty.command_refused("reopen", incident, "", by=CHIEF) == "unknown_incident"
