"""`verify` and the entries: whatever is changed, removed, reordered, added or untrue is found and placed."""

import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from firstbell.merkle import leaf_hash

from hub.database import DERIVED_TABLES
from hub.dispatch.batch import Batch
from hub.dispatch.entries import LogBegan, encode
from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.note import Signer
from hub.ledger.store import Store, create_ledger
from hub.ledger.verdict import Bad
from hub.ledger.verify import Verdict, verify
from hub.ledger.verify_tables import check_references
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, make_ledger
from tests.hub.ledger.spoil import SEED, change, found, rows, size_of


def test_a_whole_ledger_passes(ledger: Path) -> None:
    verdict = found(ledger)
    assert verdict.ok, verdict
    assert verdict.size == verdict.checked.entries == size_of(ledger)
    assert verdict.checked.tiles == 2
    assert verdict.checked.snapshots == 2
    assert verdict.checked.logs == 1
    assert verdict.checked.events > verdict.checked.events_unsigned > 0
    assert verdict.checked.sealed == len(rows(ledger, "SELECT * FROM sealed"))
    assert verdict.checked.rows == sum(len(rows(ledger, f"SELECT * FROM {table}")) for table in DERIVED_TABLES)


def test_verifying_changes_nothing_and_leaves_nothing(ledger: Path) -> None:
    before = ledger.read_bytes()
    assert found(ledger).ok
    assert ledger.read_bytes() == before
    assert [path.name for path in ledger.parent.iterdir()] == ["hub.db"]


def test_progress_is_told(tmp_path: Path) -> None:
    path, desk = make_ledger(tmp_path, SEED, 2_100)
    told: list[tuple[int, int]] = []
    assert verify(path, VKEY, progress=lambda done, total: told.append((done, total))).ok
    assert told == [(1_000, desk.size), (2_000, desk.size)]


# ── entries ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_any_changed_byte_of_an_entry_is_found(ledger: Path) -> None:
    dice = random.Random(SEED)
    size = size_of(ledger)
    for index in [0, size - 1, *dice.sample(range(size), 40)]:
        body = bytearray(rows(ledger, f"SELECT body FROM entries WHERE idx = {index}")[0][0])
        at = dice.randrange(len(body))
        body[at] ^= 1 << dice.randrange(8)
        whole = rows(ledger, f"SELECT body FROM entries WHERE idx = {index}")[0]
        change(ledger, f"UPDATE entries SET body = ? WHERE idx = {index}", values=(bytes(body),))
        assert found(ledger).first_bad == f"entry {index}", (index, at)
        change(ledger, f"UPDATE entries SET body = ? WHERE idx = {index}", values=whole)
    assert found(ledger).ok


def rewrite(path: Path, index: int) -> None:
    """Changes an entry into another valid one, its leaf hash too."""
    body = bytes(rows(path, f"SELECT body FROM entries WHERE idx = {index}")[0][0])
    changed = body.replace(b'"at_ms":', b'"at_ms":1', 1)
    change(path, f"UPDATE entries SET body = ?, leaf = ? WHERE idx = {index}", values=(changed, leaf_hash(changed)))


def test_an_entry_rewritten_with_its_hash_is_placed_by_its_tile(ledger: Path) -> None:
    rewrite(ledger, 300)
    verdict = found(ledger)
    assert verdict.first_bad == "entry 300"


def test_an_entry_rewritten_in_the_tail_is_one_of_all(ledger: Path) -> None:
    size = size_of(ledger)
    rewrite(ledger, size - 3)
    assert found(ledger).first_bad == f"entries 0–{size - 1}"


def test_an_entry_rewritten_with_its_hash_and_its_tile_is_found(ledger: Path) -> None:
    rewrite(ledger, 300)
    tile = b"".join(bytes(row[0]) for row in rows(ledger, "SELECT leaf FROM entries WHERE idx BETWEEN 256 AND 511"))
    change(ledger, "UPDATE tiles SET hashes = ? WHERE level = 0 AND n = 1", values=(tile,))
    assert found(ledger).first_bad == f"entries 0–{size_of(ledger) - 1}"


def test_a_changed_leaf_hash_is_found(ledger: Path) -> None:
    change(ledger, "UPDATE entries SET leaf = zeroblob(32) WHERE idx = 17")
    assert found(ledger).first_bad == "entry 17"


@pytest.mark.parametrize("index", [0, 17, 255, 256, 511, 599])
def test_a_removed_entry_is_found(ledger: Path, index: int) -> None:
    change(ledger, f"DELETE FROM entries WHERE idx = {index}")
    assert found(ledger).first_bad == f"entry {index}"


def test_a_removed_range_is_found(ledger: Path) -> None:
    change(ledger, "DELETE FROM entries WHERE idx BETWEEN 256 AND 301")
    verdict = found(ledger)
    assert (verdict.first_bad, verdict.why) == ("entries 256–301", "missing")


def test_a_removed_entry_whose_place_was_closed_is_found(ledger: Path) -> None:
    change(ledger, "DELETE FROM entries WHERE idx = 17", "UPDATE entries SET idx = -idx WHERE idx > 17")
    change(ledger, "UPDATE entries SET idx = -idx - 1 WHERE idx < 0")
    assert found(ledger).first_bad == "entry 17"


