"""When a supply counts as low, on CPython and MicroPython."""

from firstbell.supply import LOW_MV, READINGS, SUPPLY_READ_MS, TOLD_STEP_MV, WELL_MV, Supply

GOOD_MV = 5_000


def lows(supply: Supply, *readings_mv: int) -> "list[bool]":
    """What it says after each reading."""
    said = []
    for reading_mv in readings_mv:
        supply.read(reading_mv)
        said.append(supply.low)
    return said


def test_the_first_reading_decides() -> None:
    assert not Supply(GOOD_MV).low
    assert not Supply(LOW_MV).low
    assert Supply(LOW_MV - 1).low


def test_low_when_several_readings_in_a_row_are() -> None:
    wanted = [False] * (READINGS - 1) + [True]
    assert lows(Supply(GOOD_MV), *[LOW_MV - 1] * READINGS) == wanted
    assert lows(Supply(GOOD_MV), *[LOW_MV] * READINGS) == [False] * READINGS


def test_one_good_reading_between_begins_the_count_anew() -> None:
    almost = [LOW_MV - 1] * (READINGS - 1)
    assert lows(Supply(GOOD_MV), *almost, LOW_MV, *almost) == [False] * (2 * READINGS - 1)


def test_well_again_only_above_the_upper_limit() -> None:
    supply = Supply(0)
    assert lows(supply, *[WELL_MV - 1] * 9) == [True] * 9
    assert lows(supply, *[WELL_MV] * READINGS) == [True] * (READINGS - 1) + [False]
    assert lows(supply, *[LOW_MV] * 9) == [False] * 9


def test_a_reading_of_the_radio_s_clock_is_no_low_supply() -> None:
    assert lows(Supply(GOOD_MV), *[92, GOOD_MV] * 20) == [False] * 40


def test_a_fault_of_ten_seconds_counts() -> None:
    """EN 50131-1. Whenever it begins between two readings, and the lines are read once a second."""
    assert READINGS * SUPPLY_READ_MS + 1_000 < 10_000


def test_what_is_told_does_not_follow_the_noise() -> None:
    supply = Supply(GOOD_MV)
    for reading_mv, told_mv in (
        (GOOD_MV + TOLD_STEP_MV - 1, GOOD_MV),
        (GOOD_MV - TOLD_STEP_MV + 1, GOOD_MV),
        (GOOD_MV - TOLD_STEP_MV, GOOD_MV - TOLD_STEP_MV),
        (GOOD_MV - 1, GOOD_MV - TOLD_STEP_MV),
        (GOOD_MV, GOOD_MV),
    ):
        supply.read(reading_mv)
        assert supply.mv == told_mv, reading_mv
