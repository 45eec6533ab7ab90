"""What a person named and is no file is called by the name that was typed, and nothing stays open."""

import os
from pathlib import Path

import pytest
from firstbell_linux.named_file import read_named


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing"])
def test_what_is_no_file_is_named(tmp_path: Path, kind: str) -> None:
    asked = tmp_path / "asked"
    if kind == "folder":
        asked.mkdir()
    elif kind == "pipe":
        os.mkfifo(asked)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(OSError, match="asked") as caught:
        read_named(asked, 10)
    assert caught.value.filename in (asked, str(asked))
    assert os.listdir("/proc/self/fd") == before


def test_no_more_is_read_than_is_wanted(tmp_path: Path) -> None:
    (tmp_path / "asked").write_bytes(b"12345")
    assert [read_named(tmp_path / "asked", most) for most in (4, 5, 6)] == [b"1234", b"12345", b"12345"]
