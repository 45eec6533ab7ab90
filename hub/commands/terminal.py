"""`firstbell-hub terminal …`: the devices on the walls, and the bells."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import click
import msgspec
from firstbell.fields import is_ipv4_address
from firstbell.jws import HS256
from firstbell.program import PROGRAM_BYTES_MAX, ProgramError, check_program
from firstbell_linux.enrolment import (
    Board,
    EnrolAnswer,
    EnrolmentError,
    EnrolRequest,
    encode,
    fingerprint_of,
    is_address,
    read_message,
    shown,
)
from firstbell_linux.named_file import read_named
from firstbell_linux.private_file import whole_folder, write_private
from firstbell_linux.problems import Problem, reason_of
from firstbell_linux.shell import PATH, command, group

from hub.commands.control import Declined
from hub.commands.found import find
from hub.commands.shell import Run
from hub.dispatch.entries import Algorithm, TerminalRole
from hub.ids import id_of, new_id
from hub.people.accounts import one_line
from hub.places.enrolment import hub_to_find, new_key, usual_wiring, write_home
from hub.places.tokens import TOKEN_MS
from hub.problems import HomeError, HubError, TypedWrongly, Unwelcome
from hub.settings import load_settings
from hub.web.asking import DISK_WAITS
from hub.web.manage import MINUTES_MAX

MINUTES_DEFAULT = 10
_PLACE = ("building", "floor", "place", "way")


def build(run: Run) -> click.Group:
    name, file = click.Argument(["name"]), PATH
    # With the same help in each command.
    plan_options = (
        click.Option(["--zone"], required=True),
        click.Option(["--role"], type=click.Choice(get_args(TerminalRole)), default="wall", show_default=True),
        *(click.Option([f"--{part}"], default="") for part in _PLACE),
        click.Option(["--silent"], is_flag=True),
        click.Option(["--hub", "address"], default="", metavar="HOST:PORT"),
    )
    enrol_options = (
        click.Option(["--to", "folder"], type=file, required=True, metavar="DIR"),
        click.Option(["--algorithm"], type=click.Choice(get_args(Algorithm)), default="EdDSA", show_default=True),
        click.Option(["--simulated"], is_flag=True),
    )
    files = (click.Argument(["request"], type=file), click.Argument(["answer"], type=file))
    minutes = click.Option(
        ["--minutes"], type=click.IntRange(0, MINUTES_MAX), default=MINUTES_DEFAULT, show_default=True
    )
    program = click.Argument(["program"], type=PATH)
    return group(
        run,
        "terminal",
        (
            command(run, "terminal.enrol", enrol, name, *enrol_options, *plan_options),
            command(run, "terminal.token", token, name, *plan_options),
            command(run, "terminal.answer", answer, *files, name, *plan_options),
            command(run, "terminal.list", list_terminals),
            command(run, "terminal.revoke", revoke, name),
            command(run, "terminal.test", test, name, minutes),
            command(run, "terminal.update", update, name, program),
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
    board: Board = "pico" if algorithm == HS256 else "pi"
    _check_address(address, board)
    name, terminal = one_line(name), new_id("t")
    key = new_key(algorithm)
    wiring = usual_wiring(role, board, simulated=simulated)
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
            settings, campus = load_settings(run.home.settings), run.call("GET", "/api/campus")["campus"]["id"]
            hub = hub_to_find(run.home, settings, campus, address)
            write_home(beside, terminal, name, role, key, hub, wiring, silent=silent)
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


def _check_address(address: str, board: Board | None = None) -> None:
    """As a terminal takes it from its settings; `board`, where it is known, as that one does. Raises TypedWrongly."""
    if address and not is_address(address):
        raise TypedWrongly(Problem("address_malformed", address))
    if address and board == "pico" and not is_ipv4_address(address):
        raise TypedWrongly(Problem("address_not_ipv4", address))


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


def token(run: Run, name: str, zone: str, address: str, **plan: object) -> None:
    """One word: whoever brings it to the hub makes its own key this terminal's."""
    _check_address(address)
    zone_id = find(run, "zone", zone)["id"]
    name = one_line(name)
    with _instead(Unwelcome(Problem("too_many_tokens", name))):
        made = run.call("POST", "/api/tokens", {"name": name, "zone": zone_id, "address": address, **plan})
    run.tell(made, run.say("terminal.token", name=name, hours=TOKEN_MS // 3_600_000), made["token"])


def answer(run: Run, request: Path, answer: Path, name: str, zone: str, address: str, **plan: object) -> None:
    """The hub knows the terminal that made `request`, and `answer` is carried back. Again, it is the same."""
    try:
        asked = read_message(request, EnrolRequest)
    except EnrolmentError as error:
        raise TypedWrongly(Problem("request_malformed", str(request))) from error
    _check_address(address, asked.board)
    if answer.exists():
        raise HomeError(Problem("answer_there", str(answer)))
    wanted = {"name": name, "zone": find(run, "zone", zone)["id"], "address": address, **plan}
    with _instead(
        Unwelcome(Problem("request_answered", str(request))),
        TypedWrongly(Problem("bad_key", str(request))),
    ):
        told = run.call("POST", "/api/answers", {"request": msgspec.to_builtins(asked), "plan": wanted})
    said = encode(msgspec.convert(told, EnrolAnswer))
    write_private(answer, said)
    terminal, mark = id_of("t", encode(asked)), shown(fingerprint_of(said))
    run.tell(
        {"id": terminal, "answer": str(answer), "fingerprint": mark},
        run.say("terminal.enrolled", name=one_line(name), id=terminal),
        run.say("terminal.answered", answer=answer),
        f"  {mark}",
    )


@contextmanager
def _instead(*errors: HubError) -> Iterator[None]:
    """Raises the one of these that is called like the hub's refusal, since it says where, and what to do."""
    try:
        yield
    except Declined as declined:
        for error in errors:
            if declined.code == error.problem.name:
                raise error from declined
        raise


def list_terminals(run: Run) -> None:
    campus = run.call("GET", "/api/campus")
    zones = {zone["id"]: zone["name"] for zone in campus["zones"]}
    rows = (
        (
            terminal["name"],
            terminal["id"],
            zones.get(terminal["zone"], terminal["zone"]),
            run.words.listed(filter(None, (terminal["building"], terminal["floor"], terminal["place"]))),
            run.say(f"role.{terminal['role']}"),
            run.say(_link(terminal["linked"], terminal["revoked"])),
            run.words.listed(filter(None, (terminal["software"], _update(run, terminal["update"])))),
        )
        for terminal in campus["terminals"]
    )
    columns = (
        "column.name",
        "column.id",
        "column.zone",
        "column.place",
        "column.role",
        "column.link",
        "column.software",
    )
    run.list({"terminals": campus["terminals"]}, columns, rows, "terminal.none")


def _link(linked: bool | None, revoked: bool) -> str:
    return "link.revoked" if revoked else {True: "link.linked", False: "link.lost", None: "link.unknown"}[linked]


def _update(run: Run, update: dict[str, str] | None) -> str:
    return run.say(f"update.{update['state']}", version=update["version"]) if update else ""


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


def update(run: Run, name: str, program: Path) -> None:
    """Orders it; the node takes it over its link, and `list` says how far it is."""
    data = read_named(program, PROGRAM_BYTES_MAX + 1)
    try:
        version, _ = check_program(data)
    except ProgramError as error:
        raise TypedWrongly(Problem("no_program", str(program))) from error
    terminal = find(run, "terminal", name)
    node = terminal["name"]
    with _instead(
        Unwelcome(Problem("runs_already", node)),
        Unwelcome(Problem("no_node", node)),
        Unwelcome(Problem("not_updatable", node)),
        Unwelcome(Problem("other_protocol", str(program))),
        Unwelcome(Problem("program_unkept", str(program))),
    ):
        run.call("POST", f"/control/terminals/{terminal['id']}/update", {"program": b64encode(data).decode()})
    ordered = run.say("terminal.update_ordered", name=terminal["name"], version=version)
    run.tell({"id": terminal["id"], "version": version}, ordered)
