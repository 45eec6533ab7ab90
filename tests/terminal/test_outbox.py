"""The outbox on real disks: full, damaged, stalled, killed."""

import os
import random
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

from terminal import outbox as outbox_module
from terminal.outbox import Outbox
from terminal.outbox_file import Kept, Memory
from tests.terminal.disk import fill, small_disk

WAIT_S_MAX = 20
CLOSE_MS = 5_000


class Watched:
    """An outbox, and a way to wait for what it tells."""

    def __init__(self, path: Path) -> None:
        self.found: list[tuple[Memory, tuple[Kept, ...]]] = []
        self._told = threading.Condition()
        self.box = Outbox(path, self._tell, self._find)

    def _tell(self) -> None:
        with self._told:
            self._told.notify_all()

    def _find(self, memory: Memory, events: tuple[Kept, ...]) -> None:
        self.found.append((memory, events))
        self._tell()

    def until(self, condition: Callable[[], object]) -> None:
        with self._told:
            assert self._told.wait_for(condition, WAIT_S_MAX), self.box.problem


@contextmanager
def opened(path: Path) -> Iterator[tuple[Watched, Memory, tuple[Kept, ...]]]:
    watched = Watched(path)
    memory, events = watched.box.open()
    try:
        yield watched, memory, events
    finally:
        watched.box.close(CLOSE_MS)


def event(number: int) -> tuple[str, str]:
    """Digest and text."""
    jws = f"event-{number}"
    return sha256(jws.encode()).hexdigest(), jws


def add(box: Outbox, *numbers: int, panic: bool = True) -> None:
    for number in numbers:
        digest, jws = event(number)
        box.add(digest, jws, panic, 0)


def kept_in(path: Path) -> list[str]:
    with opened(path) as (_, _, events):
        return [kept.jws for kept in events]


def test_every_start_is_a_new_boot(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    for boot in (1, 2, 3):
        with opened(path) as (_, memory, events):
            assert (memory, events) == (Memory(boot, "", False), ())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(path) as (watched, _, _):
        add(watched.box, 1, 2, 3)
        add(watched.box, 4, panic=False)
        watched.box.receipted(event(2)[0])
        watched.box.drop([event(1)[0]])
        watched.box.remember(checkpoint="note", silent=True)
    with opened(path) as (watched, memory, events):
        assert memory == Memory(2, "note", True)
        assert [(kept.jws, kept.panic, kept.receipted) for kept in events] == [
            ("event-2", True, True),
            ("event-3", True, False),
            ("event-4", False, False),
        ]
        assert [kept.jws for kept in watched.box.after(0, 2)] == ["event-2", "event-3"]
        assert [kept.jws for kept in watched.box.after(events[1].place, 9)] == ["event-4"]


def test_an_event_is_on_the_disk_before_the_outbox_calls_it_stored(tmp_path: Path) -> None:
    """What `unstored` no longer counts survives a kill at that very moment."""
    program = (
        "import os, sys, threading\n"
        "from pathlib import Path\n"
        "from terminal.outbox import Outbox\n"
        "told = threading.Event()\n"
        "box = Outbox(Path(sys.argv[1]), told.set, lambda memory, events: None)\n"
        "box.open()\n"
        "for number in range(int(sys.argv[2])):\n"
        "    told.clear()\n"
        "    box.add(f'{number:064x}', f'event-{number}', True, 0)\n"
        "    while box.unstored:\n"
        "        told.wait(); told.clear()\n"
        "    print(number, flush=True)\n"
    )
    path = tmp_path / "outbox.db"
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    lines = random.Random(seed).randint(5, 40)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(path), "1000"],
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    process.wait()
    process.stdout.close()
    assert len(said) >= lines
    kept = kept_in(path)
    assert kept[: len(said)] == [f"event-{line.strip()}" for line in said]


def test_what_is_being_written_is_not_stored_yet(tmp_path: Path) -> None:
    class Looking(Outbox):
        """Looks while a write is not yet known to be kept."""

        def _check_files(self) -> None:
            seen.append(self.unstored)
            super()._check_files()

    seen: list[int] = []
    box = Looking(tmp_path / "outbox.db", lambda: None, lambda memory, kept: None)
    box.open()
    add(box, 1)
    box.close(CLOSE_MS)
    assert 1 in seen
    assert box.unstored == 0


