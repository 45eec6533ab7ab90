"""Finds what a person named in what the hub listed: by its id or by its name."""

from collections.abc import Iterable
from typing import Any

from hub.people.accounts import one_line
from hub.problems import NotFound, Problem

Listed = dict[str, Any]


def find(kind: str, listed: Iterable[Listed], named: str) -> Listed:
    """Raises NotFound, which names the `kind` (zone, account, pager, terminal)."""
    found = next((one for one in listed if named == one["id"] or one_line(named) == one["name"]), None)
    if found is None:
        raise NotFound(Problem(f"unknown_{kind}", named))
    return found
