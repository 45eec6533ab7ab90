"""A machine for each of them: it is up in a third of a second."""

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installed.machine import Machine
from tests.links.campus import found_home
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

DROP_IN = Path("/run/systemd/system/firstbell-terminal.service.d/pins.conf")
PINS = """[Service]
ExecStartPre=sed --in-place "/simulated/,$$d" settings.toml
ExecStartPre=sed --in-place "$$a [simulated]\\\\npins = true" settings.toml
ExecStartPost=sed --in-place "/simulated/,$$d" settings.toml
"""
"""There are none here, and with simulated ones nothing is installed: so they are that only while it starts."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """To be seen in the machine."""
    with tempfile.TemporaryDirectory(prefix="firstbell-") as name:
        yield Path(name)


@pytest.fixture
def machine(folder: Path) -> Iterator[Machine]:
    machine = Machine(folder)
    machine.boot()
    machine.do("mkdir", "--parents", DROP_IN.parent)
    (folder / DROP_IN.name).write_text(PINS)
    machine.do("cp", folder / DROP_IN.name, DROP_IN)
    try:
        yield machine
    finally:
        machine.end()


@pytest.fixture
def homes(folder: Path) -> Path:
    """A hub's, and two terminals'; in the machine they can't be changed."""
    made = folder / "homes"
    made.mkdir()
    found_home(made / "hub")
    (made / "campus").mkdir()
    campus = Campus(made / "campus")
    make_home(made / "gym", campus, simulated=False)
    make_home(made / "roof", campus, simulated=False)
    return made


@pytest.fixture
def gym(machine: Machine, homes: Path) -> Path:
    """A terminal's home that can be changed, as one that was killed has left it."""
    machine.do("cp", "--recursive", homes / "gym", "/srv/gym")
    machine.do(sys.executable, "-c", "import socket; socket.socket(socket.AF_UNIX).bind('/srv/gym/control.sock')")
    return Path("/srv/gym")