def test_adding_waits_for_no_disk(tmp_path: Path) -> None:
    """The file is locked by somebody else: nothing can be written, and nothing stops."""
    path = tmp_path / "outbox.db"
    with opened(path) as (watched, _, _):
        add(watched.box, 1)
        watched.until(lambda: watched.box.unstored == 0)
    blocker = sqlite3.connect(path)
    blocker.execute("BEGIN EXCLUSIVE")
    with opened(path) as (watched, memory, events):
        assert memory.boot >= outbox_module.BOOT_JUMP_MIN
        assert events == ()
        assert watched.box.problem is not None
        assert watched.box.problem.name in ("outbox_locked", "disk_slow")
        add(watched.box, 2)
        watched.box.remember(checkpoint="newer")
        blocker.rollback()
        blocker.close()
        watched.until(lambda: watched.box.unstored == 0 and watched.box.problem is None)
        # The event of the earlier boot has turned up.
        (found_memory, found), *_ = watched.found
        assert [kept.jws for kept in found] == ["event-1"]
        assert found_memory == Memory(memory.boot, "newer", False)
        assert [kept.jws for kept in watched.box.after(0, 9)] == ["event-1", "event-2"]
    with opened(path) as (_, memory_after, events):
        assert memory_after == Memory(memory.boot + 1, "newer", False)
        assert [kept.jws for kept in events] == ["event-1", "event-2"]


def test_an_event_waits_for_no_company_and_a_receipt_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "LAZY_MS", 600_000)
    with opened(tmp_path / "outbox.db") as (watched, _, _):
        add(watched.box, 1)
        watched.until(lambda: watched.box.unstored == 0)
        watched.box.receipted(event(1)[0])
        assert watched.box.unstored == 1
        # The next event takes it along.
        add(watched.box, 2)
        watched.until(lambda: watched.box.unstored == 0)


def test_a_full_disk_loses_nothing_once_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path, 2_048) as folder:
        path = folder / "outbox.db"
        filler = folder / "filler"
        with opened(path) as (watched, memory, _):
            add(watched.box, 0)
            watched.until(lambda: watched.box.unstored == 0)
            fill(filler)
            # More than what SQLite's log still has room for inside the blocks that it owns.
            for number in range(1, 200):
                digest, jws = event(number)
                watched.box.add(digest, jws + "x" * 900, True, 0)
            watched.until(lambda: watched.box.problem is not None)
            assert watched.box.problem is not None
            assert watched.box.problem.name == "disk_full"
            assert watched.box.unstored > 0
            assert len(watched.box.after(0, 1_000)) == 200
            filler.unlink()
            watched.until(lambda: watched.box.problem is None and watched.box.unstored == 0)
        assert len(kept_in(path)) == 200
        with opened(path) as (_, later, _):
            assert later.boot == memory.boot + 2


def test_a_start_on_a_full_disk_still_has_a_boot_of_its_own(tmp_path: Path) -> None:
    with small_disk(tmp_path, 64) as folder:
        filler = folder / "filler"
        fill(filler)
        boots = set()
        for _ in range(3):
            with opened(folder / "outbox.db") as (watched, memory, _):
                assert watched.box.problem is not None
                assert watched.box.problem.name == "disk_full"
                boots.add(memory.boot)
        assert len(boots) == 3
        assert min(boots) >= outbox_module.BOOT_JUMP_MIN
        filler.unlink()
        with opened(folder / "outbox.db") as (watched, memory, _):
            assert watched.box.problem is None
            assert memory.boot == 1


def test_a_start_on_a_full_disk_knows_what_it_kept(tmp_path: Path) -> None:
    with small_disk(tmp_path, 512) as folder:
        path, filler = folder / "outbox.db", folder / "filler"
        with opened(path) as (watched, _, _):
            add(watched.box, *range(100))
            watched.box.remember(checkpoint="note", silent=True)
        fill(filler)
        with opened(path) as (watched, memory, events):
            assert watched.box.problem is not None
            assert watched.box.problem.name == "disk_full"
            assert (memory.checkpoint, memory.silent, len(events)) == ("note", True, 100)
            assert memory.boot >= outbox_module.BOOT_JUMP_MIN
            filler.unlink()
            watched.until(lambda: watched.box.problem is None)
            assert watched.found == []
        with opened(path) as (_, later, events):
            assert (later, len(events)) == (Memory(memory.boot + 1, "note", True), 100)


@pytest.mark.parametrize("damage", [b"this is no database\n" * 100, None])
def test_a_damaged_file_is_set_aside(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "outbox.db"
    with opened(path) as (watched, _, _):
        add(watched.box, *range(200))
    whole = path.read_bytes()
    broken = damage if damage is not None else whole[:4096] + bytes(len(whole) - 4096)
    path.write_bytes(broken)
    with opened(path) as (watched, memory, events):
        # The counter went with the file: a number that was used before would be worse than a jump.
        assert memory.boot >= outbox_module.BOOT_JUMP_MIN
        assert events == ()
        problem = watched.box.problem
        assert problem is not None
        assert problem.name == "outbox_damaged"
        assert Path(problem.where).read_bytes() == broken
        add(watched.box, 7)
        watched.until(lambda: watched.box.unstored == 0)
    with opened(path) as (_, later, events):
        assert (later.boot, [kept.jws for kept in events]) == (memory.boot + 1, ["event-7"])


def test_when_it_is_full_what_is_missed_least_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outbox_module, "EVENTS_MAX", 4)
    with opened(tmp_path / "outbox.db") as (watched, _, _):
        box = watched.box
        add(box, 1, 2)
        add(box, 3, panic=False)
        add(box, 4)
        box.receipted(event(2)[0])
        add(box, 5)
        assert [kept.jws for kept in box.after(0, 9)] == ["event-1", "event-3", "event-4", "event-5"]
        # Four panics that nobody has a receipt for: the fifth is sent, but not kept.
        add(box, 6, 7)
        assert [kept.jws for kept in box.after(0, 9)] == ["event-1", "event-4", "event-5", "event-6"]
    assert kept_in(tmp_path / "outbox.db") == ["event-1", "event-4", "event-5", "event-6"]


