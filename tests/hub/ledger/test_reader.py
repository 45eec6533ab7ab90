"""What is read beside the writer: receipts, tiles, incidents, the campus at a start, how a memory stands to us."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from firstbell.jws import verify_ed25519
from firstbell.merkle import EMPTY_ROOT, leaf_hash, verify_inclusion
from firstbell.note import Checkpoint, NoteError, Vkey, open_checkpoint

from hub.database import open_read_only
from hub.dispatch import campus as campuses
from hub.dispatch.batch import Batch
from hub.dispatch.campus import Campus
from hub.dispatch.entries import EventRecorded, LightShown, LogBegan, encode
from hub.dispatch.fold import apply
from hub.ledger.errors import LedgerDamaged
from hub.ledger.origin import open_any_checkpoint, split_origin
from hub.ledger.reader import CATCH_UP_ENTRIES, Reader
from hub.ledger.store import Store
from hub.ledger.tiles import decode_bundle, width_at
from tests.hub.ledger.desk import BASE, GUARDS, LOG_KEY, VKEY, WALLS, Desk, make_ledger, new_store

SEED = random.randrange(1 << 32)


class Beside:
    """A ledger that grows, and a reader beside its writer."""

    def __init__(self, folder: Path, entries: int, snapshot_every: int = 1_000) -> None:
        self.path, self.desk = make_ledger(folder, SEED, entries, snapshot_every)
        self.store = Store(self.path, BASE, LOG_KEY)
        self.reader = Reader(open_read_only(self.path))

    def press(self, count: int = 1) -> list[str]:
        """Digests of what was pressed."""
        self.store.commit([self.desk.press() for _ in range(count)])
        return self.desk.pressed[-count:]

    def begin_log(self) -> None:
        began = LogBegan(at_ms=self.desk.now_ms, origin="")
        commit = self.store.begin_log(Batch((began,), (encode(began),)), [])
        apply(self.desk.campus, commit.batches[0].entries[0])


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[Beside]:
    print(f"seed {SEED}")
    made = Beside(tmp_path, 300)
    yield made
    made.reader.close()
    made.store.close()


def check_receipt(reader: Reader, digest: str, vkey: Vkey = VKEY) -> int:
    receipt = reader.receipt(digest)
    assert receipt is not None
    checkpoint = open_checkpoint(receipt.checkpoint, vkey, verify_ed25519)
    leaf = leaf_hash(receipt.entry.encode())
    verify_inclusion(leaf, receipt.index, checkpoint.size, list(receipt.proof), checkpoint.root)
    assert f'"digest":"{digest}"' in receipt.entry
    return checkpoint.size


def test_receipts_are_under_the_newest_checkpoint(beside: Beside) -> None:
    for count in (1, 1, 3, CATCH_UP_ENTRIES, 2):
        pressed = beside.press(count)
        for digest in (beside.desk.pressed[0], pressed[0], pressed[-1]):
            assert check_receipt(beside.reader, digest) == beside.store.head.size


def test_what_is_recorded_and_what_is_not(beside: Beside) -> None:
    (digest,) = beside.press()
    assert beside.reader.recorded(digest)
    assert not beside.reader.recorded("0" * 64)
    assert beside.reader.receipt("0" * 64) is None


def test_a_receipt_of_a_log_that_ended(beside: Beside) -> None:
    old_size = beside.store.head.size
    beside.begin_log()
    (new,) = beside.press()
    assert check_receipt(beside.reader, beside.desk.pressed[0]) == old_size
    assert check_receipt(beside.reader, new, Vkey(f"{BASE}/2", VKEY.kind, VKEY.public_key)) < old_size


def test_tiles_and_bundles_are_the_trees(beside: Beside) -> None:
    size = beside.store.head.size
    whole = list(range(width_at(0, 1, size), 0, -7))
    for n, width in [(0, 256), (0, 3), *((1, width) for width in whole)]:
        tile = beside.reader.tile(0, n, width)
        bundle = beside.reader.bundle(n, width)
        assert tile is not None
        assert bundle is not None
        assert tile == b"".join(leaf_hash(entry) for entry in decode_bundle(bundle, width))
    assert beside.reader.tile(1, 0, 1) == beside.reader.root_at(1, 256)


@pytest.mark.parametrize(("n", "width"), [(0, 0), (0, 257), (1, 200), (2, 1), (9, 256)])
def test_tiles_that_are_not_there(beside: Beside, n: int, width: int) -> None:
    assert beside.reader.tile(0, n, width) is None
    assert beside.reader.bundle(n, width) is None


def test_entries_in_order(beside: Beside) -> None:
    found = list(beside.reader.entries(1, 10, 20))
    assert [index for index, _ in found] == list(range(10, 20))
    assert list(beside.reader.entries(7, 0, 5)) == []


# ── incidents ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("offset", range(5))
def test_rows_of_incidents_say_what_the_campus_says(tmp_path: Path, offset: int) -> None:
    """After every batch: state, outcome, presses, who responds, each as the fold has it; closed ones stay."""
    print(f"seed {SEED + offset}")
    desk = Desk(random.Random(SEED + offset))
    store = new_store(tmp_path)
    store.commit(desk.found())
    reader = Reader(open_read_only(tmp_path / "hub.db"))
    for _ in range(200):
        batch = desk.play()
        if batch is None:
            continue
        store.commit([batch])
        compare(reader, desk.campus)
    assert reader.incidents(1)
    reader.close()
    store.close()


def compare(reader: Reader, campus: Campus) -> None:
    found = {row.incident: row for row in reader.incidents(1_000)}
    for incident in campus.incidents.values():
        row = found.pop(incident.incident)
        assert reader.incident(incident.incident) == row
        assert (row.terminal, row.zone, row.severity) == (incident.terminal, incident.zone, incident.severity)
        assert (row.raised_ms, row.drill, row.test) == (incident.raised_ms, incident.drill, incident.test)
        assert (row.state, row.outcome or None) == (incident.state, incident.outcome)
        assert row.presses == incident.presses
    assert {row.state for row in found.values()} <= {"closed"}


def test_the_whole_life_of_an_incident(beside: Beside) -> None:
    """Through every way in and out of a response, from the desk's own play."""
    seen: set[str] = set()
    for _ in range(6_000):
        batch = beside.desk.play()
        if batch:
            beside.store.commit([batch])
            seen |= {entry.__struct_config__.tag for entry in batch.entries}  # type: ignore[misc]
            compare(beside.reader, beside.desk.campus)
        if {"arrived", "resolved", "reopened", "closed", "released", "declined"} <= seen:
            return
    raise AssertionError(f"in 6,000 steps only {sorted(seen)}")


