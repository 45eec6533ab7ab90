"""Each way in which a fold was once found to fail, by its shortest story."""

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import SEEN_EVENTS_MAX, Campus, copy, restore, snapshot
from hub.dispatch.fold import apply
from hub.dispatch.rules import next_deadline_ms
from hub.dispatch.wanted import alerts, everything_rings, lights
from tests.hub.dispatch.duty import BELL, CHIEF, EAST, WALL, Duty, kinds, one, replay

HOUR_MS = 3_600_000


@pytest.fixture
def duty() -> Duty:
    duty = Duty()
    duty.guard("li"), duty.guard("wang")
    return duty


def test_a_resolve_closes_a_press_nobody_saw(duty: Duty) -> None:
    """The guard taps resolve; another event joins; the resolve arrives."""
    incident = duty.accepted("a-li")
    shown = tuple(incident.events)
    duty.press()
    before = snapshot(duty.campus)
    assert duty.command_refused("resolve", incident, "a-li", covers=shown) == "not_covered"
    assert snapshot(duty.campus) == before
    assert duty.rings() == {"p-li": "alert"}
    duty.command("resolve", incident, "a-li", covers=tuple(incident.events))
    assert incident.state == "resolved"


def test_the_light_lies_the_other_way(duty: Duty) -> None:
    """The accept is on the disk; the disk stalls; the guard releases; the light still said coming."""
    incident = duty.accepted("a-li")
    durable = copy(duty.campus)
    assert lights(duty.campus, durable)[WALL] == "coming"
    duty.command("release", incident, "a-li")
    assert lights(duty.campus, durable)[WALL] == "recorded"


def test_durable_runs_ahead(duty: Duty) -> None:
    """What is decided and not on the disk is promised to nobody, though it rings at once."""
    durable = copy(duty.campus)
    incident = duty.press()
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
    assert lights(duty.campus, durable)[WALL] == "none"
    apply(durable, next(x for x in duty.ledger if isinstance(x, e.IncidentRaised)))
    assert lights(duty.campus, durable)[WALL] == "recorded"
    duty.command("accept", incident, "a-li")
    assert lights(duty.campus, durable)[WALL] == "recorded"


def test_presence_believed_after_restart(duty: Duty) -> None:
    """The last entries say READY and linked; power cycles; nobody comes back."""
    duty.do(r.LinkTerminal, terminal=WALL)
    inputs = {"panic": "open", "loop": "closed", "case": "closed", "buffer": "closed"}
    duty.do(r.HearTerminal, terminal=WALL, light="none", since_ms=None, ring="none", inputs=inputs)
    incident = duty.press()
    duty.hear("p-li", have=(incident.incident,))
    duty.wait(1_000)
    duty.do(r.StartRun, run=2, version="2")
    assert {pager.reasons for pager in duty.campus.pagers.values()} == {("link",)}
    assert not alerts(duty.campus).reachable
    terminal = duty.campus.terminals[WALL]
    assert (terminal.linked, set(terminal.inputs.values())) == (None, {"unknown"})
    assert {a.due_ms for a in incident.assignments.values()} == {duty.now_ms + 3_000}
    assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
    assert one(duty.wait(3_000), e.TierRaised).everyone
    happened = duty.wait(60_000)
    assert {entry.what for entry in happened if isinstance(entry, e.TroubleBegan)} == {"lost", "unreachable"}


@pytest.mark.parametrize("seq", [1, 7])
def test_a_clone_eats_a_press(duty: Duty, seq: int) -> None:
    """B and B' both are (terminal, 1, 7). The second is a press all the same, and trouble besides."""
    first = duty.press(seq=seq, jws="B")
    clone = duty.event(seq=seq, jws="B'")
    assert kinds(clone) == ["EventRecorded", "PressRepeated", "TroubleBegan"]
    assert one(clone, e.EventRecorded).again
    assert (first.presses, len(first.events)) == (2, 2)
    assert one(clone, e.TroubleBegan).what == "cloned"
    assert duty.event(seq=seq, jws="B") == () == duty.event(seq=seq, jws="B'")
    duty.command("accept", first, "a-li")
    duty.command("resolve", first, "a-li")
    assert kinds(duty.event(seq=seq, jws='B"'))[0] == "IncidentRaised"
    # Another boot, or another terminal, may count the same.
    assert not one(duty.event(seq=seq, boot=2), e.EventRecorded).again
    assert not one(duty.event(seq=seq, terminal="t-other"), e.EventRecorded).again


