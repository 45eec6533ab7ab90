"""What is taken from a pager's browser, and what the engine is told of it, without a network."""

import json
from dataclasses import dataclass, field
from typing import Any, cast

from hub.dispatch.batch import Submission
from hub.dispatch.engine import Engine, View
from hub.dispatch.requests import HearPager, LosePager, Request
from hub.dispatch.wanted import alerts, lights
from hub.links.door import Waiting
from hub.links.pace import BURST_MAX
from hub.links.pagers import PagerLinks, PagerTalk
from hub.links.screens import Screen, Screens
from hub.links.watch import Watch
from hub.names import Names
from tests.hub.dispatch.duty import Duty


@dataclass
class Asked:
    """In the engine's place: what it was asked. `decided` is a campus with one guard at one pager."""

    duty: Duty
    asked: list[Request] = field(default_factory=list)

    @property
    def decided(self) -> Any:
        return self.duty.campus

    def submit(self, submission: Submission, _done: object = None) -> None:
        self.asked.append(submission.request)


class Window:
    """In the screen's place: how often it was told to look again."""

    refreshed = 0

    def refresh(self) -> None:
        self.refreshed += 1


class Desk:
    """One pager with its browsers."""

    def __init__(self) -> None:
        self.engine = Asked(Duty())
        self.window = Window()
        guard = self.engine.duty.guard("wang")
        self.pager = next(p.pager for p in self.engine.duty.campus.pagers.values() if p.guard == guard)
        screens = Screens(cast(Engine, self.engine), lambda: 1_000, Waiting(lambda: None))
        self._links = PagerLinks(screens, Names(()), Watch(), lambda _jws, _done: None)
        self._screens = screens

    def browser(self, holds: bool = True) -> PagerTalk:
        return PagerTalk(self._links, self._screens, self.pager, lambda: holds)

    def view(self) -> View:
        campus = self.engine.duty.campus
        return View(campus, campus, alerts(campus), lights(campus, campus), False)

    def ends(self, talk: PagerTalk) -> None:
        self._links.left(talk)

    def says(self, talk: PagerTalk, frame: str) -> None:
        talk.take(cast(Any, talk.decode(frame)), cast(Screen, self.window))


def state(sound: str = "running", visible: bool = True, **lists: list[str]) -> str:
    said: dict[str, list[str]] = {"have": [], "seen": [], "ringing": []} | lists
    return json.dumps({"type": "state", "sound": sound, "visible": visible, "awake": visible, **said})


HIDDEN = state("unarmed", visible=False)
RESOLVE = '{"type":"command","id":"longenough","do":"resolve","incident":"i-1","outcome":"mistaken"}'
OTHERS = (
    '{"type":"evidence","jws":["a.b.c"]}',
    '{"type":"sign_off"}',
    state(),
)


def test_nothing_is_taken_from_a_browser_whose_key_is_no_more() -> None:
    """Between the new key's commit and the end of the old browser's connection frames may still come."""
    desk = Desk()
    lost = desk.browser(holds=False)
    for frame in (RESOLVE, *OTHERS):
        desk.says(lost, frame)
    assert desk.engine.asked == []
    assert desk.window.refreshed == 1 + len(OTHERS)
    assert lost.render(cast(View, None)) is None


def heard(desk: Desk) -> list[Any]:
    """As what the engine was told of the pager: (sound, visible), or None where it was lost."""
    told = [r for r in desk.engine.asked if isinstance(r, HearPager | LosePager)]
    return [(r.sound, r.visible) if isinstance(r, HearPager) else None for r in told]


def test_a_second_tab_in_the_background_takes_nothing_from_a_pager_that_is_ready() -> None:
    desk = Desk()
    front, behind = desk.browser(), desk.browser()
    for talk, said in ((front, state()), (behind, HIDDEN), (front, state()), (behind, HIDDEN)):
        desk.says(talk, said)
    assert heard(desk) == [("running", True)] * 4


def test_a_pager_has_what_any_of_its_tabs_has() -> None:
    desk = Desk()
    front, behind = desk.browser(), desk.browser()
    desk.says(behind, state("running", visible=False, have=["a", "b"], seen=["a"]))
    desk.says(front, state("running", have=["b", "c"], ringing=["c"]))
    told = desk.engine.asked[-1]
    assert isinstance(told, HearPager)
    assert (set(told.have), told.seen, told.ringing, told.visible) == ({"a", "b", "c"}, ("a",), ("c",), True)


def test_the_end_of_the_best_tab_leaves_what_the_others_said() -> None:
    desk = Desk()
    front, behind = desk.browser(), desk.browser()
    desk.says(front, state())
    desk.says(behind, HIDDEN)
    desk.ends(front)
    desk.ends(behind)
    assert heard(desk) == [("running", True), ("running", True), ("unarmed", False), None]


def test_a_browser_that_changes_all_the_time_is_told_of_so_often_and_at_its_end() -> None:
    desk = Desk()
    mad, calm = desk.browser(), desk.browser()
    for turn in range(2 * BURST_MAX):
        desk.says(mad, (state(), HIDDEN)[turn % 2])
    assert len(heard(desk)) == BURST_MAX
    desk.says(calm, state())
    desk.ends(mad)
    desk.ends(calm)
    assert heard(desk)[BURST_MAX:] == [None]


def test_a_tab_that_has_said_nothing_keeps_no_pager_ready() -> None:
    desk = Desk()
    spoke, _mute = desk.browser(), desk.browser()
    desk.says(spoke, state())
    desk.ends(spoke)
    assert heard(desk) == [("running", True), None]


def test_a_tab_that_said_nothing_changes_nothing_when_it_ends() -> None:
    desk = Desk()
    spoke, mute = desk.browser(), desk.browser()
    desk.says(spoke, state())
    desk.ends(mute)
    assert heard(desk) == [("running", True)] * 2


def test_what_is_shown_already_is_not_sent_again() -> None:
    desk = Desk()
    first, second = desk.browser(), desk.browser()
    looks = [json.loads(first.render(desk.view()) or "{}")["type"], first.render(desk.view())]
    assert looks == ["snapshot", ""]
    assert second.render(desk.view())
    desk.engine.duty.press()
    assert json.loads(first.render(desk.view()) or "")["pages"]
