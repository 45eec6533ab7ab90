"""What pagers and boards are told: the whole, from one view, with names and without secrets."""

import json
from typing import Any

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import copy
from hub.dispatch.engine import View
from hub.dispatch.wanted import alerts, lights
from hub.links.board_frames import snapshot_of
from hub.links.board_steps import STEPS_MAX, BoardSteps
from hub.links.pager_frames import PAGES_MAX, RESOLVED_SHOWN_MS, pager_body, snapshot_at
from hub.names import Names, PersonDetails, TerminalDetails, ZoneDetails, seal_details
from tests.hub.dispatch.duty import BELL, CHIEF, EAST, OTHER_WALL, WALL, Duty

HOSTILE = "<script>alert(1)</script>"
SEALED = {
    "wall": seal_details(
        TerminalDetails(name="Corridor", building="Block 2", floor="3", place=HOSTILE, way="Stairs B")
    ),
    "zone": seal_details(ZoneDetails(name="East zone")),
    "wang": seal_details(PersonDetails(name="王建国")),
    "li": seal_details(PersonDetails(name="李敏")),
}


class Named:
    """A campus on duty with names, two guards ready."""

    def __init__(self) -> None:
        self.duty = Duty()
        self.names = Names(SEALED.values())
        self.steps = BoardSteps()
        self.wang, self.li = self.duty.guard("wang"), self.duty.guard("li")
        campus = self.duty.campus
        campus.terminals[WALL].details = SEALED["wall"].commitment
        campus.zones[EAST].details = SEALED["zone"].commitment
        campus.accounts[self.wang].details = SEALED["wang"].commitment
        campus.accounts[self.li].details = SEALED["li"].commitment
        self._folded = len(self.duty.ledger)

    @property
    def view(self) -> View:
        campus = self.duty.campus
        return View(campus, copy(campus), alerts(campus), lights(campus, campus), False)

    def pager_of(self, guard: str) -> str:
        return next(p.pager for p in self.duty.campus.pagers.values() if p.guard == guard)

    def pager(self, guard: str) -> dict[str, Any]:
        now_ms, offset_ms = self.duty.now_ms, self.duty.campus.utc_offset_ms
        body = pager_body(self.view, self.pager_of(guard), self.names, now_ms)
        frame: dict[str, Any] = json.loads(snapshot_at(now_ms, offset_ms, body))
        return frame

    def board(self) -> dict[str, Any]:
        self.steps.fold(self.duty.ledger[self._folded :], self.duty.campus)
        self._folded = len(self.duty.ledger)
        frame: dict[str, Any] = json.loads(
            snapshot_of(self.view, self.names, self.steps, size=7, writing=True, now_ms=self.duty.now_ms)
        )
        return frame


def test_a_quiet_pager_is_told_who_it_is() -> None:
    named = Named()
    frame = named.pager(named.wang)
    assert frame["guard"] == {"id": named.wang, "name": "王建国", "zones": ["East zone"]}
    assert frame["pager"]["reasons"] == []
    assert frame["pages"] == []
    assert frame["campus"]["reachable"] is True
    assert frame["utc_ms"] - frame["hub_ms"] == named.duty.campus.utc_offset_ms


def test_a_page_says_where_and_who_else() -> None:
    named = Named()
    incident = named.duty.press()
    (page,) = named.pager(named.wang)["pages"]
    where = {"zone": "East zone", "building": "Block 2", "floor": "3", "place": HOSTILE, "way": "Stairs B"}
    assert where.items() <= page.items()
    assert (page["ring"], page["mine"], page["state"]) == ("alarm", "paged", "raised")
    assert page["covers"] == incident.events
    assert page["evidence"] == incident.evidence
    assert [(one["name"], one["state"]) for one in page["crew"]] == [("王建国", "paged"), ("李敏", "paged")]


def test_an_accept_is_told_to_the_others() -> None:
    named = Named()
    named.duty.accepted(named.wang)
    (mine,), (other,) = named.pager(named.wang)["pages"], named.pager(named.li)["pages"]
    assert (mine["mine"], mine["ring"], mine["lead"]) == ("accepted", "none", True)
    assert mine["due_ms"] - named.duty.now_ms == mine["due_total_ms"] == 120_000
    assert (other["ring"], other["due_ms"]) == ("none", None)
    assert [(one["state"], one["lead"]) for one in other["crew"]] == [("accepted", True), ("silenced", False)]


def test_a_guard_whose_pager_is_gone_is_shown_as_lost() -> None:
    named = Named()
    named.duty.do(r.LosePager, pager=named.pager_of(named.li))
    named.duty.press()
    (page,) = named.pager(named.wang)["pages"]
    assert [one["state"] for one in page["crew"]] == ["paged", "lost"]


