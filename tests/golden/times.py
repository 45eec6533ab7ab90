"""The hub's time as a terminal estimates it: exchanges of heartbeats, and what an event says after them.

The expected numbers are reckoned by hand; `because` says how.
"""

from typing import Any


def _exchange(t1_ms: int, t2_ms: int, t3_ms: int, t4_ms: int, taken: bool = True) -> dict[str, Any]:
    return {"do": "exchange", "t1_ms": t1_ms, "t2_ms": t2_ms, "t3_ms": t3_ms, "t4_ms": t4_ms, "taken": taken}


def _event(mono_ms: int, event_ms: int | None, error_ms: int | None, because: str) -> dict[str, Any]:
    return {"do": "event", "mono_ms": mono_ms, "event_ms": event_ms, "error_ms": error_ms, "because": because}


NEW_LINK = {"do": "new_link"}


def _stories() -> dict[str, list[dict[str, Any]]]:
    ten = _exchange(1_000, 501_005, 501_005, 1_010)
    return {
        "one exchange": [
            _event(900, None, None, "before the first exchange"),
            ten,
            _event(1_010, 501_010, 7, "offset 500000; 10/2 + 1 + drift of the 10 ms since t1, up to 1"),
            _event(1_005, 501_005, 7, "5 ms from t1 and from t4"),
            _event(901_010, 1_401_010, 187, "10/2 + 1 + 200 ppm of 900010 ms, up to 181"),
            _event(400, 500_400, 7, "before t1: 610 ms from t4"),
        ],
        "a hub that takes its time": [
            _exchange(1_000, 501_005, 501_105, 1_110),
            _event(1_110, 501_110, 7, "100 of the 110 ms were the hub's: 10/2 + 1 + 1"),
        ],
        "an odd round trip, and an odd sum of offsets": [
            _exchange(1_000, 501_002, 501_002, 1_005),
            _event(1_005, 501_004, 5, "(500002 + 499997)/2 down to 499999; 5/2 up to 3, + 1 + 1"),
        ],
        "the shortest round trip counts": [
            _exchange(1_000, 501_050, 501_050, 1_100),
            _exchange(1_250, 501_255, 501_255, 1_260),
            _exchange(1_500, 501_520, 501_520, 1_540),
            _event(1_540, 501_540, 7, "the second: offset 500000, 10/2 + 1 + 200 ppm of 290 ms, up to 1"),
            _event(61_540, 561_540, 19, "the second still: 10/2 + 1 + 200 ppm of 60290 ms, up to 13"),
        ],
        "a long round trip that is fresh beats a short one that is old": [
            _exchange(1_000, 501_005, 501_005, 1_010),
            _exchange(101_000, 601_009, 601_009, 101_020),
            _event(101_020, 601_019, 12, "the second: offset 499999, 20/2 + 1 + 1; the first would be 10/2 + 1 + 21"),
        ],
        "an estimate below zero": [
            _exchange(5_000, 3, 3, 5_010),
            _event(5_010, 8, 7, "offset -5002: 5010 - 5002, 10/2 + 1 + 1"),
            _event(5_002, 0, 7, "just zero"),
            _event(4_000, 0, 1_009, "4000 - 5002 = -1002, so 0, and 1002 more than 10/2 + 1 + 1"),
        ],
        "an exchange that contradicts the estimate": [
            ten,
            _exchange(4_000, 4_005, 4_005, 4_010),
            _event(4_010, 4_010, 7, "the hub's count has jumped: the first one is forgotten"),
            _event(2_000, 2_000, 7, "and for what was before as well: 10/2 + 1 + 200 ppm of 2010 ms, up to 1"),
        ],
        "a new connection": [
            ten,
            NEW_LINK,
            _event(1_010, 501_010, 7, "until its first exchange the earlier one is the best there is"),
            _exchange(2_000, 502_045, 502_045, 2_090),
            _event(2_090, 502_090, 47, "the first exchange replaces it, though its round trip is longer: 90/2 + 1 + 1"),
        ],
        "a round trip that cut-off fractions made shorter than nothing": [
            _exchange(1_000, 501_000, 501_002, 1_001),
            _event(1_001, 501_001, 2, "1 - 2 is within the 2 ms that rounding can do, and counts as 0: 0 + 1 + 1"),
        ],
        "exchanges that can't be": [
            ten,
            _exchange(2_000, 502_010, 502_009, 2_020, taken=False),
            _exchange(2_000, 502_005, 502_005, 1_999, taken=False),
            _exchange(2_000, 502_000, 502_050, 2_010, taken=False),
            _event(1_010, 501_010, 7, "as if they had never been"),
        ],
    }


PERIOD_MS = 1 << 30
"""Of MicroPython's `time.ticks_ms`."""


def _ticks() -> list[list[int]]:
    """Readings, one after the other, and the count at each: it begins at 0 with the first."""
    begin = PERIOD_MS - 10
    return [
        [begin, 0],
        [PERIOD_MS - 1, 9],
        [0, 10],
        [90, 100],
        # An edge that waited for its turn, from before the count began anew.
        [PERIOD_MS - 2, 8],
        [90, 100],
        # Half a period later is still later, and one more is older.
        [90 + PERIOD_MS // 2 - 1, 100 + PERIOD_MS // 2 - 1],
        [PERIOD_MS - 1, 99 + PERIOD_MS - 90],
        [PERIOD_MS // 2 - 1, PERIOD_MS // 2 + 9],
    ]


def times_file() -> dict[str, Any]:
    return {
        "about": "Stories of one terminal each, step by step. `exchange`: the four stamps of a heartbeat, t1 and t4 "
        "mono, t2 and t3 hub time, and whether it is taken. `new_link`: a new connection begins. `event`: what is sent "
        "as `event_ms` and `error_ms` of an event at this mono time. Halves of an offset go down, of an error up. "
        "Drift is reckoned from t1 or t4, whichever is farther; what counts is the exchange with the least error now. "
        "`ticks`: readings of a count of ms that wraps at 2^30, one after the other, and the count made of them.",
        "ticks": _ticks(),
        "stories": [{"story": story, "steps": steps} for story, steps in _stories().items()],
    }
