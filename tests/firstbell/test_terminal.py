"""A whole terminal without its I/O, on CPython and MicroPython: from the edge to the light, and back after a cut."""

from firstbell import messages
from firstbell.actions import Action, Event
from firstbell.flights import RELEASE_MS
from firstbell.inputs import Inputs
from firstbell.jws import EVENT_TYP, header, open_jws
from firstbell.messages import SILENCE_MS_MAX, understand_event
from firstbell.outputs import Outputs
from firstbell.terminal import Terminal

from tests.firstbell.hub_double import KEY, NONCE, TERMINAL, frames, new_session, receipt

try:
    from collections.abc import Iterable

    from firstbell.press import Happening
    from firstbell.session import TerminalSession
except ImportError:  # interpreter: MicroPython
    pass

SNAPSHOT = messages.snapshot_frame(5, "none", "none", False)


class Kept:
    def __init__(self, place: int, digest: str, jws: str, panic: bool, pressed_ms: int) -> None:
        self.place = place
        self.digest = digest
        self.jws = jws
        self.panic = panic
        self.receipted = False
        self.pressed_ms = pressed_ms


class Box:
    """An outbox in memory."""

    def __init__(self) -> None:
        self.events: list[Kept] = []
        self.checkpoint = ""
        self.silent = False

    @property
    def pending(self) -> int:
        return len([one for one in self.events if not one.receipted])

    def add(self, digest: str, jws: str, panic: bool, pressed_ms: int) -> None:
        self.events.append(Kept(len(self.events) + 1, digest, jws, panic, pressed_ms))

    def after(self, place: int, count: int) -> "list[Kept]":
        return [one for one in self.events if one.place > place][:count]

    def receipted(self, digest: str) -> None:
        for one in self.events:
            one.receipted = one.receipted or one.digest == digest

    def drop(self, digests: "Iterable[str]") -> None:
        gone = set(digests)
        self.events = [one for one in self.events if one.digest not in gone]

    def remember(self, *, checkpoint: str | None = None, silent: bool | None = None) -> None:
        self.checkpoint = self.checkpoint if checkpoint is None else checkpoint
        self.silent = self.silent if silent is None else silent


class Wall:
    """A terminal with its shell: lines that are read, pins that are set, frames that are sent."""

    def __init__(self, box: Box, is_bell: bool = False, session: "TerminalSession | None" = None) -> None:
        self.box = box
        self.lines: dict[str, bool | None] = {"panic": False}
        self.pins = {"light": False, "sounder": False}
        self.made_events: list[Event] = []
        self.actions: list[Action] = []
        self.session = session or new_session()
        inputs = Inputs({"panic": "panic"}, 30)
        outputs = Outputs(self._set_light, self._set_sounder)
        self.terminal = Terminal(self.session, inputs, outputs, box, self, is_bell, 0)
        self.terminal.start(box.after(0, 100), 0)
        self.next_ms = self.terminal.step(0)

    def _set_light(self, lit: bool) -> bool:
        self.pins["light"] = lit
        return True

    def _set_sounder(self, on: bool) -> bool:
        self.pins["sounder"] = on
        return True

    def levels(self) -> "dict[str, bool | None]":
        return self.lines

    def made(self, event: Event, name: str, happening: "Happening") -> None:
        self.made_events.append(event)

    def done(self, action: Action) -> None:
        self.actions.append(action)

    def until(self, now_ms: int) -> None:
        """Time passes: it steps whenever it said that it would."""
        while self.next_ms <= now_ms:
            self.next_ms = self.terminal.step(self.next_ms)
        self.next_ms = self.terminal.step(now_ms)

    def move(self, closed: bool, at_ms: int) -> None:
        self.until(at_ms)
        self.lines["panic"] = closed
        self.terminal.edge("panic", at_ms, closed, at_ms)
        self.until(at_ms)

    def hears(self, text: str, now_ms: int) -> None:
        self.until(now_ms)
        self.terminal.heard(text, now_ms)
        self.until(now_ms)

    def link(self, now_ms: int) -> None:
        self.terminal.connected(now_ms)
        self.hears(messages.challenge_frame(NONCE, 5), now_ms)
        self.hears(SNAPSHOT, now_ms)

    def light(self) -> str:
        return self.session.light

    def is_lit(self) -> bool:
        return self.pins["light"]

    def is_sounding(self) -> bool:
        return self.pins["sounder"]

    def sent(self) -> "list[str]":
        """The frames since it was asked last: of an event what happened, else the type."""
        said = frames(self.actions)
        self.actions = []
        return [_what(frame["jws"]) if frame["type"] == "event" else frame["type"] for frame in said]


