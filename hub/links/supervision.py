"""Which connections have to end: of those who are silent for too long, and of one peer's too many.

Last-heard lives here, not in the campus: only the transition is a request.
"""

from collections import defaultdict
from collections.abc import Hashable
from typing import Generic, TypeVar

SILENCE_MS_MAX = 9_000
"""A peer not heard for this long is lost (a heartbeat comes every 3 s)."""
SWEEP_MS = 1_000
"""How often the links look for silence."""
PAUSE_MS = 3 * SWEEP_MS
"""A sweep this late means that we ourselves stood still: what was sent meanwhile is read before anybody is judged."""

CONNECTIONS_OF_ONE_MAX = 16
"""Of one terminal or pager. Clones stay linked beside the real one, but the newest always gets in."""

Peer = TypeVar("Peer", bound=Hashable)


class Sweeps:
    """Tells a sweep that may judge from one that comes after a pause of our own, as the first one may."""

    def __init__(self) -> None:
        self._swept_ms: int | None = None

    def may_judge(self, now_ms: int) -> bool:
        """Asked once per sweep."""
        swept_ms, self._swept_ms = self._swept_ms, now_ms
        return swept_ms is not None and now_ms - swept_ms <= PAUSE_MS


class Supervision(Generic[Peer]):
    """`heard` at every frame, `sweep` every SWEEP_MS; `sweep` returns those who are silent now."""

    def __init__(self) -> None:
        self._heard_ms: dict[Peer, int] = {}
        self._sweeps = Sweeps()

    def heard(self, peer: Peer, now_ms: int) -> None:
        self._heard_ms[peer] = now_ms

    def left(self, peer: Peer) -> None:
        self._heard_ms.pop(peer, None)

    def sweep(self, now_ms: int) -> list[Peer]:
        if not self._sweeps.may_judge(now_ms):
            return []
        return [peer for peer, heard_ms in self._heard_ms.items() if now_ms - heard_ms >= SILENCE_MS_MAX]


class Newest(Generic[Peer]):
    """The connections of each terminal or pager by its `name`, and which of them has to go."""

    def __init__(self) -> None:
        self._of: defaultdict[str, dict[Peer, None]] = defaultdict(dict)

    def came(self, name: str, connection: Peer) -> Peer | None:
        """The oldest one, where this is one too many: it counts no more, and is to be ended."""
        self._of[name][connection] = None
        if len(self._of[name]) <= CONNECTIONS_OF_ONE_MAX:
            return None
        oldest = next(iter(self._of[name]))
        self.left(name, oldest)
        return oldest

    def left(self, name: str, connection: Peer) -> None:
        self._of[name].pop(connection, None)
        if not self._of[name]:
            del self._of[name]