def test_entries_of_an_incident(beside: Beside) -> None:
    for row in beside.reader.incidents(5):
        found = beside.reader.incident_entries(row.incident)
        indices = [index for index, _ in found]
        assert indices == sorted(indices)
        assert sum(isinstance(entry, EventRecorded) for _, entry in found) == row.presses
        named = [entry for _, entry in found if getattr(entry, "incident", row.incident) != row.incident]
        assert named == []
        lights = [entry for _, entry in found if isinstance(entry, LightShown)]
        assert {light.terminal for light in lights} <= {row.terminal}
    assert beside.reader.incident("i-none") is None
    assert beside.reader.incident_entries("i-none") == []


def test_incidents_newest_first_and_no_more_than_asked(beside: Beside) -> None:
    beside.press(3)
    rows = beside.reader.incidents(3)
    raised = [row.raised_ms for row in rows]
    assert raised == sorted(raised, reverse=True)
    assert len(rows) == 3


# ── the campus at a start ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("snapshot_every", [50, 1_000])
def test_the_campus_is_the_fold(tmp_path: Path, snapshot_every: int) -> None:
    beside = Beside(tmp_path, 300, snapshot_every)
    beside.press(3)
    assert beside.reader.load_campus() == beside.desk.campus
    beside.begin_log()
    beside.press(3)
    assert beside.reader.load_campus() == beside.desk.campus
    beside.reader.close()
    beside.store.close()


