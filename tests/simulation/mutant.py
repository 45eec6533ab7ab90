"""A deliberate bug, put into a seam of the real code for as long as it is built in."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock


@dataclass(frozen=True, slots=True)
class Mutant:
    """`where`: "module:name" or "module:Class.name". `make`: of the real thing, the faulty one."""

    name: str
    where: str
    make: Callable[[Any], Any]

    @contextmanager
    def built_in(self) -> Iterator[None]:
        """While it lasts, this process runs with the bug."""
        module, _, path = self.where.partition(":")
        *outer, name = path.split(".")
        owner: Any = importlib.import_module(module)
        for part in outer:
            owner = getattr(owner, part)
        with ExitStack() as stack:
            stack.enter_context(mock.patch.object(owner, name, self.make(getattr(owner, name))))
            yield


def never(_real: Any) -> Any:
    return lambda *_args, **_kwargs: None


def false(_real: Any) -> Any:
    return lambda *_args, **_kwargs: False


def true(_real: Any) -> Any:
    return lambda *_args, **_kwargs: True


def empty(_real: Any) -> Any:
    return lambda *_args, **_kwargs: ()


def changed(table: dict[Any, Any], key: Any, make: Callable[[Any], Any]) -> dict[Any, Any]:
    return {**table, key: make(table[key])}
