"""Messages of nobody we know are counted, not recorded one by one, so that nobody can grow the ledger."""

from hub.dispatch.requests import CountStrangers

SUMMARY_MS = 60_000
"""One entry per cause in this time at the most."""
CAUSES_MAX = 16
"""Causes told apart; any further one counts as "other"."""


class Strangers:
    """`count` each refusal; `due` gives the summaries of the minute that is over."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._since_ms: int | None = None

    def count(self, cause: str, now_ms: int) -> None:
        if self._since_ms is None:
            self._since_ms = now_ms
        known = cause in self._counts or len(self._counts) < CAUSES_MAX
        cause = cause if known else "other"
        self._counts[cause] = self._counts.get(cause, 0) + 1

    def due(self, now_ms: int) -> list[CountStrangers]:
        if self._since_ms is None or now_ms - self._since_ms < SUMMARY_MS:
            return []
        since_ms, counts = self._since_ms, self._counts
        self._since_ms, self._counts = None, {}
        return [
            CountStrangers(now_ms=now_ms, cause=cause, count=count, since_ms=since_ms)
            for cause, count in counts.items()
        ]
