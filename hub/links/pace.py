"""How often one peer may change what it says of itself: each change is an entry, and a stolen card must not fill the
record or keep everybody's receipts waiting.

So many changes count as they come; beyond that the newest counts, a little later. Nothing that rings goes through here.
"""

from typing import Generic, TypeVar

BURST_MAX = 50
"""Changes at once; more than any day brings."""
EACH_MS = 200
"""So long until one of them is free again."""

Said = TypeVar("Said")


class Pace(Generic[Said]):
    """`comes` for everything that a peer says, `due` every second or so, `left` when it is gone."""

    def __init__(self) -> None:
        self._busy_until_ms: dict[str, int] = {}
        self._waiting: dict[str, Said] = {}

    def comes(self, peer: str, said: Said, now_ms: int) -> bool:
        """Whether it counts now; else it waits for `due`, in the place of what waited before."""
        if self._may(peer, now_ms):
            self._waiting.pop(peer, None)
            return True
        self._waiting[peer] = said
        return False

    def due(self, now_ms: int) -> list[Said]:
        """What counts now of all that waits."""
        return [self._waiting.pop(peer) for peer in tuple(self._waiting) if self._may(peer, now_ms)]

    def left(self, peer: str) -> None:
        """What it said last is of no matter. How much it said still counts, or it would only come back."""
        self._waiting.pop(peer, None)

    def _may(self, peer: str, now_ms: int) -> bool:
        # The generic cell rate algorithm (ITU-T I.371): one time instead of a count and a clock.
        busy_until_ms = max(self._busy_until_ms.get(peer, now_ms), now_ms)
        if busy_until_ms - now_ms > (BURST_MAX - 1) * EACH_MS:
            return False
        self._busy_until_ms[peer] = busy_until_ms + EACH_MS
        return True
