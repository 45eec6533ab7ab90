"""One name is given once, and one token used once, however many ask for it at the same moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from hub.dispatch.requests import Refused


class Naming:
    """The names on their way to the engine: whoever looks whether a name is free does not see them there yet."""

    def __init__(self) -> None:
        self._asked: set[tuple[str, str]] = set()

    @contextmanager
    def claim(self, kind: str, name: str, taken: str = "known_name") -> Iterator[None]:
        """For the time from looking whether it is free until the engine has answered; no await between.

        Raises Refused(`taken`) while another holds it.
        """
        if (kind, name) in self._asked:
            raise Refused(taken)
        self._asked.add((kind, name))
        try:
            yield
        finally:
            self._asked.discard((kind, name))
