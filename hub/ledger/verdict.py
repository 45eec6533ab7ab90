"""What a verification finds, and how it names a place."""

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


class Bad(Exception):
    """The verification ends here: `place` says where, `why` what is wrong with it."""

    def __init__(self, place: str, why: Why, detail: str = "") -> None:
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
    """`size`: entries of the present log. `first_bad`: the first place that is wrong, "" when everything is right:

    "entry 17", "entries 256–301", "tile 0/3", "checkpoint", "cut: …", "fork: …", "sealed …", "snapshot …",
    "table incidents, incident i-…", "database". Where there are several logs, "… of log 2". `why` says what is wrong
    there ("" when nothing is), `detail` is what a log may say about it.
    """

    ok: bool
    size: int
    checked: Checked
    first_bad: str = ""
    why: Why | Literal[""] = ""
    detail: str = field(default="", repr=False)


def entries_place(start: int, end: int) -> str:
    """The entries from `start` up to `end`, as a place."""
    return f"entry {start}" if end - start == 1 else f"entries {start}–{end - 1}"
