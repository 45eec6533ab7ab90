"""The writer when its disk fails: nothing lost, nothing twice, nothing told before it is true."""

import errno
import random
import sqlite3
import threading
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from hub.database import open_read_only
from hub.dispatch.batch import Batch, Commit
from hub.ledger.errors import LedgerDamaged
from hub.ledger.store import Store
from hub.ledger.verify import verify
from hub.ledger.writer import RETRY_MS_MAX, RETRY_MS_MIN, SqliteWriter
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, make_ledger
from tests.hub.ledger.disk import FULL, IO_FSYNC, PLACES, Disk, failure
from tests.hub.ledger.writing import SEED, WAIT_S_MAX, House, Told, bodies, check_receipts, one_entry


@pytest.mark.parametrize(("step", "before"), PLACES)
@pytest.mark.parametrize(("code", "word"), [(FULL, "full"), (IO_FSYNC, "io")])
def test_nothing_is_lost_or_doubled_by_a_failed_commit(
    house: House, step: str, before: bool, code: int, word: str
) -> None:
    """A COMMIT that failed may have happened all the same: `COMMIT, False`."""
    house.disk.fail_at(step, code, before)
    batches = house.press(2)
    house.turns(1)
    assert house.told.error() == word
    assert house.told.commits.empty()
    batches += house.press(2)
    house.turns(2)
    committed: list[Batch] = []
    for _ in range(house.told.commits.qsize()):
        commit = house.told.commit()
        check_receipts(commit)
        committed += commit.batches
    assert committed == batches
    assert house.told.error() == ""
    assert house.told.errors.empty()
    assert [body for _, _, body in house.on_disk()][-len(bodies(batches)) :] == bodies(batches)
    assert verify(house.path, VKEY).ok


@pytest.mark.parametrize("step", ["connect", "PRAGMA wal_checkpoint", "SELECT epoch, size, root, note FROM head"])
def test_nothing_is_told_before_the_database_is_sound(house: House, step: str) -> None:
    """The COMMIT happened and said it hadn't; then what would settle it fails too, for a while."""
    house.disk.fail_at("COMMIT", IO_FSYNC, before=False)
    (batch,) = house.press()
    house.turns(1)
    house.disk.fail_at(step, IO_FSYNC, times=3)
    house.turns(3)
    assert house.told.commits.empty()
    house.turns(1)
    assert house.told.commit().batches == (batch,)
    assert [house.told.error(), house.told.error()] == ["io", ""]


