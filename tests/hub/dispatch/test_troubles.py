"""Fault conditions: one notice per transition, never an alarm, never silent."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.rules_trouble import MOMENTARY
from tests.hub.dispatch.duty import CHIEF, WALL, Duty, kinds, one


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li")
    return duty


def report(duty: Duty, began: bool) -> tuple[e.Entry, ...]:
    return duty.do(r.ReportTrouble, what="disk", about="c-campus", began=began)


def test_what_the_hub_finds_begins_and_ends_once(duty: Duty) -> None:
    assert report(duty, False) == ()
    assert kinds(report(duty, True)) == ["TroubleBegan"]
    assert report(duty, True) == ()
    assert duty.bell() == "trouble"
    assert kinds(report(duty, False)) == ["TroubleEnded"]
    assert duty.bell() == "none"


def test_what_somebody_has_seen_is_quiet_and_stays(duty: Duty) -> None:
    report(duty, True)
    see = {"what": "disk", "about": "c-campus", "by": CHIEF}
    assert one(duty.do(r.SeeTrouble, **see), e.TroubleSeen).by == CHIEF
    assert duty.do(r.SeeTrouble, **see) == ()
    assert duty.bell() == "none"
    assert duty.campus.troubles["disk:c-campus"].seen_by == CHIEF
    report(duty, False)
    report(duty, True)
    assert duty.bell() == "trouble"


@pytest.mark.parametrize("what", MOMENTARY)
def test_what_has_no_end_of_its_own_is_over_when_seen(duty: Duty, what: str) -> None:
    duty.do(r.ReportTrouble, what=what, about="x", began=True)
    assert kinds(duty.do(r.SeeTrouble, what=what, about="x", by=CHIEF)) == ["TroubleSeen", "TroubleEnded"]
    assert duty.campus.troubles == {}


def test_a_trouble_that_is_not_there_can_not_be_seen(duty: Duty) -> None:
    assert duty.refused(r.SeeTrouble, what="disk", about="c-campus", by=CHIEF) == "unknown_trouble"


def test_strangers_are_counted_and_trouble_once_per_cause(duty: Duty) -> None:
    count = {"count": 3, "since_ms": 5}
    assert kinds(duty.do(r.CountStrangers, cause="bad_signature", **count)) == ["StrangersRefused", "TroubleBegan"]
    assert kinds(duty.do(r.CountStrangers, cause="bad_signature", **count)) == ["StrangersRefused"]
    assert kinds(duty.do(r.CountStrangers, cause="oversized", **count)) == ["StrangersRefused", "TroubleBegan"]


def test_trouble_rings_no_pager_and_an_alarm_goes_before_it(duty: Duty) -> None:
    duty.event("tamper")
    assert (duty.rings(), duty.bell()) == ({}, "trouble")
    duty.press()
    assert duty.bell() == "alarm"


def test_a_look_at_something_sealed_is_recorded(duty: Duty) -> None:
    viewed = one(duty.do(r.ViewSealed, commitment="c" * 64, by=CHIEF), e.SealedViewed)
    assert (viewed.commitment, viewed.by) == ("c" * 64, CHIEF)


def test_trouble_is_no_incident(duty: Duty) -> None:
    for what in ("tamper", "supply", "stuck", "unknown"):
        duty.event(what)
    duty.do(r.LinkTerminal, terminal=WALL)
    duty.do(r.LoseTerminal, terminal=WALL)
    assert duty.campus.incidents == {}
