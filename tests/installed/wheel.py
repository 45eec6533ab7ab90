"""A virtual environment with Firstbell's wheel in it, as pip makes one, and with what that needs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement

from tests.house.imports import ROOT

MAKE_S_MAX = 60


def install_wheel(environment: Path, extra: str) -> Path:
    """The folder of its programs."""
    dist = environment.with_name("dist")
    _run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", dist)
    _run(sys.executable, "-m", "venv", "--without-pip", environment)
    python = environment / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--no-index", "--no-deps", *dist.iterdir())
    (packages,) = environment.glob("lib/python*/site-packages")
    for name in _needed("firstbell", frozenset({extra})):
        _copy(name, packages)
    return python.parent


def _run(*command: str | Path) -> None:
    subprocess.run(command, cwd=ROOT, capture_output=True, timeout=MAKE_S_MAX, check=True)


def _needed(name: str, extras: frozenset[str]) -> set[str]:
    """All that `name` requires, and what that requires."""
    found: set[str] = set()
    waiting = [(name, extras)]
    while waiting:
        for asked in _asked(*waiting.pop()):
            if asked.name not in found:
                found.add(asked.name)
                waiting.append((asked.name, frozenset(asked.extras)))
    return found


def _asked(name: str, extras: frozenset[str]) -> Iterator[Requirement]:
    for line in distribution(name).requires or []:
        asked = Requirement(line)
        if asked.marker is None or any(asked.marker.evaluate({"extra": extra}) for extra in extras or {""}):
            yield asked


def _copy(name: str, packages: Path) -> None:
    for file in distribution(name).files or []:
        # Commands lie outside.
        if ".." not in file.parts:
            to = packages / file
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(os.fspath(file.locate()), to)
