"""Edges and readings of a terminal's inputs, and what happened at them; reckoned by hand, `because` says how."""

from typing import Any

KINDS = {"panic": "panic", "fence": "perimeter", "cover": "tamper"}
PRESS_MS_MIN = 30
CLOSED, OPEN = True, False

Step = dict[str, Any]


def _edge(at_ms: int, closed: bool, *happened: list[Any], name: str = "panic") -> Step:
    return {"do": "edge", "input": name, "at_ms": at_ms, "closed": closed, "happened": list(happened)}


def _look(now_ms: int, *happened: list[Any], because: str = "", **levels: bool | None) -> Step:
    """The time has come to look at the lines; who is not named reads well."""
    well: dict[str, bool | None] = {"panic": OPEN, "fence": CLOSED, "cover": CLOSED}
    return {"do": "look", "now_ms": now_ms, "levels": well | levels, "happened": list(happened), "because": because}


def _states(**states: str) -> Step:
    return {"do": "states", "states": {"panic": "open", "fence": "closed", "cover": "closed"} | states}


def _panic(at_ms: int) -> list[Any]:
    return ["panic", "panic", at_ms]


UNKNOWN = {"do": "states", "states": {"panic": "unknown", "fence": "unknown", "cover": "unknown"}}


def _stories() -> dict[str, list[Step]]:
    begun = [UNKNOWN, _look(0), _states()]
    return {
        "a press": [
            *begun,
            _edge(100, CLOSED),
            _look(129, panic=CLOSED, because="29 ms since the first edge"),
            _look(130, _panic(100), panic=CLOSED, because="30 ms: it counts, from its first edge"),
            _states(panic="closed"),
            _edge(400, OPEN),
            _look(430, because="well for 30 ms, and a button is not told when it is"),
            _states(),
        ],
        "a press that is over before anybody looks": [*begun, _edge(100, CLOSED), _edge(135, OPEN, _panic(100))],
        "too short for a press": [*begun, _edge(100, CLOSED), _edge(129, OPEN), _look(1_000), _states()],
        "a press that bounces at both ends": [
            *begun,
            _edge(100, CLOSED),
            _edge(101, OPEN),
            _edge(103, CLOSED),
            _edge(104, OPEN),
            _edge(105, CLOSED),
            _look(130, _panic(100), panic=CLOSED, because="30 ms from the first edge, 25 of them still"),
            _edge(300, OPEN),
            _edge(302, CLOSED),
            _edge(303, OPEN),
            _look(1_300, because="an interruption of 2 ms is none"),
        ],
        "noise, however dense": [
            *begun,
            *[_edge(100 + 4 * n, CLOSED if n % 2 == 0 else OPEN) for n in range(40)],
            _look(1_260, because="never still for 20 ms, and over before 400"),
            _states(),
        ],
        "two presses": [
            *begun,
            _edge(100, CLOSED),
            _edge(160, OPEN, _panic(100)),
            _edge(200, CLOSED),
            _edge(260, OPEN, _panic(200)),
        ],
        "a button that hangs, and is freed": [
            *begun,
            _edge(100, CLOSED),
            _look(130, _panic(100), panic=CLOSED),
            _look(60_099, panic=CLOSED, because="59,999 ms"),
            _look(60_100, ["panic", "stuck", 60_100], panic=CLOSED),
            _states(panic="stuck"),
            _edge(70_000, OPEN),
            _look(70_030, ["panic", "restored", 70_000], because="well for 30 ms"),
            _states(),
        ],
        "a button that is held while the terminal starts": [
            UNKNOWN,
            _look(0, panic=CLOSED),
            _look(30, _panic(0), panic=CLOSED, because="closed for 30 ms since it is known"),
        ],
        "a fence that is cut, and mended": [
            *begun,
            _edge(100, OPEN, name="fence"),
            _look(130, ["fence", "perimeter", 100], fence=OPEN),
            _states(fence="open"),
            _look(1_130, fence=OPEN, because="told once"),
            _edge(2_000, CLOSED, name="fence"),
            _look(2_030, ["fence", "restored", 2_000]),
            _states(),
        ],
        "a fence that flutters is one alarm": [
            *begun,
            _edge(100, OPEN, name="fence"),
            _edge(140, CLOSED, ["fence", "perimeter", 100], name="fence"),
            _edge(150, OPEN, name="fence"),
            _edge(190, CLOSED, name="fence"),
            _look(1_150, ["fence", "restored", 190]),
        ],
        "a cover that is opened": [
            *begun,
            _edge(500, OPEN, name="cover"),
            _look(530, ["cover", "tamper", 500], cover=OPEN),
            _states(cover="open"),
        ],
        "an edge that was lost": [
            *begun,
            _look(1_000, panic=CLOSED, because="it reads otherwise: the edge may still come"),
            _look(1_100, _panic(1_000), panic=CLOSED, because="100 ms without one: it is closed since it was read"),
        ],
        "a line that can't be read": [
            *begun,
            _look(1_000, cover=None),
            _states(cover="unknown"),
            _look(2_000),
            _states(),
        ],
    }


def _supplies() -> dict[str, list[list[Any]]]:
    """Readings of a board's supply in mV; whether it is low then, and what is told of it."""
    return {
        "low after three readings in a row below 4,400": [
            [4_900, False, 4_900],
            [4_399, False, 4_399],
            [4_399, False, 4_399],
            [4_400, False, 4_399],
            [4_399, False, 4_399],
            [4_399, False, 4_399],
            [4_399, True, 4_399],
        ],
        "well after three in a row from 4,600 on": [
            [4_000, True, 4_000],
            [4_599, True, 4_599],
            [4_600, True, 4_599],
            [4_600, True, 4_599],
            [4_600, False, 4_599],
        ],
        "told when it differs by 100": [[5_000, False, 5_000], [4_901, False, 5_000], [4_900, False, 4_900]],
    }


def presses_file() -> dict[str, Any]:
    return {
        "about": "Stories of the inputs of one terminal. `edge`: the line is closed or open since `at_ms`; `look`: the "
        "lines read so (null: they can't be read) when the terminal looks at them; both with what happened: input, "
        "what, mono ms. `states`: what each input is now. `supplies`: readings of a supply, one after the other, each "
        "with whether it is low then and what is told, all in mV.",
        "kinds": KINDS,
        "press_ms_min": PRESS_MS_MIN,
        "stories": [{"story": story, "steps": steps} for story, steps in _stories().items()],
        "supplies": [{"story": story, "readings": readings} for story, readings in _supplies().items()],
    }