def test_a_resolved_page_stays_for_a_moment() -> None:
    named = Named()
    named.duty.resolved(named.wang)
    assert [page["state"] for page in named.pager(named.wang)["pages"]] == ["resolved"]
    named.duty.now_ms += RESOLVED_SHOWN_MS + 1
    assert named.pager(named.wang)["pages"] == []


def test_a_snapshot_has_a_limit_and_says_what_is_left_out() -> None:
    named = Named()
    for number in range(PAGES_MAX + 3):
        named.duty.enrol(f"t-more{number}")
        named.duty.press(terminal=f"t-more{number}")
    frame = named.pager(named.wang)
    assert (len(frame["pages"]), frame["more"]) == (PAGES_MAX, 3)
    assert len(json.dumps(frame)) < 65_536


def test_a_board_sees_the_whole_campus() -> None:
    named = Named()
    frame = named.board()
    assert [(guard["name"], guard["state"]) for guard in frame["guards"]] == [("王建国", "ready"), ("李敏", "ready")]
    assert frame["ledger"] == {"size": 7, "writing": True}
    assert frame["incidents"] == []
    assert {terminal["name"] for terminal in frame["terminals"]} >= {"Corridor"}


def test_a_boards_incident_has_its_line_and_what_comes_next() -> None:
    named = Named()
    named.duty.accepted(named.wang)
    (incident,) = named.board()["incidents"]
    whats = [step["what"] for step in incident["steps"]]
    assert whats[0] == "pressed"
    assert whats[-1] == "accepted"
    assert incident["steps"][-1]["who"] == ["王建国"]
    assert incident["next"]["what"] == "on_scene"
    assert incident["next"]["due_ms"] == named.duty.now_ms + 120_000
    assert [guard["state"] for guard in named.board()["guards"]] == ["lead", "silenced"]


def test_troubles_are_named() -> None:
    named = Named()
    named.duty.do(r.LinkTerminal, terminal=WALL)
    named.duty.do(r.LoseTerminal, terminal=WALL)
    troubles = [(one["what"], one["about_name"]) for one in named.board()["troubles"]]
    assert ("lost", "Corridor") in troubles


def test_a_bell_does_what_it_says_that_it_does_whatever_it_was_told() -> None:
    named = Named()
    named.duty.press()
    states = [named.board()["bells"][0]["state"]]
    named.duty.do(r.LinkTerminal, terminal=BELL)
    rings: tuple[e.BellRing, ...] = ("none", "trouble", "alarm", "drill", "fault", "none")
    for ring in rings:
        named.duty.do(r.HearTerminal, terminal=BELL, light="none", since_ms=None, ring=ring, inputs={})
        states.append(named.board()["bells"][0]["state"])
    named.duty.do(r.LoseTerminal, terminal=BELL)
    states.append(named.board()["bells"][0]["state"])
    assert states == ["lost", "ready", "trouble", "ringing", "ringing", "ringing", "ready", "lost"]


def test_a_bell_rings_for_each_call_from_when_it_says_so() -> None:
    """Its trouble tone is no ring; one that rings already rings for a further call from its beginning."""
    named = Named()
    named.duty.do(r.LinkTerminal, terminal=BELL)

    def heard(ring: e.BellRing) -> None:
        named.duty.do(r.HearTerminal, terminal=BELL, light="none", since_ms=None, ring=ring, inputs={})

    def rung_ms() -> list[list[int]]:
        steps = [incident["steps"] for incident in named.board()["incidents"]]
        return [[step["at_ms"] for step in told if step["what"] == "bell"] for told in steps]

    heard("trouble")
    named.duty.press()
    assert rung_ms() == [[]]
    named.duty.wait(40)
    heard("alarm")
    begun_ms = named.duty.now_ms
    assert rung_ms() == [[begun_ms]]
    named.duty.wait(1_000)
    named.duty.press(terminal=OTHER_WALL)
    assert rung_ms() == [[begun_ms], [named.duty.now_ms]]
    heard("drill")
    assert rung_ms() == [[begun_ms], [named.duty.now_ms]]


def test_what_lights_and_rings_in_the_commit_of_a_further_press_comes_not_before_it() -> None:
    named = Named()
    named.duty.do(r.LinkTerminal, terminal=BELL)
    named.duty.do(r.LinkTerminal, terminal=WALL)
    named.duty.resolved(named.wang)
    named.board()
    named.duty.do(r.HearTerminal, terminal=BELL, light="none", since_ms=None, ring="alarm", inputs={})
    named.duty.do(r.HearTerminal, terminal=WALL, light="recorded", since_ms=None, ring="none", inputs={})
    named.duty.press()
    further = named.board()["incidents"][-1]
    assert [step["what"] for step in further["steps"]] == ["pressed", "bell"]


