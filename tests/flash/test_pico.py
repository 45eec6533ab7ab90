"""`firstbell-flash pico` at a board that is real from its loader to its link: flashed, linked, pressed."""

import asyncio
import json
import random
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from firstbell_flash import watch
from firstbell_flash.find_boards import Board, Usb
from firstbell_flash.image import files_in
from firstbell_flash.main import words
from firstbell_flash.put import enter
from firstbell_flash.uf2 import FILES_START, PAGE_BYTES

from hub.places.enrolment import usual_wiring
from tests.flash.board import NEVER, UsbBoard
from tests.flash.typed import Said, Typed, type_in
from tests.links.campus import found_home
from tests.links.hub_process import HubProcess

pytestmark = pytest.mark.asyncio(loop_scope="module")

PANIC_PIN = usual_wiring("wall", "pico").inputs["panic"][1]
PRESS = "Now press"
CUT_WRITES = 16
"""More than a run takes that finds everything there, of the 160 or so for a blank board."""
CUTS_MAX = 40
LINK_S = 6


@pytest.fixture
def board(tmp_path: Path) -> Iterator[UsbBoard]:
    with UsbBoard(tmp_path / "board") as board:
        yield board


@pytest_asyncio.fixture(loop_scope="module")
async def folder(hub: HubProcess, tmp_path: Path) -> Path:
    hub.write_terminal(tmp_path / "gym", await hub.enrol(algorithm="HS256"), simulated=False)
    return tmp_path / "gym"


