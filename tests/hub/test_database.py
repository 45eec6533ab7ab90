"""How the hub's file is made and opened, and that a second hub is kept out."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlite_utils import Database

from hub.database import (
    DERIVED_TABLES,
    HomeLock,
    HubRunning,
    connect,
    migrations,
    open_database,
    open_read_only,
    untouched,
)
from hub.problems import HomeError

ROOT = Path(__file__).resolve().parents[2]


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def generous() -> Iterator[None]:
    """A umask that forbids nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


@pytest.mark.usefixtures("generous")
def test_a_new_file_is_its_owners_alone(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "hub.db")) as connection:
        connection.execute("INSERT INTO secrets VALUES ('a', 'pin', x'00')")
        files = {path.name: mode_of(path) for path in tmp_path.iterdir()}
    assert files == {"hub.db": 0o600, "hub.db-wal": 0o600, "hub.db-shm": 0o600}


def test_how_it_is_opened(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "hub.db")) as connection:
        found = {
            name: connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("journal_mode", "synchronous", "secure_delete", "foreign_keys", "busy_timeout")
        }
    assert found == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "secure_delete": 1,
        "foreign_keys": 1,
        "busy_timeout": 5_000,
    }


def test_every_table_is_strict_and_explained(tmp_path: Path) -> None:
    with closing(open_database(tmp_path / "hub.db")) as connection:
        database = Database(connection)
        names = [name for name in database.table_names() if name != migrations.migrations_table]
        assert all(database.table(name).strict for name in names)
        columns = {name: [column.name for column in database.table(name).columns] for name in names}
    assert set(DERIVED_TABLES) < set(names)
    readme = (ROOT / "hub/ledger/README.md").read_text()
    for name, found in columns.items():
        line = next((line for line in readme.splitlines() if line.startswith(f"| {name} |")), "")
        assert f"| {name} | {', '.join(found)} |" in line, f"hub/ledger/README.md: {name} has {found}"


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with closing(open_database(path)) as connection:
        connection.execute("INSERT INTO secrets VALUES ('a', 'pin', x'00')")
        first = connection.execute("SELECT sql FROM sqlite_schema").fetchall()
    with closing(open_database(path)) as connection:
        assert connection.execute("SELECT sql FROM sqlite_schema").fetchall() == first
        assert connection.execute("SELECT owner FROM secrets").fetchall() == [("a",)]
        assert migrations.pending(Database(connection)) == []


def test_snapshots_of_a_campus_that_held_less_are_no_more(tmp_path: Path) -> None:
    """One without each terminal's incidents would be believed, and have none of them."""
    with closing(sqlite3.connect(tmp_path / "hub.db", isolation_level=None)) as connection:
        migrations.apply(Database(connection), stop_before="m002_terminal_incidents")
        connection.execute("INSERT INTO head VALUES (1, 1, 2000, x'00', '', 2)")
        connection.execute("INSERT INTO snapshots VALUES (1, 1000, x'80'), (1, 2000, x'80')")
    with closing(open_database(tmp_path / "hub.db")) as connection:
        assert connection.execute("SELECT count(*) FROM snapshots").fetchone() == (0,)
        assert connection.execute("SELECT size, snapshots FROM head").fetchone() == (2000, 0)


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    path.write_bytes(b"these are somebody's notes" * 100)
    with pytest.raises(sqlite3.DatabaseError):
        open_database(path)
    assert path.read_bytes() == b"these are somebody's notes" * 100


def test_a_damaged_schema_is_an_error_of_the_database(tmp_path: Path) -> None:
    """Also when SQLite's message about it is no text."""
    path = tmp_path / "hub.db"
    open_database(path).close()
    data = path.read_bytes()
    assert data.count(b"CREATE TABLE events") == 1
    path.write_bytes(data.replace(b"CREATE TABLE events", b"CREATE TABLE \xff\xfe\xff\xfe\xff "))
    for open_it in (open_database, open_read_only):
        with pytest.raises(sqlite3.DatabaseError):
            open_it(path)


