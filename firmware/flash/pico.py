"""`firstbell-flash pico`: a Pico W, from blank to armed, or the image of one.

One step after the other, each of which can be cut off: the next run finds what is done, and does the rest.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from firstbell.fields import is_digest
from firstbell_flash import homes
from firstbell_flash.board import Network, board_files, own_files, program_files
from firstbell_flash.dialogue import bar, check_new, confirm, step
from firstbell_flash.find_boards import Board, Drive, Usb, choose, names_of
from firstbell_flash.image import write_image
from firstbell_flash.micropython import check_firmware, put_micropython
from firstbell_flash.problems import FileError, NotFound
from firstbell_flash.put import BOOT, enter, names_of_others, put, put_loader, quiet, read_back, start, terminal_on
from firstbell_flash.repl import Repl
from firstbell_flash.uf2 import read_firmware
from firstbell_flash.watch import Console, until_linked, until_receipt
from firstbell_flash.wifi import load_networks
from firstbell_linux.private_file import write_private
from firstbell_linux.problems import Problem
from firstbell_linux.shell import PATH, Run, command

from terminal.settings import Home, Settings

HUB_S_MAX = 30
"""After its receipt, until the hub says that a test press is on its disk."""
BOARD_FILE = "board"
"""In the terminal's folder: the number of the board that it went to."""


def build(run: Run) -> click.Command:
    file: dict[str, Any] = {"type": PATH, "metavar": "FILE"}
    return command(
        run,
        "pico",
        pico,
        click.Argument(["port"], default="", metavar="[PORT]"),
        homes.from_option(),
        *homes.enrol_options(),
        click.Option(["--wifi"], **file),
        click.Option(["--uf2"], **file),
        click.Option(["--sha256"], default="", metavar="HEX"),
        click.Option(["--image"], **file),
        click.Option(["--dry-run"], is_flag=True),
    )


def pico(
    run: Run,
    port: str,
    folder: Path,
    token: bool,
    request: Path | None,
    answer: Path | None,
    wifi: Path | None,
    uf2: Path | None,
    sha256: str,
    image: Path | None,
    dry_run: bool,
) -> None:
    """What a person may have got wrong is looked at before anything is touched."""
    homes.check_way(run, "pico", folder, token, request, answer)
    if request:
        homes.ask_hub(run, "pico", folder, request, dry_run)
        return
    if port and image is not None:
        raise click.UsageError(run.say("pico.one_target"))
    if sha256 and uf2 is None:
        raise click.UsageError(run.say("pico.sha256_alone"))
    if sha256 and not is_digest(sha256.lower()):
        raise click.UsageError(run.say("pico.no_sha256"))
    if wifi is None:
        raise click.UsageError(run.say("pico.no_wifi"))
    networks = load_networks(wifi)
    firmware = b"" if uf2 is None else read_firmware(uf2, sha256)
    usb = Usb()
    target = image or _target(usb, port, firmware)
    if dry_run:
        there = _look(usb, target) if isinstance(target, Board) else ""
        _tell_plan(run, folder, networks, str(target) if isinstance(target, Path) else names_of(target)[0], there)
        return
    if isinstance(target, Path):
        check_new(run, target)
    secret = homes.read_token(run) if token else ""
    homes.fill(run, "pico", folder, secret, answer)
    home = Home(folder)
    settings = homes.settings_for(home, "pico")
    step(run, "compile")
    program, own = program_files(), own_files(home, settings, int(time.time()), networks)
    if isinstance(target, Path):
        write_image(target, board_files(program, own), firmware)
        run.tell({"image": str(target), "terminal": settings.terminal}, run.say("pico.image", image=target))
        return
    board = put_micropython(run, usb, target, firmware) if isinstance(target, Drive) else target
    _write(run, usb, board, home, settings, program, own)
    _see_armed(run, usb, board, settings, secret)


def _target(usb: Usb, port: str, firmware: bytes) -> Board | Drive:
    target = choose(usb, port)
    if isinstance(target, Drive):
        if target.folder is None:
            raise NotFound(Problem("drive_unmounted", target.device))
        if not firmware:
            raise NotFound(Problem("no_micropython", str(target.folder)))
    return target


def _look(usb: Usb, board: Board) -> str:
    """The terminal that it is. What it runs is interrupted, and starts again. Raises BoardError."""
    with enter(usb, board) as repl:
        there = terminal_on(repl)
        if repl.names():
            repl.reset()
    return there


def _tell_plan(run: Run, folder: Path, networks: list[Network], target: str, there: str) -> None:
    """`there`: the terminal that the target is."""
    names = [network.ssid for network in networks]
    run.tell(
        {"would_write": target, "folder": str(folder), "networks": names, "terminal_there": there},
        *([run.say("pico.holds", terminal=there)] if there else []),
        run.say("pico.plan", target=target, folder=folder, networks=run.words.listed(names)),
    )


def _write(
    run: Run,
    usb: Usb,
    board: Board,
    home: Home,
    settings: Settings,
    program: Mapping[str, bytes],
    own: Mapping[str, bytes],
) -> None:
    """All of it, read back, and started. Raises BoardError."""
    step(run, "enter", port=board.port)
    loader = board_files(program, own)["main.py"]
    repl = enter(usb, board)
    there, others = terminal_on(repl), names_of_others(repl, loader)
    is_other = there not in ("", settings.terminal)
    if is_other or others:
        repl.close()
        if is_other:
            problem = Problem("board_of_terminal", board.port, {"terminal": there})
            confirm(run, "pico.may_replace", problem, terminal=there, name=settings.name)
        if others:
            files = run.words.listed(others)
            confirm(run, "pico.may_remove", Problem("board_of_others", board.port, {"files": files}), files=files)
        repl = enter(usb, board)
        for name in others:
            repl.remove(name)
    put_loader(repl, loader)
    with quiet(usb, board, repl) as repl:
        check_firmware(repl, program)
        _claim(home, repl)
        with bar(run, "write", sum(map(len, [*program.values(), *own.values()]))) as wrote:
            written = put(repl, program, own, wrote)
        step(run, "read_back")
        wanted = board_files(program, own, written)
        boot = wanted.pop(BOOT)
        read_back(repl, wanted, written)
        start(repl, boot)


def _claim(home: Home, repl: Repl) -> None:
    """One key on two boards would be a cloned terminal. Raises FileError: another board has this terminal's."""
    path = home.path / BOARD_FILE
    this = repl.run("import machine, binascii\nprint(binascii.hexlify(machine.unique_id()).decode())").strip()
    other = path.read_text().strip() if path.exists() else this
    if other != this:
        raise FileError(Problem("on_another_board", str(path), {"other": other, "this": this}))
    write_private(path, f"{this}\n".encode())


def _see_armed(run: Run, usb: Usb, board: Board, settings: Settings, token: str) -> None:
    """Linked, and pressed. Raises BoardError, NotLinked, NotPressed, and as `ask`."""
    step(run, "start")
    event: str | None = None
    with Console(usb, board) as console:
        if until_linked(console):
            step(run, "linked")
        if settings.role != "bell":
            step(run, "press" if token else "press_rings", name=settings.name)
            event = until_receipt(console)
    if token:
        homes.until_hub_says(settings, token, HUB_S_MAX, "not_tested")
    run.tell(
        {"terminal": settings.terminal, "name": settings.name, "port": board.port, "event": event},
        run.say("pico.armed" if event else "pico.bell_armed", name=settings.name),
    )
