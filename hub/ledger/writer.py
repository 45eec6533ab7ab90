"""The ledger's one writer: everything that waits goes in with one transaction, and nothing leaves before it committed.

`Store` does it, synchronously, over one connection; `SqliteWriter` is the thread that calls it. While one commit runs,
the next batches gather: group commit without timers. After an error the batches stay, in order, and are tried again
once the database is sound; what an unclear commit really did is read from the head.
"""

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.merkle import leaf_hash

from hub.database import open_database
from hub.dispatch.entries import EventRecorded
from hub.ledger.batch import Batch, Commit, Receipt, Secret, SecretKind, Snapshot, Submission
from hub.ledger.checkpoint import open_checkpoint, sign_checkpoint
from hub.ledger.errors import LedgerDamaged, LedgerTaken
from hub.ledger.note import Signer
from hub.ledger.project import project
from hub.ledger.tiles import TILE_HASHES
from hub.ledger.tree import Tree

__all__ = [
    "Batch",
    "Commit",
    "Receipt",
    "Secret",
    "SecretKind",
    "Snapshot",
    "SqliteWriter",
    "Store",
    "Submission",
    "Writer",
]

ENTRIES_PER_COMMIT_MAX = 4_096
"""Entries in one transaction; what is above it goes into the next."""
SNAPSHOTS_KEPT = 2
RETRY_MS_MIN = 200
RETRY_MS_MAX = 2_000


class Writer(Protocol):
    """Takes batches in order and never blocks; tells of each commit once."""

    def submit(self, batch: Batch) -> None: ...


