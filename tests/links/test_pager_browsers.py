"""One pager in more than one browser, over real TLS: a new device instead of a lost one, two tabs."""

import pytest

from hub.links.supervision import CONNECTIONS_OF_ONE_MAX
from tests.links.hub_process import HubProcess
from tests.links.raw_pager import RawPager
from tests.links.raw_terminal import event_frame, receipt_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def settled(pager: RawPager) -> None:
    """The hub has taken all that this browser has said."""
    since = len(pager.line.frames)
    await pager.line.send({"type": "heartbeat", "t1_ms": 3})
    await pager.line.of_type("heartbeat", since)


async def test_two_tabs_of_one_browser_are_one_pager(hub: HubProcess) -> None:
    """A tab in the background neither makes the pager unready nor fills the record."""
    front = await hub.pager(await hub.guard("周杰"))
    await front.ready()
    behind = await hub.pager(cookie=front.cookie)
    for _ in range(3):
        await behind.say(sound="unarmed", visible=False)
        await settled(behind)
        await front.say()
        await settled(front)
    await front.line.close()
    await hub.until_entry("pager_readiness", reasons=["sound", "screen"])
    assert [entry["reasons"] for entry in hub.entries("pager_readiness")] == [[], ["sound", "screen"]]
    await behind.line.close()


async def test_one_tab_too_many_ends_the_oldest(hub: HubProcess) -> None:
    first = await hub.pager(await hub.guard("吴敏"))
    more = [await hub.pager(cookie=first.cookie) for _ in range(CONNECTIONS_OF_ONE_MAX)]
    assert await first.line.closed() == 1000
    for tab in more:
        await tab.ready()
        await settled(tab)
        await tab.line.close()


async def test_a_new_link_ends_what_the_lost_device_holds_open(hub: HubProcess) -> None:
    """Its key opens nothing any more, and neither does the WebSocket that it was let into before."""
    terminal = hub.raw_terminal(await hub.enrol())
    wall = await terminal.link()
    lost = await hub.pager(await hub.guard("孙丽"))
    await lost.ready()
    event = terminal.event()
    await wall.send(event_frame(event))
    await wall.until(receipt_of(event))
    incident = (await hub.recorded(event))["incident"]
    await lost.until_page(incident, ring="alarm")
    found = await hub.pager(cookie=await hub.pager_cookie(of=lost.cookie))
    assert await lost.line.closed() == 1008
    await found.ready()
    await found.until_page(incident, ring="alarm")
    for line in (found.line, wall):
        await line.close()
