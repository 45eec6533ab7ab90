"""What lies beside the logs in the database: schema, sealed texts, snapshots, derived rows."""

import sqlite3
from itertools import zip_longest
from typing import Any

from hub.database import DERIVED_TABLES
from hub.dispatch.batch import Sealed
from hub.ledger.sealed import opens
from hub.ledger.store import SNAPSHOTS_KEPT
from hub.ledger.verdict import Bad, Kind, Place
from hub.ledger.verify_log import Story

# Columns that name a row of a derived table: its primary key.
_KEYS = {
    "events": ("digest",),
    "incidents": ("incident",),
    "responders": ("incident", "guard"),
    "incident_entries": ("incident", "epoch", "idx"),
}
_KINDS: dict[str, Kind] = {
    "events": "event",
    "incidents": "incident",
    "responders": "incident",
    "incident_entries": "incident",
}
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema"
_STATISTICS = {
    ("table", "sqlite_stat1", "sqlite_stat1", "CREATE TABLE sqlite_stat1(tbl,idx,stat)"),
    ("table", "sqlite_stat4", "sqlite_stat4", "CREATE TABLE sqlite_stat4(tbl,idx,neq,nlt,ndlt,sample)"),
}
"""What SQLite itself makes for ANALYZE, to find faster ways to rows."""
_MIGRATIONS = "SELECT migration_set, name FROM _sqlite_migrations ORDER BY migration_set, name"


def check_file(connection: sqlite3.Connection) -> None:
    """SQLite's own check of its pages, indexes and column types. Raises Bad."""
    (message,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if message != "ok":
        raise Bad(Place("database"), "integrity", message)


def check_schema(connection: sqlite3.Connection, rebuilt: sqlite3.Connection) -> bool:
    """The tables are the hub's own, with nothing added (a trigger could change what is written later). Whether a hub of
    this version has had them: one of an earlier version kept other snapshots. Raises Bad.
    """
    ours, there = (set(db.execute(_SCHEMA)) for db in (rebuilt, connection))
    others = sorted(str(name) for _, name, *_ in ours ^ (there - _STATISTICS))
    if others:
        raise Bad(Place("schema", {"name": others[0]}), "schema")
    # By these rows a starting hub knows which tables it has made, and makes the others.
    made, known = (db.execute(_MIGRATIONS).fetchall() for db in (connection, rebuilt))
    if not made or made != known[: len(made)]:
        raise Bad(_table("_sqlite_migrations"), "schema")
    return made == known


def check_references(connection: sqlite3.Connection) -> None:
    row = connection.execute("PRAGMA foreign_key_check").fetchone()
    if row is not None:
        raise Bad(_table(row[0]), "reference")


def check_sealed(connection: sqlite3.Connection, story: Story) -> None:
    """Every text opens its commitment and is named by an entry; every commitment has its text. Raises Bad."""
    missing = dict(story.named)
    for row in connection.execute("SELECT commitment, domain, salt, text FROM sealed ORDER BY commitment"):
        sealed = Sealed(*row)
        place = missing.pop(sealed.commitment, None)
        if place is None:
            raise Bad(_sealed(sealed.commitment), "unnamed")
        if not opens(sealed):
            raise Bad(_sealed(sealed.commitment, place), "sealed")
        story.checked.sealed += 1
    for commitment, place in missing.items():
        raise Bad(_sealed(commitment, place), "missing")


def check_snapshots(connection: sqlite3.Connection, story: Story, several: bool) -> None:
    """Those that are kept equal the fold, and none was taken away. Raises Bad."""
    for epoch, size in sorted(story.snapshots):
        raise Bad(Place("snapshot", {"size": size}, epoch if several else None), "snapshot")
    (ever,) = connection.execute("SELECT snapshots FROM head").fetchone()
    if story.checked.snapshots != min(ever, SNAPSHOTS_KEPT) or ever > story.checked.entries:
        raise Bad(_table("snapshots"), "missing")


def check_derived(connection: sqlite3.Connection, story: Story) -> None:
    """Row by row against those rebuilt from the entries. Raises Bad."""
    for table in DERIVED_TABLES:
        keys = _KEYS[table]
        query = f"SELECT * FROM {table} ORDER BY {', '.join(keys)}"  # noqa: S608
        for ours, there in zip_longest(story.rebuilt.execute(query), connection.execute(query)):
            if ours != there:
                row = Place(_KINDS[table], {"name": _first(ours, there, len(keys))})
                raise Bad(_table(table, row), "row")
            story.checked.rows += 1


def _table(name: str, row: Place | None = None) -> Place:
    return Place("table", {"name": name}, within=row)


def _sealed(commitment: str, entry: Place | None = None) -> Place:
    return Place("sealed", {"name": commitment}, within=entry)


def _first(ours: tuple[Any, ...] | None, there: tuple[Any, ...] | None, keys: int) -> str:
    """Names the row by its key: of two that don't go together, the one that comes first has no partner."""
    named = min(row[:keys] for row in (ours, there) if row is not None)
    return "/".join(map(str, named))
