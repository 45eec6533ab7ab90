"""`verify` and what lies beside the entries: tiles, checkpoint, sealed texts, snapshots, derived tables."""

import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.note import ED25519, Vkey, base64_text

from hub.database import DERIVED_TABLES
from hub.ledger.checkpoint import checkpoint_text, sign_checkpoint
from hub.ledger.note import Signer
from hub.ledger.verify import verify
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY
from tests.hub.ledger.spoil import SEED, change, found, rows


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
        "UPDATE head SET id = 2",
        "INSERT INTO head SELECT 2, epoch, size, root, note, snapshots FROM head",
        "UPDATE head SET root = zeroblob(32)",
        "UPDATE head SET root = x''",
    ],
)
def test_a_changed_head_is_found(ledger: Path, statement: str) -> None:
    change(ledger, "PRAGMA ignore_check_constraints = ON", statement)
    assert found(ledger).first_bad == "checkpoint"


def test_a_ledger_signed_anew_with_another_key_is_found(ledger: Path) -> None:
    """Everything consistent, but for the key that somebody has on paper."""
    size, root = rows(ledger, "SELECT size, root FROM head")[0]
    forger = Signer(f"{BASE}/1", Ed25519PrivateKey.generate())
    note = sign_checkpoint(forger, size, root)
    change(ledger, "UPDATE head SET note = ?", values=(note,))
    assert found(ledger).first_bad == "checkpoint"
    assert verify(ledger, forger.vkey).ok


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (-1, "\u2014 somebody.example/1 {}"),
        (-1, f"\u2014 {BASE}/1 {{}}"),
        (-1, "{last}"),
        (3, "an extension"),
    ],
)
def test_a_line_added_to_our_checkpoint_is_found(ledger: Path, number: int, line: str) -> None:
    """Anywhere else a note may carry more signatures; ours is the one that we signed, byte for byte."""
    size, root, note = rows(ledger, "SELECT size, root, note FROM head")[0]
    if number == 3:
        note = Signer(f"{BASE}/1", LOG_KEY).sign_note(checkpoint_text(f"{BASE}/1", size, root) + f"{line}\n")
    else:
        note += line.format(base64_text(b"else" + bytes(64)), last=str(note).splitlines()[-1]) + "\n"
    change(ledger, "UPDATE head SET note = ?", values=(note,))
    verdict = found(ledger)
    assert (verdict.first_bad, verdict.why) == ("checkpoint", "added")
    change(ledger, "UPDATE head SET note = ?", values=(sign_checkpoint(Signer(f"{BASE}/1", LOG_KEY), size, root),))
    assert found(ledger, note).ok


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


def test_a_count_of_snapshots_that_cannot_be_is_found(ledger: Path) -> None:
    """With the largest number there is, the next snapshot could not be counted and no commit with one would succeed."""
    change(ledger, f"UPDATE head SET snapshots = {2**63 - 1}")
    assert found(ledger).first_bad == "table snapshots"


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


# ── derived tables ─────────────────────────────────────────────────────────────────────────────────────────────


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


def test_what_was_added_to_the_schema_computes_nothing(ledger: Path) -> None:
    """SQLite's own check computes what an index is of, and that could take for ever."""
    index = "CREATE INDEX incidents_by_time ON incidents (upper(incident), idx)"
    swap = f"UPDATE sqlite_schema SET sql = '{index}' WHERE name = 'incidents_by_time'"
    change(ledger, "PRAGMA writable_schema = ON", swap)
    assert found(ledger).first_bad == "schema, incidents_by_time"


def test_what_sqlite_keeps_about_its_own_indexes_is_no_change(ledger: Path) -> None:
    change(ledger, "ANALYZE")
    assert rows(ledger, "SELECT count(*) FROM sqlite_stat1") > [(0,)]
    assert found(ledger).ok
    larger = "UPDATE sqlite_schema SET sql = replace(sql, ')', ',more)') WHERE name = 'sqlite_stat1'"
    change(ledger, "PRAGMA writable_schema = ON", larger)
    assert found(ledger).first_bad == "schema, sqlite_stat1"
    change(ledger, "DROP TABLE sqlite_stat1", "CREATE TABLE own (id INTEGER PRIMARY KEY AUTOINCREMENT)")
    assert found(ledger).first_bad == "schema, own"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM _sqlite_migrations WHERE name = 'm001_ledger'",
        "UPDATE _sqlite_migrations SET name = 'm000_other' WHERE name = 'm001_ledger'",
        "INSERT INTO _sqlite_migrations (migration_set, name) VALUES ('hub', 'm999_more')",
    ],
)
def test_what_the_hub_has_done_to_its_tables_is_written_there(ledger: Path, statement: str) -> None:
    """By these rows a starting hub knows which tables it has made; with others it does not start."""
    assert change(ledger, statement) == 1
    assert found(ledger).first_bad == "table _sqlite_migrations"


def test_a_ledger_of_an_earlier_version_is_no_other(ledger: Path) -> None:
    """Its snapshots are of a campus that held something else, and go at the next start."""
    change(ledger, "DELETE FROM _sqlite_migrations WHERE name = 'm002_terminal_incidents'")
    change(ledger, "UPDATE snapshots SET campus = x'00'")
    assert found(ledger).ok
    change(ledger, "DELETE FROM events")
    assert found(ledger).first_bad.startswith("table events")


def test_secrets_are_nobodys_business(ledger: Path) -> None:
    assert change(ledger, "DELETE FROM secrets")
    assert found(ledger).ok
