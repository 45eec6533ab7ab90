"""The node's program against the types of MicroPython on a Pico W: those of its language and of the board's modules."""

import subprocess
import sys
import sysconfig
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(sysconfig.get_path("purelib"))
OF_THE_BOARD = ("binascii", "errno", "gc", "hashlib", "machine", "micropython", "network", "select", "socket", "time")
"""Modules that the board's stubs have beside those of the language."""


def test_the_node_is_typed(tmp_path: Path) -> None:
    beside = tmp_path / "board"
    beside.mkdir()
    for name in OF_THE_BOARD:
        (beside / f"{name}.pyi").symlink_to(STUBS / f"{name}.pyi")
    (beside / "_mpy_shed").symlink_to(STUBS / "_mpy_shed")
    config = tmp_path / "mypy.ini"
    ours = f"{ROOT / 'firmware'}:{ROOT / 'firmware/lib'}:{beside}"
    # The stubs have faults of their own.
    silent = "\n".join(f"[mypy-{name}.*]\nignore_errors = True" for name in (*OF_THE_BOARD, "_mpy_shed", "firstbell"))
    config.write_text(f"[mypy]\nstrict = True\nwarn_unused_ignores = True\nmypy_path = {ours}\n{silent}\n")
    command = [sys.executable, "-m", "mypy", "--config-file", str(config), "-p", "node", "-p", "loader"]
    command += ["--custom-typeshed-dir", str(STUBS), "--cache-dir", str(tmp_path / "cache")]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    wrong = [line for line in said.stdout.splitlines() if line.startswith(("firmware/node/", "firmware/loader/"))]
    assert wrong == [], "\n".join(wrong)
    assert "checked" in said.stdout or "no issues" in said.stdout, said.stdout + said.stderr
