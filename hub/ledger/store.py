"""The log on the disk: one connection, one tree, and a commit that is all or nothing. Synchronous; the writer's thread
calls it. Nothing that it signs leaves before COMMIT has returned, and what an unclear commit really did is read from
the head once the database is sound.
"""

import dataclasses
import functools
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.merkle import EMPTY_ROOT, leaf_hash
from firstbell.note import NoteError

from hub.database import beside, connect, migrate, open_database
from hub.dispatch.batch import Batch, Commit, Head, Receipt, Secret, Snapshot
from hub.dispatch.entries import EventRecorded, LogBegan, encode
from hub.ledger.checkpoint import open_checkpoint, sign_checkpoint
from hub.ledger.errors import LedgerDamaged, LedgerTaken
from hub.ledger.note import Signer
from hub.ledger.origin import EPOCH_FIRST, origin_of
from hub.ledger.project import commitments, project
from hub.ledger.tiles import ENTRY_BYTES_MAX, TILE_HASHES
from hub.ledger.tree import Tree

SNAPSHOTS_KEPT = 2
ROWS_PER_STATEMENT = 128
"""Each step of a statement lets go of Python, and a busy event loop gives it back 0.1 ms later: so of many rows once,
not of each."""
QUIET_ENTRIES = 256
"""So many entries after the last time, a quiet moment is used to move the write-ahead log into the file."""

Connect = Callable[[Path], sqlite3.Connection]


