"""`firstbell-terminal`: the command that a maintainer types.

Exit codes: 0 all right, 1 something is wrong, 2 used wrongly, 3 not found, 4 a pin or this machine, 5 no hub.
Texts come from the catalogue, in the language of FIRSTBELL_LANG or LANG; with `--json`, one object on stdout.
"""

import functools
import io
import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from traceback import print_exc
from typing import Any

import click
import structlog
from click.exceptions import NoArgsIsHelpError
from click.formatting import HelpFormatter
from firstbell_linux.standard_files import open_missing
from rich.console import Console
from rich.table import Table

from terminal import process
from terminal.control import ANSWER_S_MAX, HOLD_MS_MAX, ask, parse_problem, problem_fields
from terminal.doctor import Finding, examine
from terminal.problems import ControlError, HubUnreachable, NotRunning, PanelError, Problem, TerminalError, reason_of
from terminal.settings import Home, check_home, load_settings
from terminal.words import Words, chosen_language, words

NAME = "firstbell-terminal"
TRACEBACK_VARIABLE = "FIRSTBELL_TRACEBACK"
WRONG, USED_WRONGLY, NOT_FOUND, DEVICE, UNREACHABLE = 1, 2, 3, 4, 5


def main() -> None:
    """The entry point: ends the process with the exit code."""
    open_missing()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What was typed may be bytes that are no text, and not every shell can show every character.
        sys.stdout.reconfigure(errors="backslashreplace")
    # What a command has to say it says itself; the daemon's log is made where it is run.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    said = words(chosen_language(os.environ))
    try:
        status = run_typed(said)
    except BrokenPipeError:
        # Nobody reads any more; click and rich end as quietly.
        write_no_more()
        status = WRONG
    except OSError as error:
        # What was to be said can't be written: a full disk.
        write_no_more()
        _tell_problem(said, Problem("system", NAME, {"reason": reason_of(error)}), as_json=False)
        status = DEVICE
    except Exception as error:
        tell_defect(said, error, as_json="--json" in sys.argv)
        status = WRONG
    sys.exit(status)


def write_no_more() -> None:
    """Nor must the interpreter try to, when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run_typed(said: Words) -> int:
    try:
        status = build(said).main(prog_name=NAME, standalone_mode=False)
    except click.UsageError as error:
        tell_usage(said, error, as_json="--json" in sys.argv)
        return USED_WRONGLY
    except UnicodeEncodeError:
        # Bytes that are no text can name a file, and nothing else.
        tell_usage(said, click.UsageError(said.say("usage.no_text")), as_json="--json" in sys.argv)
        return USED_WRONGLY
    except click.Abort:
        return WRONG
    return status if isinstance(status, int) else 0


def exit_code(problem: Problem, error: TerminalError) -> int:
    if isinstance(error, PanelError) or problem.name == "not_simulated":
        return DEVICE
    if isinstance(error, HubUnreachable):
        return UNREACHABLE
    missing = problem.name.endswith("_unreadable") or problem.name in ("no_such_input", "home_of_hub")
    return NOT_FOUND if missing or isinstance(error, NotRunning) else WRONG


def build(said: Words) -> click.Group:
    """The command in one language."""

    class Formatter(HelpFormatter):
        """click's own headings, said in our words."""

        def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
            super().write_usage(prog, args, said.say("usage.usage"))

        def write_heading(self, heading: str) -> None:
            key = f"usage.{heading.lower()}"
            super().write_heading(said.say(key) if said.has(key) else heading)

        def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
            default = said.say("usage.default")
            super().write_dl([(name, text.replace("[default: ", default)) for name, text in rows], col_max, col_spacing)

    class Context(click.Context):
        formatter_class = Formatter

    class Group(click.Group):
        context_class = Context

    class Command(click.Command):
        context_class = Context

        def __init__(self, name: str, **more: Any) -> None:
            super().__init__(name, options_metavar=said.say("usage.options_metavar"), **more)

    home_option = functools.partial(
        click.option, "--home", type=click.Path(path_type=Path), metavar="DIR", help=said.say("help.home")
    )
    help_option = click.help_option("--help", help=said.say("help.help"))
    json_option = click.option("--json", "as_json", is_flag=True, help=said.say("help.json"))

    @click.group(
        NAME,
        cls=Group,
        help=said.say("help.main"),
        options_metavar=said.say("usage.options_metavar"),
        subcommand_metavar=said.say("usage.command_metavar"),
    )
    @home_option(envvar="FIRSTBELL_HOME")
    @help_option
    @click.pass_context
    def group(context: click.Context, home: Path | None) -> None:
        context.obj = home and Home(home)

    def with_home(function: Callable[..., int]) -> Callable[..., int]:
        """Typed before the command or after it; asked for when a command runs, so that its help needs none."""

        def called(*typed: Any, home: Path | None, **named: Any) -> int:
            context = click.get_current_context()
            chosen = Home(home) if home else context.obj
            if chosen is None:
                raise click.MissingParameter(ctx=context, param=group.params[0])
            return function(chosen, *typed, **named)

        return functools.update_wrapper(called, function)

    @group.command("run", cls=Command, help=said.say("help.run"))
    @help_option
    @home_option()
    @with_home
    def run(home: Home) -> int:
        try:
            process.run(home)
        except TerminalError as error:
            return refuse(said, error, as_json=False)
        return 0

    @group.command("press", cls=Command, help=said.say("help.press"))
    @click.argument("input_name", metavar="INPUT")
    @click.option(
        "--hold-ms",
        type=click.IntRange(0, HOLD_MS_MAX),
        default=100,
        show_default=True,
        help=said.say("help.hold_ms"),
    )
    @json_option
    @help_option
    @home_option()
    @with_home
    def press(home: Home, input_name: str, hold_ms: int, as_json: bool) -> int:
        return press_input(said, home, input_name, hold_ms, as_json)

    @group.command("status", cls=Command, help=said.say("help.status"))
    @json_option
    @help_option
    @home_option()
    @with_home
    def status(home: Home, as_json: bool) -> int:
        return show_status(said, home, as_json)

    @group.command("doctor", cls=Command, help=said.say("help.doctor"))
    @json_option
    @help_option
    @home_option()
    @with_home
    def doctor(home: Home, as_json: bool) -> int:
        return show_findings(said, examine(home), as_json)

    return group