def test_a_reader_that_keeps_its_transaction_open_delays_the_settling(tmp_path: Path) -> None:
    path, desk = make_ledger(tmp_path, SEED, 60)
    disk = Disk()

    def impatient(path: Path) -> sqlite3.Connection:
        connection = disk.connect(path)
        connection.execute("PRAGMA busy_timeout = 1")
        return connection

    writer, told = SqliteWriter(Store(path, BASE, LOG_KEY, impatient)), Told()
    writer.tell(told.commits.put, told.errors.put)
    writer.submit(desk.press())
    writer.turn()
    with closing(open_read_only(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM entries").fetchone()
        disk.fail_at("COMMIT", IO_FSYNC, before=False)
        writer.submit(desk.press())
        writer.turn()
        writer.turn()
        assert [told.error(), told.error()] == ["io", "busy"]
        assert told.commits.qsize() == 1
        reader.execute("ROLLBACK")
        writer.turn()
        assert told.commits.qsize() == 2
    writer.close()


def test_the_thread_tries_again_by_itself(house: House) -> None:
    house.disk.fail_at("COMMIT", FULL, times=3)
    house.start()
    began = time.monotonic()
    batches = house.press(3)
    assert house.told.error() == "full"
    batches += house.press(3)
    committed: list[Batch] = []
    while len(committed) < 6:
        committed += house.told.commit().batches
    assert committed == batches
    assert house.told.error() == ""
    # Three failures wait 200, 400 and 800 ms.
    assert time.monotonic() - began >= 7 * RETRY_MS_MIN / 1000


def test_retries_become_rarer(house: House) -> None:
    house.disk.fail = lambda sql, _before: FULL if sql == "COMMIT" else None
    house.press()
    house.writer.tell(house.told.commits.put, house.told.errors.put)
    waits = [house.writer.turn() for _ in range(6)]
    assert waits == [200, 400, 800, 1_600, RETRY_MS_MAX, RETRY_MS_MAX]
    house.disk.fail = lambda _sql, _before: None
    assert house.writer.turn() == 0
    house.disk.fail_at("COMMIT", FULL)
    house.press()
    assert house.writer.turn() == RETRY_MS_MIN


def test_close_gives_up_what_the_disk_refuses(house: House) -> None:
    house.disk.fail = lambda sql, _before: FULL if sql == "COMMIT" else None
    house.start()
    house.press()
    assert house.told.error() == "full"
    began = time.monotonic()
    house.writer.close()
    assert time.monotonic() - began < 2
    assert house.told.commits.empty()


@pytest.mark.parametrize("seed", range(12))
def test_any_sequence_of_failures(tmp_path: Path, seed: int) -> None:
    """Order kept, nothing twice, nothing lost, no two roots for one size, whatever fails when."""
    dice = random.Random(SEED + seed)
    print(f"seed {SEED + seed}")
    path, desk = make_ledger(tmp_path, SEED + seed, 240)
    disk = Disk()
    writer = SqliteWriter(Store(path, BASE, LOG_KEY, disk.connect))
    commits: list[Commit] = []
    errors: list[str] = []
    writer.tell(commits.append, errors.append)
    submitted: list[Batch] = []
    for _ in range(60):
        disk.fail_at_random(dice, dice.choice((0, 0.02, 0.2)))
        for _ in range(dice.randrange(4)):
            batch = desk.press()
            submitted.append(batch)
            writer.submit(batch)
        writer.turn()
    disk.fail = lambda _sql, _before: None
    for _ in range(2):
        writer.turn()
    assert [batch for commit in commits for batch in commit.batches] == submitted
    assert set(errors) - {""}
    assert errors[-1] == ""
    for commit in commits:
        check_receipts(commit)
    assert all(before.size == after.first_index for before, after in pairwise(commits))
    assert verify(path, VKEY, commits[0].checkpoint).ok
    writer.close()


def test_a_defect_of_ours_is_told_and_tried_again(house: House) -> None:
    entry = one_entry(1)
    house.writer.submit(Batch(entry.entries, (b"x" * 70_000,)))
    house.turns(2)
    assert house.told.error() == "defect"
    assert house.told.errors.empty()
    assert verify(house.path, VKEY).ok


def test_a_rollback_may_fail_too(house: House) -> None:
    house.disk.fail = lambda sql, before: IO_FSYNC if before and sql in ("COMMIT", "ROLLBACK") else None
    (batch,) = house.press()
    house.turns(1)
    house.disk.fail = lambda _sql, _before: None
    house.turns(1)
    assert house.told.commit().batches == (batch,)
    assert verify(house.path, VKEY).ok


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (OSError(errno.ENOSPC, "no room"), "full"),
        (OSError(errno.EIO, "gone"), "io"),
        (LedgerDamaged("tile 0/0 is missing"), "damaged"),
        (failure(sqlite3.SQLITE_NOTADB), "damaged"),
        (failure(sqlite3.SQLITE_READONLY), "readonly"),
        (failure(sqlite3.SQLITE_BUSY), "busy"),
        (failure(sqlite3.SQLITE_PROTOCOL), "busy"),
        (failure(sqlite3.SQLITE_CANTOPEN), "io"),
    ],
)
def test_each_kind_of_failure_has_its_word(house: House, error: Exception, word: str) -> None:
    def fail(sql: str, _before: bool) -> int | None:
        if sql == "COMMIT":
            raise error
        return None

    house.disk.fail = fail
    house.press()
    house.turns(1)
    assert house.told.error() == word
    house.disk.fail = lambda _sql, _before: None
    house.turns(1)
    assert house.told.error() == ""


def test_a_disk_that_hangs_does_not_keep_the_hub_from_ending(house: House) -> None:
    hanging, released = threading.Event(), threading.Event()

    def hang(sql: str, before: bool) -> int | None:
        if sql == "COMMIT" and before:
            hanging.set()
            released.wait()
        return None

    house.disk.fail = hang
    house.start()
    house.press()
    assert hanging.wait(WAIT_S_MAX)
    house.writer.close(ms_max=50)
    assert house.told.commits.empty()
    released.set()
    house.told.commit()


def test_a_constraint_that_fails_is_a_defect(house: House) -> None:
    house.disk.fail_at("UPDATE head", sqlite3.SQLITE_CONSTRAINT)
    house.press()
    house.turns(2)
    assert [house.told.error(), house.told.error()] == ["defect", ""]


def test_moving_the_write_ahead_log_in_a_quiet_moment_may_fail(house: House) -> None:
    house.disk.fail_at("PRAGMA wal_checkpoint(PASSIVE)", IO_FSYNC)
    house.press(200)
    house.turns(1)
    house.press(1)
    house.turns(1)
    assert house.told.commits.qsize() == 2
    assert house.told.errors.empty()


@pytest.mark.parametrize("how", ["removed", "replaced", "log removed", "moved"])
def test_a_file_that_was_removed_or_replaced_takes_no_promises(house: House, how: str) -> None:
    """What is written to it would be gone at the next start: the hub rings on, without a receipt."""
    house.press()
    house.turns(1)
    house.told.commit()
    log, elsewhere = house.path.with_name("hub.db-wal"), house.path.with_name("elsewhere.db")
    if how == "log removed":
        log.unlink()
    elif how == "removed":
        house.path.unlink()
    elif how == "replaced":
        elsewhere.write_bytes(house.path.read_bytes())
        elsewhere.rename(house.path)
    else:
        # The same file still, but at the next start its log is looked for beside it, where it now is.
        house.path.rename(elsewhere)
        house.path.symlink_to(elsewhere)
    left = {path.name for path in house.path.parent.iterdir()}
    house.press()
    house.turns(1)
    assert house.told.error() == "taken"
    assert house.told.commits.empty()
    assert {path.name for path in house.path.parent.iterdir()} == left, "an empty one must not stand in its place"