class Store:
    """One log on one connection: the tree, the head, and commits. Belongs to one thread at a time.

    `origin_base`: the log of epoch 3 has the origin `origin_base/3`.
    """

    def __init__(self, path: Path, origin_base: str, key: Ed25519PrivateKey) -> None:
        """Opens what `create` made. Raises LedgerDamaged, sqlite3.Error, OSError."""
        self._path = path
        self._origin_base = origin_base
        self._key = key
        self._connection = open_database(path)
        self._load()

    @classmethod
    def create(cls, path: Path, origin_base: str, key: Ed25519PrivateKey) -> "Store":
        """A new database with an empty log of epoch 1."""
        connection = open_database(path)
        signer = Signer(f"{origin_base}/1", key)
        root = Tree.empty(_no_tile).root()
        note = sign_checkpoint(signer, 0, root)
        connection.execute("INSERT INTO head VALUES (1, 1, 0, ?, ?)", (root, note))
        connection.close()
        return cls(path, origin_base, key)

    @property
    def epoch(self) -> int:
        return self._epoch

    @property
    def tree(self) -> Tree:
        return self._tree

    def _load(self) -> None:
        row = self._connection.execute("SELECT epoch, size, root, note FROM head").fetchone()
        if row is None:
            raise LedgerDamaged("the head is missing")
        epoch, size, root, note = row
        self._epoch: int = epoch
        self._signer = Signer(f"{self._origin_base}/{self._epoch}", self._key)
        leaves = self._connection.execute(
            "SELECT leaf FROM entries WHERE epoch = ? AND idx >= ? AND idx < ? ORDER BY idx",
            (self._epoch, size - size % TILE_HASHES, size),
        ).fetchall()
        self._tree = Tree.load(size, [leaf for (leaf,) in leaves], self._read_tile)
        signed = open_checkpoint(note, self._signer.vkey)
        if not self._tree.root() == root == signed.root or signed.size != size:
            raise LedgerDamaged(f"the tree of {size} entries is not the one that was signed")

    def _read_tile(self, level: int, n: int) -> bytes:
        row = self._connection.execute(
            "SELECT hashes FROM tiles WHERE epoch = ? AND level = ? AND n = ?", (self._epoch, level, n)
        ).fetchone()
        if row is None:
            raise LedgerDamaged(f"tile {level}/{n} is missing")
        return bytes(row[0])

    def commit(self, batches: Sequence[Batch]) -> Commit:
        """Writes `batches` in one transaction. A `new_log` batch stands alone.

        Raises sqlite3.Error, and then nothing is known: `reopen` before the next try. Raises LedgerTaken when the
        head is not where this writer left it.
        """
        epoch, tree, signer = self._epoch, self._tree, self._signer
        if batches[0].new_log:
            epoch += 1
            signer = Signer(f"{self._origin_base}/{epoch}", self._key)
            tree = Tree.empty(self._read_tile)
        first = tree.size
        bodies = [body for batch in batches for body in batch.bodies]
        leaves = [leaf_hash(body) for body in bodies]
        tree = tree.append(leaves)
        checkpoint = sign_checkpoint(signer, tree.size, tree.root())
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._write(batches, epoch, first, leaves, tree, checkpoint)
            self._connection.execute("COMMIT")
        except (sqlite3.Error, LedgerTaken):
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        self._epoch, self._tree, self._signer = epoch, tree, signer
        return self._told(batches, first, checkpoint)

    def _write(
        self, batches: Sequence[Batch], epoch: int, first: int, leaves: list[bytes], tree: Tree, checkpoint: str
    ) -> None:
        run = self._connection.executemany
        if epoch != self._epoch:
            self._connection.execute("INSERT INTO logs SELECT epoch, size, root, note FROM head")
        moved = self._connection.execute(
            "UPDATE head SET epoch = ?, size = ?, root = ?, note = ? WHERE epoch = ? AND size = ? AND root = ?",
            (epoch, tree.size, tree.root(), checkpoint, self._epoch, self._tree.size, self._tree.root()),
        )
        if moved.rowcount != 1:
            raise LedgerTaken("another program has moved the head of this ledger")
        index = first
        for batch in batches:
            rows = zip(batch.entries, batch.bodies, strict=True)
            for offset, (entry, body) in enumerate(rows):
                self._connection.execute(
                    "INSERT INTO entries VALUES (?, ?, ?, ?)",
                    (epoch, index + offset, leaves[index + offset - first], body),
                )
                project(self._connection, epoch, index + offset, entry)
            index += len(batch.entries)
            run(
                "INSERT INTO sealed VALUES (?, ?, ?, ?)",
                [(s.commitment, s.domain, s.salt, s.text) for s in batch.sealed],
            )
            self._keep_secrets(batch.secrets)
            if batch.snapshot:
                self._keep_snapshot(batch.snapshot)
        run("INSERT INTO tiles VALUES (?, ?, ?, ?)", [(epoch, tile.level, tile.n, tile.hashes) for tile in tree.filled])

    def _keep_secrets(self, secrets: tuple[Secret, ...]) -> None:
        for secret in secrets:
            if secret.value is None:
                self._connection.execute(
                    "DELETE FROM secrets WHERE owner = ? AND kind = ?", (secret.owner, secret.kind)
                )
            else:
                self._connection.execute(
                    "INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)", (secret.owner, secret.kind, secret.value)
                )

    def _keep_snapshot(self, snapshot: Snapshot) -> None:
        self._connection.execute(
            "INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?)", (snapshot.epoch, snapshot.size, snapshot.campus)
        )
        self._connection.execute(
            """DELETE FROM snapshots WHERE (epoch, size) NOT IN
            (SELECT epoch, size FROM snapshots ORDER BY epoch DESC, size DESC LIMIT ?)""",
            (SNAPSHOTS_KEPT,),
        )

    def _told(self, batches: Sequence[Batch], first: int, checkpoint: str) -> Commit:
        receipts = {}
        index = first
        for batch in batches:
            for entry, body in zip(batch.entries, batch.bodies, strict=True):
                if isinstance(entry, EventRecorded):
                    proof = tuple(self._tree.inclusion_proof(index, self._tree.size))
                    receipts[index] = Receipt(index, body.decode(), proof, checkpoint)
                index += 1
        return Commit(self._epoch, first, self._tree.size, tuple(batches), checkpoint, receipts)

    def reopen(self, batches: Sequence[Batch]) -> Commit | None:
        """After an error: a fresh connection, the write-ahead log settled, the head read anew.

        Returns the commit when the transaction of `batches` turns out to be on the disk after all. Raises
        sqlite3.Error, OSError, LedgerDamaged while the database is not sound.
        """
        size, epoch = self._tree.size, self._epoch
        self._connection.close()
        self._connection = open_database(self._path)
        busy, *_ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            raise sqlite3.OperationalError("the write-ahead log can't be settled yet")
        self._load()
        if (self._epoch, self._tree.size) == (epoch, size):
            return None
        first = 0 if batches[0].new_log else size
        bodies = [body for batch in batches for body in batch.bodies]
        stored = self._connection.execute(
            "SELECT body FROM entries WHERE epoch = ? AND idx >= ? ORDER BY idx", (self._epoch, first)
        ).fetchall()
        if [bytes(body) for (body,) in stored] != bodies:
            raise LedgerTaken("another program has moved the head of this ledger")
        (checkpoint,) = self._connection.execute("SELECT note FROM head").fetchone()
        return self._told(batches, first, checkpoint)

    def close(self) -> None:
        self._connection.close()