@pytest.fixture
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody presses, and a link is there soon or not at all."""
    monkeypatch.setattr(watch, "LINK_S_MAX", LINK_S)
    monkeypatch.setattr(watch, "PRESS_S_MAX", 0)


async def press(board: UsbBoard) -> None:
    await asyncio.to_thread(board.press, PANIC_PIN)


async def armed(board: UsbBoard, folder: Path, wifi: Path, at_keyboard: str = "") -> Said:
    """Flashes, presses when it is asked to, and waits for the end."""
    typed = ("pico", board.port, "--from", folder, "--wifi", wifi, "--json")
    run = await Typed.run(*typed, at_keyboard=at_keyboard)
    await run.until(PRESS)
    await press(board)
    said = await run.end()
    assert said.status == 0, said.err + board.said.decode(errors="replace")[-2_000:]
    return said


def on_flash(board: UsbBoard) -> dict[str, bytes]:
    flash = board.flash.read_bytes()
    pages = {FILES_START + at: flash[at : at + PAGE_BYTES] for at in range(0, len(flash), PAGE_BYTES)}
    return files_in(pages, str(board.flash))


async def test_from_blank_to_armed(hub: HubProcess, board: UsbBoard, folder: Path, wifi: Path) -> None:
    said = (await armed(board, folder, wifi)).json
    recorded = await hub.until_entry("event_recorded", digest=said["event"])
    assert (recorded["what"], recorded["terminal"]) == ("panic", said["terminal"])
    assert board.bites == 0
    files = on_flash(board)
    assert files["key"] == (folder / "key").read_bytes()
    assert json.loads(files["settings.json"])["wifi"] == [{"ssid": "school", "password": "12345678", "address": None}]
    assert json.loads(files["boot.json"]) == {"program": "a"}
    assert "maintain" not in files


async def test_a_node_that_runs_is_flashed_again_and_keeps_what_it_kept(
    hub: HubProcess, board: UsbBoard, folder: Path, wifi: Path
) -> None:
    """Its watchdog is armed: whoever takes longer than 8 s to stop it loses."""
    await armed(board, folder, wifi)
    outbox = {path for path in on_flash(board) if path.startswith("outbox/")}
    assert outbox
    await armed(board, folder, wifi)
    files = on_flash(board)
    assert outbox <= files.keys()
    assert board.bites == 0
    assert json.loads(files["boot.json"]) == {"program": "a"}, "the same program is where it was"


async def test_a_node_becomes_another_terminal_when_a_person_says_so(
    hub: HubProcess, board: UsbBoard, folder: Path, wifi: Path
) -> None:
    first = (await armed(board, folder, wifi)).json
    other = folder.with_name("hall")
    hub.write_terminal(other, await hub.enrol(algorithm="HS256"), simulated=False)
    typed = ("pico", board.port, "--from", other, "--wifi", wifi, "--json")
    planned = await (await Typed.run(*typed, "--dry-run")).end()
    assert (planned.status, planned.json["terminal_there"]) == (0, first["terminal"])
    there = on_flash(board)
    refused = await (await Typed.run(*typed)).end()
    assert (refused.status, refused.json["problem"]) == (1, "board_of_terminal")
    assert first["terminal"] in refused.err
    assert on_flash(board)["key"] == there["key"]
    said = (await armed(board, other, wifi, at_keyboard="y\n")).json
    assert said["terminal"] != first["terminal"]
    recorded = await hub.until_entry("event_recorded", digest=said["event"])
    assert recorded["terminal"] == said["terminal"]


async def test_one_terminal_goes_to_one_board(board: UsbBoard, folder: Path, wifi: Path, tmp_path: Path) -> None:
    await armed(board, folder, wifi)
    with UsbBoard(tmp_path / "other") as other:
        said = await (await Typed.run("pico", other.port, "--from", folder, "--wifi", wifi, "--json")).end()
        assert (said.status, said.json["problem"]) == (1, "on_another_board")
        assert "key" not in on_flash(other)


async def cut(board: UsbBoard, folder: Path, wifi: Path, at: int) -> Said:
    """Power goes at that block write, and comes back."""
    board.unplug()
    board.cut_at = at
    board.plug()
    said = await asyncio.to_thread(type_in, "pico", board.port, "--from", folder, "--wifi", wifi)
    board.unplug()
    board.cut_at = NEVER
    board.plug()
    return said


async def test_power_that_goes_while_it_writes(board: UsbBoard, folder: Path, wifi: Path) -> None:
    cut_at = random.randrange(10, 150)
    print("cut at block write", cut_at)
    said = await cut(board, folder, wifi, cut_at)
    assert said.status == 4, said.err
    assert "run the same command" in said.err.lower()
    await armed(board, folder, wifi)


async def test_power_that_goes_again_and_again(board: UsbBoard, folder: Path, wifi: Path, short_waits: None) -> None:
    """Each run does a bit more, until nothing is left to write."""
    cuts = 0
    while (said := await cut(board, folder, wifi, CUT_WRITES)).status == 4:
        cuts += 1
        assert cuts < CUTS_MAX, "it comes no further"
    print(cuts, "cuts")
    assert "Reading everything back" in said.err
    assert cuts > 5
    await armed(board, folder, wifi)


@pytest.mark.parametrize("line", ["Writing", "Starting"])
async def test_whoever_is_killed_is_followed_by_another(board: UsbBoard, folder: Path, wifi: Path, line: str) -> None:
    run = await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi)
    await run.until(line)
    run.process.kill()
    await run.end()
    await armed(board, folder, wifi)


async def test_two_at_one_board(board: UsbBoard, folder: Path, wifi: Path) -> None:
    first = await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi)
    await first.until(PRESS)
    second = await (await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi, "--json")).end()
    assert (second.status, second.json["problem"]) == (4, "port_busy")
    await press(board)
    assert (await first.end()).status == 0


async def test_a_board_that_holds_what_is_not_ours(board: UsbBoard, folder: Path, wifi: Path) -> None:
    run = await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi)
    await run.until(PRESS)
    run.process.kill()
    await run.end()
    with enter(Usb(), Board(str(board.port))) as repl:
        repl.replace("boot.py", b"import machine\n")
    said = await (await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi, "--json")).end()
    assert (said.status, said.json["problem"]) == (1, "board_of_others")
    assert "boot.py" in said.err
    assert "boot.py" in on_flash(board)


async def test_a_hub_that_is_not_there(hub: HubProcess, board: UsbBoard, folder: Path, wifi: Path) -> None:
    settings = (folder / "settings.toml").read_text()
    (folder / "settings.toml").write_text(settings.replace(f":{hub.port}", ":9"))
    run = await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi)
    await run.until("Starting")
    run.process.send_signal(signal.SIGINT)
    said = await run.end()
    assert said.status == 1
    assert "Stopped" in said.err


async def test_a_node_without_a_link_says_why(
    hub: HubProcess, board: UsbBoard, folder: Path, wifi: Path, tmp_path: Path, short_waits: None
) -> None:
    settings, ca = folder / "settings.toml", folder / "ca.pem"
    told, trusted = settings.read_text(), ca.read_text()
    strangers = (found_home(tmp_path / "other")[0].keys / "ca.pem").read_text()
    # Of another campus, so that it does not find this one on the LAN.
    nowhere = re.sub('campus = "[^"]*"', 'campus = "c-abcdefghij"', told.replace(f":{hub.port}", ":9"))
    for where, certificate, why in ((nowhere, trusted, "hub_no_answer"), (told, strangers, "hub_untrusted")):
        settings.write_text(where)
        ca.write_text(certificate)
        said = await asyncio.to_thread(type_in, "pico", board.port, "--from", folder, "--wifi", wifi, "--json")
        assert (said.status, said.json["problem"]) == (5, "not_linked"), said.err
        assert words("en").say(f"link.{why}") in said.err
        assert "run the same command" in said.err
        assert "key" in on_flash(board)


async def test_dry_run_touches_nothing(board: UsbBoard, folder: Path, wifi: Path) -> None:
    said = await (await Typed.run("pico", board.port, "--from", folder, "--wifi", wifi, "--dry-run", "--json")).end()
    assert (said.status, said.json["networks"]) == (0, ["school"])
    assert (on_flash(board), board.resets) == ({}, 0)


async def test_verify_says_what_differs(board: UsbBoard, folder: Path, wifi: Path) -> None:
    await armed(board, folder, wifi)
    said = await (await Typed.run("verify", "pico", board.port, "--from", folder, "--json")).end()
    assert (said.status, said.json["differ"]) == (0, {})
    with enter(Usb(), Board(str(board.port))) as repl:
        repl.replace("a/node/daemon.mpy", b"M")
        repl.remove("log.vkey")
    said = await (await Typed.run("verify", "pico", board.port, "--from", folder, "--json")).end()
    assert (said.status, said.json["differ"]) == (1, {"a/node/daemon.mpy": "differs", "log.vkey": "missing"})
