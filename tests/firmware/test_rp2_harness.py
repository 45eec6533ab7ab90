"""What `make test-rp2` says without an image, and as much of its harness as needs none."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest
from firstbell_flash.board import program_files
from firstbell_flash.image import files_in, image_of
from firstbell_flash.uf2 import FLASH_START, PAGE_BYTES, build
from rp2040py.boards import BOARDS
from rp2040py.device import MicroPythonDevice

from tests.rp2.board import BOARD, FLASHED, PANIC_PIN, PATH, ROOT, Board, vectors, with_vectors

INTERPRETER = Path(sys.executable).with_name("micropython")
HEAP = "heapsize=192K"
RUN_S_MAX = 60
USAGE = 2
NO_FIRMWARE = build({FLASH_START: bytes(PAGE_BYTES)})


@pytest.mark.parametrize(
    ("image", "says"),
    [
        (None, "FIRSTBELL_RP2_UF2=FILE make test-rp2"),
        (b"", "is no firmware for a Pico W"),
        (b"x" * 512, "is no firmware for a Pico W"),
        (NO_FIRMWARE, "it does not call itself Raspberry Pi Pico W"),
    ],
    ids=["no file", "empty", "no UF2", "no firmware"],
)
def test_without_an_image_it_says_so_and_fails(image: bytes | None, says: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "FIRSTBELL_RP2_UF2"}
    if image is not None:
        (tmp_path / "image.uf2").write_bytes(image)
        environment["FIRSTBELL_RP2_UF2"] = str(tmp_path / "image.uf2")
    command = (sys.executable, "-m", "tests.rp2")
    ended = subprocess.run(command, cwd=ROOT, env=environment, text=True, capture_output=True, check=False)
    assert ended.returncode == USAGE
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_program_and_vectors_fit_the_flash_and_begin_as_they_lie_there(tmp_path: Path) -> None:
    """On the unix port, which reads the same files: what the board is told to run is right."""
    files = {f"{FLASHED}/{path}": data for path, data in program_files().items()} | vectors()
    assert files_in(image_of(files), "") == files
    for path, data in files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(data)
    paths = [f"{tmp_path}/{FLASHED}{path}" for path in PATH] + [".frozen"]
    assert len(with_vectors()) > 5
    for name in with_vectors():
        code = f"import sys\nsys.path[:] = {paths}\nimport run_micropython\nrun_micropython.run_file({name!r})"
        command = (str(INTERPRETER), "-X", HEAP, "-c", code)
        ended = subprocess.run(command, text=True, capture_output=True, timeout=RUN_S_MAX, check=False)
        assert ended.stdout.endswith("passed, 0 failed\n"), ended.stdout + ended.stderr


async def test_the_emulator_has_what_is_used_of_it(tmp_path: Path) -> None:
    """Nothing is booted: there is no firmware in it."""
    image = tmp_path / "board.uf2"
    image.write_bytes(NO_FIRMWARE)
    device = MicroPythonDevice(board=dataclasses.replace(BOARDS["pico_w"], image=image))
    board = Board(device)
    pin = device.mcu.gpio[PANIC_PIN]
    board.key.press()
    assert not pin.input_value
    board.key.release()
    assert device.cdc.on_serial_data is not None
    device.cdc.on_serial_data(b'>>> no line\r\n{"boot":')
    device.cdc.on_serial_data(b'7}\r\n{"made":1}\r\n')
    assert await board.told(lambda said: "made" in said) == {"made": 1}
    assert BOARD not in NO_FIRMWARE
    device.stop()
