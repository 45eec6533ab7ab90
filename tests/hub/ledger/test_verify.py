"""`verify` on real files: it passes what is whole, and finds and places whatever was changed, removed or cut."""

import hashlib
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.merkle import leaf_hash
from firstbell.note import ED25519, Vkey

from hub.database import DERIVED_TABLES
from hub.dispatch.entries import LogBegan, encode
from hub.ledger.batch import Batch
from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.note import Signer
from hub.ledger.store import Store
from hub.ledger.verify import Verdict, verify
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, make_ledger

SEED = random.randrange(1 << 32)
ENTRIES = 600
"""Two full tiles and a tail."""


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


# ── what is whole ───────────────────────────────────────────────────────────────────────────────────────────


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


# ── entries ─────────────────────────────────────────────────────────────────────────────────────────────────


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


# ── tiles, checkpoint, sealed texts, snapshots ──────────────────────────────────────────────────────────────


def test_any_changed_byte_of_a_tile_is_found(ledger: Path) -> None:
    dice = random.Random(SEED)
    for _ in range(12):
        n, at = dice.randrange(2), dice.randrange(8_192)
        tile = rows(ledger, f"SELECT hashes FROM tiles WHERE n = {n}")[0]
        changed = bytearray(tile[0])
        changed[at] ^= 1 << dice.randrange(8)
        change(ledger, f"UPDATE tiles SET hashes = ? WHERE n = {n}", values=(bytes(changed),))
        assert found(ledger).first_bad == f"tile 0/{n}", at
        change(ledger, f"UPDATE tiles SET hashes = ? WHERE n = {n}", values=tile)


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("DELETE FROM tiles WHERE n = 1", "tile 0/1"),
        ("UPDATE tiles SET hashes = substr(hashes, 1, 8160) WHERE n = 0", "tile 0/0"),
        ("INSERT INTO tiles SELECT epoch, 0, 2, hashes FROM tiles WHERE n = 1", "tile 0/2"),
        ("INSERT INTO tiles SELECT epoch, 1, 0, hashes FROM tiles WHERE n = 1", "tile 1/0"),
        ("INSERT INTO tiles SELECT epoch, 99, 0, hashes FROM tiles WHERE n = 1", "tile 99/0"),
        ("INSERT INTO tiles SELECT 7, 0, 0, hashes FROM tiles WHERE n = 1", "log 7"),
        ("UPDATE tiles SET n = 1 - n", "tile 0/0"),
    ],
)
def test_tiles_changed_in_other_ways(ledger: Path, statement: str, place: str) -> None:
    if statement.endswith("1 - n"):
        change(ledger, "UPDATE tiles SET n = -1 WHERE n = 0", "UPDATE tiles SET n = 0 WHERE n = 1")
        change(ledger, "UPDATE tiles SET n = 1 WHERE n = -1")
    else:
        assert change(ledger, statement)
    assert found(ledger).first_bad == place


def test_any_changed_character_of_the_checkpoint_is_found(ledger: Path) -> None:
    dice = random.Random(SEED)
    note = str(rows(ledger, "SELECT note FROM head")[0][0])
    for at in [*range(0, len(note), 7), *dice.sample(range(len(note)), 10)]:
        changed = note[:at] + chr(ord(note[at]) ^ 1) + note[at + 1 :]
        change(ledger, "UPDATE head SET note = ?", values=(changed,))
        assert found(ledger).first_bad == "checkpoint", at


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM head",
        "UPDATE head SET size = size - 1",
        "UPDATE head SET epoch = 2",
        "UPDATE head SET root = zeroblob(32)",
        "UPDATE head SET root = x''",
    ],
)
def test_a_changed_head_is_found(ledger: Path, statement: str) -> None:
    assert change(ledger, statement)
    assert found(ledger).first_bad == "checkpoint"


def test_a_ledger_signed_anew_with_another_key_is_found(ledger: Path) -> None:
    """Everything consistent, but for the key that somebody has on paper."""
    size, root = rows(ledger, "SELECT size, root FROM head")[0]
    forger = Signer(f"{BASE}/1", Ed25519PrivateKey.generate())
    note = sign_checkpoint(forger, size, root)
    change(ledger, "UPDATE head SET note = ?", values=(note,))
    assert found(ledger).first_bad == "checkpoint"
    assert verify(ledger, forger.vkey).ok


