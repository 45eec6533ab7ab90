"""Cut off after each step: no program that is half is ever started, and the next run does the rest."""

import json
from collections.abc import Callable
from hashlib import sha256

import pytest
from firstbell_flash.board import board_files
from firstbell_flash.problems import BoardError
from firstbell_flash.put import BOOT, digest, put, put_loader, read_back, start, started_folder
from firstbell_flash.repl import Repl

OLD = {
    "manifest": b"old",
    "node/main.mpy": b"M\x06old",
    "node/gone.mpy": b"M\x06",
    "lib/firstbell/clock.mpy": b"M\x06same",
}
NEW = {
    "manifest": b"new",
    "node/main.mpy": b"M\x06new",
    "node/more.mpy": b"M\x06",
    "lib/firstbell/clock.mpy": b"M\x06same",
}
OWN = {"settings.json": b"{}", "key": b"k", "ca.der": b"c", "log.vkey": b"v"}


class PowerLost(Exception):
    pass


class FakeBoard(Repl):
    """A flash of files in memory. `left`: how many changes there is power for."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.port = "/dev/fake"
        self.files = files
        self.left = 1 << 30
        self.free = 500_000

    def _use(self) -> None:
        if not self.left:
            raise PowerLost
        self.left -= 1

    def run(self, code: str) -> str:
        assert "statvfs" in code
        return f"{self.free}\n"

    def names(self) -> list[str]:
        return sorted({path.partition("/")[0] for path in self.files})

    def digests(self) -> dict[str, str]:
        kept = {path: data for path, data in self.files.items() if not path.startswith("outbox/")}
        return {path: sha256(data).hexdigest() for path, data in kept.items()}

    def read(self, path: str) -> bytes:
        return self.files[path]

    def write(self, path: str, data: bytes, wrote: Callable[[int], None]) -> None:
        self._use()
        self.files[path] = data[: len(data) // 2]
        self._use()
        self.files[path] = data
        wrote(len(data))

    def replace(self, path: str, data: bytes) -> None:
        self.write("flash.new", data, lambda _: None)
        self._use()
        self.files[path] = self.files.pop("flash.new")

    def make_folders(self, path: str) -> None:
        pass

    def remove(self, path: str) -> None:
        for one in [one for one in self.files if one == path or one.startswith(f"{path}/")]:
            self._use()
            del self.files[one]

    def reset(self) -> None:
        pass


def started(board: FakeBoard) -> tuple[str, dict[str, bytes]]:
    """The folder that the loader would start, and what is in it."""
    folder = started_folder(board.digests(), board.files.get(BOOT, b""))
    head = f"{folder}/"
    return folder, {path.removeprefix(head): data for path, data in board.files.items() if path.startswith(head)}


def flash(board: FakeBoard, own: dict[str, bytes] = OWN) -> int:
    """As `firstbell-flash pico` does it; how many bytes it told of."""
    told = 0

    def wrote(size: int) -> None:
        nonlocal told
        told += size

    put_loader(board, board_files(NEW, own)["main.py"])
    folder = put(board, NEW, own, wrote)
    wanted = board_files(NEW, own, folder)
    boot = wanted.pop(BOOT)
    read_back(board, wanted, folder)
    start(board, boot)
    return told


def blank() -> dict[str, bytes]:
    return {}


def used() -> dict[str, bytes]:
    return {**board_files(OLD, OWN), "outbox/00000001.seg": b"press", "clock": b"1"}


def on_trial() -> dict[str, bytes]:
    both = {f"b/{path}": data for path, data in NEW.items()} | {"b/node/more.mpy": b"spoilt"}
    return {**used(), **both, BOOT: json.dumps({"program": "a", "tried": "b"}).encode()}


def broken() -> dict[str, bytes]:
    return {**used(), BOOT: b"{", "b/manifest": b"other"}


def deep() -> dict[str, bytes]:
    return {**used(), BOOT: b"[" * 5_000}


@pytest.mark.parametrize("before", [blank, used, on_trial, broken, deep])
def test_cut_off_after_each_step(before: Callable[[], dict[str, bytes]]) -> None:
    cuts = 0
    while True:
        board = FakeBoard(before())
        whole = started(board)[1]
        board.left = cuts
        try:
            flash(board)
        except PowerLost:
            lost = True
        else:
            lost = False
        folder, runs = started(board)
        assert runs in (whole, NEW, {}), (cuts, folder)
        assert runs or not whole, (cuts, "what ran before is gone")
        board.left = 1 << 30
        flash(board)
        assert started(board)[1] == NEW, cuts
        assert {path: board.files[path] for path in OWN} == OWN
        assert board.files.get("outbox/00000001.seg", b"press") == b"press"
        if not lost:
            break
        cuts += 1
    print(cuts, "cuts")
    assert cuts > 5


def test_a_board_that_has_it_gets_nothing_new() -> None:
    board = FakeBoard(used())
    flash(board)
    board.left = 3  # boot.json
    told = flash(board)
    assert told == sum(map(len, [*NEW.values(), *OWN.values()])), "the bar ends full"


def test_the_program_goes_where_none_starts() -> None:
    board = FakeBoard(used())
    assert started(board)[0] == "a"
    flash(board)
    assert started(board) == ("b", NEW)
    assert {path.removeprefix("a/") for path in board.files if path.startswith("a/")} == OLD.keys()


def test_what_another_terminal_kept_goes_with_its_key() -> None:
    board = FakeBoard(used())
    flash(board)
    assert "outbox/00000001.seg" in board.files
    flash(board, {**OWN, "key": b"other"})
    assert "outbox/00000001.seg" not in board.files


def test_a_flash_that_forgets_is_found_out() -> None:
    for path in ("key", "main.py", "b/node/main.mpy"):

        class Forgetful(FakeBoard):
            spoilt = path

            def digests(self) -> dict[str, str]:
                return {**super().digests(), self.spoilt: digest(b"?")}

            def read(self, path: str) -> bytes:
                return b"?" if path == self.spoilt else super().read(path)

        with pytest.raises(BoardError) as error:
            flash(Forgetful(used()))
        assert error.value.problem.name == "read_back_differs"
        assert error.value.problem.fields["files"] == [path]


def test_no_room() -> None:
    board = FakeBoard(used())
    board.free = 4_000
    with pytest.raises(BoardError) as error:
        flash(board)
    assert error.value.problem.name == "board_full"
    assert started(board) == ("a", OLD)
