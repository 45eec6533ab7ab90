"""What every command shares: its language, its home, how it says things, and with which exit code it ends.

A command is a plain function `(run, **what was typed)`; `command` makes click's object of it, with its help from the
catalogue. Errors that a person can meet become sentences here, and nowhere else.
"""

import json
import os
import re
import sqlite3
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from traceback import print_exc
from typing import Any
from unicodedata import category

import click
from click.exceptions import NoArgsIsHelpError
from click.formatting import HelpFormatter
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hub.commands.control import Declined, call
from hub.dispatch.requests import Refused
from hub.home import Home
from hub.ledger.errors import LedgerError
from hub.problems import HubError, HubUnreachable, NotFound, Problem, TypedWrongly, reason_of
from hub.words import Words

NAME = "firstbell-hub"
HOME_VARIABLE = "FIRSTBELL_HOME"
TRACEBACK_VARIABLE = "FIRSTBELL_TRACEBACK"
OK, FAILED, USED_WRONGLY, NOT_FOUND, DEVICE, UNREACHABLE = 0, 1, 2, 3, 4, 5
_EXIT_CODES = {TypedWrongly: USED_WRONGLY, NotFound: NOT_FOUND, HubUnreachable: UNREACHABLE}
_TYPED_WRONGLY = ("bad_text", "pin_digits", "pin_simple", "malformed", "no_role", "http_413")
"""Refusals of what was typed: as if the command itself had refused it."""
_NOT_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""General categories of Unicode: control and format characters, half characters, separators of lines."""


@dataclass(slots=True)
class Run:
    """One run of a command."""

    words: Words
    context_class: type[click.Context]
    typed_folder: Path | None = None
    as_json: bool = False

    @property
    def folder(self) -> Path | None:
        """What was typed, wherever it stood; only else what the environment says."""
        named = os.environ.get(HOME_VARIABLE)
        return self.typed_folder or (Path(named) if named else None)

    def say(self, key: str, /, **fields: object) -> str:
        return self.words.say(key, **fields)

    @property
    def home(self) -> Home:
        """The hub's home. Raises click.UsageError when none was given, NotFound when it is none."""
        if self.folder is None:
            raise click.UsageError(self.say("usage.no_home", variable=HOME_VARIABLE))
        home = Home(self.folder)
        if home.settings.exists() and not home.keys.exists():
            raise NotFound(Problem("home_of_other", str(self.folder)))
        if not home.settings.exists() and home.keys.exists():
            raise NotFound(Problem("settings_gone", str(self.folder)))
        if not home.settings.exists():
            raise NotFound(Problem("no_home", str(self.folder)))
        return home

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What the running hub answers. Raises Declined, HubUnreachable, and as `home`."""
        return call(self.home.control, method, path, body)

    def tell(self, data: dict[str, Any], *lines: str) -> None:
        """The result: `data` with --json, else the lines."""
        with _printing():
            if self.as_json:
                click.echo(json.dumps(data, ensure_ascii=False))
            else:
                for line in lines:
                    click.echo(_printable_lines(line))

    def list(self, data: dict[str, Any], columns: Sequence[str], rows: Iterable[Sequence[str]], nothing: str) -> None:
        """The result as a table; `columns` are keys of the catalogue, as is `nothing`, said when there are no rows."""
        listed = list(rows)
        if self.as_json or not listed:
            self.tell(data, self.say(nothing))
            return
        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for column in columns:
            table.add_column(self.say(column), overflow="fold")
        for row in listed:
            table.add_row(*(Text(printable(cell)) for cell in row))
        # What is read by a program is not cut to the width of a screen.
        width = None if sys.stdout.isatty() else 1_000
        with _printing():
            Console(width=width, highlight=False).print(table)

    def note(self, line: str) -> None:
        """Something beside the result."""
        click.echo(_printable_lines(line), err=True)


class _CannotPrint(Exception):
    """Standard output does not take what the command says; `__cause__` is the OSError."""


@contextmanager
def _printing() -> Iterator[None]:
    """Raises _CannotPrint, BrokenPipeError."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _CannotPrint from error


def printable(text: str) -> str:
    """As it can be shown in one line: what would move a screen's cursor or turn its text around becomes its number."""
    return "".join(one.encode("unicode_escape").decode() if category(one) in _NOT_SHOWN else one for one in text)


