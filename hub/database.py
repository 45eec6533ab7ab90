"""The hub's one SQLite file: its tables, how it is opened, and the lock that keeps a second hub out.

What is in each table stands in hub/ledger/README.md. Everything but `secrets` can be made again from `entries` and
`sealed`, and `hub.ledger.verify` does so.
"""

import errno
import fcntl
import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from firstbell_linux.private_file import sync_folder
from firstbell_linux.problems import Problem
from sqlite_utils import Database, Migrations

from hub.problems import HomeError

BUSY_MS_MAX = 5_000
"""How long a statement waits for another connection."""
WAL_PAGES_MAX = 4_000
"""A commit that leaves so many pages (of 4 KiB) in the write-ahead log moves them into the file itself; the writer
sees to it, in quiet moments, that this is rare."""
DATABASE_FILE = 0o600

migrations = Migrations("hub")

_TABLES = """
CREATE TABLE entries (epoch INTEGER NOT NULL, idx INTEGER NOT NULL, leaf BLOB NOT NULL, body BLOB NOT NULL,
    PRIMARY KEY (epoch, idx)) STRICT;
CREATE TABLE tiles (epoch INTEGER NOT NULL, level INTEGER NOT NULL, n INTEGER NOT NULL, hashes BLOB NOT NULL,
    PRIMARY KEY (epoch, level, n)) STRICT;
CREATE TABLE head (id INTEGER PRIMARY KEY CHECK (id = 1), epoch INTEGER NOT NULL, size INTEGER NOT NULL,
    root BLOB NOT NULL, note TEXT NOT NULL, snapshots INTEGER NOT NULL) STRICT;
CREATE TABLE logs (epoch INTEGER PRIMARY KEY, size INTEGER NOT NULL, root BLOB NOT NULL, note TEXT NOT NULL) STRICT;
CREATE TABLE sealed (commitment TEXT NOT NULL PRIMARY KEY, domain TEXT NOT NULL, salt BLOB NOT NULL,
    text TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE snapshots (epoch INTEGER NOT NULL, size INTEGER NOT NULL, campus BLOB NOT NULL,
    PRIMARY KEY (epoch, size)) STRICT;
CREATE TABLE events (digest TEXT NOT NULL PRIMARY KEY, epoch INTEGER NOT NULL, idx INTEGER NOT NULL,
    incident TEXT NOT NULL, FOREIGN KEY (epoch, idx) REFERENCES entries (epoch, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE incidents (incident TEXT NOT NULL PRIMARY KEY, terminal TEXT NOT NULL, zone TEXT NOT NULL,
    severity TEXT NOT NULL, raised_ms INTEGER NOT NULL, state TEXT NOT NULL, outcome TEXT NOT NULL,
    drill INTEGER NOT NULL, test INTEGER NOT NULL, presses INTEGER NOT NULL, epoch INTEGER NOT NULL,
    idx INTEGER NOT NULL, FOREIGN KEY (epoch, idx) REFERENCES entries (epoch, idx)) STRICT, WITHOUT ROWID;
CREATE INDEX incidents_by_terminal ON incidents (terminal, state);
CREATE INDEX incidents_by_time ON incidents (epoch, idx);
CREATE TABLE responders (incident TEXT NOT NULL, guard TEXT NOT NULL, state TEXT NOT NULL,
    PRIMARY KEY (incident, guard)) STRICT, WITHOUT ROWID;
CREATE TABLE incident_entries (incident TEXT NOT NULL, epoch INTEGER NOT NULL, idx INTEGER NOT NULL,
    PRIMARY KEY (incident, epoch, idx),
    FOREIGN KEY (epoch, idx) REFERENCES entries (epoch, idx)) STRICT, WITHOUT ROWID;
CREATE TABLE secrets (owner TEXT NOT NULL, kind TEXT NOT NULL, value BLOB NOT NULL,
    PRIMARY KEY (owner, kind)) STRICT, WITHOUT ROWID;
CREATE INDEX secrets_by_value ON secrets (kind, value)
"""

DERIVED_TABLES = ("events", "incidents", "responders", "incident_entries")
"""Made from the entries alone, by `hub.ledger.project`."""


@migrations()
def m001_ledger(db: Database) -> None:
    for statement in _TABLES.split(";"):
        db.execute(statement)


@migrations()
def m002_terminal_incidents(db: Database) -> None:
    """The campus names each terminal's incidents: one from before would have none."""
    db.execute("DELETE FROM snapshots")
    db.execute("UPDATE head SET snapshots = 0")


def migrate(connection: sqlite3.Connection) -> None:
    """Brings the tables to the newest schema. Raises sqlite3.Error."""
    migrations.apply(Database(connection, execute_plugins=False))


def is_migrated(connection: sqlite3.Connection) -> bool:
    """Whether the tables are of the newest schema; a reader may come before the hub's first start. Raises
    sqlite3.Error.
    """
    return not migrations.pending(Database(connection, execute_plugins=False))


