"""Any day on a campus, with both folds as the engine keeps them: what must hold after each step, whatever was asked.

`decided` has everything decided but for what lowers attention and is not committed; `durable` what is committed. After
each step every deadline that is due is reached, as the engine does.
"""

from dataclasses import dataclass
from typing import Any, get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.calls import waited_for
from hub.dispatch.campus import (
    COVERED_EVENTS_MAX,
    EVIDENCE_EVENTS_MAX,
    SEEN_COMMANDS_MAX,
    SEEN_EVENTS_MAX,
    Incident,
    copy,
    responders,
    restore,
    snapshot,
)
from hub.dispatch.rules import next_deadline_ms
from hub.dispatch.rules_place import DRILL_MS_MAX
from hub.dispatch.wanted import alerts, lights
from tests.hub.dispatch.duty import CHIEF, EAST, WEST, Duty, digest_of, replay
from tests.hub.dispatch.two_folds import TwoFolds

GUARDS = ("a-li", "a-wang", "a-west")
PAGERS = ("p-li", "p-wang", "p-west", "p-desk")
WALLS = ("t-wall", "t-other", "t-silent")
ZONES = (EAST, WEST)
NO_ALARMS = ("tamper", "supply", "stuck", "restored", "started", "unknown")
TIERS: tuple[tuple[e.TierName, ...], ...] = (
    ("zone", "campus", "everyone"),
    ("zone",),
    ("everyone",),
    ("zone", "campus"),
    ("campus", "zone"),
)
DOS: tuple[r.Do, ...] = get_args(r.Do)
ANSWERS: tuple[r.Do, ...] = ("accept", "accept", "decline", "release", "on_scene", "sign", "backup", "resolve")


@dataclass(frozen=True)
class Press:
    said: dict[str, Any]
    drill: bool
    test: bool


