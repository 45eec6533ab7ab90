"""Ledgers that are whole, and what somebody with SQL could do to them."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from hub.ledger.verify import Verdict, verify
from tests.hub.ledger.desk import VKEY

SEED = random.randrange(1 << 32)
ENTRIES = 600
"""Two full tiles and a tail."""


def change(path: Path, *statements: str, values: tuple[Any, ...] = ()) -> int:
    """Do to the file what somebody with SQL could do; how many rows it changed."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        changed = 0
        for statement in statements:
            changed += max(0, connection.execute(statement, values if "?" in statement else ()).rowcount)
    return changed


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchall()


def found(path: Path, against: str | None = None) -> Verdict:
    verdict = verify(path, VKEY, against)
    assert verdict.ok == (verdict.first_bad == "") == (verdict.why == "")
    return verdict


def size_of(path: Path) -> int:
    return int(rows(path, "SELECT size FROM head")[0][0])


def note_of(path: Path) -> str:
    return str(rows(path, "SELECT note FROM head")[0][0])