def open_database(path: Path) -> sqlite3.Connection:
    """The connection that may write, with the newest schema; a new file is its owner's alone.

    Raises sqlite3.Error (sqlite3.DatabaseError when the file is something else), OSError.
    """
    # An existing file is not opened here even for a moment: closing it would drop the locks that SQLite holds on it
    # for another connection of this process (fcntl(2)).
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, DATABASE_FILE))
        sync_folder(path.parent)
    connection = connect(path)
    with _closed_on_error(connection):
        migrate(connection)
        _check_whole(connection)
    return connection


def _check_whole(connection: sqlite3.Connection) -> None:
    """A table that is gone would be missed in the middle of a press."""
    with closing(sqlite3.connect(":memory:")) as new:
        migrate(new)
        ours, there = (
            {name for (name,) in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
            for db in (new, connection)
        )
    if not ours <= there:
        raise sqlite3.DatabaseError(f"tables are missing: {', '.join(sorted(ours - there))}")


def connect(path: Path, factory: type[sqlite3.Connection] = sqlite3.Connection) -> sqlite3.Connection:
    """As `open_database`, for a file that is there and up to date."""
    _check_not_emptied(path)
    uri = f"{path.absolute().as_uri()}?mode=rw"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False, factory=factory)
    with _closed_on_error(connection):
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
        if mode != "wal":
            raise sqlite3.OperationalError(f"no write-ahead log is possible here, only {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES_MAX}")
    return connection


@contextmanager
def _closed_on_error(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        # SQLite quotes what it finds in a damaged schema, and that need not be text.
        connection.close()
        raise sqlite3.DatabaseError("the schema is damaged") from error
    except BaseException:
        connection.close()
        raise


def open_read_only(path: Path) -> sqlite3.Connection:
    """A connection that can't write, beside a running hub or without one. Raises sqlite3.Error."""
    return _read_only(path, "mode=ro")


def beside(path: Path, what: Literal["wal", "journal"]) -> Path:
    """Where SQLite keeps the file's log: beside the file itself, also when `path` is a link to it."""
    return Path(f"{os.path.realpath(path)}-{what}")


@contextmanager
def untouched(path: Path) -> Iterator[sqlite3.Connection]:
    """A read-only connection that leaves no trace beside the file where that can be, and works on a read-only disk.

    Raises sqlite3.Error, OSError.
    """
    log = beside(path, "wal")
    if not log.exists():
        # Nobody has it open. SQLite would make its two side files; told that nothing changes, it makes none.
        connection = _read_only(path, "mode=ro&immutable=1")
    else:
        try:
            connection = _read_only(path, "mode=ro")
        except sqlite3.OperationalError:
            # What a hub left behind when it was killed, where SQLite may not write its index: read a copy.
            with tempfile.TemporaryDirectory(prefix="firstbell-") as folder, _copied(path, log, Path(folder)) as copy:
                yield copy
            return
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def _copied(path: Path, log: Path, folder: Path) -> Iterator[sqlite3.Connection]:
    copy = folder / path.name
    shutil.copyfile(path, copy)
    shutil.copyfile(log, beside(copy, "wal"))
    connection = _read_only(copy, "mode=ro")
    try:
        yield connection
    finally:
        connection.close()


def _read_only(path: Path, how: str) -> sqlite3.Connection:
    _check_not_emptied(path)
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{how}", uri=True, isolation_level=None, check_same_thread=False
    )
    with _closed_on_error(connection):
        connection.execute(f"PRAGMA busy_timeout = {BUSY_MS_MAX}")
        connection.execute("SELECT 1 FROM sqlite_schema").fetchone()
    return connection


def _check_not_emptied(path: Path) -> None:
    """SQLite takes an empty file for a new database and removes the log beside it, the last that is left of the old."""
    if beside(path, "wal").exists() and path.exists() and not path.stat().st_size:
        raise sqlite3.DatabaseError("the file is empty, and its write-ahead log is there")


class HubRunning(Exception):
    """Another process holds this home; `pid` as it wrote it."""

    def __init__(self, pid: str) -> None:
        super().__init__(f"another hub runs in this home (pid {pid})")
        self.pid = pid


class HomeLock:
    """Held for as long as a hub runs in `home`, by flock(2) on its hub.lock: it ends with the process.

    On entry raises HubRunning, HomeError: it is a link or no file. OSError.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / "hub.lock"
        self._file: int | None = None

    def __enter__(self) -> Self:
        file = self._open()
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            pid = os.pread(file, 20, 0).decode("ascii", "replace").strip()
            os.close(file)
            raise HubRunning(pid) from error
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file
        return self

    def _open(self) -> int:
        """Root may run in somebody else's home, and empties no file that a link there names."""
        flags = os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW
        try:
            file = os.open(self._path, flags, DATABASE_FILE)
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise HomeError(Problem("lock_no_file", str(self._path))) from None
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_nlink > 1:
            os.close(file)
            raise HomeError(Problem("lock_no_file", str(self._path)))
        return file

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            os.close(self._file)
            self._file = None
