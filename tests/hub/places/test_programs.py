"""Programs of nodes on the hub's disk: what is needed comes back, and what can't be read harms no other."""

from pathlib import Path

import pytest

from hub.places.programs import digest_of, keep_program, load_programs

PROGRAMS = (b"one", b"two", b"three")
NEEDED = {digest_of(program): program for program in PROGRAMS}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for program in PROGRAMS:
        keep_program(tmp_path / "programs", program)
    return tmp_path / "programs"


def test_what_is_needed_comes_back_and_the_rest_goes(folder: Path) -> None:
    keep_program(folder, b"old")
    assert load_programs(folder, NEEDED) == NEEDED
    assert {path.name for path in folder.iterdir()} == set(NEEDED)


def test_before_the_first_there_is_no_folder(tmp_path: Path) -> None:
    assert load_programs(tmp_path / "programs", NEEDED) == {}


@pytest.mark.parametrize("odd", ["lost+found", *sorted(NEEDED)])
def test_one_thing_that_cant_be_read_takes_no_other_with_it(folder: Path, odd: str) -> None:
    (folder / odd).unlink(missing_ok=True)
    (folder / odd).mkdir()
    assert load_programs(folder, NEEDED) == {name: program for name, program in NEEDED.items() if name != odd}


def test_one_that_changed_on_the_disk_is_none(folder: Path) -> None:
    (folder / digest_of(b"two")).write_bytes(b"tw")
    assert set(load_programs(folder, NEEDED).values()) == {b"one", b"three"}
