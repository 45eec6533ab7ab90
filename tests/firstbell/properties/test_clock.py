"""The bound of hub time is never exceeded, whatever clocks and networks do within what is promised of them."""

from firstbell.clock import CLOCK_DRIFT_PPM_MAX, TICKS_PERIOD_MS, HubTime, TickCounter
from hypothesis import given
from hypothesis import strategies as st

US = 1000
HOUR_MS = 3_600_000


class Clocks:
    """True time in microseconds; the hub's clock runs `drift_ppm` fast against the terminal's."""

    def __init__(self, drift_ppm: int, offset_us: int) -> None:
        self.drift_ppm = drift_ppm
        self.offset_us = offset_us

    def mono_ms(self, true_us: int) -> int:
        return true_us // US

    def hub_ms(self, true_us: int) -> int:
        return (true_us + self.offset_us + true_us * self.drift_ppm // 1_000_000) // US


DELAY_US = st.integers(0, 400_000)
EXCHANGES = st.lists(st.tuples(st.integers(0, HOUR_MS * US), DELAY_US, DELAY_US, DELAY_US), min_size=1, max_size=12)


def exchange(time: HubTime, clocks: Clocks, true_us: int, delays_us: tuple[int, int, int]) -> int:
    there_us, within_us, back_us = delays_us
    t2_us = true_us + there_us
    t3_us = t2_us + within_us
    t4_us = t3_us + back_us
    learnt = time.exchange(clocks.mono_ms(true_us), clocks.hub_ms(t2_us), clocks.hub_ms(t3_us), clocks.mono_ms(t4_us))
    assert learnt, "a true exchange was taken for an impossible one"
    return t4_us


@given(
    st.integers(-CLOCK_DRIFT_PPM_MAX, CLOCK_DRIFT_PPM_MAX),
    st.integers(0, 10**12),
    EXCHANGES,
    st.integers(-HOUR_MS * US, HOUR_MS * US),
)
def test_the_truth_is_within_the_bound(
    drift_ppm: int, offset_us: int, exchanges: list[tuple[int, int, int, int]], asked_us: int
) -> None:
    clocks = Clocks(drift_ppm, offset_us)
    time = HubTime()
    now_us = HOUR_MS * US
    for pause_us, there_us, within_us, back_us in exchanges:
        now_us = exchange(time, clocks, now_us + pause_us, (there_us, within_us, back_us))
        for at_us in (now_us, max(0, now_us + asked_us)):
            found = time.estimate(clocks.mono_ms(at_us))
            assert found is not None
            hub_ms, error_ms = found
            assert abs(hub_ms - clocks.hub_ms(at_us)) <= error_ms
            assert error_ms >= 1


@given(st.integers(0, 10**10), st.integers(-(10**10), 10**10), EXCHANGES, EXCHANGES)
def test_after_a_new_link_the_new_run_is_believed(
    offset_us: int,
    jump_us: int,
    before: list[tuple[int, int, int, int]],
    after: list[tuple[int, int, int, int]],
) -> None:
    time = HubTime()
    now_us = HOUR_MS * US
    old, new = Clocks(0, offset_us + 10**11), Clocks(0, offset_us + 10**11 + jump_us)
    for pause_us, there_us, within_us, back_us in before:
        now_us = exchange(time, old, now_us + pause_us, (there_us, within_us, back_us))
    time.new_link()
    for pause_us, there_us, within_us, back_us in after:
        now_us = exchange(time, new, now_us + pause_us, (there_us, within_us, back_us))
        found = time.estimate(new.mono_ms(now_us))
        assert found is not None
        assert abs(found[0] - new.hub_ms(now_us)) <= found[1]


@given(st.integers(0, TICKS_PERIOD_MS - 1), st.lists(st.integers(0, TICKS_PERIOD_MS // 2 - 1), max_size=30))
def test_ticks_add_up(start: int, steps: list[int]) -> None:
    ticks = TickCounter(start)
    count = 0
    for step in steps:
        count += step
        assert ticks.at((start + count) % TICKS_PERIOD_MS) == count
        late = min(step, 1000)
        assert ticks.at((start + count - late) % TICKS_PERIOD_MS) == count - late
