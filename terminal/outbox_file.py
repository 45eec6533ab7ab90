"""The outbox's SQLite file: opened, read, written, set aside when it is damaged. All of it waits for the disk."""

import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from firstbell_linux.problems import Problem

SCHEMA = """
CREATE TABLE IF NOT EXISTS terminal (
    id INTEGER PRIMARY KEY CHECK (id = 1), boot INTEGER NOT NULL, checkpoint TEXT NOT NULL, silent INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS events (
    place INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, jws TEXT NOT NULL, panic INTEGER NOT NULL,
    receipted INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO terminal VALUES (1, 0, '', 0);
"""
BUSY_S_MAX = 0.1
"""Nobody else has business with this file: who has it locked is not waited for."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


@dataclass(frozen=True, slots=True)
class Kept:
    """One event; `place` orders them, oldest first. `pressed_ms`: when (mono), in this boot; it is not stored."""

    place: int
    digest: str
    jws: str
    panic: bool
    receipted: bool
    pressed_ms: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """What a terminal remembers besides events. `boot`: the highest boot number used, 0 before the first boot;
    `checkpoint`: the largest verified one, "" for none.
    """

    boot: int
    checkpoint: str
    silent: bool


class Replaced(OSError):
    """The file has no name any more, or its name is another file's: what was written is not kept."""


def connect(path: Path) -> sqlite3.Connection:
    """The file, made if it isn't there, private to its owner. Raises sqlite3.Error, OSError."""
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
        _sync_folder(path.parent)
    connection = sqlite3.connect(path, timeout=BUSY_S_MAX, isolation_level=None, check_same_thread=False)
    try:
        # One process at a time, and no shared memory beside the file.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.executescript(SCHEMA)
    except BaseException:
        connection.close()
        raise
    return connection


def read(connection: sqlite3.Connection) -> tuple[Memory, tuple[Kept, ...]]:
    """Events oldest first. Raises sqlite3.Error."""
    boot, checkpoint, silent = connection.execute("SELECT boot, checkpoint, silent FROM terminal").fetchone()
    rows = connection.execute("SELECT place, digest, jws, panic, receipted FROM events ORDER BY place")
    kept = tuple(
        Kept(place, digest, jws, bool(panic), bool(receipted)) for place, digest, jws, panic, receipted in rows
    )
    return Memory(boot, checkpoint, bool(silent)), kept


def write(connection: sqlite3.Connection, rows: Iterable[Kept], gone: Iterable[str], memory: Memory | None) -> None:
    """In one transaction, on the disk when this returns. Raises sqlite3.Error; then it may or may not be there, and
    writing the same again is right.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany("DELETE FROM events WHERE digest = ?", ((digest,) for digest in gone))
        connection.executemany(
            "INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?)",
            ((kept.place, kept.digest, kept.jws, kept.panic, kept.receipted) for kept in rows),
        )
        if memory is not None:
            values = (memory.boot, memory.checkpoint, memory.silent)
            connection.execute("UPDATE terminal SET boot = ?, checkpoint = ?, silent = ?", values)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def is_damaged(error: Exception) -> bool:
    """Whether the file is no database any more."""
    return isinstance(error, sqlite3.Error) and _code(error) in _DAMAGED


def files_at(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """Which files these are, database and log, whatever becomes of their names; None for none. Raises OSError."""
    return _file_at(path), _file_at(_log_of(path))


def drop_log(path: Path, log: tuple[int, int] | None) -> None:
    """Remove this log if it is still there: another database would take it for its own. Raises OSError."""
    if log is not None and _file_at(_log_of(path)) == log:
        _log_of(path).unlink()


def _log_of(path: Path) -> Path:
    """Where SQLite keeps it: beside the file itself, also when `path` is a link to it."""
    return Path(f"{os.path.realpath(path)}-wal")


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def set_aside(path: Path) -> Path:
    """Rename the file, for whoever can still read something in it; there may be none. Raises OSError."""
    aside = path.with_name(f"{path.name}.aside-{time.time_ns()}")
    for suffix in ("", "-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    _sync_folder(path.parent)
    return aside


def explain(error: sqlite3.Error | OSError, path: Path) -> Problem:
    full = isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_FULL
    locked = isinstance(error, sqlite3.Error) and _code(error) == sqlite3.SQLITE_BUSY
    name = "disk_full" if full else "outbox_locked" if locked else "disk_fails"
    if isinstance(error, Replaced):
        name = "outbox_replaced"
    return Problem(name, str(path), {"reason": str(error)})


def _code(error: sqlite3.Error) -> int:
    # Errors that sqlite3 raises itself carry no code.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
