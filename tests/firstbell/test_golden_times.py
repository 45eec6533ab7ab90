"""The golden stories of hub time, told to a terminal's session, on CPython and MicroPython."""

import json

from firstbell import messages
from firstbell.clock import TickCounter
from firstbell.jws import unverified_payload

from tests.firstbell.hub_double import new_session
from tests.firstbell.test_golden import load

try:
    from typing import Any

    from firstbell.session import TerminalSession
except ImportError:  # interpreter: MicroPython
    pass


def tell(session: "TerminalSession", step: "dict[str, Any]") -> None:
    if step["do"] == "new_link":
        session.hub_time.new_link()
    elif step["do"] == "exchange":
        stamps = [step[name] for name in ("t1_ms", "t2_ms", "t3_ms", "t4_ms")]
        assert session.hub_time.exchange(*stamps) == step["taken"], json.dumps(step)
    else:
        made = session.make_event("panic", "panic", step["mono_ms"])
        event = messages.parse_event(unverified_payload(made.jws))
        assert (event["event_ms"], event["error_ms"]) == (step["event_ms"], step["error_ms"]), step["because"]


def test_ticks() -> None:
    ticks = load("times.json")["ticks"]
    counter = TickCounter(ticks[0][0])
    for number, (reading_ms, count_ms) in enumerate(ticks):
        assert counter.at(reading_ms) == count_ms, number


def test_each_story() -> None:
    for story in load("times.json")["stories"]:
        session = new_session()
        for step in story["steps"]:
            tell(session, step)