@pytest.mark.parametrize("table", ["incidents", "secrets", migrations.migrations_table])
def test_a_table_that_is_gone(table: str, tmp_path: Path) -> None:
    """Found at the start, not in the middle of a press."""
    path = tmp_path / "hub.db"
    with closing(open_database(path)) as connection:
        connection.execute(f"DROP TABLE {table}")
    with pytest.raises(sqlite3.DatabaseError, match=f"missing: {table}|already exists"):
        open_database(path)


def test_connecting_makes_no_file(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        connect(tmp_path / "hub.db")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    open_database(path).close()
    with closing(open_read_only(path)) as reader, pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("DELETE FROM entries")


def test_a_reader_sees_what_a_writer_has_just_committed(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with closing(open_database(path)) as writer, closing(open_read_only(path)) as reader:
        writer.execute("INSERT INTO secrets VALUES ('a', 'pin', x'00')")
        assert reader.execute("SELECT owner FROM secrets").fetchall() == [("a",)]
        with untouched(path) as other:
            assert other.execute("SELECT owner FROM secrets").fetchall() == [("a",)]


def test_reading_untouched_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    open_database(path).close()
    with untouched(path) as connection:
        assert connection.execute("SELECT count(*) FROM entries").fetchone() == (0,)
        assert [file.name for file in tmp_path.iterdir()] == ["hub.db"]


def test_an_emptied_file_keeps_the_log_beside_it(tmp_path: Path) -> None:
    """It holds the last of what was there; to SQLite an empty file is a new database, and the log a stranger's."""
    path, log = tmp_path / "hub.db", tmp_path / "hub.db-wal"
    with closing(open_database(path)) as connection:
        connection.execute("INSERT INTO secrets VALUES ('a', 'pin', x'00')")
        newest = log.read_bytes()
    path.write_bytes(b"")
    log.write_bytes(newest)
    for open_it in (open_database, open_read_only, lambda path: untouched(path).__enter__()):
        with pytest.raises(sqlite3.DatabaseError, match="the file is empty"):
            open_it(path)
        assert log.read_bytes() == newest


HOLD = """
import sys
from pathlib import Path
from hub.database import HomeLock
with HomeLock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_second_hub_is_kept_out_until_the_first_is_gone(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        env={"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    assert holder.stdin
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(HubRunning) as caught, HomeLock(tmp_path):
            pass
        assert caught.value.pid == str(holder.pid)
        assert str(holder.pid) in str(caught.value)
    finally:
        holder.kill()
        holder.wait()
        holder.stdin.close()
        holder.stdout.close()
    with HomeLock(tmp_path):
        assert (tmp_path / "hub.lock").read_text() == f"{os.getpid()}\n"
        assert mode_of(tmp_path / "hub.lock") == 0o600


def test_the_lock_is_free_again_afterwards(tmp_path: Path) -> None:
    for _ in range(2):
        with HomeLock(tmp_path):
            pass


MADE: dict[str, Callable[[Path, Path], None]] = {
    "link": lambda lock, others: lock.symlink_to(others),
    "link to nothing": lambda lock, others: lock.symlink_to(others.with_name("nothing")),
    "hard link": lambda lock, others: lock.hardlink_to(others),
    "pipe": lambda lock, _others: os.mkfifo(lock),
}


@pytest.mark.parametrize("made", MADE)
def test_the_lock_is_no_way_to_a_file_elsewhere(made: str, tmp_path: Path) -> None:
    home, others = tmp_path / "home", tmp_path / "passwd"
    home.mkdir()
    others.write_text("root")
    MADE[made](home / "hub.lock", others)
    with pytest.raises(HomeError) as raised, HomeLock(home):
        pass
    assert (raised.value.problem.name, raised.value.problem.where) == ("lock_no_file", str(home / "hub.lock"))
    assert others.read_text() == "root"
    assert not (tmp_path / "nothing").exists()
