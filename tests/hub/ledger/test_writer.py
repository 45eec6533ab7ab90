"""The writer on real files: what commits together and in which order; another writer; a new log."""

import queue
import random
import threading
import time
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from hub.database import open_read_only
from hub.dispatch.batch import Batch, Secret
from hub.dispatch.entries import Deadlines, EventRecorded, IncidentRaised, LogBegan, ZoneSet, encode
from hub.dispatch.fold import apply
from hub.ledger.origin import open_any_checkpoint
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.verify import verify
from hub.ledger.writer import BATCHES_PER_COMMIT_MAX, ENTRIES_PER_COMMIT_MAX
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, ZONES, Desk, new_store
from tests.hub.ledger.disk import FULL, IO_FSYNC, PLACES
from tests.hub.ledger.writing import SEED, WAIT_S_MAX, House, began, bodies, check_receipts, one_entry


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
    reader = Reader(open_read_only(house.path))
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


# ── somebody else writes ───────────────────────────────────────────────────────────────────────────────────────


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


# ── holding back, and a new log ────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_signed_while_it_is_held(house: House) -> None:
    house.writer.hold_receipts()
    house.start()
    batches = house.press(3)
    before = house.on_disk()
    assert house.told.commits.empty()
    assert house.on_disk() == before
    house.writer.release_receipts()
    assert house.told.commit().batches == tuple(batches)


def test_a_turn_writes_nothing_while_it_is_held(house: House) -> None:
    house.writer.hold_receipts()
    house.press()
    house.turns(2)
    assert house.told.commits.empty()
    house.writer.release_receipts()
    house.turns(1)
    assert house.told.commits.qsize() == 1


def test_a_held_writer_can_be_closed(house: House) -> None:
    house.writer.hold_receipts()
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
    house.writer.hold_receipts()
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


def test_a_second_new_log_asked_for_meanwhile_is_begun_too(house: House) -> None:
    asked: list[Batch] = []

    def ask(sql: str, before: bool) -> int | None:
        if sql == "COMMIT" and before and not asked:
            asked.append(began(6))
            house.writer.submit_new_log(asked[0])
        return None

    house.disk.fail = ask
    house.writer.submit_new_log(began(5))
    house.turns(3)
    assert [house.told.commit().epoch for _ in range(house.told.commits.qsize())] == [2, 3]
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
    reader = Reader(open_read_only(house.path))
    campus = reader.load_campus()
    assert campus.origin == f"{BASE}/2"
    assert campus == house.desk.campus
    reader.close()


# ── the floor ──────────────────────────────────────────────────────────────────────────────────────────────────


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
