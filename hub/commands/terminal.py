"""`firstbell-hub terminal …`: the devices on the walls, and the bells."""

import re
from pathlib import Path
from typing import get_args

import click
from firstbell.jws import HS256
from firstbell_linux.problems import Problem, reason_of
from firstbell_linux.shell import command, group

from hub.commands.control import Declined
from hub.commands.found import find
from hub.commands.shell import Run
from hub.dispatch.entries import Algorithm, TerminalRole
from hub.ids import new_id
from hub.people.accounts import one_line
from hub.places.enrolment import HubToFind, new_key, usual_wiring, write_home
from hub.places.log_keys import load_vkey
from hub.private_file import whole_folder
from hub.problems import HomeError, HubError, TypedWrongly
from hub.settings import load_settings
from hub.web.asking import DISK_WAITS
from hub.web.manage import MINUTES_MAX

MINUTES_DEFAULT = 10
PORT_MAX = 65_535
_PLACE = ("building", "floor", "place", "way")


def build(run: Run) -> click.Group:
    name = click.Argument(["name"])
    enrol_options = (
        click.Option(["--zone"], required=True),
        click.Option(["--to", "folder"], type=click.Path(path_type=Path), required=True, metavar="DIR"),
        click.Option(["--role"], type=click.Choice(get_args(TerminalRole)), default="wall", show_default=True),
        *(click.Option([f"--{part}"], default="") for part in _PLACE),
        click.Option(["--silent"], is_flag=True),
        click.Option(["--algorithm"], type=click.Choice(get_args(Algorithm)), default="EdDSA", show_default=True),
        click.Option(["--hub", "address"], default="", metavar="HOST:PORT"),
        click.Option(["--simulated"], is_flag=True),
    )
    minutes = click.Option(
        ["--minutes"], type=click.IntRange(0, MINUTES_MAX), default=MINUTES_DEFAULT, show_default=True
    )
    return group(
        run,
        "terminal",
        (
            command(run, "terminal.enrol", enrol, name, *enrol_options),
            command(run, "terminal.list", list_terminals),
            command(run, "terminal.revoke", revoke, name),
            command(run, "terminal.test", test, name, minutes),
        ),
    )


def enrol(
    run: Run,
    name: str,
    zone: str,
    folder: Path,
    role: TerminalRole,
    silent: bool,
    algorithm: Algorithm,
    address: str,
    simulated: bool,
    **place: str,
) -> None:
    """The hub knows the terminal, and `folder` is what is carried to it; if the folder can't be made, neither."""
    _check_address(address)
    name, terminal = one_line(name), new_id("t")
    key = new_key(algorithm)
    wiring = usual_wiring(role, "pico" if algorithm == HS256 else "pi", simulated=simulated)
    body = {
        "id": terminal,
        "name": name,
        "zone": find(run, "zone", zone)["id"],
        "role": role,
        "algorithm": algorithm,
        "key": key.told,
        "inputs": {input_name: kind for input_name, (kind, _pin) in wiring.inputs.items()},
        "silent": silent,
        **place,
    }
    asked = late = False
    try:
        with whole_folder(folder) as beside:
            write_home(beside, terminal, name, role, key, _hub_to_find(run, address), wiring, silent=silent)
            asked = True
            late = _ask_to_enrol(run, body)
    except (OSError, HubError, KeyboardInterrupt) as error:
        if asked:
            _take_back(run, terminal, error)
        if isinstance(error, FileExistsError):
            raise HomeError(Problem("folder_not_empty", str(folder))) from error
        raise
    if late:
        run.note(run.say("terminal.late", name=name))
    run.tell(
        {"id": terminal, "folder": str(folder), "recorded": not late},
        run.say("terminal.enrolled", name=name, id=terminal),
        run.say("terminal.carry", folder=folder),
    )


def _ask_to_enrol(run: Run, body: dict[str, object]) -> bool:
    """Whether the hub has taken it and its disk has not yet. Raises Declined, HubError."""
    try:
        run.call("POST", "/api/terminals", body)
    except Declined as answer:
        if answer.code != DISK_WAITS:
            raise
        return True
    return False


def _check_address(address: str) -> None:
    """As a terminal takes it from its settings. Raises TypedWrongly."""
    found = re.fullmatch(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})", address)
    if address and not (found and 0 < int(found[1]) <= PORT_MAX):
        raise TypedWrongly(Problem("address_malformed", address))


def _take_back(run: Run, terminal: str, why: BaseException) -> None:
    """The hub forgets a terminal that has no folder. Raises HomeError: it can't be told."""
    try:
        run.call("DELETE", f"/api/terminals/{terminal}")
    except Declined as answer:
        if answer.code in (DISK_WAITS, "unknown_terminal"):
            return
        raise HomeError(_left(terminal, why)) from answer
    except HubError as error:
        raise HomeError(_left(terminal, why)) from error


def _left(terminal: str, why: BaseException) -> Problem:
    return Problem("terminal_left", terminal, {"reason": reason_of(why) if isinstance(why, OSError) else str(why)})


def _hub_to_find(run: Run, address: str) -> HubToFind:
    home = run.home
    return HubToFind(
        campus=run.call("GET", "/api/campus")["campus"]["id"],
        server_name=load_settings(home.settings).names[0],
        address=address,
        ca_pem=(home.keys / "ca.pem").read_bytes(),
        vkey=load_vkey(home.vkey).text(),
    )


def list_terminals(run: Run) -> None:
    campus = run.call("GET", "/api/campus")
    zones = {zone["id"]: zone["name"] for zone in campus["zones"]}
    rows = (
        (
            terminal["name"],
            terminal["id"],
            zones.get(terminal["zone"], terminal["zone"]),
            run.say("list.join").join(filter(None, (terminal["building"], terminal["floor"], terminal["place"]))),
            run.say(f"role.{terminal['role']}"),
            run.say(_link(terminal["linked"], terminal["revoked"])),
        )
        for terminal in campus["terminals"]
    )
    columns = ("column.name", "column.id", "column.zone", "column.place", "column.role", "column.link")
    run.list({"terminals": campus["terminals"]}, columns, rows, "terminal.none")


def _link(linked: bool | None, revoked: bool) -> str:
    return "link.revoked" if revoked else {True: "link.linked", False: "link.lost", None: "link.unknown"}[linked]


def revoke(run: Run, name: str) -> None:
    terminal = find(run, "terminal", name)
    run.call("DELETE", f"/api/terminals/{terminal['id']}")
    run.tell({"id": terminal["id"]}, run.say("terminal.revoked", name=terminal["name"]))


def test(run: Run, name: str, minutes: int) -> None:
    """Marks its presses as tests for so many minutes; 0 ends that."""
    terminal = find(run, "terminal", name)
    path = f"/api/terminals/{terminal['id']}/test"
    if minutes == 0:
        run.call("DELETE", path)
        run.tell({"id": terminal["id"]}, run.say("terminal.test_ended", name=terminal["name"]))
        return
    answer = run.call("POST", path, {"minutes": minutes})
    run.tell(answer, run.say("terminal.tested", name=terminal["name"], minutes=minutes))