def press_input(said: Words, home: Home, name: str, hold_ms: int, as_json: bool) -> int:
    try:
        check_home(home)
        settings = load_settings(home.settings)
        if not settings.simulated.pins:
            raise ControlError(Problem("not_simulated", str(home.path)))
        request = {"do": "press", "input": name, "hold_ms": hold_ms}
        answer = ask(home.control, request, ANSWER_S_MAX + hold_ms / 1000)
    except TerminalError as error:
        return refuse(said, error, as_json)
    if as_json:
        print_json(answer | {"ok": bool(answer["events"])})
    for event in answer["events"]:
        if not as_json:
            what = said.say(f"event.{event['what']}")
            click.echo(said.say("press.counted", input=name, what=what, event=event["event"]))
    if not answer["events"]:
        text = said.say("press.too_short", hold_ms=hold_ms, press_ms_min=settings.press_ms_min)
        click.echo(text, err=True)
        return WRONG
    return 0


def show_status(said: Words, home: Home, as_json: bool) -> int:
    try:
        check_home(home)
        answer = ask(home.control, {"do": "status"})
    except TerminalError as error:
        return refuse(said, error, as_json)
    if as_json:
        print_json(answer)
        return WRONG if answer["problems"] else 0
    table = new_table(2)
    for key, value in status_lines(said, answer):
        table.add_row(said.say(f"status.{key}"), value)
    Console(highlight=False).print(table)
    for fields in answer["problems"]:
        click.echo(sentence(said, parse_problem(fields)))
    return WRONG if answer["problems"] else 0


def status_lines(said: Words, answer: dict[str, Any]) -> list[tuple[str, str]]:
    states = [f"{name} {said.say(f'input.{state}')}" for name, state in answer["inputs"].items()]
    linked = said.say("status.linked_yes", address=answer["address"])
    error_ms = answer["clock_error_ms"]
    clock = said.say("status.no_clock") if error_ms is None else said.say("status.clock_ms", error_ms=error_ms)
    return [
        ("name", answer["name"]),
        ("terminal", answer["terminal"]),
        ("role", said.say(f"role.{answer['role']}")),
        ("linked", linked if answer["linked"] else said.say("status.linked_no")),
        ("light", said.say(f"light.{answer['light']}")),
        ("sound", said.say(f"sound.{answer['sound']}")),
        ("inputs", ", ".join(states) or said.say("status.none")),
        ("pending", str(answer["pending"])),
        ("kept", str(answer["kept"])),
        ("clock", clock),
        ("boot", str(answer["boot"])),
    ]


