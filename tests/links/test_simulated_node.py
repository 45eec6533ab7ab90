"""A node on a PC answers as a terminal does: press, status, a cut antenna, an end."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from terminal.settings import Home
from tests.links.hub_process import HubProcess
from tests.terminal.real_terminal import COMMAND, RealTerminal
from tests.terminal.small_hub import WAIT_S_MAX

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def node(hub: HubProcess, tmp_path: Path) -> AsyncIterator[RealTerminal]:
    hub.write_terminal(tmp_path / "node", await hub.enrol(algorithm="HS256"))
    node = await RealTerminal(Home(tmp_path / "node")).start()
    yield node
    assert await node.end() == 0
    assert hub.complaints() == []


async def type_in(node: RealTerminal, *typed: str) -> tuple[int | None, str]:
    command = (COMMAND, "--home", str(node.home.path), *typed)
    environment = {**os.environ, "FIRSTBELL_LANG": "en"}
    process = await asyncio.create_subprocess_exec(
        *command, stdout=-1, stderr=asyncio.subprocess.STDOUT, env=environment
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


def linked(state: dict[str, Any]) -> object:
    return state.get("linked")


async def test_a_press_by_command(hub: HubProcess, node: RealTerminal) -> None:
    await node.until(linked)
    status, said = await type_in(node, "press", "panic")
    assert status == 0, said
    state = await node.until(lambda state: state.get("light") == "recorded" and state["receipts"])
    digest = state["receipts"][-1]["event"]
    assert digest in said
    await hub.until_entry("event_recorded", digest=digest)
    status, said = await type_in(node, "status")
    assert status == 0, said
    assert "panic open" in said
    status, said = await type_in(node, "press", "nothing")
    assert status == 3, said


async def test_an_antenna_that_is_pulled_off(hub: HubProcess, node: RealTerminal) -> None:
    await node.until(linked)
    await node.ask(do="cut", on=True)
    digest = await node.press()
    await node.until(lambda state: state["light"] == "not_delivered")
    lost = await node.until(lambda state: not state["linked"])
    assert lost["problems"]
    status, said = await type_in(node, "status")
    assert status == 1, said
    assert "What to do" in said
    await node.ask(do="cut", on=False)
    await hub.until_entry("event_recorded", digest=digest)
    await node.until(linked)


async def test_a_low_supply(node: RealTerminal) -> None:
    await node.until(linked)
    assert "5.00 V" in (await type_in(node, "status"))[1]
    await node.ask(do="edges", input="supply", edges=[[0, False]])
    await node.until(lambda state: state["inputs"]["supply"] == "open")
    status, said = await type_in(node, "status")
    assert status == 0, said
    assert "supply open" in said
    assert "4.00 V" in said


async def test_edges_that_are_no_press(hub: HubProcess, node: RealTerminal) -> None:
    await node.until(linked)
    said = await node.ask(do="edges", input="panic", edges=[[0, True], [10, False], [60, True], [140, False]])
    assert [event["what"] for event in said["events"]] == ["panic"]


async def test_without_its_control_socket_it_ends_and_says_so(hub: HubProcess, tmp_path: Path) -> None:
    home = Home(tmp_path / "node")
    hub.write_terminal(home.path, await hub.enrol(algorithm="HS256"))
    home.control.mkdir()
    async with asyncio.timeout(WAIT_S_MAX):
        status, said = await type_in(RealTerminal(home), "run")
    assert status == 1, said
    assert "control socket" in said
