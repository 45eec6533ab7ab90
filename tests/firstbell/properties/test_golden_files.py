"""The golden files are what their script makes."""

from pathlib import Path

import pytest

from tests.golden import make

FOLDER = Path(make.__file__).parent


@pytest.mark.parametrize("name", sorted(make.files()))
def test_a_file_equals_what_the_script_makes(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == make.files()[name], "run: python -m tests.golden.make"
