"""`firstbell-flash verify …`: what was written, read back and compared with what should be there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from firstbell_flash.board import Network, board_files, own_files, program_files
from firstbell_flash.card import differences as card_differences
from firstbell_flash.card import read_terminal
from firstbell_flash.dialogue import step
from firstbell_flash.find_boards import Board, Usb, choose
from firstbell_flash.homes import from_option, settings_for
from firstbell_flash.image import files_in
from firstbell_flash.pi import open_card
from firstbell_flash.problems import FileError, NotFound
from firstbell_flash.put import BOOT, PROGRAMS, differences, digest, enter, quiet, started_folder
from firstbell_flash.uf2 import parse, read_uf2
from firstbell_linux.parsing import parse_json
from firstbell_linux.problems import FAILED, Problem
from firstbell_linux.shell import PATH, Run, command, group

from terminal.settings import Home, Settings


def build(run: Run) -> click.Group:
    port = click.Argument(["port"], metavar="PORT|FILE")
    card = click.Argument(["card"], type=PATH)
    return group(
        run,
        "verify",
        (
            command(run, "verify.pico", verify_pico, port, from_option()),
            command(run, "verify.pi", verify_pi, card, from_option()),
        ),
    )


def verify_pi(run: Run, card: Path, folder: Path) -> int | None:
    """A card that has not been started, against what was written to it and a terminal's folder."""
    settings_for(Home(folder), "pi")
    boot, _ = open_card(card, to_write=False)
    differ, files = card_differences(boot, read_terminal(folder))
    return _tell(run, differ, files)


def verify_pico(run: Run, port: str, folder: Path) -> int | None:
    """A board, or the image of one, against a terminal's folder and this program."""
    home = Home(folder)
    settings = settings_for(home, "pico")
    have, told, boot = _image(Path(port)) if Path(port).is_file() else _board(run, port)
    step(run, "compile")
    program = program_files()
    started = started_folder(have, boot) or PROGRAMS[0]
    wanted = board_files(program, _own(home, settings, told), started)
    del wanted[BOOT]
    return _tell(run, differences(have, wanted, started), len(wanted))


def _tell(run: Run, differ: Mapping[str, str], files: int) -> int | None:
    rows = [(path, run.say(f"verify.{how}")) for path, how in differ.items()]
    run.list({"differ": differ, "files": files}, ("column.file", "column.how"), rows, "verify.same")
    return FAILED if differ else None


def _image(path: Path) -> tuple[dict[str, str], bytes, bytes]:
    """Digests, settings.json and boot.json."""
    data = read_uf2(path)
    try:
        pages = parse(data, str(path))
    except FileError as error:
        raise FileError(Problem("no_image", str(path), error.problem.fields)) from error
    files = files_in(pages, str(path))
    return {name: digest(data) for name, data in files.items()}, files.get("settings.json", b""), files.get(BOOT, b"")


def _board(run: Run, port: str) -> tuple[dict[str, str], bytes, bytes]:
    """As `_image`; then it starts again."""
    usb = Usb()
    board = choose(usb, port)
    if not isinstance(board, Board):
        raise NotFound(Problem("no_micropython", port))
    step(run, "enter", port=board.port)
    repl = enter(usb, board)
    if "main.py" in repl.names():
        repl = quiet(usb, board, repl)
    with repl:
        step(run, "read_back")
        have = repl.digests()
        told, boot = (repl.read(name) if name in have else b"" for name in ("settings.json", BOOT))
        repl.reset()
    return have, told, boot


def _own(home: Home, settings: Settings, told: bytes) -> Mapping[str, bytes]:
    """What the folder says; when it was flashed and for which networks, a board's settings alone say (`told`)."""
    try:
        said = parse_json(told, dict[str, Any])
        flashed_s, networks = said["flashed_s"], [_network(one) for one in said["wifi"]]
    except (ValueError, KeyError, TypeError):
        flashed_s, networks = 0, []
    return own_files(home, settings, flashed_s, networks)


def _network(said: Mapping[str, object]) -> Network:
    address = said["address"]
    fixed = tuple(map(str, address)) if isinstance(address, list) else None
    if fixed is not None and len(fixed) != 4:
        raise ValueError
    return Network(str(said["ssid"]), str(said["password"]), fixed)
