"""MicroPython is put onto a board in BOOTSEL, and the board comes back with it, or it is said that it doesn't."""

from collections.abc import Iterable
from pathlib import Path

import pytest
from firstbell_flash import micropython
from firstbell_flash.find_boards import Board, Drive, Usb
from firstbell_flash.main import FlashRun, words
from firstbell_flash.micropython import NAME, check_firmware, put_micropython
from firstbell_flash.problems import BoardError
from firstbell_linux.problems import Problem

from tests.flash.test_find_boards import Port
from tests.flash.test_put import FakeBoard

FIRMWARE = bytes(range(256)) * 300
OTHER = Port("/dev/ttyACM0", serial_number="other")


def run() -> FlashRun:
    return FlashRun(words("en"))


def waiting(folder: Path, *, comes: bool) -> tuple[Usb, Drive]:
    """A board that leaves BOOTSEL when its drive has all of the firmware, and another that was there before."""
    (folder / "mounts").write_text("")

    def ports() -> Iterable[Port]:
        copied = folder / NAME
        whole = copied.exists() and copied.read_bytes() == FIRMWARE
        return [OTHER, Port("/dev/ttyACM1", serial_number="new")] if whole and comes else [OTHER]

    return Usb(ports, folder, folder / "mounts"), Drive("/dev/sdq", folder)


def test_it_comes_back_with_it(tmp_path: Path) -> None:
    usb, drive = waiting(tmp_path, comes=True)
    assert put_micropython(run(), usb, drive, FIRMWARE) == Board("/dev/ttyACM1", "new")


def test_it_does_not_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(micropython, "APPEAR_S_MAX", 0.5)
    usb, drive = waiting(tmp_path, comes=False)
    with pytest.raises(BoardError) as error:
        put_micropython(run(), usb, drive, FIRMWARE)
    assert error.value.problem.name == "no_board_came"


def test_a_copy_that_was_cut_off_is_done_again(tmp_path: Path) -> None:
    usb, drive = waiting(tmp_path, comes=True)
    (tmp_path / NAME).write_bytes(FIRMWARE[:1_000])
    assert usb.boards() == [Board("/dev/ttyACM0", "other")]
    assert put_micropython(run(), usb, drive, FIRMWARE).serial == "new"


def test_a_drive_that_takes_nothing(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        put_micropython(run(), Usb(list), Drive("/dev/sdq", tmp_path), FIRMWARE)


@pytest.mark.parametrize(("answer", "fits"), [("6", True), ("5", False), ("ImportError: no network", False)])
def test_whether_a_board_can_run_it(answer: str, fits: bool) -> None:
    class Answering(FakeBoard):
        def run(self, code: str) -> str:
            assert "network" in code
            if "Error" in answer:
                raise BoardError(Problem("board_refused", self.port, {"reason": answer}))
            return f"{answer}\n"

    program = {"node/main.mpy": b"M\x06\x00", "manifest": b"x"}
    if fits:
        check_firmware(Answering({}), program)
        return
    with pytest.raises(BoardError) as error:
        check_firmware(Answering({}), program)
    assert error.value.problem.name == "board_unfit"
