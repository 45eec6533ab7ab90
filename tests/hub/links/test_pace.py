"""However fast a peer changes what it says: so much counts and no more, and what it said last always does."""

from hypothesis import given
from hypothesis import strategies as st

from hub.links.pace import BURST_MAX, EACH_MS, Pace

PEERS = ("p-a", "p-b")
SPEECH = st.lists(st.tuples(st.integers(0, 2 * EACH_MS), st.sampled_from(PEERS)), max_size=4 * BURST_MAX)
"""How long after the one before somebody says something, and who."""
SWEEP_MS = 1_000


def counted(speech: list[tuple[int, str]]) -> list[tuple[int, str, int]]:
    """When, of whom and which of the things said counted; in the end everybody is silent for a while."""
    pace: Pace[tuple[str, int]] = Pace()
    now_ms, swept_ms, counts = 0, 0, []
    for number, (later_ms, peer) in enumerate([*speech, (2 * SWEEP_MS, "")]):
        now_ms += later_ms
        while swept_ms + SWEEP_MS <= now_ms:
            swept_ms += SWEEP_MS
            counts += [(swept_ms, *said) for said in pace.due(swept_ms)]
        if peer and pace.comes(peer, (peer, number), now_ms):
            counts.append((now_ms, peer, number))
    return counts


@given(SPEECH)
def test_a_peer_counts_so_often_and_no_more(speech: list[tuple[int, str]]) -> None:
    counts = counted(speech)
    for peer in PEERS:
        times = [at_ms for at_ms, who, _ in counts if who == peer]
        for first, start_ms in enumerate(times):
            for more, at_ms in enumerate(times[first:], 1):
                assert more <= BURST_MAX + (at_ms - start_ms) // EACH_MS


@given(SPEECH)
def test_what_a_peer_said_last_counts_last(speech: list[tuple[int, str]]) -> None:
    said = {peer: number for number, (_, peer) in enumerate(speech)}
    counts = counted(speech)
    assert {who: number for _, who, number in counts} == said
    for peer in PEERS:
        numbers = [number for _, who, number in counts if who == peer]
        assert numbers == sorted(set(numbers))


@given(st.lists(st.integers(EACH_MS, 5 * EACH_MS), max_size=3 * BURST_MAX))
def test_a_peer_with_a_pace_that_is_allowed_never_waits(gaps: list[int]) -> None:
    pace: Pace[int] = Pace()
    now_ms = 0
    for number, gap_ms in enumerate([0] * (BURST_MAX - 1) + gaps):
        now_ms += gap_ms
        assert pace.comes("p-a", number, now_ms)


def test_what_waits_goes_with_the_peer_but_not_its_measure() -> None:
    pace: Pace[int] = Pace()
    assert [pace.comes("p-a", number, 0) for number in range(BURST_MAX + 1)] == [True] * BURST_MAX + [False]
    pace.left("p-a")
    assert pace.due(EACH_MS - 1) == []
    assert not pace.comes("p-a", 0, EACH_MS - 1)
    assert pace.due(EACH_MS) == [0]
