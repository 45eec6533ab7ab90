"""How often a wrong PIN may be tried.

Each (source, account) counts for itself. A source is a pager, or a browser that has once signed on as this account;
all others are one source together, "". So whoever guesses from a device that nobody knows can only slow down others
like it, never a guard at a pager. Being signed on needs no PIN, so nothing here touches a pager in use.
"""

from dataclasses import dataclass

from hub.dispatch.requests import Refused

FREE_ATTEMPTS = 3
"""Wrong PINs that cost nothing: people mistype."""
DELAY_MS_MIN = 1_000
DELAY_MS_MAX = 300_000
"""Each further wrong PIN doubles the wait, up to this: 288 guesses a day, nine years for six digits."""
FORGET_MS = 3_600_000
"""Wrong PINs are forgotten when none came for so long."""
ENTRIES_MAX = 4_096
STRANGER = ""
UNKNOWN_ACCOUNT = "?"
"""All accounts that don't exist count as one, so that guessed names can't fill the table."""


class TooSoon(Refused):
    """Try again in `wait_ms`."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__("too_soon")
        self.wait_ms = wait_ms


@dataclass(slots=True)
class _Count:
    wrong: int
    last_ms: int
    free_ms: int


class Attempts:
    """`begin` before a PIN is looked at, `succeeded` when it was right. Times are hub time."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], _Count] = {}

    def begin(self, source: str, account: str, now_ms: int) -> None:
        """Counts as wrong until it turns out right, so that many at once are no way around. Raises TooSoon."""
        key = (source, account)
        count = self._counts.pop(key, None)
        if count is None or now_ms - count.last_ms >= FORGET_MS:
            count = _Count(0, now_ms, now_ms)
        # Put back last: the table stays in the order of use, and the one used longest ago goes first.
        self._counts[key] = count
        if now_ms < count.free_ms:
            raise TooSoon(count.free_ms - now_ms)
        count.wrong += 1
        count.last_ms = now_ms
        count.free_ms = now_ms + _delay_ms(count.wrong)
        self._shrink()

    def succeeded(self, source: str, account: str) -> None:
        self._counts.pop((source, account), None)

    def __len__(self) -> int:
        return len(self._counts)

    def _shrink(self) -> None:
        while len(self._counts) > ENTRIES_MAX:
            del self._counts[next(iter(self._counts))]


def _delay_ms(wrong: int) -> int:
    if wrong < FREE_ATTEMPTS:
        return 0
    return int(min(DELAY_MS_MIN << min(wrong - FREE_ATTEMPTS, 32), DELAY_MS_MAX))
