"""Who watches the hub may go away at any moment."""

import aiohttp
import pytest

from tests.links.hub_process import HubProcess
from tests.links.raw_terminal import event_frame, receipt_of


@pytest.mark.asyncio(loop_scope="module")
async def test_a_watcher_that_leaves_is_no_fault_of_the_hubs(hub: HubProcess) -> None:
    # Another one than the fixture's, which stays.
    async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(hub.home.control))) as session:
        told = await session.get("http://hub/control/watch")
        terminal = hub.raw_terminal(await hub.enrol())
        line = await terminal.link()
        await told.content.readline()
        told.close()
    for _ in range(3):
        press = terminal.event()
        await line.send(event_frame(press))
        await line.until(receipt_of(press))
    await line.close()
    await hub.until(lambda happening: happening.get("entry", {}).get("linked") is False)
    assert hub.complaints() == []