def test_snapshots_of_an_earlier_version_are_passed_over(tmp_path: Path) -> None:
    """Whoever reads before the hub's first start finds them."""
    beside = Beside(tmp_path, 300, 50)
    with closing(sqlite3.connect(beside.path, isolation_level=None)) as other:
        other.execute("UPDATE snapshots SET campus = ?", (campuses.snapshot(Campus()),))
        assert beside.reader.load_campus() != beside.desk.campus
        other.execute("DELETE FROM _sqlite_migrations WHERE name = 'm002_terminal_incidents'")
        assert beside.reader.load_campus() == beside.desk.campus
    beside.reader.close()
    beside.store.close()


@pytest.mark.parametrize("broken", [b"", b"\xc1", b"\x93\x01\x02\x03", b"\x81\xa6campus\xa1\xff"])
def test_broken_snapshots_are_passed_over(tmp_path: Path, broken: bytes) -> None:
    beside = Beside(tmp_path, 300, 50)
    with closing(sqlite3.connect(beside.path, isolation_level=None)) as other:
        other.execute("UPDATE snapshots SET campus = ? WHERE size = (SELECT max(size) FROM snapshots)", (broken,))
        assert beside.reader.load_campus() == beside.desk.campus
        other.execute("UPDATE snapshots SET campus = ?", (broken,))
        assert beside.reader.load_campus() == beside.desk.campus
    beside.reader.close()
    beside.store.close()


@pytest.mark.parametrize("body", [b"{", b'{"kind":"\xff"}'])
def test_an_entry_that_cannot_be_read_is_named(beside: Beside, body: bytes) -> None:
    with closing(sqlite3.connect(beside.path, isolation_level=None)) as other:
        other.execute("UPDATE entries SET body = ? WHERE idx = 17", (body,))
    with pytest.raises(LedgerDamaged, match="entry 17 of log 1"):
        beside.reader.load_campus()


def test_details_are_the_names_and_not_the_notes(beside: Beside) -> None:
    note = beside.desk.seal("resolve-note", "王建国")
    domains = {sealed.domain for sealed in beside.reader.details()}
    assert domains == {f"firstbell/{noun}-details/v1" for noun in ("campus", "zone", "account", "pager", "terminal")}
    assert beside.reader.sealed(note.commitment) is None
    assert beside.reader.secret(GUARDS[0], "pin") == b"a hash"


# ── damage ─────────────────────────────────────────────────────────────────────────────────────────────────────

DAMAGE = [
    ("UPDATE head SET root = zeroblob(32)", "not the one that was signed"),
    ("UPDATE head SET size = size + 1", "leaf hashes|entries 256"),
    ("DELETE FROM head", "head is missing"),
    ("DELETE FROM tiles", "tile 0/0 is missing"),
    ("UPDATE tiles SET hashes = x'00'", "tile 0/0 has 1 bytes"),
    ("UPDATE entries SET leaf = zeroblob(32) WHERE idx = 257", "not the one that was signed|entry 257"),
]


@pytest.mark.parametrize(("statement", "message"), DAMAGE)
def test_damage_is_named(tmp_path: Path, statement: str, message: str) -> None:
    path, desk = make_ledger(tmp_path, SEED, 300)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
    with closing(Reader(open_read_only(path))) as reader, pytest.raises(LedgerDamaged, match=message):
        reader.receipt(desk.pressed[0])
    with pytest.raises(LedgerDamaged, match=message):
        Store(path, BASE, LOG_KEY).commit([desk.press()])


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE entries SET body = x'00' WHERE idx = 280", "entry 280"),
        ("DELETE FROM entries WHERE idx = 280", "entry 280"),
        ("DELETE FROM entries WHERE idx >= 290", "entries 256"),
        ("INSERT INTO entries SELECT epoch, 5000, leaf, body FROM entries WHERE idx = 1", "entry "),
        ("UPDATE head SET note = replace(note, '1', '2')", "checkpoint"),
    ],
)
def test_a_store_of_a_damaged_ledger_does_not_begin(tmp_path: Path, statement: str, message: str) -> None:
    path, _ = make_ledger(tmp_path, SEED, 300)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute(statement)
    with pytest.raises(LedgerDamaged, match=message):
        Store(path, BASE, LOG_KEY)