def test_another_hubs_key_is_not_enough(ledger: Path) -> None:
    stranger = Vkey("firstbell.invalid/c-other/1", ED25519, VKEY.public_key)
    assert verify(ledger, stranger).first_bad == "checkpoint"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE sealed SET text = text || ' ' WHERE commitment = '{}'",
        "UPDATE sealed SET text = '' WHERE commitment = '{}'",
        "UPDATE sealed SET salt = randomblob(32) WHERE commitment = '{}'",
        "UPDATE sealed SET salt = x'' WHERE commitment = '{}'",
        "UPDATE sealed SET domain = 'firstbell/other/v1' WHERE commitment = '{}'",
        "UPDATE sealed SET domain = 'café' WHERE commitment = '{}'",
        "UPDATE sealed SET text = CAST(x'ff' AS TEXT) WHERE commitment = '{}'",
        "DELETE FROM sealed WHERE commitment = '{}'",
    ],
)
def test_a_changed_sealed_text_is_found(ledger: Path, statement: str) -> None:
    commitment = random.Random(SEED).choice(rows(ledger, "SELECT commitment FROM sealed"))[0]
    assert change(ledger, statement.format(commitment)) == 1
    assert found(ledger).first_bad.startswith(f"sealed {commitment}, entry ")


def test_a_sealed_text_that_nobody_names_is_found(ledger: Path) -> None:
    change(ledger, "INSERT INTO sealed SELECT 'ab', domain, salt, text FROM sealed LIMIT 1")
    assert found(ledger).first_bad == "sealed ab"
    change(ledger, "DELETE FROM sealed WHERE commitment = 'ab'")
    change(ledger, "UPDATE sealed SET commitment = replace(commitment, substr(commitment, 1, 1), 'f')")
    assert found(ledger).first_bad.startswith("sealed ")


def test_changed_snapshots_are_found(ledger: Path) -> None:
    size, campus = rows(ledger, "SELECT size, campus FROM snapshots ORDER BY size")[0]
    changed = bytearray(campus)
    changed[random.Random(SEED).randrange(len(changed))] ^= 4
    change(ledger, f"UPDATE snapshots SET campus = ? WHERE size = {size}", values=(bytes(changed),))
    assert found(ledger).first_bad == f"snapshot at {size} entries"
    change(ledger, f"UPDATE snapshots SET campus = ?, size = size + 1 WHERE size = {size}", values=(campus,))
    assert found(ledger).first_bad == f"snapshot at {size + 1} entries"
    change(ledger, f"DELETE FROM snapshots WHERE size = {size} + 1")
    assert found(ledger).first_bad == "table snapshots"
    change(ledger, "DELETE FROM snapshots")
    assert found(ledger).first_bad == "table snapshots"
    change(ledger, "UPDATE head SET snapshots = snapshots + 100")
    assert found(ledger).first_bad == "table snapshots"


# ── derived tables ──────────────────────────────────────────────────────────────────────────────────────────


def cells(path: Path) -> Iterator[tuple[str, str]]:
    for table in DERIVED_TABLES:
        for column in rows(path, f"SELECT name FROM pragma_table_info('{table}')"):
            yield table, str(column[0])


def test_any_changed_cell_of_a_derived_table_is_found(ledger: Path, whole: Path) -> None:
    seen = set()
    for table, column in cells(whole):
        # The last row by every column: one that an index or another table may know too.
        key = {"events": "digest", "incident_entries": "idx"}.get(table, "incident")
        changed = change(
            ledger,
            f"UPDATE {table} SET {column} = {column} || '1' WHERE {key} = (SELECT max({key}) FROM {table})",
        )
        assert changed, (table, column)
        verdict = found(ledger)
        assert verdict.first_bad.startswith(f"table {table}, "), (table, column, verdict)
        seen.add(table)
        shutil.copy(whole, ledger)
    assert seen == set(DERIVED_TABLES)


@pytest.mark.parametrize("table", DERIVED_TABLES)
def test_a_removed_or_added_row_of_a_derived_table_is_found(ledger: Path, whole: Path, table: str) -> None:
    (key, *_) = rows(ledger, f"SELECT name FROM pragma_table_info('{table}') WHERE pk = 1")[0]
    named = rows(ledger, f"SELECT min({key}) FROM {table}")[0][0]
    change(ledger, f"DELETE FROM {table} WHERE {key} = ?", values=(named,))
    assert str(named) in found(ledger).first_bad
    shutil.copy(whole, ledger)
    columns = [str(column[0]) for column in rows(ledger, f"SELECT name FROM pragma_table_info('{table}')")]
    copied = ", ".join("'added'" if column == key else column for column in columns)
    assert change(ledger, f"INSERT INTO {table} SELECT {copied} FROM {table} LIMIT 1") == 1
    assert "added" in found(ledger).first_bad
    shutil.copy(whole, ledger)
    change(ledger, f"DELETE FROM {table}")
    assert found(ledger).first_bad.startswith(f"table {table}, ")


