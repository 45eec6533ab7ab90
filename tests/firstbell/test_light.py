"""What the wall light shows, on CPython and MicroPython."""

from firstbell.light import (
    NOT_DELIVERED_MS,
    RHYTHMS_MS,
    is_lit,
    next_change_ms,
    wanted_light,
)

NOW = 100_000
FRESH = NOW - NOT_DELIVERED_MS + 1
LATE = NOW - NOT_DELIVERED_MS

# undelivered, receipted, awaited, the hub's light, linked: the light
WANTED = (
    ((), False, False, "none", True, "none"),
    ((), False, False, "none", False, "none"),
    ((FRESH,), False, False, "none", True, "heard"),
    ((FRESH,), False, False, "none", False, "heard"),
    ((LATE,), False, False, "none", False, "not_delivered"),
    ((LATE,), False, False, "none", True, "not_delivered"),
    ((LATE, FRESH), False, False, "none", False, "heard"),
    # A receipt alone is not enough, nor is the hub's word.
    ((), True, True, "none", True, "heard"),
    ((), True, True, "none", False, "heard"),
    ((), False, False, "recorded", True, "none"),
    ((FRESH,), False, False, "recorded", True, "heard"),
    ((), True, True, "recorded", True, "recorded"),
    ((), True, False, "recorded", True, "recorded"),
    ((), True, False, "recorded", False, "recorded"),
    ((), True, False, "none", True, "none"),
    # Another press that nobody has.
    ((FRESH,), True, False, "recorded", True, "heard"),
    ((LATE,), True, False, "recorded", True, "not_delivered"),
    ((LATE,), True, False, "coming", False, "not_delivered"),
    ((LATE,), True, False, "here", False, "not_delivered"),
    # Help that is on its way is on its way for this press too, while the hub says so.
    ((LATE,), True, False, "coming", True, "coming"),
    ((LATE,), True, False, "here", True, "here"),
    ((FRESH,), True, False, "coming", True, "heard"),
    ((FRESH,), True, False, "here", False, "heard"),
    ((), True, False, "coming", True, "coming"),
    ((), True, True, "coming", True, "coming"),
    ((), True, False, "coming", False, "coming"),
    ((), False, False, "coming", True, "coming"),
    ((), False, False, "here", True, "here"),
)


def test_the_table() -> None:
    for undelivered, receipted, awaited, hub_light, linked, light in WANTED:
        found = wanted_light(undelivered, receipted, awaited, hub_light, linked, False, NOW)
        assert found == light, (undelivered, receipted, awaited, hub_light, linked)


def test_a_silent_terminal_shows_nothing() -> None:
    for undelivered, receipted, awaited, hub_light, linked, _ in WANTED:
        assert wanted_light(undelivered, receipted, awaited, hub_light, linked, True, NOW) == "none"


# What the look says: (state, lit from/to within the period, period).
RHYTHMS = (
    ("heard", ((0, 200),), 800),
    ("recorded", ((0, 1000),), 2000),
    ("coming", ((0, 1600),), 2000),
    ("not_delivered", ((0, 200), (400, 600), (800, 1000)), 2400),
)


def test_rhythms() -> None:
    since_ms = 12_345
    for state, lit, period_ms in RHYTHMS:
        for after_ms in range(0, 2 * period_ms, 50):
            within_ms = after_ms % period_ms
            expected = any(start <= within_ms < end for start, end in lit)
            assert is_lit(state, since_ms, since_ms + after_ms) == expected, (state, after_ms)


def test_still_lights() -> None:
    assert is_lit("here", 0, 12_345)
    assert not is_lit("none", 0, 12_345)
    assert next_change_ms("here", 0, 12_345) is None
    assert next_change_ms("none", 0, 12_345) is None


def test_every_change_is_announced() -> None:
    since_ms = 777
    for state, lit, period_ms in RHYTHMS:
        changes = sorted([edge for part in lit for edge in part] + [period_ms])
        now_ms = since_ms
        for lap in range(3):
            for change in changes[1:]:
                before = is_lit(state, since_ms, now_ms)
                due_ms = next_change_ms(state, since_ms, now_ms)
                assert due_ms == since_ms + lap * period_ms + change
                assert due_ms is not None
                assert is_lit(state, since_ms, due_ms - 1) == before
                assert is_lit(state, since_ms, due_ms) != before
                now_ms = due_ms
        assert next_change_ms(state, since_ms, since_ms + 1) == since_ms + changes[1]


def test_no_light_flashes_more_than_three_times_in_a_second() -> None:
    """WCAG 2.2, 2.3.1: three flashes in any one second are the limit."""
    for state, lit, period_ms in RHYTHMS:
        starts = [lap * period_ms + part[0] for lap in range(4) for part in lit]
        for first in starts:
            assert len([start for start in starts if first <= start < first + 1000]) <= 3, state
    assert len(RHYTHMS_MS) == 6