class AnyDay(TwoFolds, RuleBasedStateMachine):
    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        duty = Duty()
        for name, zone in (("li", EAST), ("wang", EAST), ("west", WEST)):
            duty.guard(name, zone=zone)
        duty.pager("p-desk")
        duty.enrol("t-silent", zone=WEST, silent=True)
        TwoFolds.__init__(self, duty)
        self.presses: list[Press] = []
        self.commands: list[dict[str, Any]] = []

    # ── what happens ─────────────────────────────────────────────────────────────────────────────────────────

    @rule(wall=st.sampled_from(WALLS), what=st.sampled_from(("panic", "panic", "perimeter")), seq=st.integers(0, 6))
    def press(self, wall: str, what: str, seq: int) -> None:
        jws = f"{wall}/{len(self.presses)}"
        said = {
            "terminal": wall,
            "digest": digest_of(jws),
            "jws": jws,
            "boot": 1,
            "seq": seq,
            "input": "panic",
            "what": what,
            "event_ms": None,
            "error_ms": None,
            "mono_ms": 1,
        }
        terminal = self.decided.terminals[wall]
        drill_ms, test_ms = self.decided.zones[terminal.zone].drill_until_ms, terminal.test_until_ms
        entries = self.ask(r.ReceiveEvent, **said)
        if entries is None:
            assert terminal.revoked
        else:
            drill = drill_ms is not None and drill_ms > self.now_ms
            test = test_ms is not None and test_ms > self.now_ms
            self.presses.append(Press(said, drill, test))

    @rule(wall=st.sampled_from(WALLS), what=st.sampled_from(NO_ALARMS))
    def say(self, wall: str, what: str) -> None:
        jws = f"{wall}/{what}/{self.now_ms}/{len(self.ledger)}/{len(self.pending)}"
        said = {"terminal": wall, "digest": digest_of(jws), "jws": jws, "input": "case", "what": what}
        self.ask(r.ReceiveEvent, **said, boot=0, seq=0, event_ms=None, error_ms=None, mono_ms=0)

    @precondition(lambda self: self.presses)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        said = data.draw(st.sampled_from(self.presses)).said
        revoked = self.decided.terminals[said["terminal"]].revoked
        assert self.ask(r.ReceiveEvent, **said) == (None if revoked else ())

    @precondition(lambda self: self.decided.incidents)
    @rule(
        data=st.data(),
        do=st.sampled_from(ANSWERS) | st.sampled_from(DOS),
        guard=st.sampled_from((*GUARDS, "a-nobody")),
        by=st.sampled_from(("own", "own", CHIEF, "p-desk")),
        seen=st.booleans(),
    )
    def command(self, data: st.DataObject, do: r.Do, guard: str, by: str, seen: bool) -> None:
        incident = self.decided.incidents[data.draw(st.sampled_from(sorted(self.decided.incidents)))]
        said = {
            "command": f"command-{len(self.commands)}",
            "do": do,
            "incident": incident.incident,
            "guard": guard,
            "by": f"p-{guard.removeprefix('a-')}" if by == "own" else by,
            "covers": tuple(incident.events) if seen else tuple(incident.events[1:]),
            "outcome": "genuine",
        }
        events, unanswered = list(incident.events), not responders(incident)
        entries = self.ask(r.Command, **said)
        self.commands.append(said)
        if do == "resolve" and entries:
            assert set(events) <= set(said["covers"])
            assert not unanswered or by == CHIEF

    @precondition(lambda self: self.commands)
    @rule(data=st.data())
    def tap_again(self, data: st.DataObject) -> None:
        said = data.draw(st.sampled_from(self.commands))
        known = said["command"] in self.decided.commands
        entries = self.ask(r.Command, **said)
        assert not known or entries == ()

    @rule(data=st.data(), pager=st.sampled_from(PAGERS), well=st.booleans())
    def hear_pager(self, data: st.DataObject, pager: str, well: bool) -> None:
        some = st.lists(st.sampled_from((*sorted(self.decided.incidents), "i-nothing")), max_size=2).map(tuple)
        have = data.draw(some)
        self.ask(
            r.HearPager,
            pager=pager,
            sound="running" if well else "suspended",
            visible=True,
            awake=True,
            battery_percent=50,
            charging=None,
            have=have,
            seen=have if well else (),
            ringing=have,
        )

    @rule(pager=st.sampled_from(PAGERS))
    def lose_pager(self, pager: str) -> None:
        self.ask(r.LosePager, pager=pager)

    @rule(pager=st.sampled_from(PAGERS), guard=st.sampled_from(GUARDS))
    def sign_on(self, pager: str, guard: str) -> None:
        self.ask(r.SignOn, pager=pager, guard=guard)

    @rule(pager=st.sampled_from(PAGERS))
    def sign_off(self, pager: str) -> None:
        self.ask(r.SignOff, pager=pager, by=CHIEF)

    @rule(pager=st.sampled_from(PAGERS), gone=st.booleans())
    def change_pagers(self, pager: str, gone: bool) -> None:
        if gone:
            self.ask(r.RevokePager, pager=pager, by=CHIEF)
        else:
            self.ask(r.MakePager, pager=pager, details="", by=CHIEF)

    @rule(guard=st.sampled_from(GUARDS), gone=st.booleans())
    def change_guards(self, guard: str, gone: bool) -> None:
        if gone:
            self.ask(r.RemoveAccount, account=guard, by=CHIEF)
        else:
            self.ask(r.AddAccount, account=guard, roles=("guard",), zones=(), details="", by=CHIEF)

    @rule(
        zone=st.sampled_from(ZONES),
        tiers=st.sampled_from(TIERS),
        delivered_ms=st.integers(1, 5_000),
        accepted_ms=st.integers(1, 30_000),
    )
    def set_zone(self, zone: str, tiers: tuple[e.TierName, ...], delivered_ms: int, accepted_ms: int) -> None:
        deadlines = e.Deadlines(delivered_ms=delivered_ms, accepted_ms=accepted_ms)
        self.ask(r.SetZone, zone=zone, details="", by=CHIEF, tiers=tiers, deadlines=deadlines)

    @rule(zone=st.sampled_from(ZONES), wall=st.sampled_from(WALLS), ms=st.integers(1, DRILL_MS_MAX))
    def rehearse(self, zone: str, wall: str, ms: int) -> None:
        self.ask(r.StartDrill, zone=zone, until_ms=self.now_ms + ms, by=CHIEF)
        self.ask(r.StartTest, terminal=wall, until_ms=self.now_ms + ms // 2, by=CHIEF)

    @rule(zone=st.sampled_from(ZONES), wall=st.sampled_from(WALLS))
    def end_rehearsal(self, zone: str, wall: str) -> None:
        self.ask(r.EndDrill, zone=zone, by=CHIEF)
        self.ask(r.EndTest, terminal=wall, by=CHIEF)

    @rule(wall=st.sampled_from((*WALLS, "t-bell")), linked=st.booleans())
    def link(self, wall: str, linked: bool) -> None:
        self.ask(r.LinkTerminal if linked else r.LoseTerminal, terminal=wall)

    @rule(wall=st.sampled_from((*WALLS, "t-bell")), light=st.sampled_from(get_args(e.LightState)))
    def hear_terminal(self, wall: str, light: e.LightState) -> None:
        self.ask(r.HearTerminal, terminal=wall, light=light, since_ms=None, ring="alarm", inputs={"panic": "open"})

    @rule(wall=st.sampled_from((*WALLS, "t-bell")))
    def revoke_terminal(self, wall: str) -> None:
        self.ask(r.RevokeTerminal, terminal=wall, by=CHIEF)

    @precondition(lambda self: self.decided.troubles)
    @rule(data=st.data())
    def see_trouble(self, data: st.DataObject) -> None:
        trouble = self.decided.troubles[data.draw(st.sampled_from(sorted(self.decided.troubles)))]
        self.ask(r.SeeTrouble, what=trouble.what, about=trouble.about, by=CHIEF)

    @rule(ms=st.integers(1, 20_000) | st.integers(1, 600_000))
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self.reach()

    @rule()
    def wait_for_the_next_deadline(self) -> None:
        due_ms = next_deadline_ms(self.decided)
        if due_ms is not None:
            self.now_ms = max(self.now_ms, due_ms)
            self.reach()

    @rule(count=st.integers(1, 20))
    def commit_some(self, count: int) -> None:
        self.commit(count)
        self.reach()

    @rule()
    def crash(self) -> None:
        """What is not on the disk is gone."""
        self.pending.clear()
        self.decided = copy(self.durable)
        self.presses = [p for p in self.presses if p.said["digest"] in self.durable.terminals[p.said["terminal"]].seen]
        self.ask(r.StartRun, run=self.durable.run + 1, version="1")

    # ── what must hold ───────────────────────────────────────────────────────────────────────────────────────

    @invariant()
    def whoever_is_not_answered_is_waited_for(self) -> None:
        for incident in self.decided.incidents.values():
            if incident.state == "resolved":
                assert not incident.calling
            elif responders(incident):
                assert any(a.due_ms is not None for a in responders(incident))
            else:
                assert incident.calling
            if incident.calling:
                assert incident.repeat_ms is not None or waited_for(incident)
        due_ms = next_deadline_ms(self.decided)
        assert due_ms is None or due_ms > self.now_ms

    @invariant()
    def whoever_is_not_answered_is_heard(self) -> None:
        wanted = alerts(self.decided)
        for incident in self.decided.incidents.values():
            if incident.state != "resolved" and not responders(incident):
                pager_rings = any(rings.get(incident.incident) == "alarm" for rings in wanted.pagers.values())
                sound = "drill" if incident.drill or incident.test else "alarm"
                bell_rings = any(bell in (sound, "alarm") for bell in wanted.bells.values())
                assert pager_rings or not wanted.pagers
                assert bell_rings or not wanted.bells

    @invariant()
    def who_answered_is_not_called(self) -> None:
        wanted = alerts(self.decided)
        for pager in self.decided.pagers.values():
            for name, ring in wanted.pagers[pager.pager].items():
                mine = self.decided.incidents[name].assignments.get(pager.guard or "")
                assert (ring in ("ask", "alert")) == (mine is not None and mine.state in ("accepted", "on_scene"))

    @invariant()
    def the_lead_is_a_responder(self) -> None:
        for incident in self.decided.incidents.values():
            if incident.state != "resolved":
                guards = [a.guard for a in responders(incident)]
                assert incident.lead in guards if guards else incident.lead == ""
                on_scene = any(a.state == "on_scene" for a in responders(incident))
                assert incident.state == ("on_scene" if on_scene else "dispatched" if guards else "raised")

    @invariant()
    def real_presses_and_drills_are_apart(self) -> None:
        for press in self.presses:
            name = self.decided.event_incidents.get(press.said["digest"])
            if name is not None:
                incident: Incident = self.decided.incidents[name]
                assert incident.terminal == press.said["terminal"]
                if name == f"i-{press.said['digest'][:20]}":
                    assert (incident.drill, incident.test) == (press.drill, press.test)

    @invariant()
    def lights_promise_only_what_both_folds_say(self) -> None:
        lit = lights(self.decided, self.durable)
        promised = {"coming": ("dispatched", "on_scene"), "here": ("on_scene",)}
        for wall, light in lit.items():
            for campus in (self.decided, self.durable) if light in promised else ():
                states = [i.state for i in campus.incidents.values() if i.terminal == wall and i.state != "resolved"]
                assert all(state in promised[light] for state in states)
            if light == "recorded":
                assert any(i.terminal == wall for i in self.durable.incidents.values())

    @invariant()
    def the_folds_agree(self) -> None:
        assert self.decided == self.rebased()
        assert restore(snapshot(self.decided)) == self.decided

    @invariant()
    def everything_has_a_limit(self) -> None:
        assert len(self.decided.commands) <= SEEN_COMMANDS_MAX
        assert all(len(terminal.seen) <= SEEN_EVENTS_MAX for terminal in self.decided.terminals.values())
        for incident in self.decided.incidents.values():
            assert len(incident.events) <= COVERED_EVENTS_MAX
            assert len(incident.evidence) <= EVIDENCE_EVENTS_MAX
        covered = sum(len(incident.events) for incident in self.decided.incidents.values())
        assert len(self.decided.event_incidents) == covered

    def teardown(self) -> None:
        self.commit(len(self.pending))
        assert snapshot(replay(self.ledger)) == snapshot(self.durable)
        assert self.decided == self.durable


AnyDay.TestCase.settings = settings(max_examples=60, stateful_step_count=60)
# To make a day that fails a short one takes its time.
TestAnyDay = pytest.mark.timeout(400)(AnyDay.TestCase)
