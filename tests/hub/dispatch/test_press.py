"""Events of terminals: what raises, what joins, what is only trouble, what changes nothing."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import COVERED_EVENTS_MAX, EVIDENCE_EVENTS_MAX, SEEN_EVENTS_MAX, incident_id
from tests.hub.dispatch.duty import CHIEF, EAST, OTHER_WALL, WALL, Duty, digest_of, kinds, one

HOUR_MS = 3_600_000


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li")
    return duty


@pytest.mark.parametrize("what", ["panic", "perimeter"])
def test_an_alarm_raises_an_incident_named_by_its_event(duty: Duty, what: str) -> None:
    entries = duty.event(what)
    assert kinds(entries) == ["IncidentRaised", "EventRecorded"]
    raised, recorded = one(entries, e.IncidentRaised), one(entries, e.EventRecorded)
    assert raised.incident == recorded.incident == f"i-{recorded.digest[:20]}"
    assert (raised.severity, raised.zone, raised.terminal, raised.drill, raised.test) == (
        what,
        EAST,
        WALL,
        False,
        False,
    )
    incident = duty.campus.incidents[raised.incident]
    assert (incident.state, incident.presses, incident.events) == ("raised", 1, [recorded.digest])
    assert incident.evidence == [recorded.jws]


def test_a_repeat_joins_the_same_place_and_counts(duty: Duty) -> None:
    incident = duty.press()
    duty.now_ms += 60_000
    entries = duty.event("perimeter")
    assert kinds(entries) == ["EventRecorded", "PressRepeated"]
    assert (incident.presses, incident.last_press_ms, len(duty.campus.incidents)) == (2, duty.now_ms, 1)
    assert incident.severity == "panic"


def test_a_repeat_alerts_the_responders_for_a_time_and_lets_the_others_ring() -> None:
    duty = Duty()
    li, _wang = duty.guard("li"), duty.guard("wang")
    incident = duty.accepted(li)
    duty.command("backup", incident, li)
    assert duty.rings() == {"p-wang": "alarm"}
    duty.event()
    assert duty.rings() == {"p-li": "alert", "p-wang": "alarm"}
    asked_ms = duty.campus.zones[EAST].deadlines.asked_ms
    assert "AlertEnded" not in kinds(duty.wait(asked_ms - 1))
    ended = duty.wait(1)
    assert one(ended, e.AlertEnded).incident == incident.incident
    assert duty.rings()["p-wang"] == "alarm"
    assert "p-li" not in duty.rings()


def test_a_repeat_before_anybody_answered_changes_nothing_about_who_rings(duty: Duty) -> None:
    duty.press()
    before = duty.rings()
    duty.event()
    assert duty.rings() == before == {"p-li": "alarm"}


@pytest.mark.parametrize("zone", [EAST, "z-west"])
def test_another_place_is_another_incident_even_in_the_same_zone(duty: Duty, zone: str) -> None:
    duty.enrol("t-next", zone=zone)
    assert duty.press(WALL).incident != duty.press("t-next").incident
    assert len(duty.campus.incidents) == 2


def test_a_press_after_the_resolve_raises_anew(duty: Duty) -> None:
    first = duty.resolved("a-li")
    assert duty.press().incident != first.incident


def test_a_known_event_changes_nothing(duty: Duty) -> None:
    duty.event(seq=7)
    assert duty.event(seq=7) == ()


def test_a_resend_after_the_close_changes_nothing(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    duty.command("resolve", incident, "a-li")
    duty.command("close", incident, "", by=CHIEF)
    assert duty.campus.incidents == {} == duty.campus.event_incidents
    assert duty.event(seq=1) == ()


def test_an_event_of_a_revoked_or_unknown_terminal_is_refused(duty: Duty) -> None:
    duty.do(r.RevokeTerminal, terminal=WALL, by=CHIEF)
    for terminal, reason in ((WALL, "revoked"), ("t-nobody", "unknown_terminal")):
        with pytest.raises(r.Refused, match=reason):
            duty.event(terminal=terminal)


def test_a_press_that_is_days_old_rings_with_deadlines_from_its_arrival(duty: Duty) -> None:
    entries = duty.event(event_ms=duty.now_ms - 72 * HOUR_MS)
    raised = one(entries, e.IncidentRaised)
    assert raised.event_ms == duty.now_ms - 72 * HOUR_MS
    assert raised.paged[0].due_ms == duty.now_ms + 3_000
    assert duty.rings() == {"p-li": "alarm"}


@pytest.mark.parametrize("what", ["tamper", "supply", "stuck"])
def test_trouble_of_an_input_begins_once_and_ends_when_it_is_restored(duty: Duty, what: str) -> None:
    assert kinds(duty.event(what)) == ["EventRecorded", "TroubleBegan"]
    name = {"tamper": "case", "supply": "buffer", "stuck": "panic"}[what]
    assert f"{what}:{WALL}/{name}" in duty.campus.troubles
    assert kinds(duty.event(what)) == ["EventRecorded"]
    assert kinds(duty.event("restored", input=name)) == ["EventRecorded", "TroubleEnded"]
    assert kinds(duty.event("restored", input=name)) == ["EventRecorded"]
    assert duty.campus.incidents == {}


def test_only_restored_ends_trouble_of_an_input(duty: Duty) -> None:
    duty.event("tamper", input="panic")
    duty.event("stuck")
    for what in ("panic", "perimeter", "started"):
        assert "TroubleEnded" not in kinds(duty.event(what, input="" if what == "started" else "panic"))
    assert len(duty.campus.troubles) == 2


def test_a_restore_never_ends_an_incident(duty: Duty) -> None:
    duty.event("perimeter")
    duty.event("restored", input="loop")
    (incident,) = duty.campus.incidents.values()
    assert incident.state == "raised"
    assert duty.rings() == {"p-li": "alarm"}


def test_a_start_is_only_recorded(duty: Duty) -> None:
    assert kinds(duty.event("started")) == ["EventRecorded"]


def test_what_is_not_understood_is_recorded_and_trouble(duty: Duty) -> None:
    assert kinds(duty.event("unknown", boot=0, seq=0)) == ["EventRecorded", "TroubleBegan"]
    assert f"not_understood:{WALL}" in duty.campus.troubles
    # Nothing could be read of either, so nothing says that they are one and the same.
    assert kinds(duty.event("unknown", boot=0, seq=0, jws="another")) == ["EventRecorded"]


def test_a_press_of_an_input_nobody_enrolled_rings_all_the_same(duty: Duty) -> None:
    entries = duty.event("panic", input="new")
    assert kinds(entries) == ["IncidentRaised", "EventRecorded", "TroubleBegan"]
    assert one(entries, e.TroubleBegan).what == "not_understood"
    assert duty.rings() == {"p-li": "alarm"}


def test_a_drill_marks_what_is_pressed_in_its_zone_while_it_runs(duty: Duty) -> None:
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 1_000, by=CHIEF)
    drill, elsewhere = duty.press(WALL), duty.press(OTHER_WALL)
    assert (drill.drill, drill.test, elsewhere.drill) == (True, False, False)
    duty.now_ms += 1_000
    assert not duty.press(WALL).drill


def test_a_test_marks_what_is_pressed_at_its_terminal_while_it_runs(duty: Duty) -> None:
    duty.enrol("t-next")
    duty.do(r.StartTest, terminal=WALL, until_ms=duty.now_ms + 1_000, by=CHIEF)
    assert duty.press(WALL).test
    assert not duty.press("t-next").test
    duty.now_ms += 1_000
    assert not duty.press(WALL).test


def test_real_presses_and_drills_never_join(duty: Duty) -> None:
    real = duty.press()
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 1_000, by=CHIEF)
    drill = duty.press()
    duty.do(r.EndDrill, zone=EAST, by=CHIEF)
    assert duty.press() is real
    assert real is not drill
    assert (real.presses, drill.presses) == (2, 1)


def test_what_is_remembered_of_presses_is_bounded(duty: Duty) -> None:
    count = SEEN_EVENTS_MAX + COVERED_EVENTS_MAX
    incident = duty.press()
    for _ in range(count - 1):
        duty.event()
    terminal = duty.campus.terminals[WALL]
    assert incident.presses == count
    assert (len(terminal.seen), len(incident.events)) == (SEEN_EVENTS_MAX, COVERED_EVENTS_MAX)
    assert (len(incident.evidence), len(duty.campus.event_incidents)) == (EVIDENCE_EVENTS_MAX, COVERED_EVENTS_MAX)
    newest = digest_of(f"{WALL}/1/{count}/panic")
    assert newest in terminal.seen
    # The first one names the incident; the newest must be covered by whoever resolves it.
    assert incident_id(incident.events[0]) == incident.incident
    assert incident.events[-1] == newest
