"""A disk that fails on command: a real connection, with errors before or after what it is asked to do."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any, cast

from hub.database import connect

FULL = sqlite3.SQLITE_FULL
IO_FSYNC = sqlite3.SQLITE_IOERR_FSYNC

STEPS = (
    "BEGIN",
    "INSERT INTO entries",
    "INSERT INTO tiles",
    "UPDATE head",
    "COMMIT",
    "PRAGMA wal_checkpoint",
    "SELECT",
)


def failure(code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("the disk failed")
    error.sqlite_errorcode = code
    return error


class Disk:
    """`fail(sql, before)` says, before and after each statement, with which error it fails (None: it doesn't)."""

    def __init__(self) -> None:
        self.fail: Callable[[str, bool], int | None] = lambda _sql, _before: None
        self.connections = 0

    def connect(self, path: Path) -> sqlite3.Connection:
        self._check("connect", True)
        self.connections += 1
        return cast(sqlite3.Connection, _Connection(connect(path), self))

    def _check(self, sql: str, before: bool) -> None:
        code = self.fail(sql, before)
        if code is not None:
            raise failure(code)

    def fail_at(self, step: str, code: int, before: bool = True, times: int = 1) -> None:
        """The next `times` statements that begin with `step` fail."""
        left = times

        def fail(sql: str, is_before: bool) -> int | None:
            nonlocal left
            if left and sql.startswith(step) and is_before == before:
                left -= 1
                return code
            return None

        self.fail = fail

    def fail_at_random(self, random: Random, chance: float) -> None:
        def fail(sql: str, _before: bool) -> int | None:
            if sql.startswith((*STEPS, "connect")) and random.random() < chance:
                return random.choice((FULL, IO_FSYNC))
            return None

        self.fail = fail


class _Connection:
    """Stands in for sqlite3.Connection where the store uses it."""

    def __init__(self, real: sqlite3.Connection, disk: Disk) -> None:
        self._real = real
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def execute(self, sql: str, *values: Any) -> Any:
        return self._around(sql, lambda: self._real.execute(sql, *values))

    def executemany(self, sql: str, *values: Any) -> Any:
        return self._around(sql, lambda: self._real.executemany(sql, *values))

    def _around(self, sql: str, do: Callable[[], Any]) -> Any:
        self._disk._check(sql, True)
        result = do()
        self._disk._check(sql, False)
        return result


PLACES = [
    ("BEGIN", True),
    ("INSERT INTO entries", True),
    ("INSERT INTO entries", False),
    ("INSERT OR IGNORE INTO events", True),
    ("UPDATE head", False),
    ("COMMIT", True),
    ("COMMIT", False),
]
