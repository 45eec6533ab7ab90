"""The writer on real files: what commits together, in which order, and what becomes of it when the disk fails."""

import queue
import random
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from firstbell.jws import verify_ed25519
from firstbell.merkle import leaf_hash, verify_inclusion
from firstbell.note import open_checkpoint

from hub.database import open_read_only
from hub.dispatch.entries import Deadlines, EventRecorded, IncidentRaised, LinkChanged, LogBegan, ZoneSet, encode
from hub.dispatch.fold import apply
from hub.ledger.batch import Batch, Commit, Secret
from hub.ledger.origin import open_any_checkpoint
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.verify import verify
from hub.ledger.writer import BATCHES_PER_COMMIT_MAX, ENTRIES_PER_COMMIT_MAX, RETRY_MS_MAX, RETRY_MS_MIN, SqliteWriter
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, ZONES, Desk, make_ledger, new_store
from tests.hub.ledger.disk import FULL, IO_FSYNC, Disk

SEED = random.randrange(1 << 32)
WAIT_S_MAX = 20


@dataclass
class Told:
    """What the writer told."""

    commits: queue.Queue[Commit] = field(default_factory=queue.Queue)
    errors: queue.Queue[str] = field(default_factory=queue.Queue)

    def commit(self) -> Commit:
        return self.commits.get(timeout=WAIT_S_MAX)

    def error(self) -> str:
        return self.errors.get(timeout=WAIT_S_MAX)


@dataclass
class House:
    """A ledger on a disk that can fail, with its writer. `desk` decides."""

    path: Path
    desk: Desk
    disk: Disk
    writer: SqliteWriter
    told: Told

    def start(self) -> None:
        self.writer.start(self.told.commits.put, self.told.errors.put)

    def turns(self, count: int) -> None:
        """Turns in place of the thread."""
        self.writer.tell(self.told.commits.put, self.told.errors.put)
        for _ in range(count):
            self.writer.turn()

    def press(self, count: int = 1) -> list[Batch]:
        batches = [self.desk.press() for _ in range(count)]
        for batch in batches:
            self.writer.submit(batch)
        return batches

    def on_disk(self) -> list[tuple[Any, ...]]:
        """Every entry in the file, seen by somebody else."""
        with closing(open_read_only(self.path)) as connection:
            return connection.execute("SELECT epoch, idx, body FROM entries ORDER BY epoch, idx").fetchall()


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    path, desk = make_ledger(tmp_path, SEED, 60)
    disk = Disk()
    writer = SqliteWriter(Store(path, BASE, LOG_KEY, disk.connect))
    yield House(path, desk, disk, writer, Told())
    writer.close()


def bodies(batches: list[Batch]) -> list[bytes]:
    return [body for batch in batches for body in batch.bodies]


def check_receipts(commit: Commit) -> int:
    """Each receipt proves what it says; how many there are."""
    checkpoint = open_checkpoint(commit.checkpoint, VKEY, verify_ed25519)
    assert checkpoint.size == commit.size
    index = commit.first_index
    events = 0
    for batch in commit.batches:
        for entry, body in zip(batch.entries, batch.bodies, strict=True):
            assert (index in commit.receipts) == isinstance(entry, EventRecorded)
            if index in commit.receipts:
                receipt = commit.receipts[index]
                assert (receipt.index, receipt.entry, receipt.checkpoint) == (index, body.decode(), commit.checkpoint)
                verify_inclusion(leaf_hash(body), index, commit.size, list(receipt.proof), checkpoint.root)
                events += 1
            index += 1
    assert index == commit.size
    return events


# ── what commits together ───────────────────────────────────────────────────────────────────────────────────


def test_everything_that_waits_is_one_commit(house: House) -> None:
    first = house.desk.size
    batches = house.press(40)
    house.start()
    commit = house.told.commit()
    assert commit.batches == tuple(batches)
    assert all(one is other for one, other in zip(commit.batches, batches, strict=True))
    assert (commit.epoch, commit.first_index, commit.size) == (1, first, house.desk.size)
    assert check_receipts(commit) == 40
    assert [body for _, _, body in house.on_disk()][first:] == bodies(batches)