def _what(jws: str) -> str:
    what: str = understand_event(open_jws(jws, header("HS256", TERMINAL, EVENT_TYP), KEY.verify), TERMINAL)["what"]
    return what


def test_a_press_is_kept_sent_and_answered() -> None:
    box = Box()
    wall = Wall(box)
    wall.link(100)
    assert [one for one in wall.sent() if one not in ("status", "heartbeat")] == ["hello", "started"]
    wall.move(True, 1000)
    assert wall.light() == "none"
    wall.until(1030)
    assert "panic" in wall.sent()
    assert [one.panic for one in box.events] == [False, True]
    assert box.events[1].pressed_ms == 1000
    assert wall.light() == "heard"
    assert wall.is_lit()
    wall.until(1230)
    assert not wall.is_lit(), "its rhythm: 200 ms lit"
    wall.hears(receipt(wall.made_events[1], 2), 1300)
    assert box.events[1].receipted
    assert box.pending == 1
    wall.hears(messages.snapshot_frame(5, "recorded", "none", False), 1310)
    assert wall.light() == "recorded"
    for now_ms in range(5000, 1300 + RELEASE_MS + 5000, 5000):
        wall.hears(SNAPSHOT, now_ms)
    assert [one.panic for one in box.events] == [False], "its light is out: it may go"


def test_what_has_no_receipt_is_sent_again_after_a_cut() -> None:
    box = Box()
    wall = Wall(box)
    wall.link(100)
    wall.move(True, 1000)
    wall.until(1030)
    wall.sent()
    wall.terminal.lost(1100)
    wall.until(1100)
    assert wall.sent() == []
    wall.until(4000)
    assert wall.light() == "not_delivered"
    wall.link(5000)
    said = wall.sent()
    assert said.index("started") < said.index("panic")


def test_a_new_boot_answers_and_sends_what_the_one_before_has_kept() -> None:
    box = Box()
    first = Wall(box)
    first.move(True, 1000)
    first.until(1030)
    for one in box.events:
        one.pressed_ms = 0
    second = Wall(box)
    second.until(3000)
    assert second.light() == "not_delivered"
    second.link(3100)
    assert second.sent().count("panic") == 1


def test_only_a_bell_says_that_nobody_could_ring_it() -> None:
    for is_bell in (True, False):
        wall = Wall(Box(), is_bell)
        wall.link(100)
        wall.terminal.lost(200)
        heard_ms = 100
        wall.until(heard_ms + SILENCE_MS_MAX - 1)
        assert not wall.is_sounding()
        wall.until(heard_ms + SILENCE_MS_MAX)
        assert wall.is_sounding() == is_bell


def test_a_bell_rings_on_the_hubs_word_and_says_so() -> None:
    wall = Wall(Box(), True)
    wall.link(100)
    wall.sent()
    wall.hears(messages.snapshot_frame(5, "none", "alarm", False), 1000)
    assert wall.is_sounding()
    (status,) = [frame for frame in frames(wall.actions) if frame["type"] == "status"]
    assert status["ring"] == "alarm"


def test_the_hubs_word_on_silence_is_kept() -> None:
    box = Box()
    wall = Wall(box)
    wall.link(100)
    wall.hears(messages.snapshot_frame(5, "none", "none", True), 200)
    assert box.silent


def test_it_never_asks_to_be_called_in_the_past() -> None:
    wall = Wall(Box())
    now_ms = 0
    for _ in range(200):
        next_ms = wall.terminal.step(now_ms)
        assert next_ms > now_ms
        now_ms = next_ms
