"""All inputs of one terminal: edges and readings in, what happened out. Holds the filters, decides nothing itself."""

from collections.abc import Callable, Mapping

from firstbell.press import Happening, PressFilter

from terminal.panel import Edge
from terminal.settings import Settings

READ_MS = 1_000
"""Every line is read so often, besides its edges: the kernel keeps only 16 of those that nobody fetches."""


class Inputs:
    """Times are mono ms. A happening comes with the name of its input."""

    def __init__(self, settings: Settings) -> None:
        self._filters = {
            name: PressFilter(wired.kind, settings.press_ms_min) for name, wired in settings.inputs.items()
        }
        self._unreadable: set[str] = set()
        self._read_ms: int | None = None

    def edge(self, edge: Edge) -> list[tuple[str, Happening]]:
        return [(edge.input, happening) for happening in self._filters[edge.input].edge(edge.at_ms, edge.closed)]

    def step(self, now_ms: int, levels: Callable[[], Mapping[str, bool | None]]) -> list[tuple[str, Happening]]:
        """To be called at `next_ms` or later. `levels` reads the lines; None for one that can't be read."""
        if now_ms < self.next_ms():
            return []
        self._read_ms = now_ms
        happened = []
        for name, closed in levels().items():
            filter_ = self._filters[name]
            if closed is None:
                self._unreadable.add(name)
                happened += [(name, happening) for happening in filter_.tick(now_ms)]
            else:
                self._unreadable.discard(name)
                happened += [(name, happening) for happening in filter_.read(now_ms, closed)]
        return happened

    def next_ms(self) -> int:
        if self._read_ms is None:
            return 0
        due = [filter_.next_ms() for filter_ in self._filters.values()]
        return min([self._read_ms + READ_MS, *(due_ms for due_ms in due if due_ms is not None)])

    def states(self) -> dict[str, str]:
        """open, closed, stuck or unknown."""
        return {
            name: "unknown" if name in self._unreadable else filter_.state() for name, filter_ in self._filters.items()
        }

    @property
    def unreadable(self) -> frozenset[str]:
        return frozenset(self._unreadable)
