"""What a wheel of Firstbell holds: all that runs, nothing else."""

import subprocess
import sys
import zipfile
from email import message_from_bytes
from importlib.metadata import distribution, distributions, entry_points
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.house.imports import ROOT

BUILD_S_MAX = 60
PACKAGES = {
    "hub": "hub",
    "terminal": "terminal",
    "firmware/lib/firstbell": "firstbell",
    "firmware/lib/firstbell_linux": "firstbell_linux",
    "firmware/flash": "firstbell_flash",
    "firmware/loader": "firmware/loader",
    "firmware/node": "firmware/node",
    "firmware/simulated": "firmware/simulated",
}
BESIDE = {"hardware/pins.toml", "systemd/firstbell-hub.service", "systemd/firstbell-terminal.service"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    result = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, timeout=BUILD_S_MAX, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (path,) = folder.glob("firstbell-*.whl")
    return zipfile.ZipFile(path)


def expected_files() -> set[str]:
    found = set()
    for folder, package in PACKAGES.items():
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                found.add(f"{package}/{path.relative_to(ROOT / folder)}")
    return found | BESIDE


def test_it_holds_every_file_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert held == expected_files()


def test_it_names_its_extras_and_python(wheel: zipfile.ZipFile) -> None:
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = message_from_bytes(wheel.read(name))
    assert set(metadata.get_all("Provides-Extra", [])) == {"hub", "terminal", "flash"}
    assert metadata["Requires-Python"] == ">=3.11"
    # Without an extra it is the shared code alone, which needs nothing.
    assert [line for line in metadata.get_all("Requires-Dist", []) if "extra ==" not in line] == []


@pytest.mark.parametrize("command", ["firstbell-flash", "firstbell-hub", "firstbell-terminal"])
def test_its_commands_start(command: str) -> None:
    (point,) = entry_points(group="console_scripts", name=command)
    assert callable(point.load())
    result = subprocess.run(
        [str(Path(sys.executable).with_name(command)), "--help"],
        text=True,
        capture_output=True,
        timeout=BUILD_S_MAX,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert command in result.stdout


def test_the_lock_names_each_extra_that_is_asked_for() -> None:
    """An older pip asks for the newest `name[extra]` when the lock has `name` alone, and finds no hash for it."""
    lock = (ROOT / "requirements.txt").read_text()
    locked = {}
    for line in lock.splitlines():
        if line[:1].isalnum():
            requirement = Requirement(line.rstrip(" \\"))
            locked[canonicalize_name(requirement.name)] = requirement
    assert len(locked) > 50
    for name in locked.keys() & {canonicalize_name(found.name) for found in distributions()}:
        for line in distribution(name).requires or []:
            asked = Requirement(line)
            if asked.marker is None or any(
                asked.marker.evaluate({"extra": extra}) for extra in locked[name].extras or {""}
            ):
                assert asked.extras <= locked[canonicalize_name(asked.name)].extras, f"{name} asks for {line}"