def show_findings(said: Words, findings: list[Finding], as_json: bool) -> int:
    wrong = [finding for finding in findings if not finding.ok]
    if as_json:
        print_json({"ok": not wrong, "findings": [finding_fields(said, finding) for finding in findings]})
        return WRONG if wrong else 0
    table = new_table(3)
    for finding in findings:
        verdict = said.say("doctor.stopped" if finding.stopped else "doctor.ok" if finding.ok else "doctor.wrong")
        detail = finding.detail if finding.problem is None else sentence(said, finding.problem)
        table.add_row(said.say(f"doctor.{finding.part}"), verdict, detail)
    Console(highlight=False).print(table)
    all_well = "doctor.well_but_stopped" if any(finding.stopped for finding in findings) else "doctor.all_well"
    click.echo(said.say("doctor.found", count=len(wrong)) if wrong else said.say(all_well))
    return WRONG if wrong else 0


def finding_fields(said: Words, finding: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "part": finding.part,
        "ok": finding.ok,
        "detail": finding.detail,
    }
    if finding.problem is not None:
        fields["problem"] = told(said, finding.problem)
    return fields


def told(said: Words, problem: Problem) -> dict[str, Any]:
    return problem_fields(problem) | {"what": said.what(problem), "do": said.to_do(problem)}


def sentence(said: Words, problem: Problem) -> str:
    return said.say("problem", what=said.what(problem), where=problem.where, do=said.to_do(problem))


def refuse(said: Words, error: TerminalError, as_json: bool) -> int:
    if as_json:
        print_json({"ok": False, "problem": told(said, error.problem)})
    click.echo(sentence(said, error.problem), err=True)
    return exit_code(error.problem, error)


def tell_usage(said: Words, error: click.UsageError, *, as_json: bool) -> None:
    """What was typed wrongly, and where the help is."""
    path = error.ctx.command_path if error.ctx is not None else NAME
    problem = Problem("usage", path, {"what": explain_usage(said, error), "command": path})
    if isinstance(error, NoArgsIsHelpError):
        click.echo(error.format_message(), err=True)
    _tell_problem(said, problem, as_json)


def tell_defect(said: Words, error: Exception, *, as_json: bool) -> None:
    """A defect of ours. A person gets a sentence; whoever mends it asks for the traceback."""
    if os.environ.get(TRACEBACK_VARIABLE):
        print_exc()
    problem = Problem("defect", NAME, {"error": f"{type(error).__name__}: {error}", "variable": TRACEBACK_VARIABLE})
    _tell_problem(said, problem, as_json)


def _tell_problem(said: Words, problem: Problem, as_json: bool) -> None:
    if as_json:
        print_json({"ok": False, "problem": told(said, problem)})
    click.echo(f"{said.what(problem)}\n{said.to_do(problem)}", err=True)


def explain_usage(said: Words, error: click.UsageError) -> str:
    parameter = getattr(error, "param", None)
    name = parameter.get_error_hint(error.ctx) if parameter is not None and error.ctx is not None else ""
    match error:
        case click.NoSuchOption():
            return said.say("usage.no_such_option", name=error.option_name)
        case click.NoSuchCommand():
            return said.say("usage.no_such_command", name=error.command_name)
        case click.BadOptionUsage():
            return said.say("usage.bad_option", name=error.option_name)
        case click.MissingParameter():
            return said.say("usage.missing", name=name)
        case click.BadParameter(param=click.Parameter(type=click.IntRange() as numbers)):
            return said.say("usage.bad_value", name=name, reason=f"{numbers.min}…{numbers.max}")
        case NoArgsIsHelpError() | click.UsageError(message="Missing command."):
            return said.say("usage.no_command")
        case _ if error.message.startswith("Got unexpected extra argument"):
            return said.say("usage.too_much", extra=error.message.partition("(")[2].removesuffix(")"))
        case _:
            return error.message


def new_table(columns: int) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    for _ in range(columns - 1):
        # Chinese has no blanks to break at.
        table.add_column(overflow="fold")
    return table


def print_json(value: dict[str, Any]) -> None:
    click.echo(json.dumps(value, ensure_ascii=False))