def create_ledger(path: Path, origin_base: str, key: Ed25519PrivateKey) -> None:
    """Makes the database with an empty log of epoch 1, whose first entry is to be a LogBegan.

    `origin_base`: a URL without its scheme, e.g. "firstbell.invalid/c-…". Raises sqlite3.Error, OSError
    (FileExistsError when there is a file already), NoteError.
    """
    if path.exists():
        raise FileExistsError(path)
    signer = Signer(origin_of(origin_base, EPOCH_FIRST), key)
    root = EMPTY_ROOT
    connection = open_database(path)
    try:
        row = (EPOCH_FIRST, 0, root, sign_checkpoint(signer, 0, root))
        connection.execute("INSERT INTO head VALUES (1, ?, ?, ?, ?, 0)", row)
    finally:
        connection.close()


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A commit that is prepared to its last byte: after an unclear COMMIT it is told as it stands, or made again."""

    head: Head
    tree: Tree
    commit: Commit


class Store:
    """Writes to the ledger at `path`, which `create_ledger` made. Belongs to one thread at a time.

    `reconnect` opens a fresh connection after an error.
    """

    def __init__(self, path: Path, origin_base: str, key: Ed25519PrivateKey, reconnect: Connect = connect) -> None:
        """Loads the tree and checks it against the signed head.

        Raises LedgerDamaged (it says where), sqlite3.Error, OSError.
        """
        self._path = path
        self._origin_base = origin_base
        self._key = key
        self._reconnect = reconnect
        self._attempt: _Attempt | None = None
        self._entries_since_quiet = 0
        if not path.exists():
            raise LedgerDamaged(f"there is no database at {path}")
        self._connection = reconnect(path)
        try:
            migrate(self._connection)
            self.head = self._read_head()
            self.tree = self._load_tree()
            self._files = _files_at(path)
        except BaseException:
            self._connection.close()
            raise

    def close(self) -> None:
        self._connection.close()

    def commit(self, batches: Sequence[Batch]) -> Commit:
        """Makes `batches` durable in one transaction.

        Raises sqlite3.Error or OSError, and then what happened is unknown: `settle` before the next try. Raises
        LedgerTaken when the head is not where this store left it, LedgerDamaged when a tile is missing.
        """
        return self._write(self.head.epoch, self.tree, batches)

    def begin_log(self, first: Batch, batches: Sequence[Batch], beyond_epoch: int = 0) -> Commit:
        """Ends the log where it is and begins a new one with `first`, whose first entry is a LogBegan, and `batches`.

        The new log's epoch is the next above ours and `beyond_epoch`.

        What the old log is to be remembered by (its origin, size and root) and the new origin are filled in here, for
        here alone it is known where the old log ended. Raises as `commit` does.
        """
        epoch = max(self.head.epoch, beyond_epoch) + 1
        began, *others = first.entries
        if not isinstance(began, LogBegan):
            raise ValueError("a log begins with a LogBegan entry")
        began = msgspec.structs.replace(
            began,
            origin=origin_of(self._origin_base, epoch),
            previous_origin=origin_of(self._origin_base, self.head.epoch),
            previous_size=self.head.size,
            previous_root=self.head.root.hex(),
        )
        first = dataclasses.replace(first, entries=(began, *others), bodies=(encode(began), *first.bodies[1:]))
        return self._write(epoch, Tree.empty(functools.partial(self._read_tile, epoch)), [first, *batches])

    def settle(self) -> Commit | None:
        """After an error: a fresh connection, the write-ahead log moved into the file, the head read anew.

        Returns the commit when it turns out to be on the disk after all, None when it isn't. Raises sqlite3.Error and
        OSError while the database is not sound, LedgerTaken, LedgerDamaged.
        """
        self._check_files()
        self._disconnect()
        self._connection = self._reconnect(self._path)
        # Before this succeeds, what is read may be in memory alone: a crash could still take it back, or bring back
        # what isn't seen now.
        busy, _, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            error = sqlite3.OperationalError("a reader keeps the write-ahead log from being settled")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        found = self._read_head()
        self._files = _files_at(self._path)
        if self._attempt is not None and found == self._attempt.head != self.head:
            return self._done(self._attempt)
        if found != self.head:
            left, now = (f"{head.epoch}/{head.size}" for head in (self.head, found))
            raise LedgerTaken(f"another program has moved the head from {left} to {now}")
        return None

    def rest(self) -> None:
        """Uses a quiet moment to move the write-ahead log into the file, so that no commit has to.

        Raises sqlite3.Error.
        """
        if self._entries_since_quiet >= QUIET_ENTRIES:
            self._entries_since_quiet = 0
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    # ── one transaction ──────────────────────────────────────────────────────────────────────────────────────

    def _write(self, epoch: int, tree: Tree, batches: Sequence[Batch]) -> Commit:
        self._attempt = None
        first = tree.size
        bodies = [body for batch in batches for body in batch.bodies]
        too_long = max(map(len, bodies), default=0)
        if too_long > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry of {too_long} bytes fits no ledger: at most {ENTRY_BYTES_MAX}")
        leaves = [leaf_hash(body) for body in bodies]
        tree = tree.append(leaves)
        self._check_files()
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            attempt = self._prepare(epoch, first, tree, batches)
            # First, so that a head that somebody else has moved is found before anything else can go wrong.
            self._move_head(attempt)
            self._insert_entries(epoch, first, leaves, bodies)
            self._insert_tiles(epoch, tree)
            self._insert_beside(epoch, first, batches)
            self._attempt = attempt
            self._connection.execute("COMMIT")
        except BaseException:
            self._roll_back()
            raise
        return self._done(attempt)

    def _check_files(self) -> None:
        """A file that was removed or replaced takes what is written with it: nobody finds it at the next start."""
        if any(ours not in (None, there) for ours, there in zip(self._files, _files_at(self._path), strict=True)):
            raise LedgerTaken(f"{self._path} or its write-ahead log was removed, or replaced by another file")

    def _disconnect(self) -> None:
        """Whoever closes last takes the write-ahead log away, so from here on there may be none, or another."""
        self._connection.close()
        self._files = self._files[0], None

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                # The connection is of no more use; `settle` makes another, and closing this one rolls back.
                self._disconnect()

    def _insert_entries(self, epoch: int, first: int, leaves: list[bytes], bodies: list[bytes]) -> None:
        rows = [
            (epoch, index, leaf, body) for index, (leaf, body) in enumerate(zip(leaves, bodies, strict=True), first)
        ]
        for at in range(0, len(rows), ROWS_PER_STATEMENT):
            some = rows[at : at + ROWS_PER_STATEMENT]
            places = ", ".join(["(?, ?, ?, ?)"] * len(some))
            self._connection.execute(f"INSERT INTO entries VALUES {places}", [*chain.from_iterable(some)])  # noqa: S608

    def _insert_tiles(self, epoch: int, tree: Tree) -> None:
        rows = [(epoch, tile.level, tile.n, tile.hashes) for tile in tree.filled]
        self._connection.executemany("INSERT INTO tiles VALUES (?, ?, ?, ?)", rows)

    def _insert_beside(self, epoch: int, first: int, batches: Sequence[Batch]) -> None:
        """What goes with the entries: derived rows, sealed texts, secrets, snapshot."""
        index = first
        for batch in batches:
            named: set[str] = set()
            for entry in batch.entries:
                project(self._connection, epoch, index, entry)
                named.update(commitments(entry))
                index += 1
            for sealed in batch.sealed:
                # A commitment that is there already stands for the same text.
                if sealed.commitment in named:
                    row = (sealed.commitment, sealed.domain, sealed.salt, sealed.text)
                    self._connection.execute("INSERT OR IGNORE INTO sealed VALUES (?, ?, ?, ?)", row)
            for secret in batch.secrets:
                self._keep_secret(secret)
            if batch.snapshot:
                self._keep_snapshot(batch.snapshot)

    def _keep_secret(self, secret: Secret) -> None:
        if secret.value is None:
            row = (secret.owner, secret.kind)
            self._connection.execute("DELETE FROM secrets WHERE owner = ? AND kind = ?", row)
        else:
            kept = (secret.owner, secret.kind, secret.value)
            self._connection.execute("INSERT OR REPLACE INTO secrets VALUES (?, ?, ?)", kept)

    def _keep_snapshot(self, snapshot: Snapshot) -> None:
        row = (snapshot.epoch, snapshot.size, snapshot.campus)
        added = self._connection.execute("INSERT OR IGNORE INTO snapshots VALUES (?, ?, ?)", row)
        self._connection.execute(
            """DELETE FROM snapshots WHERE (epoch, size) NOT IN
            (SELECT epoch, size FROM snapshots ORDER BY epoch DESC, size DESC LIMIT ?)""",
            (SNAPSHOTS_KEPT,),
        )
        # How many there ever were tells, later, that none of those kept was taken away.
        self._connection.execute("UPDATE head SET snapshots = snapshots + ?", (added.rowcount,))

    def _prepare(self, epoch: int, first: int, tree: Tree, batches: Sequence[Batch]) -> _Attempt:
        """Signs the new head, makes the receipts."""
        root = tree.root()
        note = sign_checkpoint(Signer(origin_of(self._origin_base, epoch), self._key), tree.size, root)
        pairs = (pair for batch in batches for pair in zip(batch.entries, batch.bodies, strict=True))
        events = {index: body for index, (entry, body) in enumerate(pairs, first) if isinstance(entry, EventRecorded)}
        proofs = tree.inclusion_proofs(events, tree.size)
        receipts = {
            index: Receipt(index, body.decode(), tuple(proof), note)
            for (index, body), proof in zip(events.items(), proofs, strict=True)
        }
        commit = Commit(epoch, first, tree.size, tuple(batches), note, receipts)
        return _Attempt(Head(epoch, tree.size, root, note), tree, commit)

    def _move_head(self, attempt: _Attempt) -> None:
        """Compare and swap: only this store may have moved it since."""
        if attempt.head.epoch != self.head.epoch:
            self._connection.execute("INSERT INTO logs SELECT epoch, size, root, note FROM head")
        new, old = attempt.head, self.head
        moved = self._connection.execute(
            "UPDATE head SET epoch = ?, size = ?, root = ?, note = ? WHERE epoch = ? AND size = ? AND root = ?",
            (new.epoch, new.size, new.root, new.note, old.epoch, old.size, old.root),
        )
        if moved.rowcount != 1:
            raise LedgerTaken(f"another program has moved the head from {old.epoch}/{old.size}")

    def _done(self, attempt: _Attempt) -> Commit:
        self._entries_since_quiet += attempt.head.size - attempt.commit.first_index
        self.head, self.tree = attempt.head, attempt.tree
        self._attempt = None
        return attempt.commit

    # ── what is stored ───────────────────────────────────────────────────────────────────────────────────────

    def _read_head(self) -> Head:
        row = self._connection.execute("SELECT epoch, size, root, note FROM head").fetchone()
        if row is None:
            raise LedgerDamaged("the head is missing")
        return Head(*row)

    def _load_tree(self) -> Tree:
        epoch, size, root, note = self.head.epoch, self.head.size, self.head.root, self.head.note
        start = size - size % TILE_HASHES
        rows = self._connection.execute(
            "SELECT idx, leaf, body FROM entries WHERE epoch = ? AND idx >= ? ORDER BY idx", (epoch, start)
        ).fetchall()
        for index, (idx, leaf, body) in enumerate(rows, start):
            if idx != index or leaf != leaf_hash(body):
                raise LedgerDamaged(f"entry {index} is not the one that was written")
        if len(rows) != size - start:
            raise LedgerDamaged(f"entries {start}–{size - 1}: {len(rows)} are there")
        tree = Tree.load(size, [leaf for _, leaf, _ in rows], functools.partial(self._read_tile, epoch))
        try:
            signed = open_checkpoint(note, Signer(origin_of(self._origin_base, epoch), self._key).vkey)
        except NoteError as error:
            raise LedgerDamaged(f"checkpoint: {error}") from error
        if (signed.size, signed.root) != (size, root) or tree.root() != root:
            raise LedgerDamaged(f"the tree of {size} entries is not the one that was signed")
        return tree

    def _read_tile(self, epoch: int, level: int, n: int) -> bytes:
        row = self._connection.execute(
            "SELECT hashes FROM tiles WHERE epoch = ? AND level = ? AND n = ?", (epoch, level, n)
        ).fetchone()
        if row is None:
            raise LedgerDamaged(f"tile {level}/{n} is missing")
        return bytes(row[0])


def _files_at(path: Path) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Database and write-ahead log."""
    return _file_at(path), _file_at(beside(path, "wal"))


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file this is, whatever becomes of its name."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