def _printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def command(run: Run, key: str, function: Callable[..., int | None], *parameters: click.Parameter) -> click.Command:
    """The command whose last word and texts are those of `key`, e.g. "guard.add"; `function` returns the exit code."""
    for parameter in parameters:
        if isinstance(parameter, click.Option) and parameter.help is None:
            parameter.help = run.say(f"help.{key}.{parameter.name}")

    def callback(home: Path | None, as_json: bool, **typed: Any) -> int:
        run.typed_folder = home or run.typed_folder
        run.as_json = run.as_json or as_json
        return attempt(run, lambda: function(run, **typed))

    made = click.Command(
        key.rpartition(".")[2].replace("_", "-"),
        callback=callback,
        params=[*parameters, *common(run, key)],
        help=run.say(f"help.{key}"),
        short_help=_first_sentence(run.say(f"help.{key}")),
        add_help_option=False,
        options_metavar=run.say("usage.options_metavar"),
    )
    made.context_class = run.context_class
    return made


def group(run: Run, key: str, commands: Iterable[click.Command]) -> click.Group:
    """The commands of one noun."""
    made = click.Group(
        key,
        help=run.say(f"help.{key}"),
        params=[_help(run)],
        add_help_option=False,
        options_metavar="",
        subcommand_metavar=run.say("usage.command_metavar"),
    )
    made.context_class = run.context_class
    for one in commands:
        made.add_command(one)
    return made


def _first_sentence(text: str) -> str:
    """What a list of commands has room for. Chinese has no blanks that click could break at."""
    return re.split(r"(?<=。)|(?<=\.)\s", text, maxsplit=1)[0]


def common(run: Run, key: str = "") -> list[click.Parameter]:
    """The options that every command has; the one of `key` may mean another home than the hub's."""
    home_help = run.words.word(f"help.{key}.home", run.say("help.home"))
    home = click.Option(["--home"], type=click.Path(path_type=Path), metavar="DIR", help=home_help)
    as_json = click.Option(["--json", "as_json"], is_flag=True, help=run.say("help.json"))
    return [home, as_json, _help(run)]


def _help(run: Run) -> click.Option:
    def show(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            click.echo(context.get_help())
            context.exit()

    return click.Option(
        ["--help"], is_flag=True, expose_value=False, is_eager=True, help=run.say("help.help"), callback=show
    )


def attempt(run: Run, work: Callable[[], int | None]) -> int:
    """Does it; what goes wrong is said, and becomes an exit code."""
    try:
        return work() or OK
    except Declined as declined:
        return _refuse(run, declined.code)
    except Refused as refused:
        return _refuse(run, refused.reason)
    except HubError as error:
        complain(run, error.problem)
        return _EXIT_CODES.get(type(error), FAILED)
    except (LedgerError, sqlite3.Error) as error:
        complain(run, Problem("ledger_unreadable", str(run.folder), {"reason": str(error)}))
        return FAILED
    except UnicodeEncodeError as error:
        # Bytes that are no text can name a file, and nothing else.
        raise click.UsageError(run.say("usage.no_text")) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        where = str(error.filename or run.folder or "")
        complain(run, Problem("system", where, {"reason": reason_of(error)}))
        return DEVICE


def _refuse(run: Run, code: str) -> int:
    why = run.words.refused(code)
    run.note(run.say("refused.sentence", why=why))
    _tell_problem(run, code, "", why)
    if code.startswith("unknown_") or code == "http_404":
        return NOT_FOUND
    return USED_WRONGLY if code in _TYPED_WRONGLY else FAILED


def complain(run: Run, problem: Problem) -> None:
    """What, where, what to do."""
    _tell_problem(run, problem.name, problem.where, _note_problem(run, problem))


def warn_of_open(run: Run, home: Home) -> None:
    """Beside the result: what others on this machine are let in to."""
    for path in home.open_to_others():
        mode = stat.S_IMODE(path.stat().st_mode)
        _note_problem(run, Problem("open_to_others", str(path), {"mode": f"{mode:04o}"}))


def _note_problem(run: Run, problem: Problem) -> str:
    what, to_do = run.words.problem(problem)
    run.note(run.say("problem.sentence", what=what, where=problem.where, do=to_do))
    return what


def _tell_problem(run: Run, name: str, where: str, what: str) -> None:
    if run.as_json:
        run.tell({"problem": name, "where": where, "what": what})


def read_pin(run: Run, *, new: bool) -> str:
    """A PIN from the keyboard, unseen, a new one twice; or the next line of what is piped in. Raises TypedWrongly."""
    if not sys.stdin.isatty():
        try:
            pin = sys.stdin.readline().strip()
        except UnicodeDecodeError:
            pin = ""
        if not pin:
            raise TypedWrongly(Problem("no_pin", run.say("usage.input")))
        return pin
    while True:
        pin = str(click.prompt(run.say("prompt.pin"), hide_input=True, err=True))
        if not new or pin == click.prompt(run.say("prompt.pin_again"), hide_input=True, err=True):
            return pin
        run.note(run.say("prompt.pin_differs"))


# ── click's own words, in ours ──────────────────────────────────────────────────────────────────────────────


class _Formatter(HelpFormatter):
    words: Words

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, self.words.say("usage.usage"))

    def write_heading(self, heading: str) -> None:
        super().write_heading(self.words.word(f"usage.{heading.lower()}", heading))

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        required, default = self.words.say("usage.required"), self.words.say("usage.default")
        said = [(name, text.replace("[required]", required).replace("[default: ", default)) for name, text in rows]
        super().write_dl(said, col_max, col_spacing)


