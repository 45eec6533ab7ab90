"""People: who looks at a pager, taps, walks, hesitates, forgets; and signs on and off."""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hub.dispatch.requests import Request, SignOn
from tests.simulation.pagers import Pager
from tests.simulation.virtual_time import VirtualLoop

LOOK_MS = (400, 1_600)
OUTCOMES = ("genuine", "mistaken", "malicious", "fault", "unfounded")
SIGN_ON_MS = 2_000


@dataclass(frozen=True, slots=True)
class Temper:
    """What a guard is like. Shares are of 100. `react_ms`, `walk_ms`, `stay_ms`: least and most."""

    react_ms: tuple[int, int]
    walk_ms: tuple[int, int]
    stay_ms: tuple[int, int]
    declines: int = 0
    ignores: int = 0
    releases: int = 0
    backs_up: int = 0
    deaf_to_questions: int = 0
    taps_twice: int = 0


DILIGENT = Temper(react_ms=(500, 2_000), walk_ms=(1_000, 3_000), stay_ms=(1_000, 3_000))


@dataclass(slots=True)
class Guard:
    """`ask` puts a request of the web's to the hub; it makes it with the hub's time."""

    account: str
    pagers: list[Pager]
    temper: Temper
    random: Random
    loop: VirtualLoop
    ask: Callable[[Callable[[int], Request]], None]
    on_duty: bool = True
    away: bool = False
    _plans: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    """(incident, in which state of mine) → when to do what; what is done stays, as "" to do."""
    _tapped: dict[str, str] = field(default_factory=dict)
    _sign_on_ms: int = 0

    def start(self) -> None:
        self._look()

    def settle_down(self) -> None:
        """From now on this guard does what a guard should."""
        self.temper, self.away, self.on_duty = DILIGENT, False, True
        self._plans.clear()

    def sign_off(self) -> None:
        self.on_duty = False
        for pager in self.pagers:
            if self._is_mine(pager):
                pager.sign_off()

    def _is_mine(self, pager: Pager) -> bool:
        return bool(pager.snapshot and pager.snapshot["guard"] and pager.snapshot["guard"]["id"] == self.account)

    def _look(self) -> None:
        self.loop.in_ms(self.random.randint(*LOOK_MS), self._look)
        if self.away:
            return
        for pager in self.pagers:
            if not pager.shows_hub:
                continue
            if self._is_mine(pager):
                for page in pager.pages():
                    self._consider(pager, page)
            elif self.on_duty and pager.snapshot and pager.snapshot["guard"] is None:
                self._sign_on(pager)

    def _sign_on(self, pager: Pager) -> None:
        if self.loop.now_ms >= self._sign_on_ms:
            self._sign_on_ms = self.loop.now_ms + SIGN_ON_MS
            self.ask(lambda now_ms: SignOn(now_ms=now_ms, guard=self.account, pager=pager.pager))

    # ── one page ─────────────────────────────────────────────────────────────────────────────────────────────

    def _consider(self, pager: Pager, page: dict[str, Any]) -> None:
        if page["state"] in ("resolved", "closed"):
            return
        mine = page["mine"]
        if mine in ("none", "paged", "delivered", "seen", "declined", "released", "lost"):
            if page["ring"] == "alarm":
                self._do(pager, page, "called", self._answer)
        elif page["ring"] == "ask":
            self._do(pager, page, f"asked {page['due_ms']}", self._sign)
        elif mine == "accepted":
            self._do(pager, page, "accepted", self._walk)
        elif mine == "on_scene":
            self._do(pager, page, f"there {page['presses']}", self._finish)

    def _do(self, pager: Pager, page: dict[str, Any], state: str, choose: Callable[[], tuple[int, str]]) -> None:
        """The first look decides what will be done and when; a later one does it, by what stands there then."""
        key = page["incident"], state
        if key not in self._plans:
            wait_ms, do = choose()
            self._plans[key] = self.loop.now_ms + wait_ms, do
        at_ms, do = self._plans[key]
        if not do or self.loop.now_ms < at_ms:
            return
        # An answer can come to nothing (the hub lost its memory): then the same is considered anew, later.
        self._plans[key] = at_ms + 1_000_000, ""
        self.loop.in_ms(10_000, self._plans.pop, key, None)
        outcome = self.random.choice(OUTCOMES) if do == "resolve" else None
        tapped = pager.tap(do, page["incident"], page["covers"] if do == "resolve" else [], outcome)
        if self.random.randrange(100) < self.temper.taps_twice:
            self.loop.in_ms(self.random.randint(50, 900), pager.tap_again, tapped)

    def _within(self, bounds: tuple[int, int]) -> int:
        return self.random.randint(*bounds)

    def _answer(self) -> tuple[int, str]:
        chance = self.random.randrange(100)
        if chance < self.temper.ignores:
            return 0, ""
        do = "decline" if chance < self.temper.ignores + self.temper.declines else "accept"
        return self._within(self.temper.react_ms), do

    def _walk(self) -> tuple[int, str]:
        if self.random.randrange(100) < self.temper.releases:
            return self._within(self.temper.react_ms), "release"
        return self._within(self.temper.walk_ms), "on_scene"

    def _sign(self) -> tuple[int, str]:
        if self.random.randrange(100) < self.temper.deaf_to_questions:
            return 0, ""
        return self._within(self.temper.react_ms), "sign"

    def _finish(self) -> tuple[int, str]:
        if self.random.randrange(100) < self.temper.backs_up:
            return self._within(self.temper.react_ms), "backup"
        return self._within(self.temper.stay_ms), "resolve"
