"""What a verification finds, and how it names a place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Why = Literal[
    "missing",
    "unreadable",
    "leaf",
    "tile",
    "root",
    "head",
    "signature",
    "unsigned",
    "added",
    "cut",
    "fork",
    "log_began",
    "digest",
    "terminal",
    "fields",
    "fold",
    "sealed",
    "unnamed",
    "snapshot",
    "row",
    "schema",
    "reference",
    "integrity",
    "journal",
]
"""What is wrong with a place. Each is a word of the commands' catalogue, `verify.why.<word>`."""


Kind = Literal[
    "entry",
    "entries",
    "tile",
    "checkpoint",
    "cut",
    "cut_log",
    "fork",
    "log",
    "sealed",
    "snapshot",
    "schema",
    "table",
    "event",
    "incident",
    "database",
    "against",
]
"""Each is a word of the commands' catalogue, `verify.place.<kind>`, with the same fields as here."""

_NOTATION: dict[Kind, str] = {
    "entry": "entry {index}{of_log}",
    "entries": "entries {first}–{last}{of_log}",
    "tile": "tile {tile}{of_log}",
    "checkpoint": "checkpoint{of_log}",
    "cut": "cut: checkpoint of {given} entries{of_log} given, the ledger has {there}",
    "cut_log": "cut: a checkpoint of log {number} given, the ledger has none such",
    "fork": "fork: checkpoint of {given} entries{of_log} given, the ledger's first {given} are others",
    "log": "log {number}",
    "sealed": "sealed {name}",
    "snapshot": "snapshot at {size} entries{of_log}",
    "schema": "schema, {name}",
    "table": "table {name}",
    "event": "event {name}",
    "incident": "incident {name}",
    "database": "database",
    "against": "against",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is wrong. As `str` it is the notation for programs, the same in every language.

    `fields`: what tells it from others of its kind. `log`: the number of its log where there are several, else None.
    `within`: what goes with it, as a row with its table.
    """

    kind: Kind
    fields: Mapping[str, str | int] = field(default_factory=dict)
    log: int | None = None
    within: "Place | None" = None

    def __str__(self) -> str:
        of_log = "" if self.log is None else f" of log {self.log}"
        text = _NOTATION[self.kind].format(of_log=of_log, **self.fields)
        return text if self.within is None else f"{text}, {self.within}"


class Bad(Exception):
    """The verification ends here: `place` says where, `why` what is wrong with it."""

    def __init__(self, place: Place, why: Why, detail: str = "") -> None:
        super().__init__(f"{place}: {why} {detail}")
        self.place = place
        self.why = why
        self.detail = detail


@dataclass(slots=True)
class Checked:
    """How much has been checked. `events_unsigned`: events whose signature nobody without the key can check (HS256)."""

    logs: int = 0
    entries: int = 0
    events: int = 0
    events_unsigned: int = 0
    tiles: int = 0
    sealed: int = 0
    snapshots: int = 0
    rows: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """`size`: entries of the present log. `place`: the first that is wrong, None when everything is right. `why` says
    what is wrong there ("" when nothing is), `detail` is what a log may say about it.
    """

    size: int
    checked: Checked
    place: Place | None = None
    why: Why | Literal[""] = ""
    detail: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        return self.place is None

    @property
    def first_bad(self) -> str:
        """The place for programs: "entry 17", "tile 0/3 of log 2", "table incidents, incident i-…"; "" for none."""
        return "" if self.place is None else str(self.place)


def entries_place(start: int, end: int, log: int | None) -> Place:
    """The entries from `start` up to `end`, as a place."""
    if end - start == 1:
        return Place("entry", {"index": start}, log)
    return Place("entries", {"first": start, "last": end - 1}, log)