def test_presses_out_of_order_are_no_clones_and_none_is_lost(duty: Duty) -> None:
    """A bare highest number would lose those that come late."""
    for seq in (5, 3, 4, 1):
        assert not one(duty.event(seq=seq), e.EventRecorded).again
    (incident,) = duty.campus.incidents.values()
    assert incident.presses == 4


def test_an_accept_is_lost(duty: Duty) -> None:
    """Crash; the accept comes before the terminal's resend: unknown, kept by its pager, taken when it comes again."""
    on_the_disk = copy(duty.campus)
    name = duty.press(seq=9, jws="lost in the crash").incident
    duty.campus = on_the_disk
    assert duty.command_refused("accept", name, "a-li", command="tap-1") == "unknown_incident"
    incident = duty.press(seq=9, jws="lost in the crash")
    assert incident.incident == name
    duty.command("accept", incident, "a-li", command="tap-1")
    assert incident.lead == "a-li"


def test_an_accept_is_lost_and_its_press_joins_another(duty: Duty) -> None:
    """Crash; a clone presses first; the resent press joins, and no incident has the name that the pager knows."""
    on_the_disk = copy(duty.campus)
    name = duty.press(seq=9, jws="lost in the crash").incident
    duty.campus = on_the_disk
    other = duty.press(seq=9, jws="of the clone")
    assert duty.command_refused("accept", name, "a-li", command="tap-1") == "unknown_incident"
    assert duty.press(seq=9, jws="lost in the crash") is other
    duty.command("accept", name, "a-li", command="tap-1")
    assert other.lead == "a-li"


def test_a_late_resend_never_accepts_again_after_a_release(duty: Duty) -> None:
    incident = duty.press()
    duty.command("accept", incident, "a-li", command="tap-1")
    duty.command("release", incident, "a-li", command="tap-2")
    assert duty.command("accept", incident, "a-li", command="tap-1") == ()
    assert duty.command("release", incident, "a-li", command="tap-2") == ()
    assert incident.state == "raised"
    again = replay(duty.ledger)
    assert again.commands == duty.campus.commands == ["tap-1", "tap-2"]


def test_commands_of_a_closed_incident_are_still_known(duty: Duty) -> None:
    incident = duty.accepted("a-li")
    duty.command("resolve", incident, "a-li", command="tap-9")
    duty.command("close", incident, "a-li")
    assert duty.command("resolve", incident, "a-li", command="tap-9") == ()


def test_a_drill_that_outlives_a_crash(duty: Duty) -> None:
    """ "The drill ends" was decided and lost; then a real press was marked a drill."""
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + HOUR_MS, by=CHIEF)
    duty.do(r.StartTest, terminal=WALL, until_ms=duty.now_ms + HOUR_MS, by=CHIEF)
    durable = replay(duty.ledger)
    duty.do(r.EndDrill, zone=EAST, by=CHIEF)
    duty.campus = durable
    duty.do(r.StartRun, run=2, version="2")
    incident = duty.press()
    assert (incident.drill, incident.test) == (False, False)
    assert duty.bell() == "alarm"
    assert r.StartDrill.lowers
    assert r.StartTest.lowers


def test_a_drill_in_progress_is_not_joined_by_a_real_press_after_the_restart(duty: Duty) -> None:
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + HOUR_MS, by=CHIEF)
    drill = duty.press()
    duty.do(r.StartRun, run=2, version="2")
    assert duty.press().incident != drill.incident
    assert duty.bell() == "alarm"


