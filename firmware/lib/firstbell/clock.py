"""The hub's time as a terminal can know it, and a tick counter that never wraps. Integer milliseconds.

"Mono" is the terminal's own clock, which counts on from its start and is never set.
"""

CLOCK_DRIFT_PPM_MAX = 200
"""How far both clocks together may run apart, in millionths: twice what plain crystals do."""
EXCHANGES_MAX = 8
TICKS_PERIOD_MS = 1 << 30
"""MicroPython's `time.ticks_ms` starts again from 0 here, after 12.4 days."""


class _Exchange:
    """One question and answer. With o = hub time - mono, the answer proves t3 - t4 <= o <= t2 - t1."""

    __slots__ = ("double_offset_ms", "round_trip_ms", "t1_ms", "t4_ms")

    def __init__(self, t1_ms: int, t2_ms: int, t3_ms: int, t4_ms: int) -> None:
        self.t1_ms = t1_ms
        self.t4_ms = t4_ms
        self.double_offset_ms = (t2_ms - t1_ms) + (t3_ms - t4_ms)
        self.round_trip_ms = (t4_ms - t1_ms) - (t3_ms - t2_ms)

    def estimate(self, mono_ms: int) -> "tuple[int, int]":
        age_ms = max(abs(mono_ms - self.t1_ms), abs(mono_ms - self.t4_ms))
        # The 1 pays for cut-off fractions: all four readings are whole milliseconds, and so is `mono_ms`.
        error_ms = (self.round_trip_ms + 1) // 2 + 1 + -(-age_ms * CLOCK_DRIFT_PPM_MAX // 1_000_000)
        return mono_ms + self.double_offset_ms // 2, error_ms


class HubTime:
    """Estimates hub time from four-timestamp exchanges (as in RFC 5905, section 8), with a bound on its error."""

    def __init__(self) -> None:
        self._exchanges: list[_Exchange] = []
        self._on_new_link = False

    def new_link(self) -> None:
        """A connection has begun: its first exchange replaces all earlier ones, for a restarted hub counts on from
        elsewhere. Until then they are still the best there is."""
        self._on_new_link = True

    def exchange(self, t1_ms: int, t2_ms: int, t3_ms: int, t4_ms: int) -> bool:
        """Asked at mono `t1_ms`, received and answered by the hub at hub time `t2_ms` and `t3_ms`, answer here at
        mono `t4_ms`. False: impossible readings, nothing learnt.

        Readings that contradict the present estimate replace it: the hub's count has jumped.
        """
        new = _Exchange(t1_ms, t2_ms, t3_ms, t4_ms)
        # Cut-off fractions can make a round trip look up to 2 ms shorter than nothing.
        if t4_ms < t1_ms or t3_ms < t2_ms or new.round_trip_ms < -2:
            return False
        new.round_trip_ms = max(0, new.round_trip_ms)
        believed = self.estimate(t4_ms)
        if believed is not None:
            hub_ms, error_ms = new.estimate(t4_ms)
            if self._on_new_link or abs(believed[0] - hub_ms) > believed[1] + error_ms:
                self._exchanges.clear()
        self._on_new_link = False
        self._exchanges.append(new)
        if len(self._exchanges) > EXCHANGES_MAX:
            self._exchanges.pop(0)
        return True

    def estimate(self, mono_ms: int) -> "tuple[int, int] | None":
        """Hub time at `mono_ms` and the bound of its error; None before the first exchange."""
        best = None
        for exchange in self._exchanges:
            found = exchange.estimate(mono_ms)
            if best is None or found[1] <= best[1]:
                best = found
        return best


class TickCounter:
    """Makes one count of readings of `time.ticks_ms`, which wraps. Starts at 0 with the first reading given.

    A reading may be up to half a period (6.2 days) older or newer than the newest one before.
    """

    def __init__(self, ticks_ms: int) -> None:
        self._newest_ticks_ms = ticks_ms
        self._newest_ms = 0

    def at(self, ticks_ms: int) -> int:
        """The count at this reading. An older one (an edge that waited for its turn) gives its own, smaller count."""
        ahead_ms = (ticks_ms - self._newest_ticks_ms) % TICKS_PERIOD_MS
        if ahead_ms >= TICKS_PERIOD_MS // 2:
            return self._newest_ms + ahead_ms - TICKS_PERIOD_MS
        self._newest_ticks_ms = ticks_ms
        self._newest_ms += ahead_ms
        return self._newest_ms
