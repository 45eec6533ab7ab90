"""A board that is enrolled while it is flashed: by a token, where the hub says that it is armed, or by a stick."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.flash.board import UsbBoard
from tests.flash.test_pico import press
from tests.flash.typed import Typed
from tests.hub.commands.typed import type_in
from tests.links.campus import HOST, ZONE
from tests.links.hub_process import HubProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UsbBoard]:
    with UsbBoard(tmp_path / "board") as board:
        yield board


async def test_by_a_token(hub: HubProcess, board: UsbBoard, tmp_path: Path, wifi: Path) -> None:
    body = {"name": "实验楼", "zone": ZONE, "address": f"{HOST}:{hub.port}"}
    token: str = (await hub.post("/api/tokens", **body))["token"]
    typed = ("pico", board.port, "--from", tmp_path / "lab", "--token", "--wifi", wifi, "--json")
    # The first is killed when the hub has taken it; the second goes on with the same token.
    first = await Typed.run(*typed, piped=f"{token}\n")
    await first.until("Writing")
    first.process.kill()
    await first.end()
    run = await Typed.run(*typed, piped=f"{token}\n")
    await run.until("marked as a test")
    await press(board)
    said = await run.end()
    assert said.status == 0, said.err
    assert token not in said.out + said.err
    recorded = await hub.until_entry("event_recorded", digest=said.json["event"])
    assert recorded["terminal"] == said.json["terminal"]
    listed = [one for one in (await hub.get("/api/campus"))["terminals"] if one["id"] == said.json["terminal"]]
    assert [one["name"] for one in listed] == ["实验楼"]


async def test_by_a_request_and_an_answer_on_a_stick(
    hub: HubProcess, board: UsbBoard, tmp_path: Path, wifi: Path
) -> None:
    folder, request, answer = tmp_path / "attic", tmp_path / "request.json", tmp_path / "answer.json"
    said = await (await Typed.run("pico", "--from", folder, "--request", request)).end()
    assert said.status == 0, said.err
    assert f"firstbell-hub terminal answer {request}" in said.out
    place = ("阁楼", "--zone", ZONE, "--hub", f"{HOST}:{hub.port}", "--home", hub.home.path)
    answered = await asyncio.to_thread(type_in, "terminal", "answer", request, answer, *place)
    assert answered.status == 0, answered.err
    run = await Typed.run("pico", board.port, "--from", folder, "--answer", answer, "--wifi", wifi, "--json")
    await run.until("Fingerprint of the answer: ")
    await run.until(f"remove {folder} and begin")
    await run.until("Now press")
    await press(board)
    said = await run.end()
    assert said.status == 0, said.err
    await hub.until_entry("event_recorded", digest=said.json["event"])
