"""Readings and what is said of them: percentiles, how sure they are, ratios to the floor of the same minutes."""

import math
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

READINGS_MIN = {50: 1, 99: 100, 99.9: 1_000}
"""Percentile → how many readings it needs: of fewer, it would only be the largest."""
RESAMPLES = 400
SURE_PERCENT = 95

FLOOR = "floor D"
PAGE = "press → page on the socket"
RECEIPT = "press → receipt"
LIGHT = "accept → light"
DOM = "press → the pager's DOM"
SOUND = "press → sound running"


def percentile(readings: Sequence[float], percent: float) -> float:
    """The nearest rank."""
    return sorted(readings)[max(math.ceil(len(readings) * percent / 100), 1) - 1]


@dataclass(slots=True)
class Row:
    """Milliseconds of one kind under one circumstance, by the round they were read in."""

    rounds: dict[int, list[float]] = field(default_factory=dict)

    def add(self, number: int, *readings_ms: float) -> None:
        self.rounds.setdefault(number, []).extend(readings_ms)

    @property
    def readings(self) -> list[float]:
        return [reading for readings in self.rounds.values() for reading in readings]

    def has(self, percent: float) -> bool:
        return len(self.readings) >= READINGS_MIN[percent]

    def at(self, percent: float) -> float:
        """Raises LookupError where there are fewer readings than this percentile needs."""
        if not self.has(percent):
            raise LookupError(f"p{percent} of {len(self.readings)} readings")
        return percentile(self.readings, percent)


Key = tuple[str, str]


@dataclass(slots=True)
class Results:
    """What one run has found. `rows` and `figures` by circumstance and kind; a figure is a number and its unit.

    `promises`: the same key → what the acknowledgement that was measured stands for. `missing`: question → why it was
    not measured. `notes`: what is to be said besides.
    """

    rows: dict[Key, Row] = field(default_factory=dict)
    figures: dict[Key, tuple[float, str]] = field(default_factory=dict)
    promises: dict[Key, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def row(self, where: str, what: str) -> Row:
        return self.rows.setdefault((where, what), Row())

    def figure(self, where: str, what: str, value: float, unit: str) -> None:
        self.figures[where, what] = value, unit

    def wheres(self, begins: str, what: str) -> list[str]:
        """The circumstances that begin so and have this kind of reading."""
        return [where for where, kind in self.rows if kind == what and where.startswith(begins)]


def interval(statistic: Callable[[Sequence[int]], float], rounds: Sequence[int], dice: random.Random) -> Key:
    """As text, where `statistic` of rounds lies with 95 %: a bootstrap that draws whole rounds, for what disturbs one
    reading disturbs its neighbours, too.
    """
    drawn = sorted(statistic(dice.choices(rounds, k=len(rounds))) for _ in range(RESAMPLES))
    outside = (100 - SURE_PERCENT) / 2
    return f"{percentile(drawn, outside):.2f}", f"{percentile(drawn, 100 - outside):.2f}"


def percentile_of(row: Row, percent: float) -> Callable[[Sequence[int]], float]:
    return lambda rounds: percentile([r for number in rounds for r in row.rounds.get(number, ())], percent)


def ratio_of(row: Row, floor: Row, percent: float) -> Callable[[Sequence[int]], float]:
    """Of the two percentiles, both from the same rounds."""
    upper, lower = percentile_of(row, percent), percentile_of(floor, percent)
    return lambda rounds: upper(rounds) / lower(rounds)


async def interleave(turns: Mapping[str, Callable[[int], Awaitable[None]]], rounds: int, dice: random.Random) -> None:
    """Each round gives every turn once, in an order of its own: what else the machine does hits all alike."""
    for number in range(rounds):
        for name in dice.sample(sorted(turns), len(turns)):
            await turns[name](number)
