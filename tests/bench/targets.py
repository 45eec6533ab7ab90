"""Every target, in one place: what it asks of which figures, and whether it holds."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from tests.bench.figures import FLOOR, PAGE, RECEIPT, Results

Found = tuple[float, str]
"""A value and the circumstance it was found in, empty where there is but one."""


@dataclass(frozen=True, slots=True)
class Target:
    """`find` raises LookupError where nothing was measured, or too little for its percentile. `least`: the value is to
    be at least `bound`.
    """

    question: str
    says: str
    find: Callable[[Results], Found]
    bound: float
    unit: str = ""
    least: bool = False

    def limit(self) -> str:
        return f"{'≥' if self.least else '≤'} {self.bound:,g}{self.unit and ' ' + self.unit}"


@dataclass(frozen=True, slots=True)
class Verdict:
    target: Target
    value: float | None
    where: str = ""

    @property
    def holds(self) -> bool:
        if self.value is None:
            return False
        return self.value >= self.target.bound if self.target.least else self.value <= self.target.bound

    def word(self) -> str:
        if self.value is None:
            return "**not measured**"
        return "holds" if self.holds else "**missed**"


def judge(results: Results, questions: Sequence[str]) -> list[Verdict]:
    """The targets of these questions."""
    return [_judge(target, results) for target in TARGETS if target.question in questions]


def _judge(target: Target, results: Results) -> Verdict:
    try:
        return Verdict(target, *target.find(results))
    except LookupError:
        return Verdict(target, None)


# ── where a value is found ──────────────────────────────────────────────────────────────────────────────────


def _figure(where: str, what: str) -> Callable[[Results], Found]:
    return lambda results: (results.figures[where, what][0], "")


def _worst_to_floor(begins: str, what: str, percent: float) -> Callable[[Results], Found]:
    """The largest ratio to D among the circumstances that begin so."""

    def find(results: Results) -> Found:
        found = [
            (results.rows[where, what].at(percent) / results.rows[where, FLOOR].at(percent), where)
            for where in results.wheres(begins, what)
        ]
        if not found:
            raise LookupError(begins)
        return max(found)

    return find


def _row(where: str, what: str, percent: float) -> Callable[[Results], Found]:
    return lambda results: (results.rows[where, what].at(percent), "")


def _ratio(upper: tuple[str, str], lower: tuple[str, str], percent: float = 50) -> Callable[[Results], Found]:
    return lambda results: (results.rows[upper].at(percent) / results.rows[lower].at(percent), "")


def _figures_ratio(upper: tuple[str, str], lower: tuple[str, str]) -> Callable[[Results], Found]:
    return lambda results: (results.figures[upper][0] / results.figures[lower][0], "")


def _longer(upper: tuple[str, str], lower: tuple[str, str]) -> Callable[[Results], Found]:
    """By how many per cent one p50 is longer than the other."""
    ratio = _ratio(upper, lower)
    return lambda results: ((ratio(results)[0] - 1) * 100, "")


# ── the targets ─────────────────────────────────────────────────────────────────────────────────────────────

SCALE = "terminals"
QUICK, SLOW = "disk as it is", "fsync 200 ms"
ALL_PAGED, ALL_RECEIPTS = "until all are paged", "until all have receipts"
STORM, AT_ONCE = "1,000 press within 1 s", "1,000 press at once"
HUB, MOSQUITTO, NATS, HOME_ASSISTANT = "Firstbell", "Mosquitto", "NATS JetStream", "Home Assistant"
ACKNOWLEDGED, DELIVERED = "sent → acknowledged", "sent → delivered"
CROWDED = "100 publishers: sent → acknowledged"
PER_SECOND = "acknowledged with 100 publishers"
SMALL, LARGE = "10^3 entries", "10^6 entries"


def _scale() -> Iterator[Target]:
    yield Target("scale", "press → page, p50 ÷ D, worst", _worst_to_floor(SCALE, PAGE, 50), 0.6)
    yield Target("scale", "press → receipt, p50 ÷ D, worst", _worst_to_floor(SCALE, RECEIPT, 50), 1.4)
    yield Target("scale", "press → receipt, p99 ÷ D's p99, worst", _worst_to_floor(SCALE, RECEIPT, 99), 2)
    yield Target("disk", "press → page, p50 ÷ D, fsync 200 ms", _worst_to_floor(SLOW, PAGE, 50), 0.6)
    longer = _longer((SLOW, PAGE), (QUICK, PAGE))
    yield Target("disk", "press → page, p50, longer by an fsync of 200 ms", longer, 20, "%")


def _load() -> Iterator[Target]:
    yield Target("storm", f"{STORM}: wait for the page, p99", _row(STORM, PAGE, 99), 30, "ms")
    yield Target("storm", f"{STORM}: wait for the receipt, p99", _row(STORM, RECEIPT, 99), 50, "ms")
    yield Target("storm", f"{AT_ONCE}: until all are paged", _figure(AT_ONCE, ALL_PAGED), 0.5, "s")
    yield Target("storm", f"{AT_ONCE}: until all have receipts", _figure(AT_ONCE, ALL_RECEIPTS), 0.5, "s")
    yield Target("sustained", "durable events", _figure("sustained", "durable events"), 2_000, "/s", True)
    yield Target("idle", "memory per terminal", _figure("1,000 idle", "memory per terminal"), 60, "KiB")
    yield Target("idle", "1,000 terminals", _figure("1,000 idle", "of a core"), 6, "% of a core")
    yield Target("verify", "structure alone", _figure("verify", "structure alone"), 200_000, "entries/s", True)
    yield Target("verify", "with every signature", _figure("verify", "with every signature"), 10_000, "entries/s", True)
    yield Target("million", f"start at {LARGE}", _figure(LARGE, "start"), 1.5, "s")
    yield Target("million", f"press → page, {LARGE} ÷ {SMALL}", _ratio((LARGE, PAGE), (SMALL, PAGE)), 1.25)
    yield Target("million", f"press → receipt, {LARGE} ÷ {SMALL}", _ratio((LARGE, RECEIPT), (SMALL, RECEIPT)), 1.25)


def _peers() -> Iterator[Target]:
    acked = _ratio((HUB, ACKNOWLEDGED), (NATS, ACKNOWLEDGED))
    paged = _ratio((HUB, DELIVERED), (NATS, DELIVERED))
    many = _figures_ratio((HUB, PER_SECOND), (NATS, PER_SECOND))
    tail = _ratio((HUB, CROWDED), (NATS, CROWDED), 99)
    home = _ratio((HUB, DELIVERED), (HOME_ASSISTANT, DELIVERED))
    home_many = _figures_ratio((HUB, PER_SECOND), (HOME_ASSISTANT, PER_SECOND))
    yield Target("peers", "receipt ÷ NATS' acknowledgement, p50", acked, 1.6)
    yield Target("peers", "page ÷ NATS' delivery, p50", paged, 1)
    yield Target("peers", "events/s with 100 publishers ÷ NATS", many, 3, least=True)
    yield Target("peers", "wait with 100 publishers ÷ NATS, p99", tail, 1 / 3)
    yield Target("peers", "page ÷ Home Assistant's state change to a listener, p50", home, 0.5)
    yield Target("peers", "events/s with 100 publishers ÷ Home Assistant", home_many, 4, least=True)


TARGETS = tuple(chain(_scale(), _load(), _peers()))
