"""The hub's one SQLite file: its tables, how it is opened, and the lock that keeps a second hub out.

| table | what | derived from the ledger |
|---|---|---|
| entries | the ledger: bytes of each entry and its leaf hash, by (epoch, idx) | it is the ledger |
| tiles | full tiles of the tree, 8,192 bytes each | yes |
| head | one row: epoch, size, root and signed checkpoint of the log | yes, and signed |
| logs | the last head of each log that ended at a restore | yes, and signed |
| sealed | texts and salts behind the commitments in entries | committed to |
| snapshots | the campus after so many entries, so that a start folds only the tail | yes |
| events, incidents, incident_entries | what is asked for by digest or by incident | yes |
| secrets | PIN hashes, hashes of keys and links, nodes' keys | no; never verified, never exported |
"""

import fcntl
import os
import sqlite3
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlite_utils import Database, Migrations

BUSY_MS_MAX = 5_000
"""How long a statement waits for another connection."""
WAL_PAGES = 1_000
"""The write-ahead log is moved into the file when it has so many pages."""

migrations = Migrations("hub")


@migrations()
def m001_ledger(db: Database) -> None:
    statements = (
        """CREATE TABLE entries (epoch INTEGER NOT NULL, idx INTEGER NOT NULL, leaf BLOB NOT NULL, body BLOB NOT NULL,
        PRIMARY KEY (epoch, idx)) STRICT""",
        """CREATE TABLE tiles (epoch INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL,
        PRIMARY KEY (epoch, level, n)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, size INTEGER NOT NULL,
        root BLOB NOT NULL, note TEXT NOT NULL) STRICT""",
        """CREATE TABLE logs (epoch INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL,
        note TEXT NOT NULL) STRICT""",
        """CREATE TABLE sealed (commitment TEXT PRIMARY KEY, domain TEXT NOT NULL, salt BLOB NOT NULL,
        text TEXT NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE snapshots (epoch INTEGER NOT NULL, size INTEGER NOT NULL, campus BLOB NOT NULL,
        PRIMARY KEY (epoch, size)) STRICT""",
        """CREATE TABLE events (digest TEXT PRIMARY KEY, epoch INTEGER NOT NULL, idx INTEGER NOT NULL,
        incident TEXT NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE incidents (incident TEXT PRIMARY KEY, terminal TEXT NOT NULL, zone TEXT NOT NULL,
        raised_ms INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL, drill INTEGER NOT NULL,
        test INTEGER NOT NULL, presses INTEGER NOT NULL, epoch INTEGER NOT NULL, first_idx INTEGER NOT NULL,
        last_idx INTEGER NOT NULL) STRICT, WITHOUT ROWID""",
        """CREATE TABLE incident_entries (incident TEXT NOT NULL, epoch INTEGER NOT NULL, idx INTEGER NOT NULL,
        PRIMARY KEY (incident, epoch, idx)) STRICT, WITHOUT ROWID""",
        """CREATE TABLE secrets (owner TEXT NOT NULL, kind TEXT NOT NULL, value BLOB NOT NULL,
        PRIMARY KEY (owner, kind)) STRICT, WITHOUT ROWID""",
    )
    for statement in statements:
        db.execute(statement)


DERIVED_TABLES = ("events", "incidents", "incident_entries")


def open_database(path: Path) -> sqlite3.Connection:
    """The writer's connection, with the newest schema. Made with mode 0600. Raises sqlite3.Error, OSError."""
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        migrations.apply(Database(connection))
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't write, beside a running hub or without one. Raises sqlite3.Error."""
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    except sqlite3.OperationalError:
        # A folder that can't be written has no place for the WAL's index: such a file is read as it lies there.
        connection = sqlite3.connect(f"{uri}&immutable=1", uri=True, isolation_level=None, check_same_thread=False)
    return connection


class HubRunning(Exception):
    """Another process holds this home; `pid` as it wrote it."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"another hub runs in this home (pid {pid})")
        self.pid = pid


class HomeLock:
    """Held for as long as a hub runs in a home. Raises HubRunning on entry."""

    def __init__(self, home: Path) -> None:
        self._path = home / "hub.lock"
        self._file: int | None = None

    def __enter__(self) -> Self:
        self._file = os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.read(self._file, 20).decode(errors="replace").strip()
            os.close(self._file)
            raise HubRunning(pid) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