def test_a_long_story_keeps_its_beginning() -> None:
    named = Named()
    named.duty.press()
    for _ in range(STEPS_MAX + 10):
        named.duty.press()
    (incident,) = named.board()["incidents"]
    assert len(incident["steps"]) == STEPS_MAX
    assert incident["steps"][0]["what"] == "pressed"


def test_a_lead_whose_pager_has_no_link_is_told_to_be_both() -> None:
    named = Named()
    named.duty.accepted(named.wang)
    named.duty.do(r.LosePager, pager=named.pager_of(named.wang))
    wang, li = named.board()["guards"]
    assert (wang["state"], wang["ready"], wang["reasons"]) == ("lead", False, ["link"])
    assert (li["state"], li["ready"]) == ("silenced", True)


def test_a_case_that_nobody_has_answered_wins_over_one_that_is() -> None:
    named = Named()
    named.duty.accepted(named.wang)
    named.duty.enrol("t-other2")
    named.duty.press(terminal="t-other2")
    assert [guard["state"] for guard in named.board()["guards"]] == ["lead", "called"]


def test_an_arrival_that_is_overdue_says_since_when_and_how_often_it_was_asked() -> None:
    named = Named()
    named.duty.accepted(named.wang)
    (incident,) = named.board()["incidents"]
    due_ms = named.duty.now_ms + 120_000
    wanted = {"what": "on_scene", "guard": named.wang, "due_ms": due_ms, "total_ms": 120_000}
    assert incident["responder"] == {**wanted, "asked": 0, "late_ms": None}
    asked_ms = named.duty.campus.zones[EAST].deadlines.asked_ms
    named.duty.wait(120_000 + 2 * asked_ms)
    (incident,) = named.board()["incidents"]
    assert (incident["responder"]["asked"], incident["responder"]["late_ms"]) == (3, due_ms)
    (page,) = named.pager(named.wang)["pages"]
    assert (page["asked_times"], page["late_ms"]) == (3, due_ms)
    (other,) = named.pager(named.li)["pages"]
    assert (other["asked_times"], other["late_ms"]) == (0, None)


def test_calls_that_repeat_are_one_station_with_its_true_reason() -> None:
    named = Named()
    named.duty.accepted(named.wang)
    named.duty.wait(600_000)
    (incident,) = named.board()["incidents"]
    tiers = [step for step in incident["steps"] if step["what"] == "tier"]
    assert {step["detail"] for step in tiers} == {"not_on_scene"}
    assert tiers[-1]["times"] > 10
    assert tiers[-1]["last_ms"] > tiers[-1]["at_ms"]
    assert len(incident["steps"]) < 8


def test_calls_that_nobody_accepts_are_one_station() -> None:
    named = Named()
    named.duty.press()
    named.duty.wait(600_000)
    (incident,) = named.board()["incidents"]
    assert incident["steps"][-1]["times"] > 10
    assert len(incident["steps"]) < 8


def test_a_drill_and_a_test_that_run_are_told() -> None:
    named = Named()
    until_ms = named.duty.now_ms + 600_000
    assert (named.board()["drills"], named.pager(named.wang)["drill_until_ms"]) == ([], None)
    named.duty.do(r.StartDrill, zone=EAST, until_ms=until_ms, by=CHIEF)
    assert named.board()["drills"] == [{"test": False, "until_ms": until_ms, "name": "East zone"}]
    assert named.pager(named.wang)["drill_until_ms"] == until_ms
    named.duty.do(r.StartTest, terminal=WALL, until_ms=until_ms, by=CHIEF)
    assert [drill["test"] for drill in named.board()["drills"]] == [False, True]


def test_the_line_begins_with_the_press_not_with_its_coming() -> None:
    named = Named()
    heard_ms = named.duty.now_ms
    named.duty.press(event_ms=heard_ms - 11_700, error_ms=140)
    (incident,) = named.board()["incidents"]
    pressed, late = incident["steps"][:2]
    assert (pressed["what"], pressed["at_ms"], pressed["error_ms"]) == ("pressed", heard_ms - 11_700, 140)
    assert (late["what"], late["at_ms"]) == ("late", heard_ms)


def test_a_press_that_comes_at_once_is_one_step() -> None:
    for event_ms in (Duty().now_ms - 9, Duty().now_ms + 5, None):
        named = Named()
        named.duty.press(event_ms=event_ms, error_ms=None if event_ms is None else 8)
        (incident,) = named.board()["incidents"]
        assert [step["what"] for step in incident["steps"]] == ["pressed"]
        assert incident["steps"][0]["at_ms"] == min(event_ms or named.duty.now_ms, named.duty.now_ms)
