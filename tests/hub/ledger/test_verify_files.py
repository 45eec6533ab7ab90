"""`verify` on files that are none, beside a hub, without write permission, and how long it takes."""

import json
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, get_args

import pytest

from hub.database import DERIVED_TABLES
from hub.ledger.store import Store
from hub.ledger.verdict import Why
from hub.ledger.verify import verify
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, make_ledger
from tests.hub.ledger.spoil import SEED, found, rows, size_of

ROOT = Path(__file__).resolve().parents[3]


def bad_files(path: Path) -> Iterator[None]:
    whole = path.read_bytes()
    dice = random.Random(SEED)
    for data in (b"", b"not a database at all", whole[:100], whole[: len(whole) // 2], whole[:-1], bytes(8_192)):
        path.write_bytes(data)
        yield
    for _ in range(25):
        # Half a page of garbage, anywhere.
        at = dice.randrange(0, len(whole) - 2_048)
        path.write_bytes(whole[:at] + dice.randbytes(2_048) + whole[at + 2_048 :])
        yield


def test_damaged_files_get_a_verdict(ledger: Path) -> None:
    content = dump(ledger)
    for number, _ in enumerate(bad_files(ledger)):
        # Garbage where nothing lies is no damage.
        assert not found(ledger).ok or dump(ledger) == content, number


def test_what_only_sqlite_itself_can_find(ledger: Path) -> None:
    """The count of free pages in the file's header (SQLite file format, 1.3.7): no table shows it."""
    data = bytearray(ledger.read_bytes())
    data[39] += 1
    ledger.write_bytes(data)
    verdict = found(ledger)
    assert (verdict.first_bad, verdict.why) == ("database", "integrity")


def test_a_journal_that_would_change_the_file_is_found(ledger: Path, tmp_path: Path) -> None:
    """A page as it was before, beside a sound file: whoever opens it next takes that for a change that was cut off."""
    other = tmp_path / "other" / "hub.db"
    other.parent.mkdir()
    shutil.copy(ledger, other)
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("UPDATE head SET snapshots = 77")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE head SET snapshots = ?", rows(ledger, "SELECT snapshots FROM head")[0])
        connection.execute("UPDATE entries SET leaf = leaf")
        shutil.copy(other, ledger)
        shutil.copy(f"{other}-journal", f"{ledger}-journal")
        connection.execute("ROLLBACK")
    verdict = found(ledger)
    assert (verdict.first_bad, verdict.why) == ("database", "journal")
    assert rows(ledger, "SELECT snapshots FROM head") == [(77,)]


def test_a_journal_that_leads_nowhere_is_found(ledger: Path) -> None:
    """Whoever opens the file next follows it, when there is something at its end."""
    Path(f"{ledger}-journal").symlink_to(ledger.parent / "nothing yet")
    assert (found(ledger).first_bad, found(ledger).why) == ("database", "journal")


def test_each_reason_has_its_words() -> None:
    for language in ("en", "zh-CN"):
        texts = json.loads((ROOT / f"hub/commands/locales/{language}.json").read_text())
        assert {f"verify.why.{why}" for why in get_args(Why)} == {key for key in texts if key.startswith("verify.why.")}


def test_no_file_gets_a_verdict(tmp_path: Path) -> None:
    for path in (tmp_path / "hub.db", tmp_path, tmp_path / "no folder" / "hub.db"):
        verdict = found(path)
        assert (verdict.first_bad, verdict.why) == ("database", "missing")


def test_any_flipped_byte_of_the_file_is_found_or_harmless(ledger: Path) -> None:
    """Bytes of free space and of secrets mean nothing; no other byte may change and still pass as the same content."""
    whole = ledger.read_bytes()
    content = dump(ledger)
    dice = random.Random(SEED)
    passed = 0
    for _ in range(60):
        at = dice.randrange(len(whole))
        ledger.write_bytes(whole[:at] + bytes([whole[at] ^ (1 << dice.randrange(8))]) + whole[at + 1 :])
        if found(ledger).ok:
            passed += 1
            assert dump(ledger) == content, at
    assert passed < 60


def dump(path: Path) -> list[list[tuple[Any, ...]]]:
    tables = ("entries", "tiles", "head", "logs", "sealed", "snapshots", *DERIVED_TABLES)
    return [rows(path, f"SELECT * FROM {table}") for table in tables]


# ── beside a hub, without write permission, and how long it takes ──────────────────────────────────────────────


@pytest.mark.parametrize("ends", [False, True])
@pytest.mark.parametrize("linked", [False, True])
def test_a_hub_that_starts_meanwhile(tmp_path: Path, linked: bool, ends: bool) -> None:
    """The file was taken to lie still; it doesn't any more, so it is read again."""
    path, desk = make_ledger(tmp_path, SEED, 1_100)
    if linked:
        move_elsewhere(path)
    stores: list[Store] = []

    def start(_done: int, _total: int) -> None:
        if not stores:
            stores.append(Store(path, BASE, LOG_KEY))
            stores[0].commit([desk.press()])
            if ends:
                stores[0].close()

    verdict = verify(path, VKEY, progress=start)
    stores[0].close()
    assert (verdict.ok, verdict.size) == (True, desk.size)


def move_elsewhere(path: Path) -> Path:
    """To a larger disk, with a link in its place; where the file is now."""
    elsewhere = path.parent / "disk" / "record.sqlite"
    elsewhere.parent.mkdir()
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    return elsewhere


def test_what_lies_in_the_log_beside_a_linked_file_is_found(ledger: Path) -> None:
    file = move_elsewhere(ledger)
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        assert found(ledger).ok
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("UPDATE entries SET body = x'00' WHERE idx = 5")
        assert found(ledger).first_bad == found(file).first_bad == "entry 5"


def test_while_a_writer_writes(tmp_path: Path) -> None:
    path, desk = make_ledger(tmp_path, SEED, 300)
    store = Store(path, BASE, LOG_KEY)
    ended = threading.Event()
    errors: list[BaseException] = []

    def write() -> None:
        try:
            while not ended.is_set():
                store.commit([desk.press()])
        except BaseException as error:
            errors.append(error)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        sizes = [found(path).size for _ in range(8)]
    finally:
        ended.set()
        thread.join()
        store.close()
    assert not errors
    assert all(verdict > 0 for verdict in sizes)
    assert len(set(sizes)) > 1
    assert found(path).ok


NOBODY = 65_534

VERIFY = """
import os, sys
from pathlib import Path
from firstbell.note import parse_vkey
from hub.ledger.verdict import Why
from hub.ledger.verify import verify
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
verdict = verify(Path(sys.argv[1]), parse_vkey(sys.argv[2]))
print(verdict.ok, verdict.size, verdict.first_bad, verdict.why)
"""


def verify_as_nobody(path: Path) -> str:
    """In a process that may only read; root may write everywhere, so there it becomes somebody else."""
    result = subprocess.run(
        [sys.executable, "-c", VERIFY, str(path), VKEY.text(), str(NOBODY)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout.strip("\n")


@pytest.fixture
def shown(whole: Path) -> Iterator[Path]:
    """A folder that everyone may read and nobody may write."""
    folder = Path("/tmp") / f"firstbell-shown-{os.getpid()}"
    folder.mkdir(mode=0o755)
    shutil.copy(whole, folder / "hub.db")
    (folder / "hub.db").chmod(0o444)
    try:
        yield folder / "hub.db"
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def test_a_file_that_cannot_be_written(shown: Path) -> None:
    shown.parent.chmod(0o555)
    assert verify_as_nobody(shown) == f"True {size_of(shown)}  "


@pytest.mark.parametrize("left_open", [False, True])
def test_a_file_that_cannot_be_read_is_not_called_damaged(shown: Path, left_open: bool) -> None:
    if left_open:
        shown.with_name("hub.db-wal").touch()
    shown.chmod(0)
    assert verify_as_nobody(shown) == "False 0 database unreadable"


@pytest.mark.parametrize("linked", [False, True])
def test_what_a_killed_hub_left_on_a_disk_that_cannot_be_written(shown: Path, tmp_path: Path, linked: bool) -> None:
    """The newest entries are still in the write-ahead log, and SQLite may make no index of it there."""
    path, desk = make_ledger(tmp_path, SEED, 300)
    store = Store(path, BASE, LOG_KEY)
    store.commit([desk.press()])
    for name in ("hub.db", "hub.db-wal"):
        (shown.parent / name).unlink(missing_ok=True)
        shutil.copy(path.parent / name, shown.parent / name)
        (shown.parent / name).chmod(0o444)
    store.close()
    if linked:
        (shown.parent / "hub.db").rename(shown.parent / "record.sqlite")
        (shown.parent / "hub.db-wal").rename(shown.parent / "record.sqlite-wal")
        shown.symlink_to("record.sqlite")
    shown.parent.chmod(0o555)
    assert verify_as_nobody(shown) == f"True {desk.size}  "


def test_how_long_ten_thousand_entries_take(tmp_path: Path) -> None:
    path, desk = make_ledger(tmp_path, SEED, 10_000)
    began = time.monotonic()
    assert found(path).ok
    took_ms = round((time.monotonic() - began) * 1000)
    print(f"verify: {desk.size} entries in {took_ms} ms")
