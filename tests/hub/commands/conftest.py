"""One hub for the tests of a file that type at one."""

from collections.abc import Iterator

import pytest

from tests.hub.commands.typed import Served, make_home, serving


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served") / "hub"
    made = make_home(folder)
    with serving(folder):
        yield Served(folder, made)
