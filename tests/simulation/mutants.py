"""Deliberate bugs, each in a seam of the real code. The simulator must catch every one: that is how it can fail."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

from tests.simulation.world import Parts


@dataclass(frozen=True, slots=True)
class Mutant:
    """`swaps`: "module:name" or "module:Class.name" → what makes the faulty thing of the real one."""

    name: str
    swaps: tuple[tuple[str, Callable[[Any], Any]], ...] = ()
    parts: Parts = Parts()

    @contextmanager
    def built_in(self) -> Iterator[Parts]:
        """While it lasts, this process runs with the bug."""
        with ExitStack() as stack:
            for where, make in self.swaps:
                module, _, path = where.partition(":")
                *outer, name = path.split(".")
                owner: Any = importlib.import_module(module)
                for part in outer:
                    owner = getattr(owner, part)
                stack.enter_context(mock.patch.object(owner, name, make(getattr(owner, name))))
            yield self.parts


MUTANTS: dict[str, Mutant] = {}


def seeds_until_caught(name: str, seeds: int) -> "tuple[int, Any]":
    """The number of seeds until this bug was caught, and by what; 0 when it wasn't."""
    from tests.simulation.crowd import run_seeds

    for count, outcome in enumerate(run_seeds(range(1, seeds + 1), mutant=name), 1):
        if outcome.broken:
            return count, outcome
    return 0, None