def test_a_batch_that_comes_alone_is_committed_at_once(house: House) -> None:
    house.start()
    for _ in range(5):
        (batch,) = house.press()
        assert house.told.commit().batches == (batch,)
    assert house.told.errors.empty()


def test_what_is_told_is_on_the_disk_when_it_is_told(house: House) -> None:
    seen: queue.Queue[tuple[int, int]] = queue.Queue()
    house.writer.start(lambda commit: seen.put((commit.size, len(house.on_disk()))), house.told.errors.put)
    for _ in range(10):
        house.press()
        size, on_disk = seen.get(timeout=WAIT_S_MAX)
        assert size == on_disk


def test_one_commit_has_a_limit_of_batches_and_of_entries(house: House) -> None:
    small = [one_entry(number) for number in range(BATCHES_PER_COMMIT_MAX + 5)]
    large = Batch(
        tuple(one_entry(number).entries[0] for number in range(ENTRIES_PER_COMMIT_MAX - 3)),
        tuple(one_entry(number).bodies[0] for number in range(ENTRIES_PER_COMMIT_MAX - 3)),
    )
    for batch in (*small, large, large):
        house.writer.submit(batch)
    house.start()
    assert [len(house.told.commit().batches) for _ in range(4)] == [BATCHES_PER_COMMIT_MAX, 5, 1, 1]


def one_entry(number: int) -> Batch:
    entry = LinkChanged(at_ms=number, terminal="t-wall222222", linked=bool(number % 2))
    return Batch((entry,), (encode(entry),))


