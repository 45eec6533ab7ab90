"""A node against a real hub over real TLS: a low supply, whoever says nothing, and the memory that it takes."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from firstbell.supply import LOW_MV, VSYS_GPIO, WELL_MV

from tests.faults.proxy import Proxy
from tests.links.hub_process import HubProcess
from tests.links.node import RealNode, write_node

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRESSES = 1_000
RECONNECTS = 10
SECOND_CALL_S_MAX = 30
GROWTH_BYTES_MAX = 2_048
"""What the heap may differ by, for how far the collector gets is not the same each time."""


@pytest_asyncio.fixture(loop_scope="module")
async def wire(hub: HubProcess) -> AsyncIterator[Proxy]:
    async with Proxy(hub.port) as wire:
        yield wire


@pytest_asyncio.fixture(loop_scope="module")
async def node(hub: HubProcess, wire: Proxy, tmp_path: Path) -> AsyncIterator[RealNode]:
    write_node(hub, tmp_path / "node", await hub.enrol(algorithm="HS256"), wire.port)
    node = await RealNode(tmp_path / "node").start()
    yield node
    await node.end()
    assert hub.complaints() == []


async def test_a_low_supply_is_trouble_until_it_is_well_again(hub: HubProcess, node: RealNode) -> None:
    assert (await node.until_state(linked=True))["supply_mv"] > WELL_MV
    terminal = json.loads((node.folder / "settings.json").read_text())["terminal"]
    about = {"what": "supply", "about": f"{terminal}/supply"}
    await node.say(pin=VSYS_GPIO, levels=[[0, LOW_MV - 50]])
    await hub.until_entry("trouble_began", **about)
    low = await node.until_state(inputs={"panic": "open", "supply": "open"})
    assert low["supply_mv"] < LOW_MV
    await node.receipt(await node.press())
    await node.say(pin=VSYS_GPIO, levels=[[0, WELL_MV + 50]])
    await hub.until_entry("trouble_ended", **about)


async def test_whoever_accepts_and_says_nothing_is_left_for_another_attempt(hub: HubProcess, tmp_path: Path) -> None:
    calls: asyncio.Queue[None] = asyncio.Queue()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.put_nowait(None)
        while await reader.read(4_096):
            pass
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        write_node(hub, tmp_path / "node", await hub.enrol(algorithm="HS256"), port)
        node = await RealNode(tmp_path / "node").start()
        async with asyncio.timeout(SECOND_CALL_S_MAX):
            for _ in range(2):
                await calls.get()
        await node.press()
        await node.until(lambda told: "hub_no_answer" in told.get("state", {}).get("problems", ()))
        await node.end()


async def memory(node: RealNode) -> int:
    since = len(node.told)
    await node.say(memory=True)
    used: int = (await node.until(lambda told: "memory" in told, since))["memory"]["used"]
    return used


@pytest.mark.timeout(300)
async def test_its_memory_does_not_grow(hub: HubProcess, wire: Proxy, node: RealNode) -> None:
    """Through connecting, a thousand presses and ten reconnects."""
    used = []
    for _ in range(RECONNECTS):
        await node.until_state(len(node.told) - 1, linked=True)
        digests = [await node.press(40) for _ in range(PRESSES // RECONNECTS)]
        await node.receipt(digests[-1])
        await node.until_state(pending=0, since=len(node.told) - 1)
        used.append(await memory(node))
        since = len(node.told)
        wire.break_all()
        await node.until_state(since, linked=False)
    print(used)
    assert max(used[1:]) - used[1] <= GROWTH_BYTES_MAX, used
