"""The log, the run, zones, terminals, drills: what administrators and terminals' links lead to."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus, copy
from hub.dispatch.fold import apply
from hub.dispatch.rules_place import DEADLINE_MS_MAX, DRILL_MS_MAX, RESTART_DUE_MS
from tests.hub.dispatch.duty import BELL, CHIEF, EAST, WALL, Duty, kinds, one

ENROL = {
    "terminal": "t-new",
    "zone": EAST,
    "role": "wall",
    "algorithm": "EdDSA",
    "key": "k",
    "inputs": {"panic": "panic"},
    "silent": False,
    "details": "",
    "by": CHIEF,
}
ZONE = {"zone": EAST, "details": "", "by": CHIEF}


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li")
    return duty


def status(duty: Duty, terminal: str = WALL, **said: object) -> tuple[e.Entry, ...]:
    fine = dict.fromkeys(duty.campus.terminals[terminal].input_kinds, "open")
    plain = {"light": "none", "since_ms": None, "ring": "none", "inputs": fine}
    return duty.do(r.HearTerminal, terminal=terminal, **{**plain, **said})


# ── the log, the run, the time ──────────────────────────────────────────────────────────────────────────────


def test_a_log_begins_and_names_the_one_before(duty: Duty) -> None:
    began = one(duty.do(r.BeginLog, origin="here/2", previous_origin="here/1", previous_size=7), e.LogBegan)
    assert (began.origin, began.previous_origin, began.previous_size) == ("here/2", "here/1", 7)
    assert duty.campus.origin == "here/2"


def test_a_campus_is_founded_once() -> None:
    duty = Duty()
    duty.campus = Campus()
    duty.do(r.FoundCampus, campus="c-here", details="d" * 64)
    assert (duty.campus.campus, duty.campus.details) == ("c-here", "d" * 64)
    assert duty.refused(r.FoundCampus, campus="c-other", details="") == "known_campus"


def test_the_time_of_day_is_an_entry(duty: Duty) -> None:
    duty.do(r.SetUtc, offset_ms=-5, error_ms=None)
    duty.do(r.SetUtc, offset_ms=7, error_ms=3)
    assert (duty.campus.utc_offset_ms, duty.campus.utc_error_ms) == (7, 3)


def test_a_restart_keeps_calls_and_asks_before_it_misses_anybody(duty: Duty) -> None:
    duty.guard("wang")
    duty.enrol("t-next")
    answered, called = duty.accepted("a-li"), duty.press("t-next")
    duty.command("on_scene", answered, "a-li")
    duty.wait(310_000)
    assert answered.assignments["a-li"].asked == "roll_call"
    duty.hear("p-wang", have=(called.incident,), ringing=(called.incident,))
    status(duty, BELL, ring="alarm")
    started = one(duty.do(r.StartRun, run=2, version="2"), e.RunStarted)
    assert (duty.campus.run, started.due_ms) == (2, duty.now_ms + RESTART_DUE_MS)
    assert duty.campus.terminals[BELL].ring == "none"
    assert answered.assignments["a-li"].due_ms == started.due_ms == called.repeat_ms
    assert (answered.assignments["a-li"].asked, answered.assignments["a-li"].misses) == ("", 0)
    assert not called.assignments["a-wang"].ringing
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
    happened = duty.wait(RESTART_DUE_MS)
    assert sorted(kinds(happened)) == ["Asked", "TierRaised"]


def test_a_trouble_of_the_disk_ends_with_the_run_that_had_it(duty: Duty) -> None:
    """Or the next run could not say that its disk fails, for that would be no news."""
    about = duty.campus.campus
    duty.do(r.ReportTrouble, what="disk", about=about, began=True)
    assert kinds(duty.do(r.StartRun, run=2, version="2")) == ["RunStarted", "TroubleEnded"]
    assert kinds(duty.do(r.ReportTrouble, what="disk", about=about, began=True)) == ["TroubleBegan"]


def test_the_campus_knows_the_newest_time_it_was_told_of(duty: Duty) -> None:
    """Hub time goes on from there after a restart, and so never back."""
    duty.now_ms += 77
    duty.press()
    assert duty.campus.at_ms == duty.now_ms
    apply(duty.campus, e.AlertEnded(at_ms=5, incident="i-nothing"))
    assert duty.campus.at_ms == duty.now_ms


# ── zones ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_zone_keeps_its_drill_when_its_times_change(duty: Duty) -> None:
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + 5, by=CHIEF)
    duty.do(r.SetZone, **ZONE, deadlines=e.Deadlines(delivered_ms=9))
    zone = duty.campus.zones[EAST]
    assert (zone.deadlines.delivered_ms, zone.drill_until_ms) == (9, duty.now_ms + 5)


def test_a_step_may_take_as_long_as_that(duty: Duty) -> None:
    duty.do(r.SetZone, **ZONE, deadlines=e.Deadlines(delivered_ms=1, closed_ms=DEADLINE_MS_MAX))
    assert duty.campus.zones[EAST].deadlines.closed_ms == DEADLINE_MS_MAX


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"tiers": ()}, "no_tier"),
        ({"deadlines": e.Deadlines(accepted_ms=0)}, "no_time"),
        ({"deadlines": e.Deadlines(roll_call_ms=-1)}, "no_time"),
        ({"deadlines": e.Deadlines(closed_ms=DEADLINE_MS_MAX + 1)}, "time_too_long"),
    ],
)
def test_a_zone_without_tiers_or_time_is_refused(duty: Duty, said: dict[str, object], reason: str) -> None:
    assert duty.refused(r.SetZone, **ZONE, **said) == reason


# ── terminals ───────────────────────────────────────────────────────────────────────────────────────────────


def test_an_enrolled_terminal_is_unknown_until_it_links(duty: Duty) -> None:
    duty.do(r.EnrolTerminal, **ENROL)
    terminal = duty.campus.terminals["t-new"]
    assert (terminal.linked, terminal.inputs, terminal.waited_from_ms) == (None, {"panic": "unknown"}, duty.now_ms)


@pytest.mark.parametrize(
    ("said", "reason"), [({"terminal": WALL}, "known_terminal"), ({"zone": "z-nowhere"}, "unknown_zone")]
)
def test_a_terminal_that_makes_no_sense_is_refused(duty: Duty, said: dict[str, object], reason: str) -> None:
    assert duty.refused(r.EnrolTerminal, **{**ENROL, **said}) == reason


def test_lost_contact_is_trouble_once_and_ends_when_it_links(duty: Duty) -> None:
    assert kinds(duty.do(r.LinkTerminal, terminal=WALL)) == ["LinkChanged"]
    assert duty.do(r.LinkTerminal, terminal=WALL) == ()
    lost = duty.do(r.LoseTerminal, terminal=WALL)
    assert kinds(lost) == ["LinkChanged", "TroubleBegan"]
    assert duty.do(r.LoseTerminal, terminal=WALL) == ()
    assert (duty.campus.incidents, duty.bell()) == ({}, "trouble")
    assert kinds(duty.do(r.LinkTerminal, terminal=WALL)) == ["LinkChanged", "TroubleEnded"]


def test_what_is_lost_is_unknown_not_calm(duty: Duty) -> None:
    duty.do(r.LinkTerminal, terminal=WALL)
    status(duty)
    assert set(duty.campus.terminals[WALL].inputs.values()) == {"open"}
    duty.do(r.LoseTerminal, terminal=WALL)
    assert set(duty.campus.terminals[WALL].inputs.values()) == {"unknown"}


def test_what_is_known_stays_known_when_a_terminal_links(duty: Duty) -> None:
    status(duty)
    status(duty, BELL, ring="alarm")
    for terminal in (WALL, BELL):
        duty.do(r.LinkTerminal, terminal=terminal)
    assert set(duty.campus.terminals[WALL].inputs.values()) == {"open"}
    assert duty.campus.terminals[BELL].ring == "alarm"


def test_only_what_changed_about_a_terminal_is_recorded(duty: Duty) -> None:
    assert kinds(status(duty)) == ["InputsRead"]
    assert status(duty) == ()
    assert one(status(duty, light="recorded", since_ms=5), e.LightShown).since_ms == 5
    assert status(duty, light="recorded", since_ms=6) == ()
    assert kinds(status(duty, BELL, ring="alarm")) == ["BellSounded"]
    assert duty.campus.terminals[BELL].ring == "alarm"
    duty.do(r.LinkTerminal, terminal=BELL)
    duty.do(r.LoseTerminal, terminal=BELL)
    assert duty.campus.terminals[BELL].ring == "none"


def test_an_input_that_can_not_be_read_is_trouble(duty: Duty) -> None:
    status(duty)
    read = {"panic": "open", "loop": "closed", "buffer": "closed"}
    changes = status(duty, inputs=read | {"other": "closed"})
    assert kinds(changes) == ["InputsRead", "TroubleBegan"]
    assert one(changes, e.InputsRead).inputs == read | {"case": "unknown"}
    assert one(changes, e.TroubleBegan).about == f"{WALL}/case"
    assert kinds(status(duty)) == ["InputsRead", "TroubleEnded"]


def test_a_revoked_terminal_is_over_with_all_its_trouble(duty: Duty) -> None:
    duty.do(r.LinkTerminal, terminal=WALL)
    duty.do(r.LoseTerminal, terminal=WALL)
    duty.event("tamper")
    duty.enrol("t-walled")
    duty.event("tamper", terminal="t-walled")
    revoked = duty.do(r.RevokeTerminal, terminal=WALL, by=CHIEF)
    assert kinds(revoked) == ["TerminalRevoked", "TroubleEnded", "TroubleEnded"]
    assert duty.campus.terminals[WALL].linked is None
    assert list(duty.campus.troubles) == ["tamper:t-walled/case"]
    assert duty.do(r.LoseTerminal, terminal=WALL) == ()


def test_a_revoked_terminals_incident_stays(duty: Duty) -> None:
    duty.press()
    duty.do(r.RevokeTerminal, terminal=WALL, by=CHIEF)
    assert duty.rings() == {"p-li": "alarm"}


def test_a_token_is_recorded_and_changes_nothing(duty: Duty) -> None:
    before = copy(duty.campus)
    made = one(duty.do(r.MakeToken, terminal="t-new", zone=EAST, until_ms=9, by=CHIEF), e.TokenMade)
    assert (made.terminal, made.zone, made.until_ms, made.by) == ("t-new", EAST, 9, CHIEF)
    assert duty.campus.terminals == before.terminals


# ── drills and tests ────────────────────────────────────────────────────────────────────────────────────────


def test_drills_and_tests_end_on_request_once(duty: Duty) -> None:
    until_ms = duty.now_ms + DRILL_MS_MAX
    duty.do(r.StartDrill, zone=EAST, until_ms=until_ms, by=CHIEF)
    duty.do(r.StartTest, terminal=WALL, until_ms=until_ms, by=CHIEF)
    assert kinds(duty.do(r.EndDrill, zone=EAST, by=CHIEF)) == ["DrillEnded"]
    assert kinds(duty.do(r.EndTest, terminal=WALL, by=CHIEF)) == ["TestEnded"]
    assert duty.do(r.EndDrill, zone=EAST, by=CHIEF) == duty.do(r.EndTest, terminal=WALL, by=CHIEF) == ()


@pytest.mark.parametrize("in_ms", [-1, 0, DRILL_MS_MAX + 1])
def test_drills_and_tests_have_an_end_in_reach(duty: Duty, in_ms: int) -> None:
    until_ms = duty.now_ms + in_ms
    assert duty.refused(r.StartDrill, zone=EAST, until_ms=until_ms, by=CHIEF) == "drill_too_long"
    assert duty.refused(r.StartTest, terminal=WALL, until_ms=until_ms, by=CHIEF) == "drill_too_long"


@pytest.mark.parametrize(
    ("kind", "said", "reason"),
    [
        (r.StartDrill, {"zone": "z-nowhere", "until_ms": 1}, "unknown_zone"),
        (r.MakeToken, {"terminal": "t-new", "zone": "z-nowhere", "until_ms": 1}, "unknown_zone"),
        (r.EndDrill, {"zone": "z-nowhere"}, "unknown_zone"),
        (r.StartTest, {"terminal": "t-nobody", "until_ms": 1}, "unknown_terminal"),
        (r.EndTest, {"terminal": "t-gone"}, "revoked"),
        (r.RevokeTerminal, {"terminal": "t-nobody"}, "unknown_terminal"),
        (r.RevokeTerminal, {"terminal": "t-gone"}, "revoked"),
    ],
)
def test_what_is_not_there_is_refused(duty: Duty, kind: type[r.Request], said: dict[str, object], reason: str) -> None:
    duty.enrol("t-gone")
    duty.do(r.RevokeTerminal, terminal="t-gone", by=CHIEF)
    assert duty.refused(kind, **said, by=CHIEF) == reason


@pytest.mark.parametrize("terminal", ["t-nobody", "t-gone"])
def test_links_and_words_of_what_is_not_there(duty: Duty, terminal: str) -> None:
    duty.enrol("t-gone")
    duty.do(r.RevokeTerminal, terminal="t-gone", by=CHIEF)
    reason = {"t-nobody": "unknown_terminal", "t-gone": "revoked"}[terminal]
    assert duty.refused(r.LinkTerminal, terminal=terminal) == reason
    with pytest.raises(r.Refused, match=reason):
        duty.do(r.HearTerminal, terminal=terminal, light="none", since_ms=None, ring="none", inputs={})
    assert duty.do(r.LoseTerminal, terminal=terminal) == ()


# ── what lowers ─────────────────────────────────────────────────────────────────────────────────────────────


def test_what_lowers_attention_waits_for_the_disk_and_nothing_else_does() -> None:
    lowering = {kind.__name__ for kind in r.Request.__subclasses__() if kind.lowers}
    assert lowering == {
        "SignOff",
        "RevokeTerminal",
        "RevokePager",
        "RemoveAccount",
        "StartDrill",
        "StartTest",
    }
