"""One running hub for each test that asks for it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.hub.web.running import RunningHub, running_hub


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path) as hub:
        yield hub
