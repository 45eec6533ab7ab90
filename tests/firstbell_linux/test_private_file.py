"""What can't be written is called by the name that a person has typed."""

import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from firstbell_linux.private_file import copy_private, whole_folder, write_private, write_public

NOBODY = 65_534


@contextmanager
def full_disk() -> Iterator[None]:
    """No file can grow: the error is that of a write, as a full disk's is, and names no file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def fill(folder: Path) -> None:
    with whole_folder(folder) as beside:
        write_private(beside / "key", b"x")


@pytest.mark.parametrize("hindered", [full_disk, nobody], ids=lambda hindered: str(hindered.__name__))
def test_what_cannot_be_written_is_named(tmp_path: Path, hindered: Callable[[], AbstractContextManager[None]]) -> None:
    asked = tmp_path / "asked"
    writes: list[Callable[[Path], None]] = [
        lambda path: write_private(path, b"x"),
        lambda path: write_public(path, b"x"),
        lambda path: copy_private(BytesIO(b"x"), path),
        fill,
    ]
    for write in writes:
        with hindered(), pytest.raises(OSError, match="asked") as caught:
            write(asked)
        assert caught.value.filename == str(asked)
        asked.unlink(missing_ok=True)
        assert list(tmp_path.iterdir()) == []


def test_of_two_that_fill_a_folder_the_second_finds_it_full(tmp_path: Path) -> None:
    asked = tmp_path / "asked"
    with pytest.raises(FileExistsError, match="asked"), whole_folder(asked):
        fill(asked)
    assert (asked / "key").read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == [asked]
