"""What rings where and what each light shows, as functions of the campus."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus, copy
from hub.dispatch.wanted import alerts, everything_rings, lights
from tests.hub.dispatch.duty import BELL, CHIEF, EAST, OTHER_WALL, WALL, Duty

STEPS = ("nothing", "raised", "dispatched", "on_scene", "resolved", "closed")
SHOWS: dict[str, e.LightState] = {
    "nothing": "none",
    "raised": "recorded",
    "dispatched": "coming",
    "on_scene": "here",
    "resolved": "none",
    "closed": "none",
}


def walk() -> dict[str, Campus]:
    """The same campus at each step of one incident."""
    duty = Duty()
    duty.guard("li")
    found = {"nothing": copy(duty.campus)}
    incident = duty.press()
    found["raised"] = copy(duty.campus)
    duty.command("accept", incident, "a-li")
    found["dispatched"] = copy(duty.campus)
    duty.command("on_scene", incident, "a-li")
    found["on_scene"] = copy(duty.campus)
    duty.command("resolve", incident, "a-li")
    found["resolved"] = copy(duty.campus)
    duty.command("close", incident, "a-li")
    found["closed"] = copy(duty.campus)
    return found


@pytest.mark.parametrize("step", STEPS)
def test_the_light_shows_how_far_help_is(step: str) -> None:
    campus = walk()[step]
    assert lights(campus, campus) == {WALL: SHOWS[step], OTHER_WALL: "none"}


@pytest.mark.parametrize("decided", STEPS[1:4])
@pytest.mark.parametrize("durable", STEPS[:4])
def test_the_light_never_shows_more_than_the_fold_that_knows_less(decided: str, durable: str) -> None:
    campuses = walk()
    less = min(decided, durable, key=STEPS.index)
    assert lights(campuses[decided], campuses[durable])[WALL] == SHOWS[less]


@pytest.mark.parametrize("decided", ["resolved", "closed"])
@pytest.mark.parametrize("durable", STEPS)
def test_the_light_goes_out_only_when_both_folds_are_over(decided: str, durable: str) -> None:
    campuses = walk()
    assert lights(campuses[decided], campuses[durable])[WALL] == SHOWS[durable]


def test_of_two_incidents_the_light_shows_the_one_with_less_help() -> None:
    duty = Duty()
    duty.guard("li")
    incident = duty.press()
    duty.command("accept", incident, "a-li")
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 1_000, by=CHIEF)
    duty.press()
    assert lights(duty.campus, duty.campus)[WALL] == "recorded"


@pytest.mark.parametrize(("step", "shown"), [("raised", "recorded"), ("on_scene", "recorded"), ("resolved", "none")])
def test_an_incident_that_is_not_on_the_disk_puts_no_light_out(step: str, shown: str) -> None:
    """A drill's press beside a real one: a light that is out would let the terminal forget the real one."""
    duty = Duty()
    duty.campus = walk()[step]
    durable = copy(duty.campus)
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 1_000, by=CHIEF)
    duty.press(boot=2)
    assert lights(duty.campus, durable)[WALL] == shown


def test_a_silent_terminal_is_told_the_truth() -> None:
    """It shows nothing by itself; were it told that its light is out, it would let go of its only copy."""
    duty = Duty()
    duty.enrol("t-silent", silent=True)
    incident = duty.press("t-silent")
    duty.guard("li")
    duty.command("accept", incident, "a-li")
    assert lights(duty.campus, duty.campus)["t-silent"] == "coming"


def test_a_drill_shows_the_same_light() -> None:
    duty = Duty()
    duty.guard("li")
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 1_000, by=CHIEF)
    duty.command("accept", duty.press(), "a-li")
    assert lights(duty.campus, duty.campus)[WALL] == "coming"


def test_only_walls_have_a_light() -> None:
    duty = Duty()
    assert set(lights(duty.campus, duty.campus)) == {WALL, OTHER_WALL}


def test_all_is_quiet_where_nothing_happened() -> None:
    duty = Duty()
    duty.guard("li")
    wanted = alerts(duty.campus)
    assert (wanted.pagers, wanted.bells, wanted.reachable) == ({"p-li": {}}, {BELL: "none"}, True)


@pytest.mark.parametrize(
    ("signed_on", "said", "reachable"),
    [(True, {}, True), (True, {"sound": "suspended"}, False), (False, {}, False)],
)
def test_reachable_is_a_guard_at_a_ready_pager(signed_on: bool, said: dict[str, str], reachable: bool) -> None:
    duty = Duty()
    duty.guard("li")
    duty.hear("p-li", **said)
    if not signed_on:
        duty.do(r.SignOff, pager="p-li", by="a-li")
    assert alerts(duty.campus).reachable == reachable


def test_two_incidents_ring_apart() -> None:
    duty = Duty()
    duty.guard("li")
    first, second = duty.press(), duty.press(OTHER_WALL)
    duty.wait(6_000)
    duty.command("accept", first, "a-li")
    assert alerts(duty.campus).pagers == {"p-li": {second.incident: "alarm"}}


def test_a_question_goes_before_a_repeat() -> None:
    duty = Duty()
    duty.guard("li")
    duty.accepted("a-li")
    duty.wait(120_000)
    duty.press()
    assert duty.rings() == {"p-li": "ask"}


def test_a_hub_fault_rings_every_pager_and_bell() -> None:
    duty = Duty()
    duty.guard("li")
    duty.pager("p-desk")
    wanted = everything_rings(duty.campus)
    assert wanted.pagers == {"p-li": {"hub_fault": "alarm"}, "p-desk": {"hub_fault": "alarm"}}
    assert (wanted.bells, wanted.reachable) == ({BELL: "fault"}, False)