def test_a_cut_tail_below_the_checkpoint_is_found(ledger: Path) -> None:
    size = size_of(ledger)
    change(ledger, f"DELETE FROM entries WHERE idx >= {size - 5}")
    assert found(ledger).first_bad == f"entries {size - 5}–{size - 1}"


def test_reordered_entries_are_found(ledger: Path) -> None:
    change(
        ledger,
        "UPDATE entries SET idx = -1 WHERE idx = 20",
        "UPDATE entries SET idx = 20 WHERE idx = 10",
        "UPDATE entries SET idx = 10 WHERE idx = -1",
    )
    assert found(ledger).first_bad == "entry 10"


def test_an_entry_too_many_is_found(ledger: Path) -> None:
    size = size_of(ledger)
    change(ledger, f"INSERT INTO entries SELECT epoch, {size}, leaf, body FROM entries WHERE idx = 5")
    assert found(ledger).first_bad == f"entry {size}"
    change(ledger, f"UPDATE entries SET idx = {size + 4} WHERE idx = {size}")
    assert found(ledger).first_bad == f"entry {size + 4}"


def test_an_entry_of_another_log_is_found(ledger: Path) -> None:
    change(ledger, "INSERT INTO entries SELECT 7, idx, leaf, body FROM entries WHERE idx = 5")
    assert found(ledger).first_bad == "log 7"


def test_the_first_of_several_places_is_told(ledger: Path) -> None:
    change(ledger, "UPDATE entries SET body = x'00' WHERE idx IN (40, 30, 500)", "DELETE FROM entries WHERE idx = 200")
    assert found(ledger).first_bad == "entry 30"


# ── what the hub itself would have to have done wrong ──────────────────────────────────────────────────────────


def resigned(folder: Path, edit: Callable[[bytes], bytes], kind: bytes = b'"event_recorded"') -> tuple[Verdict, str]:
    """A ledger whose own hub wrote something wrong and signed it; and which entry that is."""
    path, desk = make_ledger(folder, SEED, 1)
    store = Store(path, BASE, LOG_KEY)
    batch = desk.press()
    at = next(at for at, body in enumerate(batch.bodies) if kind in body)
    bodies = list(batch.bodies)
    bodies[at] = edit(bodies[at])
    assert bodies[at] != batch.bodies[at]
    commit = store.commit([Batch(batch.entries, tuple(bodies))])
    store.close()
    return found(path), f"entry {commit.first_index + at}"


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        (lambda body: body.replace(b'"seq":', b'"seq":1'), "fields"),
        (lambda body: body.replace(b'"what":"panic"', b'"what":"tamper"'), "fields"),
        (lambda body: body.replace(b'"digest":"', b'"digest":"0'), "digest"),
        (lambda body: body.replace(b'"terminal":"t-wall222222"', b'"terminal":"t-wall333333"'), "signature"),
        (lambda body: body.replace(b'"terminal":"t-wall222222"', b'"terminal":"t-unknown222"'), "terminal"),
        (lambda body: body.replace(b'"at_ms"', b'"at_mz"'), "unreadable"),
    ],
)
def test_an_entry_that_lies_about_its_event_is_found(tmp_path: Path, edit: Callable[[bytes], bytes], why: str) -> None:
    verdict, place = resigned(tmp_path, edit)
    assert (verdict.first_bad, verdict.why) == (place, why)


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"\xff\xfe", b'{"kind":"no_such_kind"}', b'{"kind":"\xff"}', b"[" * 60_000]
)
def test_an_entry_that_is_none_is_found(tmp_path: Path, body: bytes) -> None:
    path, desk = make_ledger(tmp_path, SEED, 60)
    store = Store(path, BASE, LOG_KEY)
    event = desk.press()
    store.commit([Batch((LogBegan(at_ms=0, origin=""), *event.entries), (body, *event.bodies))])
    store.close()
    verdict = found(path)
    assert (verdict.first_bad, verdict.why) == (f"entry {desk.size - len(event.entries)}", "unreadable")


def test_an_entry_that_does_not_fold_is_found(tmp_path: Path) -> None:
    """A time that no database holds."""
    verdict, place = resigned(tmp_path, lambda body: body.replace(b'"at_ms":', b'"at_ms":9' + b"0" * 18), b"_raised")
    assert (verdict.first_bad, verdict.why) == (place, "fold")


def test_an_empty_log_with_another_root_is_found(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    create_ledger(path, BASE, LOG_KEY)
    assert found(path).ok
    note = sign_checkpoint(Signer(f"{BASE}/1", LOG_KEY), 0, bytes(32))
    change(path, "UPDATE head SET root = zeroblob(32), note = ?", values=(note,))
    assert found(path).first_bad == "checkpoint"


def test_a_row_that_refers_to_no_entry_is_found(ledger: Path) -> None:
    """Rebuilding the tables finds it first; SQLite's own check stands behind it."""
    change(ledger, "DELETE FROM entries WHERE idx = (SELECT max(idx) FROM events)")
    with closing(sqlite3.connect(ledger)) as connection, pytest.raises(Bad, match=r"table (events|incident_entries)"):
        check_references(connection)


def test_a_second_beginning_is_found(tmp_path: Path) -> None:
    began = encode(LogBegan(at_ms=1, origin=f"{BASE}/1"))
    verdict, place = resigned(tmp_path, lambda _body: began, b"")
    assert (verdict.first_bad, verdict.why) == (place, "log_began")
