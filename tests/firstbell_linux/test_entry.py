"""Ctrl-C while a command is still being read in: it ends, without a word, and by the signal."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

INTERRUPTS = """
import os, signal, sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Finder())
"""


def interrupted(command: str, module: str, folder: Path, *before: str) -> tuple[int, str]:
    """The exit code and what it said, when Ctrl-C comes as `module` is looked for."""
    (folder / "sitecustomize.py").write_text(INTERRUPTS.format(module=module))
    path = str(Path(sys.executable).with_name(command))
    environment = {**os.environ, "PYTHONPATH": str(folder), "FIRSTBELL_LANG": "en"}
    done = subprocess.run([*before, path, "--help"], env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("command", ["firstbell-flash", "firstbell-hub", "firstbell-terminal"])
def test_while_it_is_read_in(command: str, tmp_path: Path) -> None:
    for module in ("click", "rich.console"):
        assert interrupted(command, module, tmp_path) == (-signal.SIGINT, "")


def test_where_it_is_ignored(tmp_path: Path) -> None:
    """As a shell starts what it does not wait for."""
    ignoring = ("sh", "-c", 'trap "" INT; exec "$0" "$@"')
    assert interrupted("firstbell-flash", "click", tmp_path, *ignoring) == (0, "")
