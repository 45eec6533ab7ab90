"""`firstbell-flash list`: what is plugged in and can be flashed."""

import click
from firstbell_flash.find_boards import Usb
from firstbell_linux.shell import Run, command


def build(run: Run) -> click.Command:
    return command(run, "list", list_boards)


def list_boards(run: Run) -> None:
    usb = Usb()
    boards, drives = usb.boards(), usb.drives()
    rows = [(board.port, run.say("list.board"), board.serial) for board in boards]
    for drive in drives:
        kind = "list.drive" if drive.folder else "list.unmounted"
        rows.append((str(drive.folder or drive.device), run.say(kind), ""))
    data = {
        "boards": [{"port": board.port, "serial": board.serial} for board in boards],
        "drives": [{"device": drive.device, "folder": drive.folder and str(drive.folder)} for drive in drives],
    }
    run.list(data, ("column.where", "column.what", "column.serial"), rows, "list.nothing")
