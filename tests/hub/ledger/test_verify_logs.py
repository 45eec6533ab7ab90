"""`verify` against an older checkpoint, and over several logs."""

import hashlib
import shutil
from pathlib import Path

import pytest

from hub.dispatch.batch import Batch
from hub.dispatch.entries import LogBegan, encode
from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.note import Signer
from hub.ledger.store import Store
from tests.hub.ledger.desk import BASE, LOG_KEY, make_ledger
from tests.hub.ledger.spoil import SEED, change, found, note_of, rows, size_of


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


# ── several logs ───────────────────────────────────────────────────────────────────────────────────────────────


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
