"""What the engine has in hand between a request and its answer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from hub.dispatch.batch import Batch, Receipt, Submission
from hub.dispatch.entries import Entry


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of a request: committed entries at `indices`, or `refused` (a word), or a repeat of something known.

    `receipt` is there when a signed event was recorded by this very commit.
    """

    indices: range = range(0)
    receipt: Receipt | None = None
    refused: str = ""
    repeated: bool = False


Done = Callable[[Answer], None]
"""Who wants to know; told once."""


def tell(dones: Sequence[Done], answer: Answer) -> None:
    for done in dones:
        done(answer)


@dataclass(slots=True)
class Sought:
    """An event that is being looked up on the disk; whatever is the same waits with it."""

    submission: Submission
    dones: list[Done]


@dataclass(slots=True)
class Asked:
    """A submission on its way to the disk: where its entries lie in its batch."""

    first: int
    count: int
    key: str
    dones: list[Done]


@dataclass(slots=True)
class Pending:
    """A batch that the writer has. `raising` are its entries that are in `decided` already; the others lower."""

    batch: Batch
    raising: list[Entry]
    lowers: bool
    asked: list[Asked]


@dataclass(slots=True)
class Gathered:
    """What one step decides, until it becomes a batch."""

    entries: list[Entry] = field(default_factory=list)
    submissions: list[Submission] = field(default_factory=list)
    raising: list[Entry] = field(default_factory=list)
    lowers: bool = False
    asked: list[Asked] = field(default_factory=list)
