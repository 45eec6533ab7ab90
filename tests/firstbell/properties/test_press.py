"""The press filter against what it promises, over random lines."""

from firstbell.press import BOUNCE_MS, PULSE_MS_MAX, PULSE_MS_MIN, PressFilter
from hypothesis import given
from hypothesis import strategies as st

SHORT_GAP = st.integers(1, BOUNCE_MS - 1)
GAP = st.integers(BOUNCE_MS, 500)
KINDS = st.sampled_from(["panic", "perimeter", "tamper", "supply"])
SETTING = st.integers(PULSE_MS_MIN, PULSE_MS_MAX)

Edges = list[tuple[int, bool]]


def filter_of(kind: str, press_ms_min: int) -> PressFilter:
    line = PressFilter(kind, press_ms_min)
    line.read(0, kind != "panic")
    return line


def feed(line: PressFilter, edges: Edges, ticks: list[int]) -> list[tuple[str, int]]:
    """Edges as (ms, active), and ticks at arbitrary times between, in the order of time; then a long rest."""
    steps: list[tuple[int, bool | None]] = [*edges, *((at_ms, None) for at_ms in ticks)]
    # At one moment an edge goes first: a tick promises that there is none left.
    steps.sort(key=lambda step: (step[0], step[1] is None))
    happened = []
    for at_ms, active in steps:
        closed = active == (line.kind == "panic")
        happened += line.tick(at_ms) if active is None else line.edge(at_ms, closed)
    happened += line.tick(steps[-1][0] + 1000)
    return [(item.what, item.at_ms) for item in happened]


@st.composite
def clean_pulses(draw: st.DrawFn) -> tuple[Edges, list[tuple[int, int]]]:
    """Edges, and (first edge, width) of each pulse."""
    at_ms, edges, pulses = 10, Edges(), []
    for width_ms in draw(st.lists(st.integers(1, 900), min_size=1, max_size=8)):
        edges += [(at_ms, True), (at_ms + width_ms, False)]
        pulses.append((at_ms, width_ms))
        at_ms += width_ms + draw(GAP)
    return edges, pulses


@st.composite
def chatter(draw: st.DrawFn, width_ms_min: int) -> Edges:
    """One pulse that lasts, opening over and over for less than BOUNCE_MS."""
    at_ms, edges = 10, Edges()
    while not edges or edges[-1][0] - edges[0][0] < width_ms_min:
        width_ms = draw(st.integers(1, 60))
        edges += [(at_ms, True), (at_ms + width_ms, False)]
        at_ms += width_ms + draw(SHORT_GAP)
    return edges


TICKS = st.lists(st.integers(0, 4000), max_size=20)


@given(clean_pulses(), SETTING, TICKS)
def test_a_button_counts_each_pulse_by_its_width(
    line: tuple[Edges, list[tuple[int, int]]], press_ms_min: int, ticks: list[int]
) -> None:
    edges, pulses = line
    expected = [("panic", first_ms) for first_ms, width_ms in pulses if width_ms >= press_ms_min]
    assert feed(filter_of("panic", press_ms_min), edges, ticks) == expected


@given(clean_pulses(), SETTING, TICKS, KINDS)
def test_when_it_is_asked_does_not_matter(
    line: tuple[Edges, list[tuple[int, int]]], press_ms_min: int, ticks: list[int], kind: str
) -> None:
    edges, _ = line
    assert feed(filter_of(kind, press_ms_min), edges, ticks) == feed(filter_of(kind, press_ms_min), edges, [])


@given(chatter(PULSE_MS_MAX), SETTING, TICKS, KINDS)
def test_no_pulse_of_400_ms_is_missed(edges: Edges, press_ms_min: int, ticks: list[int], kind: str) -> None:
    happened = feed(filter_of(kind, press_ms_min), edges, ticks)
    assert happened[0] == (kind, edges[0][0])
    assert [what for what, _ in happened].count(kind) == 1


@given(st.lists(st.tuples(st.integers(1, PULSE_MS_MIN - 1), GAP), min_size=1, max_size=60), SETTING, TICKS, KINDS)
def test_no_pulse_below_20_ms_counts(
    pulses: list[tuple[int, int]], press_ms_min: int, ticks: list[int], kind: str
) -> None:
    at_ms, edges = 10, Edges()
    for width_ms, gap_ms in pulses:
        edges += [(at_ms, True), (at_ms + width_ms, False)]
        at_ms += width_ms + gap_ms
    assert feed(filter_of(kind, press_ms_min), edges, ticks) == []


@given(clean_pulses(), SETTING, st.sampled_from(["perimeter", "tamper", "supply"]))
def test_a_loop_alternates_between_alarm_and_restored(
    line: tuple[Edges, list[tuple[int, int]]], press_ms_min: int, kind: str
) -> None:
    edges, _ = line
    happened = feed(filter_of(kind, press_ms_min), edges, [])
    assert [what for what, _ in happened] == [kind, "restored"] * (len(happened) // 2)
    assert [at_ms for _, at_ms in happened] == sorted(at_ms for _, at_ms in happened)
    assert {at_ms for _, at_ms in happened} <= {at_ms for at_ms, _ in edges}


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("oecr"), st.booleans()), max_size=60), SETTING, KINDS)
def test_whatever_comes_it_goes_on(steps: list[tuple[int, str, bool]], press_ms_min: int, kind: str) -> None:
    """Lost and repeated edges, readings that differ, times that stand still: alive, in order, and no endless asking."""
    line = filter_of(kind, press_ms_min)
    now_ms = 0
    for pass_ms, what, level in steps:
        now_ms += pass_ms
        happened = {
            "o": lambda: line.edge(now_ms, False),  # noqa: B023
            "c": lambda: line.edge(now_ms, True),  # noqa: B023
            "e": lambda: line.edge(max(0, now_ms - 20), level),  # noqa: B023
            "r": lambda: line.read(now_ms, level),  # noqa: B023
        }[what]()
        assert all(item.at_ms <= now_ms for item in happened)
        due_ms = line.next_ms()
        if due_ms is not None and due_ms <= now_ms:
            line.tick(now_ms)
            line.read(now_ms, level)
            line.read(now_ms + 101, level)
            now_ms += 101
    # However it was left, a clean press or opening is told after it.
    well = kind != "panic"
    for at_ms in (1000, 1200):
        line.read(now_ms + at_ms, well)
    happened_last = line.edge(now_ms + 3000, not well) + line.edge(now_ms + 3500, well)
    assert [item.at_ms for item in happened_last if item.what == kind] == [now_ms + 3000]
