"""What lamp and sounder do, and what they should: rhythms as moments, and the choice between them as a table."""

from itertools import cycle
from typing import Any

SINCE_MS = 5_000
SHOWN_MS = 32_000
BURST = (150, 100, 150, 100, 150, 350, 150, 100, 150)
"""IEC 60601-1-8, high priority: three pulses and two, twice."""
ALARM = (*BURST, 500, *BURST, 2_500)
TROUBLE = (200, 200, 200, 200, 200, 29_000)
LIGHTS: dict[str, tuple[int, ...]] = {
    "none": (),
    "heard": (200, 600),
    "recorded": (1_000, 1_000),
    "coming": (1_600, 400),
    "not_delivered": (200, 200, 200, 200, 200, 1_400),
}
SOUNDS: dict[str, tuple[int, ...]] = {
    "none": (),
    "alarm": ALARM,
    "drill": ALARM,
    "fault": ALARM,
    "trouble": TROUBLE,
    "lost": TROUBLE,
}


def _moments(parts_ms: tuple[int, ...]) -> list[list[Any]]:
    """When it goes on and off, from SINCE_MS on."""
    moments, at_ms, on = [], SINCE_MS, True
    for part_ms in cycle(parts_ms):
        if at_ms >= SINCE_MS + SHOWN_MS:
            break
        moments.append([at_ms, on])
        at_ms, on = at_ms + part_ms, not on
    return moments


def _light(shown: str, because: str, **said: Any) -> dict[str, Any]:
    """At mono 10,000."""
    usual = {"undelivered": [], "receipted": False, "awaited": False, "hub": "none", "linked": True, "silent": False}
    return {**usual, **said, "shown": shown, "because": because}


def _choices() -> list[dict[str, Any]]:
    new, late = [9_500], [7_000]
    return [
        _light("none", "nobody has pressed"),
        _light("heard", "half a second ago", undelivered=new),
        _light("heard", "without a link as well", undelivered=new, linked=False),
        _light("not_delivered", "3,000 ms and no receipt", undelivered=late),
        _light("heard", "2,999 ms", undelivered=[7_001]),
        _light("heard", "a new press is answered, whatever else is late", undelivered=late + new),
        _light("heard", "its receipt has come, the hub's word on the light has not", receipted=True, awaited=True),
        _light("recorded", "proven here, and the hub says so", receipted=True, hub="recorded"),
        _light("none", "the hub says so, but here is no proof of it", hub="recorded"),
        _light("coming", "a named guard has accepted", receipted=True, hub="coming"),
        _light("here", "", receipted=True, hub="here"),
        _light("coming", "of a press of which nothing is known here", hub="coming"),
        _light("coming", "a late one, while help is coming and the link stands", undelivered=late, hub="coming"),
        _light("not_delivered", "the same without a link", undelivered=late, hub="coming", linked=False),
        _light("not_delivered", "recorded is no help for the one that is late", undelivered=late, hub="recorded"),
        _light("none", "silent: the aggressor may be watching", undelivered=new, silent=True),
        _light("none", "silent whatever the hub says", receipted=True, hub="here", silent=True),
    ]


def rhythms_file() -> dict[str, Any]:
    rings = ("none", "alarm", "drill", "trouble", "fault")
    lost = {"none": "lost", "trouble": "lost"}
    return {
        "about": "`lights` and `sounds`: when a lamp or a sounder goes on and off within `shown_ms` of a state that "
        "began at `since_ms`. `choices`: what the light is at mono 10,000, by what is known then. `rings`: what a bell "
        "sounds by the hub's last word, with the hub and without it.",
        "since_ms": SINCE_MS,
        "shown_ms": SHOWN_MS,
        "lights": {state: _moments(parts_ms) for state, parts_ms in LIGHTS.items()} | {"here": [[SINCE_MS, True]]},
        "sounds": {sound: _moments(parts_ms) for sound, parts_ms in SOUNDS.items()},
        "choices": _choices(),
        "rings": [{"ring": ring, "linked": ring, "lost": lost.get(ring, ring)} for ring in rings],
    }
