"""What the link tests share: a hub in a process of its own, for a whole file, and one in this process for a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.links.hub_process import HubProcess
from tests.links.inner_hub import InnerHub


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HubProcess]:
    """One hub for all tests of a file, so that each shows that it still serves after the one before."""
    async with HubProcess(tmp_path_factory.mktemp("campus") / "hub") as hub:
        yield hub
        await hub.stop()
        assert hub.complaints() == []


@pytest.fixture
async def inner_hub(tmp_path: Path) -> AsyncIterator[InnerHub]:
    hub = await InnerHub(tmp_path / "hub").start()
    yield hub
    await hub.stop()
