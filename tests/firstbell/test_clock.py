"""The hub's time and the tick counter, on CPython and MicroPython."""

from firstbell.clock import EXCHANGES_MAX, TICKS_PERIOD_MS, HubTime, TickCounter


def test_nothing_is_known_before_the_first_exchange() -> None:
    assert HubTime().estimate(1000) is None


def test_one_exchange() -> None:
    time = HubTime()
    # 10 ms there, 4 ms in the hub, 10 ms back; hub time = mono + 5000.
    assert time.exchange(100, 5110, 5114, 124)
    assert time.estimate(124) == (5124, 10 + 1 + 1)
    assert time.estimate(100) == (5100, 10 + 1 + 1)


def test_the_bound_grows_with_age_and_back_in_time() -> None:
    time = HubTime()
    time.exchange(0, 5000, 5000, 0)
    assert time.estimate(0) == (5000, 1)
    assert time.estimate(1) == (5001, 2)
    assert time.estimate(5000) == (10_000, 2)
    assert time.estimate(5001) == (10_001, 3)
    assert time.estimate(3_600_000) == (3_605_000, 1 + 720)
    assert time.estimate(-5000) == (0, 2)


def test_an_odd_round_trip_is_rounded_up() -> None:
    time = HubTime()
    time.exchange(0, 5000, 5000, 3)
    found = time.estimate(3)
    assert found is not None
    assert found[1] == 2 + 1 + 1
    # The truth is anywhere from all the way there to all the way back.
    assert found[0] - found[1] <= 5000 and found[0] + found[1] >= 5003


def test_the_best_of_the_recent_ones_counts() -> None:
    time = HubTime()
    time.exchange(0, 5001, 5001, 2)
    time.exchange(1000, 6090, 6090, 1100)
    assert time.estimate(1100) == (6100, 1 + 1 + 1)
    for start in range(2000, 2000 + 1000 * EXCHANGES_MAX, 1000):
        time.exchange(start, start + 5050, start + 5050, start + 100)
    found = time.estimate(10_000)
    assert found is not None and found[1] > 50, "the good one is too old to be kept"


def test_an_old_good_one_gives_way_to_a_new_fair_one() -> None:
    time = HubTime()
    time.exchange(0, 5001, 5001, 2)
    hour = 3_600_000
    time.exchange(hour, hour + 5020, hour + 5020, hour + 20)
    assert time.estimate(hour + 20) == (hour + 5030, 10 + 1 + 1)


def test_a_jump_of_the_hub_resets() -> None:
    time = HubTime()
    time.exchange(0, 5001, 5001, 2)
    time.exchange(1000, 6101, 6101, 1200)
    assert time.estimate(1200) == (6200, 1 + 1 + 1), "100 ms off are within the second one's round trip"
    time.exchange(2000, 9001, 9001, 2002)
    assert time.estimate(2002) == (9002, 1 + 1 + 1)
    time.exchange(3000, 8001, 8001, 3002)
    assert time.estimate(3002) == (8002, 1 + 1 + 1), "whichever way it jumps"


def test_a_new_link_forgets_with_its_first_exchange() -> None:
    """A restarted hub may be off by less than would show."""
    time = HubTime()
    time.exchange(0, 5001, 5001, 2)
    time.new_link()
    assert time.estimate(2) == (5002 - 0, 1 + 1 + 1)
    time.exchange(1000, 6050, 6050, 1100)
    found = time.estimate(1100)
    assert found == (6100, 50 + 1 + 1)
    time.exchange(2000, 7001, 7001, 2002)
    assert time.estimate(2002) == (7002, 3)


def test_impossible_readings_teach_nothing() -> None:
    time = HubTime()
    assert not time.exchange(10, 5000, 5000, 9)
    assert not time.exchange(10, 5000, 4999, 20)
    assert not time.exchange(10, 5000, 5100, 20)
    assert time.estimate(20) is None
    # Cut-off fractions: 9.9 → 10 and 5000.0 → 5001.9 look like 0 ms here and 1 ms there.
    assert time.exchange(10, 5000, 5002, 10)
    assert time.estimate(10) == (5001, 2) or time.estimate(10) == (5001, 1)


def test_ticks_go_on_past_their_wrap() -> None:
    ticks = TickCounter(TICKS_PERIOD_MS - 10)
    assert ticks.at(TICKS_PERIOD_MS - 10) == 0
    assert ticks.at(TICKS_PERIOD_MS - 1) == 9
    assert ticks.at(0) == 10
    assert ticks.at(5) == 15
    for lap in range(1, 4):
        assert ticks.at(5 + TICKS_PERIOD_MS // 2 - 1) == 15 + (lap - 1) * TICKS_PERIOD_MS + TICKS_PERIOD_MS // 2 - 1
        assert ticks.at(TICKS_PERIOD_MS - 1) == lap * TICKS_PERIOD_MS + 9
        assert ticks.at(5) == lap * TICKS_PERIOD_MS + 15


def test_an_older_tick_has_its_own_place() -> None:
    ticks = TickCounter(100)
    assert ticks.at(200) == 100
    assert ticks.at(190) == 90
    assert ticks.at(200) == 100
    assert ticks.at(90) == -10
    ticks = TickCounter(TICKS_PERIOD_MS - 5)
    assert ticks.at(3) == 8
    assert ticks.at(TICKS_PERIOD_MS - 1) == 4
    assert ticks.at(4) == 9