def test_what_was_added_to_the_schema_is_found(ledger: Path) -> None:
    change(ledger, "CREATE TRIGGER quiet AFTER INSERT ON events BEGIN DELETE FROM events; END")
    assert found(ledger).first_bad == "schema, quiet"
    change(ledger, "DROP TRIGGER quiet", "DROP INDEX incidents_by_time")
    assert found(ledger).first_bad == "schema, incidents_by_time"


def test_secrets_are_nobodys_business(ledger: Path) -> None:
    assert change(ledger, "DELETE FROM secrets")
    assert found(ledger).ok


# ── what the hub itself would have to have done wrong ───────────────────────────────────────────────────────


def resigned(folder: Path, edit: Callable[[bytes], bytes], kind: bytes = b'"event_recorded"') -> tuple[Verdict, str]:
    """A ledger whose own hub wrote something wrong and signed it; and which entry that is."""
    path, desk = make_ledger(folder, SEED, 60)
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


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b'{"kind":"no_such_kind"}', b"[" * 60_000])
def test_an_entry_that_is_none_is_found(tmp_path: Path, body: bytes) -> None:
    path, desk = make_ledger(tmp_path, SEED, 60)
    store = Store(path, BASE, LOG_KEY)
    event = desk.press()
    store.commit([Batch((LogBegan(at_ms=0, origin=""), *event.entries), (body, *event.bodies))])
    store.close()
    verdict = found(path)
    assert (verdict.first_bad, verdict.why) == (f"entry {desk.size - len(event.entries)}", "unreadable")


def test_a_second_beginning_is_found(tmp_path: Path) -> None:
    began = encode(LogBegan(at_ms=1, origin=f"{BASE}/1"))
    verdict, place = resigned(tmp_path, lambda _body: began, b"")
    assert (verdict.first_bad, verdict.why) == (place, "log_began")


# ── an older checkpoint ─────────────────────────────────────────────────────────────────────────────────────


def note_of(path: Path) -> str:
    return str(rows(path, "SELECT note FROM head")[0][0])


def grown(folder: Path, seed: int, *sizes: int) -> list[tuple[Path, str]]:
    """Copies of one ledger as it grew, with their checkpoints."""
    path, desk = make_ledger(folder, seed, sizes[0])
    copies = []
    for size in sizes:
        store = Store(path, BASE, LOG_KEY)
        while store.head.size < size:
            store.commit([desk.press()])
        store.close()
        copy = Path(shutil.copy(path, folder / f"{size}.db"))
        copies.append((copy, note_of(copy)))
    return copies


def test_against_an_older_checkpoint(tmp_path: Path) -> None:
    (small, small_note), (large, large_note) = grown(tmp_path, SEED, 270, 530)
    assert found(large, small_note).ok
    assert found(large, large_note).ok
    assert found(small, small_note).ok
    cut = found(small, large_note)
    sizes = size_of(large), size_of(small)
    assert cut.first_bad == f"cut: checkpoint of {sizes[0]} entries given, the ledger has {sizes[1]}"


def test_a_cut_with_the_right_checkpoint_needs_the_older_one(tmp_path: Path) -> None:
    """Who puts back yesterday's file has put back everything: only what somebody else remembers tells."""
    (small, _), (_, large_note) = grown(tmp_path, SEED, 60, 120)
    assert found(small).ok
    assert found(small, large_note).first_bad.startswith("cut: ")


def test_another_history_is_found(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "other").mkdir()
    ((_, note),) = grown(tmp_path / "one", SEED, 300)
    ((other, _),) = grown(tmp_path / "other", SEED + 1, 320)
    assert found(other, note).first_bad.startswith("fork: ")


@pytest.mark.parametrize("against", ["", "nonsense", f"{BASE}/1\n3\nAAAA\n\n", "\u2014" * 9])
def test_a_checkpoint_that_is_none(ledger: Path, against: str) -> None:
    assert found(ledger, against).first_bad == "against"


