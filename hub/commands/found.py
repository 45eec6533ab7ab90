"""Finds what a person named in what the hub has: by its id or by its name."""

from typing import Any

from hub.commands.shell import Run
from hub.people.accounts import one_line
from hub.problems import NotFound, Problem

NAMES_MAX = 20
"""So many are told to whom named none of them."""


def find(run: Run, kind: str, named: str) -> dict[str, Any]:
    """The zone, account, pager or terminal as the hub lists it. Raises NotFound, which says what there is."""
    listed = run.call("GET", "/api/campus")[f"{kind}s"]
    # A name may come back after a terminal was revoked; the one that counts is the one in use.
    in_use_first = sorted(listed, key=lambda one: bool(one.get("revoked")))
    found = next((one for one in in_use_first if named == one["id"] or one_line(named) == one["name"]), None)
    if found is None:
        names = [one["name"] for one in in_use_first if not one.get("revoked")]
        told = [*names[:NAMES_MAX], *("…" for _ in names[NAMES_MAX : NAMES_MAX + 1])]
        raise NotFound(Problem(f"unknown_{kind}", named, {"names": run.say("list.join").join(told) or "–"}))
    return dict(found)
