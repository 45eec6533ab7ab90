"""Strangers cost one entry per cause and minute, whatever they send."""

from hub.dispatch.requests import CountStrangers
from hub.links.strangers import CAUSES_MAX, SUMMARY_MS, Strangers


def test_nothing_to_tell_is_nothing() -> None:
    assert Strangers().due(10 * SUMMARY_MS) == []


def test_a_flood_is_one_summary_a_minute() -> None:
    strangers = Strangers()
    for at_ms in range(1_000, 1_000 + SUMMARY_MS, 10):
        strangers.count("unknown_terminal", at_ms)
        assert strangers.due(at_ms) == []
    assert strangers.due(1_000 + SUMMARY_MS) == [
        CountStrangers(now_ms=1_000 + SUMMARY_MS, cause="unknown_terminal", count=SUMMARY_MS // 10, since_ms=1_000)
    ]
    assert strangers.due(1_000 + 2 * SUMMARY_MS) == []


def test_invented_causes_have_a_limit() -> None:
    strangers = Strangers()
    for number in range(1_000):
        strangers.count(f"cause-{number}", 0)
    told = strangers.due(SUMMARY_MS)
    assert len(told) == CAUSES_MAX + 1
    assert sum(summary.count for summary in told) == 1_000
