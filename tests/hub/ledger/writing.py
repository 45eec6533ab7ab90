"""A writer with its ledger, its disk and what it told; and how to check what it told."""

import queue
import random
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from firstbell.jws import verify_ed25519
from firstbell.merkle import leaf_hash, verify_inclusion
from firstbell.note import open_checkpoint

from hub.database import open_read_only
from hub.dispatch.batch import Batch, Commit
from hub.dispatch.entries import EventRecorded, LinkChanged, LogBegan, encode
from hub.ledger.writer import SqliteWriter
from tests.hub.ledger.desk import VKEY, Desk
from tests.hub.ledger.disk import Disk

SEED = random.randrange(1 << 32)
WAIT_S_MAX = 20


@dataclass
class Told:
    """What the writer told."""

    commits: queue.Queue[Commit] = field(default_factory=queue.Queue)
    errors: queue.Queue[str] = field(default_factory=queue.Queue)

    def commit(self) -> Commit:
        return self.commits.get(timeout=WAIT_S_MAX)

    def error(self) -> str:
        return self.errors.get(timeout=WAIT_S_MAX)


@dataclass
class House:
    """A ledger on a disk that can fail, with its writer. `desk` decides."""

    path: Path
    desk: Desk
    disk: Disk
    writer: SqliteWriter
    told: Told

    def start(self) -> None:
        self.writer.start(self.told.commits.put, self.told.errors.put)

    def turns(self, count: int) -> None:
        """Turns in place of the thread."""
        self.writer.tell(self.told.commits.put, self.told.errors.put)
        for _ in range(count):
            self.writer.turn()

    def press(self, count: int = 1) -> list[Batch]:
        batches = [self.desk.press() for _ in range(count)]
        for batch in batches:
            self.writer.submit(batch)
        return batches

    def on_disk(self) -> list[tuple[Any, ...]]:
        """Every entry in the file, seen by somebody else."""
        with closing(open_read_only(self.path)) as connection:
            return connection.execute("SELECT epoch, idx, body FROM entries ORDER BY epoch, idx").fetchall()


def bodies(batches: list[Batch]) -> list[bytes]:
    return [body for batch in batches for body in batch.bodies]


def check_receipts(commit: Commit) -> int:
    """Each receipt proves what it says; how many there are."""
    checkpoint = open_checkpoint(commit.checkpoint, VKEY, verify_ed25519)
    assert checkpoint.size == commit.size
    index = commit.first_index
    events = 0
    for batch in commit.batches:
        for entry, body in zip(batch.entries, batch.bodies, strict=True):
            assert (index in commit.receipts) == isinstance(entry, EventRecorded)
            if index in commit.receipts:
                receipt = commit.receipts[index]
                assert (receipt.index, receipt.entry, receipt.checkpoint) == (index, body.decode(), commit.checkpoint)
                verify_inclusion(leaf_hash(body), index, commit.size, list(receipt.proof), checkpoint.root)
                events += 1
            index += 1
    assert index == commit.size
    return events


def one_entry(number: int) -> Batch:
    entry = LinkChanged(at_ms=number, terminal="t-wall222222", linked=bool(number % 2))
    return Batch((entry,), (encode(entry),))


def began(at_ms: int) -> Batch:
    entry = LogBegan(at_ms=at_ms, origin="", remembered_size=70, remembered_root="ab" * 32)
    return Batch((entry,), (encode(entry),))