def test_it_keeps_what_is_promised(tmp_path: Path) -> None:
    """At least 1,000 through power loss; ours are ten times that."""
    assert outbox_module.EVENTS_MAX == 10_000
    with opened(tmp_path / "outbox.db") as (watched, _, _):
        add(watched.box, *range(outbox_module.EVENTS_MAX + 5))
        watched.until(lambda: watched.box.unstored == 0)
    assert kept_in(tmp_path / "outbox.db") == [f"event-{number}" for number in range(outbox_module.EVENTS_MAX)]


def replace_with_another(path: Path) -> None:
    other = path.with_name("other.db")
    with opened(other) as (watched, _, _):
        add(watched.box, 77)
    other.replace(path)


@pytest.mark.parametrize("harm", [Path.unlink, replace_with_another])
@pytest.mark.parametrize("busy", [True, False], ids=["busy", "idle"])
def test_a_file_that_is_taken_away_keeps_nothing_and_is_written_anew(
    tmp_path: Path, harm: Callable[[Path], None], busy: bool
) -> None:
    path = tmp_path / "outbox.db"
    with opened(path) as (watched, memory, _):
        add(watched.box, 1, 2)
        watched.box.receipted(event(1)[0])
        watched.until(lambda: watched.box.unstored == 0)
        harm(path)
        if busy:
            add(watched.box, 3)
        watched.until(lambda: watched.box.problem is not None)
        watched.until(lambda: watched.box.unstored == 0 and path.exists())
        problem = watched.box.problem
        assert problem is not None
        assert problem.name == "outbox_replaced"
        # What counts as stored is there for whoever opens the file by its name: a kill at this moment loses nothing.
        shutil.copytree(tmp_path, tmp_path / "copy")
        if harm is replace_with_another:
            assert kept_in(Path(problem.where)) == ["event-77"]
    for one in (path, tmp_path / "copy/outbox.db"):
        with opened(one) as (watched, later, events):
            assert watched.box.problem is None
            assert later.boot == memory.boot + 1
            assert [kept.jws for kept in events] == ["event-1", "event-2", "event-3"][: 3 if busy else 2]
            assert events[0].receipted


def test_a_file_that_is_taken_away_before_the_end_is_there_after_it(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(path) as (watched, memory, _):
        add(watched.box, 1)
        watched.until(lambda: watched.box.unstored == 0)
        path.unlink()
    with opened(path) as (_, later, events):
        assert (later.boot, [kept.jws for kept in events]) == (memory.boot + 1, ["event-1"])


def test_without_its_log_a_file_is_written_again(tmp_path: Path) -> None:
    path = tmp_path / "outbox.db"
    with opened(path) as (watched, _, _):
        add(watched.box, 1)
        watched.until(lambda: watched.box.unstored == 0)
        log = path.with_name("outbox.db-wal")
        log.unlink()
        watched.until(lambda: log.exists() and watched.box.unstored == 0)
        assert watched.box.problem is None
        shutil.copytree(tmp_path, tmp_path / "copy")
    assert kept_in(tmp_path / "copy/outbox.db") == ["event-1"]


def test_behind_a_link_the_log_lies_beside_the_file_itself(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    path = tmp_path / "outbox.db"
    path.symlink_to(tmp_path / "disk/outbox.db")
    with opened(path) as (watched, _, _):
        add(watched.box, 1)
        watched.until(lambda: watched.box.unstored == 0)
        log = tmp_path / "disk/outbox.db-wal"
        log.unlink()
        watched.until(lambda: log.exists() and watched.box.unstored == 0)
    assert kept_in(path) == ["event-1"]


def test_while_its_folder_is_away_nothing_counts_as_stored(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"
    home.mkdir()
    with opened(home / "outbox.db") as (watched, memory, _):
        add(watched.box, 1)
        watched.until(lambda: watched.box.unstored == 0)
        home.rename(away)
        add(watched.box, 2)
        watched.until(lambda: watched.box.problem is not None)
        assert watched.box.unstored == 2
        away.rename(home)
        watched.until(lambda: watched.box.problem is None and watched.box.unstored == 0)
    with opened(home / "outbox.db") as (_, later, events):
        assert (later.boot, [kept.jws for kept in events]) == (memory.boot + 1, ["event-1", "event-2"])
