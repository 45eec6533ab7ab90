"""Strangers before the real hub's door, who connect and say nothing."""

import asyncio
import contextlib
from pathlib import Path

import aiohttp
import pytest

from hub.links.door import WAITING_PER_ADDRESS_MAX
from tests.links.campus import HOST
from tests.links.hub_process import HubProcess
from tests.links.line import Line

ELSEWHERE = "127.0.0.2"
STORM = 200

pytestmark = pytest.mark.asyncio(loop_scope="module")


def files_of(hub: HubProcess) -> tuple[int, int]:
    """Its soft and hard limit of open files."""
    limits = Path(f"/proc/{hub.process.pid}/limits").read_text().splitlines()
    soft, hard = next(line.split()[3:5] for line in limits if line.startswith("Max open files"))
    return int(soft), int(hard)


async def test_a_crowd_of_the_silent_keeps_nobody_else_out(hub: HubProcess) -> None:
    crowd = [await asyncio.open_connection(HOST, hub.port) for _ in range(WAITING_PER_ADDRESS_MAX)]
    reader, writer = await asyncio.open_connection(HOST, hub.port)
    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    connector = aiohttp.TCPConnector(ssl=hub.tls, local_addr=(ELSEWHERE, 0))
    async with aiohttp.ClientSession(connector=connector) as elsewhere:
        line = await Line.open(elsewhere, f"{hub.url}/ws/terminal")
        await line.of_type("challenge")
        await line.close()
    writer.close()
    # They go, and their places are free.
    for silent, one in crowd:
        one.write_eof()
        assert await silent.read() == b""
        one.close()
    await (await hub.raw_terminal(await hub.enrol()).link()).close()


async def test_a_schools_terminals_come_back_at_once(hub: HubProcess) -> None:
    terminals = [hub.raw_terminal(await hub.enrol()) for _ in range(8)]
    lines = await asyncio.gather(*(terminals[number % 8].link() for number in range(STORM)))
    for line in lines:
        await line.close()


async def test_the_hub_opens_as_many_files_as_the_machine_permits(hub: HubProcess) -> None:
    soft, hard = files_of(hub)
    assert soft == min(hard, 65_536)
