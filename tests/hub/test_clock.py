"""Hub time never goes back, and a wrong wall clock can't push it ahead for good."""

from hypothesis import given
from hypothesis import strategies as st

from hub.clock import OFF_MS_MAX, RESTART_MS, HubClock, boot_ms, utc_error_ms, utc_moved

YEAR_MS = 365 * 86_400_000


class Machine:
    """A boot-time clock and a wall clock that a test moves."""

    def __init__(self, boot: int = 5_000, wall: int = 1_795_000_000_000) -> None:
        self.boot = boot
        self.wall = wall

    def clock(self, last_ms: int, last_offset_ms: int | None) -> HubClock:
        return HubClock(last_ms, last_offset_ms, boot=lambda: self.boot, wall=lambda: self.wall, error=lambda: 3)


def test_a_new_campus_counts_from_near_zero() -> None:
    machine = Machine()
    clock = machine.clock(0, None)
    assert clock.now_ms() == RESTART_MS
    machine.boot += 250
    assert clock.now_ms() == RESTART_MS + 250


def test_a_wall_clock_that_is_set_does_not_move_the_count() -> None:
    machine = Machine()
    clock = machine.clock(0, None)
    offset_ms, _ = clock.utc()
    machine.wall += 3_600_000
    assert clock.now_ms() == RESTART_MS
    assert clock.utc() == (offset_ms + 3_600_000, 3)


def test_time_off_is_taken_from_a_plausible_wall_clock() -> None:
    machine = Machine()
    first = machine.clock(0, None)
    last_ms, (offset_ms, _) = first.now_ms(), first.utc()
    machine.boot, machine.wall = 100, machine.wall + 60_000
    assert machine.clock(last_ms, offset_ms).now_ms() == last_ms + 60_000 + RESTART_MS


def test_trap_a_clock_ratchets() -> None:
    """One boot ten years ahead must not leave every later boot ten years ahead."""
    machine = Machine()
    first = machine.clock(0, None)
    last_ms, (offset_ms, _) = first.now_ms(), first.utc()
    machine.wall += 10 * YEAR_MS
    assert machine.clock(last_ms, offset_ms).now_ms() == last_ms + RESTART_MS


@given(last_ms=st.integers(0, 10**13), offset_ms=st.integers(-(10**13), 10**13), wall=st.integers(0, 10**13))
def test_a_restart_never_goes_back_nor_far_ahead(last_ms: int, offset_ms: int, wall: int) -> None:
    now_ms = Machine(wall=wall).clock(last_ms, offset_ms).now_ms()
    assert last_ms < now_ms <= last_ms + OFF_MS_MAX + RESTART_MS


def test_the_recorded_offset_is_renewed_when_it_no_longer_holds() -> None:
    assert not utc_moved(1_000, 5, 1_040, 9)
    assert utc_moved(1_000, 5, 1_051, 5)
    assert utc_moved(1_000, None, 1_000, 5)


def test_this_machine_has_both_clocks() -> None:
    assert boot_ms() <= boot_ms()
    error_ms = utc_error_ms()
    assert error_ms is None or error_ms > 0
