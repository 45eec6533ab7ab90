"""Whether the voltage of a board's supply is high enough, from readings that may be disturbed.

The limits follow from the parts, in hardware/power.py: below the lower one the sounder may keep silent; above the upper
one is every supply of 5 V that keeps within its tolerance.
"""

VSYS_GPIO = 29
"""Where a Pico W reads its own supply: no wire leads there."""
LOW_MV = 4_400
WELL_MV = 4_600
SUPPLY_READ_MS = 2_000
"""It is read so often."""
READINGS = 3
"""So many in a row must say that it is low, or well again: what lasts 10 s always counts, below 4 s nothing does."""
TOLD_STEP_MV = 100


class Supply:
    """`mv` is told to people: the newest reading that differed by TOLD_STEP_MV from the one told before."""

    def __init__(self, reading_mv: int) -> None:
        """The first reading decides at once: the radio, which disturbs the others, is not on yet."""
        self.mv = reading_mv
        self.low = reading_mv < LOW_MV
        self._against = 0
        """Readings in a row that speak against `low`."""

    def read(self, reading_mv: int) -> None:
        """To be called with a reading every SUPPLY_READ_MS."""
        if abs(reading_mv - self.mv) >= TOLD_STEP_MV:
            self.mv = reading_mv
        against = reading_mv >= WELL_MV if self.low else reading_mv < LOW_MV
        self._against = self._against + 1 if against else 0
        if self._against == READINGS:
            self.low = not self.low
            self._against = 0
