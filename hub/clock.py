"""Hub time: a count of milliseconds that never goes back, and its distance to UTC.

The count runs with the machine's boot-time clock, so a wall clock that is set does not move it. UTC is the count plus
an offset, which is an entry with its error and may step. At a start the count goes on from the last entry; how long the
hub was off is taken from the wall clock where that is plausible, so that the age of an open incident stays right, and
no further: a wall clock that is ten years ahead must not push the count there for good.
"""

import ctypes
import time
from collections.abc import Callable

OFF_MS_MAX = 7 * 86_400_000
"""The longest time off that the wall clock is believed for."""
RESTART_MS = 1_000
"""Added at each start, for what a run may have counted after its last entry while the wall clock was being slewed."""
UTC_STEP_MS = 50
"""A difference between wall clock and count above this is a new offset entry."""

_STA_UNSYNC = 0x0040


def boot_ms() -> int:
    """Milliseconds since the machine started, sleep included."""
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


class _Timex(ctypes.Structure):
    """struct timex of adjtimex(2), as far as it is read here; the kernel fills 208 bytes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_byte * 160),
    )


def utc_error_ms() -> int | None:
    """The kernel's bound of the wall clock's error, or None while nothing disciplines it (adjtimex(2))."""
    timex = _Timex()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(timex)) < 0 or timex.status & _STA_UNSYNC:
        return None
    return int(timex.maxerror) // 1_000 + 1


class HubClock:
    """`last_ms` and `last_offset_ms` come from the ledger's newest entries (0 and None for a new campus)."""

    def __init__(
        self,
        last_ms: int,
        last_offset_ms: int | None,
        boot: Callable[[], int] = boot_ms,
        wall: Callable[[], int] = wall_ms,
        error: Callable[[], int | None] = utc_error_ms,
    ) -> None:
        self._boot, self._wall, self._error = boot, wall, error
        off_ms = 0 if last_offset_ms is None else wall() - last_offset_ms - last_ms
        if not 0 <= off_ms <= OFF_MS_MAX:
            off_ms = 0
        self._count_at_boot_ms = last_ms + off_ms + RESTART_MS - boot()

    def now_ms(self) -> int:
        return self._count_at_boot_ms + self._boot()

    def utc(self) -> tuple[int, int | None]:
        """(offset_ms, error_ms): UTC = hub time + offset_ms, give or take error_ms; None = not disciplined."""
        return self._wall() - self.now_ms(), self._error()


def utc_moved(offset_ms: int, error_ms: int | None, recorded_offset_ms: int, recorded_error_ms: int | None) -> bool:
    """Whether the recorded offset no longer says what the wall clock says."""
    return abs(offset_ms - recorded_offset_ms) > UTC_STEP_MS or (error_ms is None) != (recorded_error_ms is None)