def test_a_crash_loop(duty: Duty) -> None:
    """An entry makes alerts raise; restart; fold; raise; no bell. So: no entry can, and if one did, all would ring."""
    duty.press()
    for entry in (
        e.TierRaised(
            at_ms=0,
            incident="i-nothing",
            tier=9,
            because="again",
            paged=(e.Paged(guard="a-nobody", due_ms=None),),
            everyone=True,
            repeat_ms=None,
        ),
        e.IncidentRaised(
            at_ms=0,
            incident="i-odd",
            terminal="t-nobody",
            zone="z-nowhere",
            severity="panic",
            drill=False,
            test=False,
            event_ms=None,
            error_ms=None,
            tier=0,
            paged=(),
            everyone=False,
            repeat_ms=None,
        ),
        e.SignedOn(at_ms=0, guard="a-nobody", pager="p-li", zones=("z-nowhere",)),
    ):
        apply(duty.campus, entry)
        assert duty.rings() == {"p-li": "alarm", "p-wang": "alarm"}
        assert duty.do(r.ReachDeadline) == ()
        assert next_deadline_ms(duty.campus) == duty.now_ms + 3_000
    assert everything_rings(duty.campus).bells == {BELL: "fault"}


def test_a_clock_ratchets(duty: Duty) -> None:
    """Ten years ahead for one boot. The count does not follow, and no deadline moves."""
    incident = duty.press()
    before = next_deadline_ms(duty.campus), incident.raised_ms, duty.campus.at_ms
    duty.do(r.SetUtc, offset_ms=10 * 365 * 24 * HOUR_MS, error_ms=None)
    duty.do(r.SetUtc, offset_ms=0, error_ms=20)
    assert (next_deadline_ms(duty.campus), incident.raised_ms, duty.campus.at_ms) == before


def test_replay_under_new_settings(duty: Duty) -> None:
    """15 s become 30 s: what was called before keeps its time, live and in replay."""
    incident = duty.press()
    duty.hear("p-li", have=(incident.incident,))
    due = {guard: page.due_ms for guard, page in incident.assignments.items()}
    new = e.Deadlines(delivered_ms=30_000, accepted_ms=30_000, on_scene_ms=1, roll_call_ms=1)
    duty.do(r.SetZone, zone=EAST, details="", by=CHIEF, deadlines=new)
    assert {guard: page.due_ms for guard, page in incident.assignments.items()} == due
    (again,) = replay(duty.ledger).incidents.values()
    assert {guard: page.due_ms for guard, page in again.assignments.items()} == due
    assert one(duty.command("accept", incident, "a-li"), e.Accepted).due_ms == duty.now_ms + 1


def test_the_only_other_copy_dies(duty: Duty) -> None:
    """A page carries the signed bytes of its events; handed back to a hub that lost them, they raise the same."""
    incident = duty.press(jws="signed bytes")
    assert incident.evidence == ["signed bytes"]
    lost = Duty()
    lost.guard("li")
    (recorded,) = (x for x in duty.ledger if isinstance(x, e.EventRecorded))
    back = lost.press(jws=incident.evidence[0], boot=recorded.boot, seq=recorded.seq)
    assert back.incident == incident.incident
    assert lost.rings() == {"p-li": "alarm"}


def test_copied_dicts_that_grow(duty: Duty) -> None:
    """A hundred thousand remembered identities made each entry cost 2 ms: per terminal the newest few are kept."""
    for _ in range(3 * SEEN_EVENTS_MAX):
        duty.event("restored")
    assert len(duty.campus.terminals[WALL].seen) == SEEN_EVENTS_MAX
    before = duty.campus.terminals[WALL].seen
    duty.event("restored")
    assert duty.campus.terminals[WALL].seen is before


def test_a_snapshot_of_the_campus_is_the_campus(duty: Duty) -> None:
    duty.do(r.StartDrill, zone=EAST, until_ms=duty.now_ms + HOUR_MS, by=CHIEF)
    duty.accepted("a-li")
    duty.event("tamper")
    duty.wait(10_000)
    kept = snapshot(duty.campus)
    assert restore(kept) == duty.campus
    assert snapshot(restore(kept)) == kept
    assert snapshot(replay(duty.ledger)) == kept
    assert copy(duty.campus) is not duty.campus


def test_an_empty_campus_wants_nothing() -> None:
    campus = Campus()
    assert next_deadline_ms(campus) is None
    assert (alerts(campus).pagers, alerts(campus).bells, lights(campus, campus)) == ({}, {}, {})
