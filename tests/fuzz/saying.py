"""What is said over a WebSocket: right frames, damaged in their fields, in what is signed, or as text."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.fuzz.odd import Damage, cut, odd_text, odd_value, text_of
from tests.golden.frames import hub_frames
from tests.links.raw_terminal import RawTerminal

Frame = dict[str, Any]
Right = Callable[[Random], Frame]
"""A right frame of some kind, what is within it damaged or not."""


def message(token: bytes, right: Right) -> str | bytes:
    """What a token says."""
    random = Random(token)
    kind = random.randrange(12)
    if kind == 0:
        return random.randbytes(random.randrange(80))
    if kind == 1:
        return odd_text(random)
    if kind == 2:
        return text_of(odd_value(random))
    return cut(random, text_of(Damage(random).done_to(right(random))))


class TerminalFrames:
    """Of one connection. A damaged payload is signed all the same: only its terminal can have said it."""

    def __init__(self, terminal: RawTerminal, nonce: str) -> None:
        self._terminal = terminal
        self._nonce = nonce
        self._before = terminal.event()

    def __call__(self, random: Random) -> Frame:
        terminal, damage = self._terminal, Damage(random)
        kind = random.randrange(7)
        if kind == 0:
            return {"type": "hello", "jws": terminal.hello(self._nonce, damage)}
        if kind < 4:
            return {"type": "event", "jws": cut(random, terminal.event(damage))}
        if kind == 4:
            return {"type": "event", "jws": self._before}
        if kind == 5:
            state = {"light": "none", "since_ms": None, "ring": "none", "inputs": {"panic": "open"}, "pending": 0}
            return {"type": "status", **damage.done_to(state)}
        return {"type": "heartbeat", "t1_ms": 5}


def hub_frame(random: Random) -> Frame:
    """What a hub says to a terminal, about events that it never made."""
    return Damage(random).done_to(random.choice(_HUB_FRAMES))


_HUB_FRAMES = hub_frames()


class PagerFrames:
    """About an incident that is open. `terminal` signs the evidence."""

    def __init__(self, incident: str, terminal: RawTerminal) -> None:
        self._incident = incident
        self._terminal = terminal
        self._commands = 0

    def __call__(self, random: Random) -> Frame:
        incident, damage = self._incident, Damage(random)
        kind = random.randrange(8)
        if kind < 3:
            state = {
                "sound": "running",
                "visible": True,
                "awake": True,
                "battery_percent": 50,
                "charging": None,
                "have": [incident],
                "seen": [incident],
                "ringing": [incident],
            }
            return {"type": "state", **damage.done_to(state)}
        if kind == 3:
            return {"type": "evidence", "jws": [self._terminal.event(damage)]}
        if kind == 4:
            return random.choice(({"type": "sign_off"}, {"type": "heartbeat", "t1_ms": 5}))
        self._commands += 1
        command = {
            "id": f"command-{self._commands}",
            "do": random.choice(("accept", "decline", "release", "on_scene", "sign", "backup", "resolve")),
            "incident": incident,
            "covers": ["0" * 64],
            "outcome": "genuine",
            "note": "",
        }
        return {"type": "command", **damage.done_to(command)}
