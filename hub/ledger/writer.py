"""The thread that makes entries durable: everything waiting goes in with one transaction."""

from collections.abc import Callable
from typing import Protocol

from hub.ledger.batch import Batch, Commit, Receipt, Secret, SecretKind, Snapshot, Submission

__all__ = ["Batch", "Commit", "Receipt", "Secret", "SecretKind", "Snapshot", "Submission", "Writer"]


class Writer(Protocol):
    """Makes batches durable, in the order given. `SqliteWriter` is the real one."""

    def start(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        """Both are called from the writer's own thread.

        `on_commit`: once for each transaction, after it is on the disk. `on_error`: a word when the disk begins to
        refuse (full, io, readonly, busy, corrupt, defect; taken: somebody else moved the head, nothing will be
        written any more), "" when it is mended.
        """

    def submit(self, batch: Batch) -> None:
        """Never blocks. Whatever happens, the batch is kept until it is committed or the writer closed."""

    def close(self) -> None:
        """Commits what waits, gives up what the disk refuses, ends the thread."""