def test_many_threads_may_submit(house: House) -> None:
    house.start()
    batches = [[one_entry(100 * number + one) for one in range(25)] for number in range(8)]

    def submit(mine: list[Batch]) -> None:
        for batch in mine:
            house.writer.submit(batch)

    threads = [threading.Thread(target=submit, args=(mine,)) for mine in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    committed: list[Batch] = []
    while len(committed) < 200:
        committed += house.told.commit().batches
    for mine in batches:
        assert [batch for batch in committed if batch in mine] == mine
    assert verify(house.path, VKEY).ok


def test_checkpoints_go_on_from_each_other(house: House) -> None:
    house.start()
    commits = []
    for count in (1, 3, 200, 1, 90):
        pressed = house.press(count)
        done: list[Batch] = []
        while len(done) < len(pressed):
            commits.append(house.told.commit())
            done += commits[-1].batches
    assert all(before.size == after.first_index for before, after in pairwise(commits))
    for commit in commits:
        assert verify(house.path, VKEY, commit.checkpoint).ok


def test_sealed_texts_and_secrets_go_in_with_the_batch(house: House) -> None:
    named, unnamed = house.desk.seal("zone-details", "东区"), house.desk.seal("resolve-note", "王建国到了")
    entry = ZoneSet(at_ms=1, zone=ZONES[0], details=named.commitment, deadlines=Deadlines(), tiers=("zone",), by="c")
    secrets = (Secret("a-guard22222", "pin", b"new"), Secret("a-guard33333", "pin", None))
    house.writer.submit(Batch((entry,), (encode(entry),), (named, unnamed), secrets))
    house.start()
    house.told.commit()
    reader = Reader(house.path)
    assert reader.sealed(named.commitment) == named
    assert reader.sealed(unnamed.commitment) is None
    assert reader.secret("a-guard22222", "pin") == b"new"
    assert reader.secret("a-guard33333", "pin") is None
    assert reader.secret_owner("pin", b"new") == "a-guard22222"
    assert reader.secret_owner("pin", b"other") is None
    reader.close()


def test_a_batch_of_secrets_alone(house: House) -> None:
    house.writer.submit(Batch((), (), secrets=(Secret("s-1", "session", b"hash"),)))
    house.start()
    commit = house.told.commit()
    assert commit.first_index == commit.size == house.desk.size
    assert commit.receipts == {}
    assert verify(house.path, VKEY).ok


def test_close_commits_what_waits(house: House) -> None:
    house.press(300)
    house.start()
    house.writer.close()
    assert len(house.on_disk()) == house.desk.size


def test_close_before_start(house: House) -> None:
    house.press()
    house.writer.close()
    assert len(house.on_disk()) < house.desk.size


def test_the_last_two_snapshots_are_kept(house: House) -> None:
    house.writer.tell(house.told.commits.put, house.told.errors.put)
    taken = []
    for _ in range(4):
        snapshot = house.desk.snapshot()
        taken.append(snapshot.size)
        batch = house.desk.press()
        house.writer.submit(Batch(batch.entries, batch.bodies, snapshot=snapshot))
        house.writer.turn()
    with closing(open_read_only(house.path)) as connection:
        kept = connection.execute("SELECT size FROM snapshots ORDER BY size").fetchall()
    assert kept == [(taken[-2],), (taken[-1],)]
    verdict = verify(house.path, VKEY)
    assert verdict.ok
    assert verdict.checked.snapshots == 2


# ── when the disk fails ─────────────────────────────────────────────────────────────────────────────────────

PLACES = [
    ("BEGIN", True),
    ("INSERT INTO entries", True),
    ("INSERT INTO entries", False),
    ("INSERT OR IGNORE INTO events", True),
    ("UPDATE head", False),
    ("COMMIT", True),
    ("COMMIT", False),
]


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


# ── somebody else writes ────────────────────────────────────────────────────────────────────────────────────


def test_who_finds_the_head_moved_never_writes_again(house: House) -> None:
    other = Store(house.path, BASE, LOG_KEY)
    house.press()
    house.turns(1)
    with pytest.raises(Exception, match="moved the head"):
        other.commit([house.desk.press()])
    other.close()
    other = Store(house.path, BASE, LOG_KEY)
    other.commit([one_entry(1)])
    other.close()
    before = house.on_disk()
    house.press()
    assert house.writer.turn() is None
    assert house.told.error() == "taken"
    assert house.on_disk() == before


def test_the_thread_ends_when_the_head_is_taken(house: House) -> None:
    other = Store(house.path, BASE, LOG_KEY)
    other.commit([one_entry(1)])
    other.close()
    house.press()
    house.start()
    assert house.told.error() == "taken"
    house.press()
    house.writer.close()
    assert house.told.commits.empty()


def test_a_head_moved_while_the_disk_failed_is_found(house: House) -> None:
    house.disk.fail_at("COMMIT", FULL)
    house.press()
    house.turns(1)
    other = Store(house.path, BASE, LOG_KEY)
    other.commit([one_entry(1)])
    other.close()
    house.turns(1)
    assert [house.told.error(), house.told.error()] == ["full", "taken"]


# ── holding back, and a new log ─────────────────────────────────────────────────────────────────────────────


def began(at_ms: int) -> Batch:
    entry = LogBegan(at_ms=at_ms, origin="", remembered_size=70, remembered_root="ab" * 32)
    return Batch((entry,), (encode(entry),))


def test_nothing_is_signed_while_it_is_held(house: House) -> None:
    house.writer.hold_receipts("a terminal remembers more than we have")
    house.start()
    batches = house.press(3)
    before = house.on_disk()
    assert house.told.commits.empty()
    assert house.on_disk() == before
    house.writer.release_receipts()
    assert house.told.commit().batches == tuple(batches)


def test_a_held_writer_can_be_closed(house: House) -> None:
    house.writer.hold_receipts("a terminal remembers more than we have")
    house.start()
    house.press()
    house.writer.close()
    assert house.told.commits.empty()


def test_a_new_log_goes_before_all_that_waits(house: House) -> None:
    old_size = house.desk.size
    batches = house.press(2)
    house.writer.submit_new_log(began(5))
    house.turns(1)
    commit = house.told.commit()
    assert (commit.epoch, commit.first_index) == (2, 0)
    first = commit.batches[0].entries[0]
    assert isinstance(first, LogBegan)
    assert (first.at_ms, first.remembered_size, first.remembered_root) == (5, 70, "ab" * 32)
    assert (first.origin, first.previous_origin, first.previous_size) == (f"{BASE}/2", f"{BASE}/1", old_size)
    assert commit.batches[0].bodies == (encode(first),)
    assert commit.batches[1:] == tuple(batches)
    epoch, checkpoint = open_any_checkpoint(commit.checkpoint, VKEY)
    assert (epoch, checkpoint.size) == (2, 1 + len(bodies(batches)))
    house.press()
    house.turns(1)
    assert (house.told.commit().epoch, house.told.errors.empty()) == (2, True)
    verdict = verify(house.path, VKEY, commit.checkpoint)
    assert verdict.ok, verdict
    assert verdict.checked.logs == 2


def test_a_new_log_ends_the_hold_and_goes_beyond_what_was_lost(house: House) -> None:
    house.writer.hold_receipts("a terminal remembers a log that we don't know")
    house.start()
    house.writer.submit_new_log(began(5), beyond_epoch=4)
    assert house.told.commit().epoch == 5
    assert verify(house.path, VKEY).ok


@pytest.mark.parametrize(("step", "before"), PLACES)
def test_a_new_log_whose_commit_fails(house: House, step: str, before: bool) -> None:
    house.disk.fail_at(step, IO_FSYNC, before)
    batches = house.press()
    house.writer.submit_new_log(began(5))
    house.turns(2)
    commits = [house.told.commit() for _ in range(house.told.commits.qsize())]
    assert [commit.epoch for commit in commits] == [2]
    assert commits[0].batches[1:] == tuple(batches)
    house.turns(1)
    assert house.told.commits.empty()
    assert verify(house.path, VKEY).ok


@pytest.mark.parametrize("before", [True, False])
def test_a_new_log_after_a_commit_that_failed(house: House, before: bool) -> None:
    """If that commit happened, the old log ends after it; if not, its batches go into the new log."""
    house.disk.fail_at("COMMIT", IO_FSYNC, before)
    batches = house.press()
    house.turns(1)
    house.writer.submit_new_log(began(5))
    house.turns(3)
    commits = [house.told.commit() for _ in range(house.told.commits.qsize())]
    assert [commit.epoch for commit in commits] == ([2] if before else [1, 2])
    told = [batch for commit in commits for batch in commit.batches if not isinstance(batch.entries[0], LogBegan)]
    assert told == batches
    assert verify(house.path, VKEY).ok


def test_a_batch_that_begins_no_log_is_a_defect(house: House) -> None:
    house.writer.submit_new_log(one_entry(1))
    house.turns(1)
    assert house.told.error() == "defect"


def test_the_campus_goes_on_over_logs(house: House) -> None:
    house.press(2)
    house.writer.submit_new_log(began(5))
    house.press(2)
    house.turns(1)
    completed = house.told.commit().batches[0].entries[0]
    apply(house.desk.campus, completed)
    reader = Reader(house.path)
    campus = reader.load_campus()
    assert campus.origin == f"{BASE}/2"
    assert campus == house.desk.campus
    reader.close()


# ── the floor ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_tile_that_becomes_full_is_stored_with_its_commit(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    for batch in Desk(random.Random(SEED)).found():
        store.commit([batch])
    store.commit([one_entry(number) for number in range(700)])
    store.close()
    verdict = verify(tmp_path / "hub.db", VKEY)
    assert verdict.ok
    assert verdict.checked.tiles == 2


def test_how_long_a_press_takes(house: House) -> None:
    house.start()
    took_ms = []
    for _ in range(100):
        batch = house.desk.press()
        assert any(isinstance(entry, EventRecorded | IncidentRaised) for entry in batch.entries)
        began = time.monotonic()
        house.writer.submit(batch)
        house.told.commit()
        took_ms.append((time.monotonic() - began) * 1000)
    took_ms.sort()
    print(f"writer: submit to commit told, ms p50 {took_ms[50]:.2f} p99 {took_ms[98]:.2f}")
