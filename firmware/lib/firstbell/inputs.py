"""All inputs of one terminal: edges and readings in, what happened out. Holds the filters, decides nothing itself."""

from firstbell.press import PressFilter

try:
    from collections.abc import Callable, Mapping

    from firstbell.press import Happening
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

READ_MS = 1000
"""Every line is read so often, besides its edges: a Pi's kernel keeps only 16 of those that nobody fetches."""


class Inputs:
    """`kinds`: the kind of each input by its name. Times are mono ms. A happening comes with the name of its input."""

    def __init__(self, kinds: "Mapping[str, str]", press_ms_min: int) -> None:
        self._filters = {name: PressFilter(kind, press_ms_min) for name, kind in kinds.items()}
        self._read_ms: int | None = None
        self.unreadable: set[str] = set()
        """Inputs whose line could not be read when it was last tried."""

    def edge(self, name: str, at_ms: int, closed: bool) -> "list[tuple[str, Happening]]":
        return [(name, happening) for happening in self._filters[name].edge(at_ms, closed)]

    def step(self, now_ms: int, levels: "Callable[[], Mapping[str, bool | None]]") -> "list[tuple[str, Happening]]":
        """To be called at `next_ms` or later. `levels` reads the lines; None for one that can't be read."""
        if now_ms < self.next_ms():
            return []
        self._read_ms = now_ms
        happened = []
        for name, closed in levels().items():
            filter_ = self._filters[name]
            if closed is None:
                self.unreadable.add(name)
                happened += [(name, happening) for happening in filter_.tick(now_ms)]
            else:
                self.unreadable.discard(name)
                happened += [(name, happening) for happening in filter_.read(now_ms, closed)]
        return happened

    def next_ms(self) -> int:
        if self._read_ms is None:
            return 0
        due = [filter_.next_ms() for filter_ in self._filters.values()]
        return min([self._read_ms + READ_MS] + [due_ms for due_ms in due if due_ms is not None])

    def states(self) -> "dict[str, str]":
        """open, closed, stuck or unknown."""
        return {
            name: "unknown" if name in self.unreadable else filter_.state() for name, filter_ in self._filters.items()
        }
