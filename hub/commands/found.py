"""Finds what a person named in what the hub has: by its id or by its name."""

from typing import Any

from firstbell_linux.problems import Problem

from hub.commands.shell import Run
from hub.people.accounts import one_line
from hub.problems import NotFound, TypedWrongly

NAMES_MAX = 20
"""So many are told to whom named none of them."""


def find(run: Run, kind: str, named: str) -> dict[str, Any]:
    """The zone, account, pager or terminal as the hub lists it; an id counts before a name.

    Raises NotFound, which says what there is; TypedWrongly when several have that name.
    """
    listed = run.call("GET", "/api/campus")[f"{kind}s"]
    by_id = [one for one in listed if named == one["id"]]
    by_name = [one for one in listed if one_line(named) == one["name"]]
    # A name may come back after a terminal was revoked; the one that counts is the one in use.
    found = by_id or [one for one in by_name if not one.get("revoked")] or by_name
    if not found:
        names = [run.say("list.name", name=one["name"]) for one in listed if not one.get("revoked")]
        told = [*names[:NAMES_MAX], *("…" for _ in names[NAMES_MAX : NAMES_MAX + 1])]
        raise NotFound(Problem(f"unknown_{kind}", named, {"names": run.words.listed(told) or "–"}))
    if len(found) > 1:
        ids = run.words.listed(one["id"] for one in found)
        raise TypedWrongly(Problem("ambiguous_name", named, {"ids": ids}))
    return dict(found[0])