def test_an_entry_that_is_no_text_has_no_receipt(beside: Beside) -> None:
    with closing(sqlite3.connect(beside.path, isolation_level=None)) as other:
        other.execute("UPDATE entries SET body = x'ff'")
    with pytest.raises(LedgerDamaged, match="is no text"):
        beside.reader.receipt(beside.desk.pressed[0])


def test_a_store_needs_its_own_key_and_name(tmp_path: Path) -> None:
    path, _ = make_ledger(tmp_path, SEED, 60)
    with pytest.raises(LedgerDamaged, match="checkpoint"):
        Store(path, "firstbell.invalid/c-other", LOG_KEY)
    with pytest.raises(LedgerDamaged, match="no database"):
        Store(tmp_path / "other.db", BASE, LOG_KEY)
    with pytest.raises(FileExistsError):
        new_store(tmp_path)


def test_an_entry_of_a_log_that_has_no_end(beside: Beside) -> None:
    beside.begin_log()
    with closing(sqlite3.connect(beside.path, isolation_level=None)) as other:
        other.execute("DELETE FROM logs")
    with pytest.raises(LedgerDamaged, match="log 1"):
        beside.reader.receipt(beside.desk.pressed[0])


# ── how what somebody remembers stands to us ───────────────────────────────────────────────────────────────────


def test_standing_of_a_remembered_checkpoint(beside: Beside) -> None:
    reader = beside.reader
    size, root = beside.store.head.size, beside.store.head.root
    beside.press(4)
    ours = f"{BASE}/1"
    assert reader.standing(Checkpoint(ours, size, root)) == "prefix"
    assert reader.standing(Checkpoint(ours, 0, EMPTY_ROOT)) == "prefix"
    assert reader.standing(Checkpoint(ours, beside.store.head.size, beside.store.head.root)) == "prefix"
    assert reader.standing(Checkpoint(ours, size, bytes(32))) == "fork"
    assert reader.standing(Checkpoint(ours, beside.store.head.size + 1, root)) == "fork"
    assert reader.standing(Checkpoint(f"{BASE}/2", 1, root)) == "fork"
    assert reader.standing(Checkpoint("firstbell.invalid/c-other/1", size, root)) == "stranger"
    beside.begin_log()
    assert reader.standing(Checkpoint(ours, size, root)) == "prefix"
    assert reader.standing(Checkpoint(ours, size, bytes(32))) == "ended"
    assert reader.standing(Checkpoint(f"{BASE}/2", 1, bytes(32))) == "fork"
    assert reader.standing(Checkpoint(f"{BASE}/3", 1, bytes(32))) == "fork"


def test_roots_of_any_size(beside: Beside) -> None:
    size = beside.store.head.size
    assert beside.reader.root_at(1, size) == beside.store.head.root
    assert beside.reader.root_at(1, 0) == EMPTY_ROOT
    assert beside.reader.root_at(1, size + 1) is None
    assert beside.reader.root_at(2, 0) is None


@pytest.mark.parametrize("origin", ["", "/", "a", "a/", "/1", "a/0", "a/01", "a/-1", "a/1 ", "a/x", "a/\u0661"])
def test_origins_that_are_no_hubs(origin: str) -> None:
    with pytest.raises(NoteError):
        split_origin(origin)


def test_checkpoints_of_all_logs_open_with_one_key(beside: Beside) -> None:
    assert split_origin(VKEY.name) == (BASE, 1)
    first = beside.store.head.note
    beside.begin_log()
    for note, epoch in ((first, 1), (beside.store.head.note, 2)):
        found, checkpoint = open_any_checkpoint(note, VKEY)
        assert (found, checkpoint.origin) == (epoch, f"{BASE}/{epoch}")
    with pytest.raises(NoteError, match="another hub"):
        open_any_checkpoint(first, Vkey("firstbell.invalid/c-other/1", VKEY.kind, VKEY.public_key))
    with pytest.raises(NoteError):
        open_any_checkpoint(first.replace("/1\n", "/2\n", 1), VKEY)


def test_a_wall_of_each_kind_is_played() -> None:
    """The desk's ledgers hold events of both algorithms: what is tested with them is tested for both."""
    assert {wall.split("-")[1][:4] for wall in WALLS} == {"wall", "node"}