class SqliteWriter:
    """The thread. `on_commit` is called on it after each commit, `on_error` with a word when writing fails ("full",
    "io", "damaged", "taken") and with "" when it works again.
    """

    def __init__(self, store: Store, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        self._store = store
        self._on_commit = on_commit
        self._on_error = on_error
        self._changed = threading.Condition()
        self._waiting: deque[Batch] = deque()
        self._closing = False
        self._failing = ""
        self._thread = threading.Thread(target=self._run, name="ledger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, batch: Batch) -> None:
        with self._changed:
            self._waiting.append(batch)
            self._changed.notify()

    def close(self) -> None:
        """Writes what waits, if the disk takes it, and ends."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join()
        self._store.close()

    def _run(self) -> None:
        while batches := self._take():
            commit = self._commit(batches)
            if commit is None:
                return
            self._tell("")
            self._on_commit(commit)

    def _take(self) -> list[Batch]:
        """Everything waiting, as far as it fits one transaction; empty when it is time to end."""
        with self._changed:
            while not self._waiting and not self._closing:
                self._changed.wait()
            taken: list[Batch] = []
            count = 0
            while self._waiting:
                batch = self._waiting[0]
                count += len(batch.entries)
                if taken and (count > ENTRIES_PER_COMMIT_MAX or batch.new_log or taken[0].new_log):
                    break
                taken.append(self._waiting.popleft())
            return taken

    def _commit(self, batches: list[Batch]) -> Commit | None:
        """Tries until it is done; None when the hub ends first, or when the ledger is somebody else's."""
        try:
            return self._store.commit(batches)
        except LedgerTaken:
            self._tell("taken")
            return None
        except sqlite3.Error as error:
            self._tell(_word(error))
        retry_ms = RETRY_MS_MIN
        while not self._wait_to_close(retry_ms):
            try:
                return self._store.reopen(batches) or self._store.commit(batches)
            except LedgerTaken:
                self._tell("taken")
                return None
            except LedgerDamaged:
                self._tell("damaged")
            except (sqlite3.Error, OSError) as error:
                self._tell(_word(error))
            retry_ms = min(2 * retry_ms, RETRY_MS_MAX)
        return None

    def _wait_to_close(self, ms: int) -> bool:
        with self._changed:
            return self._changed.wait_for(lambda: self._closing, ms / 1000)

    def _tell(self, failing: str) -> None:
        if failing != self._failing:
            self._failing = failing
            self._on_error(failing)


def _word(error: Exception) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    return "full" if code == sqlite3.SQLITE_FULL or getattr(error, "errno", None) == 28 else "io"


def _no_tile(level: int, n: int) -> bytes:
    raise LedgerDamaged(f"tile {level}/{n} of an empty log")
