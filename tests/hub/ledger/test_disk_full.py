"""A disk that is really full, and a file that really may not grow: no stand-in fails here."""

import os
import random
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hub.dispatch.batch import Batch
from hub.ledger.errors import NoVerdict
from hub.ledger.store import Store
from hub.ledger.verify import verify
from hub.ledger.writer import SqliteWriter
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, make_ledger
from tests.hub.ledger.writing import Told

SEED = random.randrange(1 << 32)
DISK_BYTES = 4 << 20

Limit = Callable[[bool], None]


@contextmanager
def full_disk(folder: Path) -> Iterator[tuple[Path, Limit]]:
    """A file system of its own in memory, filled to the last byte on demand."""
    home = folder / "disk"
    home.mkdir()
    options = f"size={DISK_BYTES}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "firstbell", str(home)], check=True, capture_output=True)
    filler = home / "filler"

    def limit(on: bool) -> None:
        if not on:
            filler.unlink()
            return
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(bytes(4_096)):
                    pass
            except OSError:
                return

    try:
        yield home, limit
    finally:
        subprocess.run(["umount", str(home)], check=True, capture_output=True)


@contextmanager
def file_size_limit(folder: Path) -> Iterator[tuple[Path, Limit]]:
    """No file of this process may grow beyond what the write-ahead log has now (setrlimit(2))."""
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def limit(on: bool) -> None:
        now = (folder / "hub.db-wal").stat().st_size if on else before
        resource.setrlimit(resource.RLIMIT_FSIZE, (now, hard))

    try:
        yield folder, limit
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))


# Only root may mount; the other way is everybody's.
WAYS = [file_size_limit] + ([full_disk] if os.geteuid() == 0 else [])


@pytest.fixture(params=WAYS)
def small(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Path, Limit]]:
    with request.param(tmp_path) as made:
        yield made


def test_nothing_is_receipted_while_there_is_no_room_and_nothing_is_lost(small: tuple[Path, Limit]) -> None:
    home, limit = small
    path, desk = make_ledger(home, SEED, 60)
    writer, told = SqliteWriter(Store(path, BASE, LOG_KEY)), Told()
    writer.start(told.commits.put, told.errors.put)
    submitted: list[Batch] = []

    def press(count: int) -> None:
        for _ in range(count):
            submitted.append(desk.press())
            writer.submit(submitted[-1])

    press(1)
    committed = list(told.commit().batches)
    limit(True)
    press(200)
    word = told.error()
    press(20)
    # Something may still have fitted; from the error on nothing is told.
    before = told.commits.qsize()
    limit(False)
    while len(committed) < len(submitted):
        committed += told.commit().batches
    assert word in ("full", "io")
    assert before <= 1
    assert committed == submitted
    writer.close()
    # It may have had room for a moment, and then not again; in the end it is mended.
    assert [told.error() for _ in range(told.errors.qsize())][-1] == ""
    verdict = verify(path, VKEY)
    assert verdict.ok
    assert verdict.size == desk.size


def test_a_verification_without_room_for_its_own_tables_says_nothing_of_the_record(tmp_path: Path) -> None:
    """They lie in memory until they are larger than SQLite's cache."""
    path, desk = make_ledger(tmp_path, SEED, 60)
    with closing(Store(path, BASE, LOG_KEY)) as store:
        for _ in range(24):
            store.commit([desk.press() for _ in range(500)])
    before, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4_096, hard))
    try:
        with pytest.raises(NoVerdict):
            verify(path, VKEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (before, hard))
    assert verify(path, VKEY).ok
