"""What the tests of flashing share: a hub in a process of its own, and a terminal's folder that it has enrolled."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.links.hub_process import HubProcess

WIFI = '[[network]]\nssid = "school"\npassword = "12345678"\n'


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def hub(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HubProcess]:
    async with HubProcess(tmp_path_factory.mktemp("campus") / "hub") as hub:
        yield hub
        await hub.stop()
        assert hub.complaints() == []


@pytest.fixture
def wifi(tmp_path: Path) -> Path:
    path = tmp_path / "wifi.toml"
    path.touch(mode=0o600)
    path.write_text(WIFI)
    return path
