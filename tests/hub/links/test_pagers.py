"""What is taken from a pager's browser, and what the engine is told of it, without a network."""

from dataclasses import dataclass, field
from typing import Any, cast

from hub.dispatch.engine import Engine, View
from hub.dispatch.requests import Request
from hub.ledger.batch import Submission
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
        screens = Screens(cast(Engine, self.engine), lambda: 1_000)
        self._links = PagerLinks(screens, Names(()), Watch(), lambda _jws, _done: None)
        self._screens = screens

    def browser(self, holds: bool = True) -> PagerTalk:
        return PagerTalk(self._links, self._screens, self.pager, lambda: holds)

    def says(self, talk: PagerTalk, frame: str) -> None:
        talk.take(cast(Any, talk.decode(frame)), cast(Screen, self.window))


RESOLVE = '{"type":"command","id":"longenough","do":"resolve","incident":"i-1","outcome":"mistaken"}'
OTHERS = (
    '{"type":"evidence","jws":["a.b.c"]}',
    '{"type":"sign_off"}',
    '{"type":"state","sound":"running","visible":true,"awake":true,"have":[],"seen":[],"ringing":[]}',
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
