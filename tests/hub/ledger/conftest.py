"""A ledger with something in every table, made once for each file of tests, and copies of it; a writer to try."""

import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from hub.database import DERIVED_TABLES
from hub.ledger.store import Store
from hub.ledger.writer import SqliteWriter
from tests.hub.ledger.desk import BASE, LOG_KEY, make_ledger
from tests.hub.ledger.disk import Disk
from tests.hub.ledger.spoil import ENTRIES, SEED, rows
from tests.hub.ledger.writing import House, Told


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With something in every table."""
    for seed in count(SEED):
        path, _ = make_ledger(tmp_path_factory.mktemp("whole"), seed, ENTRIES, snapshot_every=100)
        if all(rows(path, f"SELECT 1 FROM {table}") for table in DERIVED_TABLES):
            print(f"seed {seed}")
            return path
    raise AssertionError


@pytest.fixture
def ledger(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "hub.db"))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    path, desk = make_ledger(tmp_path, SEED, 60)
    disk = Disk()
    writer = SqliteWriter(Store(path, BASE, LOG_KEY, disk.connect))
    yield House(path, desk, disk, writer, Told())
    writer.close()