def main(build: Callable[[Run], click.Group], words: Words, arguments: Sequence[str]) -> int:
    """Runs what was typed; returns the exit code."""
    try:
        return _main(build, words, arguments)
    except BrokenPipeError:
        # Nobody reads any more; click and rich end as quietly.
        _write_no_more()
        return FAILED
    except (_CannotPrint, OSError) as error:
        # The second is click's, with a help.
        _write_no_more()
        cause = error.__cause__ or error
        run = Run(words, click.Context)
        reason = reason_of(cause) if isinstance(cause, OSError) else str(cause)
        _note_problem(run, Problem("cannot_print", run.say("usage.output"), {"reason": reason}))
        return DEVICE


def _write_no_more() -> None:
    """Nor must the interpreter try to, when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(build: Callable[[Run], click.Group], words: Words, arguments: Sequence[str]) -> int:
    formatter = type("Formatter", (_Formatter,), {"words": words})
    run = Run(words, type("Context", (click.Context,), {"formatter_class": formatter}))
    try:
        status = build(run).main(list(arguments), prog_name=NAME, standalone_mode=False)
    except click.UsageError as error:
        # What was typed wrongly may have kept click from telling that --json was typed.
        run.as_json = run.as_json or "--json" in arguments
        path = error.ctx.command_path if error.ctx is not None else NAME
        what = explain_usage(words, error)
        if isinstance(error, NoArgsIsHelpError):
            run.note(error.format_message())
        run.note(run.say("usage.sentence", what=what, command=path))
        _tell_problem(run, "usage", path, what)
        return USED_WRONGLY
    except (click.Abort, KeyboardInterrupt):
        run.note(run.say("usage.aborted"))
        _tell_problem(run, "aborted", "", run.say("usage.aborted"))
        return FAILED
    except (_CannotPrint, OSError):
        raise
    except Exception as error:
        # A defect of ours. A person gets a sentence; whoever mends it asks for the traceback.
        if os.environ.get(TRACEBACK_VARIABLE):
            print_exc()
        what = run.say("usage.defect", error=f"{type(error).__name__}: {error}", variable=TRACEBACK_VARIABLE)
        run.note(what)
        _tell_problem(run, "defect", "", what)
        return FAILED
    return status if isinstance(status, int) else OK


def _values(parameter: click.Parameter | None) -> str:
    """What may stand there, where that can be said without words."""
    match parameter.type if parameter is not None else None:
        case click.Choice() as choice:
            return " | ".join(map(str, choice.choices))
        case click.IntRange() as numbers:
            return f"{numbers.min}…{numbers.max}"
    return ""


def explain_usage(words: Words, error: click.UsageError) -> str:
    """What was typed wrongly."""
    parameter = getattr(error, "param", None)
    name = parameter.get_error_hint(error.ctx) if parameter is not None and error.ctx is not None else ""
    match error:
        case click.NoSuchOption():
            return words.say("usage.no_such_option", name=error.option_name)
        case click.NoSuchCommand():
            return words.say("usage.no_such_command", name=error.command_name)
        case click.BadOptionUsage():
            return words.say("usage.bad_option", name=error.option_name)
        case click.MissingParameter():
            return words.say("usage.missing", name=name)
        case click.BadParameter():
            return words.say("usage.bad_value", name=name, reason=_values(parameter) or error.message)
        case NoArgsIsHelpError() | click.UsageError(message="Missing command."):
            return words.say("usage.no_command")
        case _ if error.message.startswith("Got unexpected extra argument"):
            return words.say("usage.too_much", extra=error.message.partition("(")[2].removesuffix(")"))
        case _:
            return error.message
