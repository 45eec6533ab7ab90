"""What the engine hands to its writer and what comes back: values that the links and the ledger share, and what a
writer is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from hub.dispatch.entries import Entry
from hub.dispatch.requests import Request


@dataclass(frozen=True, slots=True)
class Sealed:
    """A text, and the `commitment` (64 hex digits) that stands for it in an entry.

    `domain` says what kind of text it is, e.g. "firstbell/zone-details/v1", so that none passes for another.
    Text and salt are left out of `repr`, and so of logs.
    """

    commitment: str
    domain: str
    salt: bytes = field(repr=False)
    text: str = field(repr=False)


SecretKind = Literal["pin", "pager", "session", "link", "key", "token", "first_test"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A row of table `secrets`, kept beside the ledger. `value` None deletes it. Left out of `repr`, and so of logs.

    `owner`: the id of an account, pager, terminal, session or link. `kind`: "pin", "pager", "session" and "link" are
    hashes, "key" is a node's HS256 key, "token" is what is kept of a terminal's one-time token, and "first_test" names
    the account for which a terminal's first link begins a test.
    """

    owner: str
    kind: SecretKind
    value: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Submission:
    """A request with what travels beside it: sealed texts that it names and secrets, all in one transaction."""

    request: Request
    sealed: tuple[Sealed, ...] = ()
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The campus (MessagePack, `hub.dispatch.campus.snapshot`) after the first `size` entries of log `epoch`."""

    epoch: int
    size: int
    campus: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Batch:
    """One engine step's entries, all or nothing. `bodies[i]` is the encoding of `entries[i]`.

    Of `sealed` only the texts that these entries name are kept: what nobody refers to could never be erased.
    """

    entries: tuple[Entry, ...]
    bodies: tuple[bytes, ...] = field(repr=False)
    sealed: tuple[Sealed, ...] = ()
    secrets: tuple[Secret, ...] = ()
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The end of log `epoch`. `root`: 32 bytes. `note`: its checkpoint, signed."""

    epoch: int
    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that an entry is in the log of `checkpoint`.

    `entry`: its text, byte for byte. `proof`: RFC 6962 inclusion proof, leaf side first, 32 bytes each, for the size
    of `checkpoint` (a signed note).
    """

    index: int
    entry: str
    proof: tuple[bytes, ...]
    checkpoint: str


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction has made durable: `batches`, in order, their first entry at `first_index` of log `epoch`.

    `size` and `checkpoint` (a signed note) are the log's afterwards. `receipts`: one for each event_recorded, by index.
    """

    epoch: int
    first_index: int
    size: int
    batches: tuple[Batch, ...]
    checkpoint: str
    receipts: dict[int, Receipt]


class Writer(Protocol):
    """Makes batches durable, in the order given. `SqliteWriter` is the real one."""

    def start(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        """Both are called from the writer's own thread.

        `on_commit`: once for each transaction, after it is on the disk. `on_error`: a word when writing begins to
        fail (full, io, readonly, busy, damaged, defect; taken: somebody else moved the head, nothing will be written
        any more), "" when it works again.
        """

    def submit(self, batch: Batch) -> None:
        """Never blocks. Whatever happens, the batch is kept until it is committed or the writer closed."""

    def close(self) -> None:
        """Commits what waits, gives up what the disk refuses, ends the thread."""