def test_the_checkpoint_of_an_empty_log(ledger: Path) -> None:
    empty = sign_checkpoint(Signer(f"{BASE}/1", LOG_KEY), 0, hashlib.sha256(b"").digest())
    assert found(ledger, empty).ok


# ── several logs ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def restored(tmp_path: Path) -> Path:
    """A ledger of two logs."""
    path, desk = make_ledger(tmp_path, SEED, 280)
    store = Store(path, BASE, LOG_KEY)
    began = LogBegan(at_ms=desk.now_ms, origin="", remembered_size=9, remembered_root="ab")
    store.begin_log(Batch((began,), (encode(began),)), [desk.press()], beyond_epoch=2)
    store.commit([desk.press("t-wall333333")])
    store.close()
    return path


def test_several_logs_pass(restored: Path) -> None:
    verdict = found(restored)
    assert verdict.ok, verdict
    assert verdict.checked.logs == 2
    assert verdict.size < verdict.checked.entries
    old = str(rows(restored, "SELECT note FROM logs")[0][0])
    assert found(restored, old).ok
    assert found(restored, note_of(restored)).ok


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        ("UPDATE entries SET body = x'00' WHERE epoch = 1 AND idx = 5", "entry 5 of log 1"),
        ("UPDATE entries SET body = x'00' WHERE epoch = 3 AND idx = 1", "entry 1 of log 3"),
        ("DELETE FROM entries WHERE epoch = 3 AND idx = 0", "entry 0 of log 3"),
        ("UPDATE tiles SET hashes = zeroblob(8192)", "tile 0/0 of log 1"),
        ("UPDATE logs SET size = size - 1", "checkpoint of log 1"),
        ("UPDATE logs SET note = replace(note, 'c-test', 'c-test')", ""),
        ("UPDATE logs SET note = (SELECT note FROM head)", "checkpoint of log 1"),
        ("UPDATE logs SET epoch = 2", "checkpoint of log 2"),
        ("DELETE FROM logs", "table logs"),
    ],
)
def test_changes_to_several_logs_are_found(restored: Path, statement: str, place: str) -> None:
    assert change(restored, statement)
    assert found(restored).first_bad == place


def test_a_log_that_nobody_has_is_a_cut(restored: Path) -> None:
    lost = sign_checkpoint(Signer(f"{BASE}/4", LOG_KEY), 0, hashlib.sha256(b"").digest())
    assert found(restored, lost).first_bad.startswith("cut: a checkpoint of log 4")


# ── files that are none ─────────────────────────────────────────────────────────────────────────────────────


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


def test_no_file_gets_a_verdict(tmp_path: Path) -> None:
    assert found(tmp_path / "hub.db").first_bad == "database"
    assert found(tmp_path).first_bad == "database"
    assert found(tmp_path / "no folder" / "hub.db").first_bad == "database"


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


# ── beside a hub, without write permission, and how long it takes ───────────────────────────────────────────


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
from hub.ledger.verify import verify
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(int(sys.argv[3]))
    os.setuid(int(sys.argv[3]))
verdict = verify(Path(sys.argv[1]), parse_vkey(sys.argv[2]))
print(verdict.ok, verdict.size, verdict.first_bad)
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
    assert verify_as_nobody(shown) == f"True {size_of(shown)} "


def test_what_a_killed_hub_left_on_a_disk_that_cannot_be_written(shown: Path, tmp_path: Path) -> None:
    """The newest entries are still in the write-ahead log, and SQLite may make no index of it there."""
    path, desk = make_ledger(tmp_path, SEED, 300)
    store = Store(path, BASE, LOG_KEY)
    store.commit([desk.press()])
    for name in ("hub.db", "hub.db-wal"):
        (shown.parent / name).unlink(missing_ok=True)
        shutil.copy(path.parent / name, shown.parent / name)
        (shown.parent / name).chmod(0o444)
    store.close()
    shown.parent.chmod(0o555)
    assert verify_as_nobody(shown) == f"True {desk.size} "


def test_how_long_ten_thousand_entries_take(tmp_path: Path) -> None:
    path, desk = make_ledger(tmp_path, SEED, 10_000)
    began = time.monotonic()
    assert found(path).ok
    took_ms = round((time.monotonic() - began) * 1000)
    print(f"verify: {desk.size} entries in {took_ms} ms")
