"""A Raspberry Pi and a node at a real hub over real TLS: presses, cuts, kills, and nothing is lost or counted twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.faults.proxy import Proxy
from tests.links.hub_process import HubProcess
from tests.links.real_terminals import is_quiet, of_each_kind, receipts, start_terminal
from tests.terminal.real_terminal import RealTerminal

pytestmark = [pytest.mark.asyncio(loop_scope="module"), of_each_kind]


@pytest_asyncio.fixture(loop_scope="module")
async def wire(hub: HubProcess) -> AsyncIterator[Proxy]:
    async with Proxy(hub.port) as wire:
        yield wire


@pytest_asyncio.fixture(loop_scope="module")
async def wall(algorithm: str, hub: HubProcess, wire: Proxy, tmp_path: Path) -> AsyncIterator[RealTerminal]:
    wall = await start_terminal(hub, tmp_path / "wall", await hub.enrol(algorithm=algorithm), wire.port)
    yield wall
    assert await wall.end() == 0
    assert "Traceback" not in wall.log
    assert hub.complaints() == []


async def delivered(hub: HubProcess, wall: RealTerminal, *digests: str) -> None:
    """Each is in the ledger once, and its receipt has come."""
    await wall.until(lambda state: is_quiet(state) and set(digests) <= receipts(wall))
    for digest in digests:
        await hub.until_entry("event_recorded", digest=digest)
        assert len([entry for entry in hub.entries("event_recorded") if entry["digest"] == digest]) == 1


async def test_a_press_is_recorded_and_answered(hub: HubProcess, wall: RealTerminal) -> None:
    digest = await wall.press()
    await delivered(hub, wall, digest)
    await wall.until(lambda state: state["light"] == "recorded")
    recorded = await hub.until_entry("event_recorded", digest=digest)
    assert (recorded["what"], recorded["input"]) == ("panic", "panic")
    assert recorded["event_ms"] is not None


async def test_what_was_pressed_while_the_wire_was_cut_comes_with_the_next_link(
    hub: HubProcess, wire: Proxy, wall: RealTerminal
) -> None:
    wire.cut()
    digests = [await wall.press() for _ in range(3)]
    late = await wall.until(lambda state: state["light"] == "not_delivered" and not state["linked"])
    assert late["pending"] >= len(digests)
    await wire.mend()
    await delivered(hub, wall, *digests)


async def test_what_was_pressed_before_power_was_lost_comes_with_the_next_boot(
    hub: HubProcess, wire: Proxy, wall: RealTerminal
) -> None:
    wire.cut()
    digest = await wall.press()
    await wall.until(lambda state: state["light"] == "not_delivered")
    before = await wall.ask(do="status")
    assert before["unstored"] == 0
    await wall.kill()
    await wire.mend()
    await wall.start()
    await delivered(hub, wall, digest)
    assert (await wall.ask(do="status"))["boot"] == before["boot"] + 1


async def test_a_hub_that_is_killed_is_found_again(hub: HubProcess, wall: RealTerminal) -> None:
    await hub.kill()
    digest = await wall.press()
    await hub.start()
    await delivered(hub, wall, digest)
