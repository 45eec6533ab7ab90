"""Only what lies in a home becomes the service's, also where its owner swaps a folder for a link meanwhile."""

from contextlib import nullcontext
from pathlib import Path
from typing import BinaryIO

import pytest
from firstbell_linux import private_file, units
from firstbell_linux.units import MachineError, Service, installing

SERVICE = Service(
    "firstbell-x", Path("x.service"), ("key", "keys/*"), lambda _folder: None, lambda _folder: nullcontext()
)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Beside a folder `secret` of somebody else."""
    monkeypatch.setattr(units, "STATES", tmp_path / "states")
    monkeypatch.setattr(units, "UNITS", tmp_path / "units")
    monkeypatch.setattr(units, "_unit", lambda _service: "")
    for folder in ("states", "units", "secret", "home", "home/keys"):
        (tmp_path / folder).mkdir()
    for file in ("secret/id_rsa", "home/key", "home/keys/a"):
        (tmp_path / file).write_text(file)
    return tmp_path / "home"


def swap(home: Path) -> None:
    (home / "keys").rename(home / "before")
    (home / "keys").symlink_to(home.parent / "secret")


@pytest.mark.parametrize("done", [0, 1])
def test_a_folder_that_becomes_a_link_between_two_steps(home: Path, done: int) -> None:
    steps = installing(SERVICE, home)
    assert [step.name for step in steps[:2]] == ["move", "clear"]
    for step in steps[:done]:
        step.do()
    swap(home)
    with pytest.raises(MachineError) as raised:
        steps[done].do()
    assert (raised.value.problem.name, raised.value.problem.where) == ("not_in_home", str(home / "keys"))
    assert (home.parent / "secret/id_rsa").exists()
    assert not list((home.parent / "states").rglob("id_rsa"))


def test_a_folder_that_becomes_a_link_while_it_is_copied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was opened is taken, whatever stands in its place now."""
    steps = installing(SERVICE, home)
    copy = private_file.copy_private

    def copy_and_swap(read: BinaryIO, to: Path) -> None:
        copy(read, to)
        monkeypatch.setattr(units, "copy_private", copy)
        swap(home)

    monkeypatch.setattr(units, "copy_private", copy_and_swap)
    steps[0].do()
    found = {str(path.relative_to(SERVICE.home)) for path in SERVICE.home.rglob("*") if path.is_file()}
    assert found == {"key", "keys/a"}


def test_a_file_that_becomes_a_link_before_it_is_opened(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = installing(SERVICE, home)
    files = units._files

    def files_and_swap(home: Path, found: dict[Path, int]) -> list[Path]:
        taken = files(home, found)
        (home / "keys/a").unlink()
        (home / "keys/a").symlink_to(home.parent / "secret/id_rsa")
        return taken

    monkeypatch.setattr(units, "_files", files_and_swap)
    with pytest.raises(OSError, match="symbolic links"):
        steps[0].do()
    assert not SERVICE.home.exists()
