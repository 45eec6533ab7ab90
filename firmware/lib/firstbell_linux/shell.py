"""What every command shares: its language, how it says things, and with which exit code it ends.

A command is a plain function `(run, **what was typed)`; `command` makes click's object of it, with its help from the
catalogue. Errors that a person can meet become sentences here, and nowhere else.
"""

import io
import json
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import print_exc
from typing import Any, ClassVar, TypeVar

import click
from click.exceptions import NoArgsIsHelpError
from click.formatting import HelpFormatter
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from firstbell_linux.problems import DEVICE, FAILED, NOT_FOUND, OK, USED_WRONGLY, Problem, ProblemError, reason_of
from firstbell_linux.standard_files import open_missing
from firstbell_linux.words import Words, printable

TRACEBACK_VARIABLE = "FIRSTBELL_TRACEBACK"
PATH = click.Path(path_type=Path, readable=False)
"""Of a file or folder. Whether it can be read is seen, and said, where it is read."""


class Run:
    """One run of the command `name`."""

    name: ClassVar[str]

    def __init__(self, words: Words) -> None:
        self.words = words
        self.as_json = False
        formatter = type("Formatter", (_Formatter,), {"words": words})
        self.context_class = type("Context", (click.Context,), {"formatter_class": formatter})

    def options(self, key: str) -> list[click.Parameter]:
        """Those that every command has; `key` is the command's, "" for all of them."""
        return [click.Option(["--json", "as_json"], is_flag=True, help=self.say("help.json")), _help(self)]

    def take(self, typed: dict[str, Any]) -> None:
        """What was typed for `options`, before the command or after it; takes it out of `typed`."""
        self.as_json = typed.pop("as_json") or self.as_json

    def attempt(self, work: Callable[[], int | None]) -> int:
        """Does it; what goes wrong is said, and becomes an exit code."""
        try:
            return work() or OK
        except ProblemError as error:
            self.complain(error.problem)
            return error.exit_code
        except UnicodeEncodeError as error:
            # Bytes that are no text can name a file, and nothing else.
            raise click.UsageError(self.say("usage.no_text")) from error
        except BrokenPipeError:
            raise
        except FileNotFoundError as error:
            self.complain(Problem("not_there", str(error.filename or self.name)))
            return NOT_FOUND
        except OSError as error:
            self.complain(Problem("system", str(error.filename or self.name), {"reason": reason_of(error)}))
            return DEVICE

    # ── what it says ─────────────────────────────────────────────────────────────────────────────────────────

    def say(self, key: str, /, **fields: object) -> str:
        return self.words.say(key, **fields)

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
            table.add_column(self.say(column))
        self._print(table, listed)

    def fields(self, data: dict[str, Any], rows: Iterable[Sequence[str]], *lines: str) -> None:
        """The result: `data` with --json, else rows of a word and what is said of it, and the lines."""
        if not self.as_json:
            self._print(Table(box=None, show_header=False, pad_edge=False), list(rows))
        self.tell(data, *lines)

    def _print(self, table: Table, rows: Sequence[Sequence[str]]) -> None:
        for row in rows:
            table.add_row(*(Text(_printable_lines(cell)) for cell in row))
        for column in table.columns:
            # Chinese has no blanks to break at.
            column.overflow = "fold"
        # What is read by a program is not cut to the width of a screen.
        width = None if sys.stdout.isatty() else 1_000
        with _printing():
            Console(width=width, highlight=False).print(table)

    def note(self, line: str) -> None:
        """Something beside the result."""
        click.echo(_printable_lines(line), err=True)

    def complain(self, problem: Problem) -> None:
        """What, where, what to do: a person reads it on stderr, a program on stdout."""
        what, to_do = self.words.problem(problem)
        self.note(self.sentence(problem))
        self.tell_problem(problem.name, problem.where, what, to_do)

    def sentence(self, problem: Problem) -> str:
        what, to_do = self.words.problem(problem)
        return self.say("problem.sentence", what=what, where=printable(problem.where), do=to_do)

    def tell_problem(self, name: str, where: str, what: str, to_do: str) -> None:
        if self.as_json:
            self.tell({"problem": name, "where": where, "what": what, "do": to_do})


class HomeRun(Run):
    """One that is about a folder, which was typed or else stands in the environment."""

    home_variable: ClassVar[str] = "FIRSTBELL_HOME"

    def __init__(self, words: Words) -> None:
        super().__init__(words)
        self.typed_folder: Path | None = None

    @property
    def folder(self) -> Path | None:
        named = os.environ.get(self.home_variable)
        return self.typed_folder or (Path(named) if named else None)

    @property
    def given_folder(self) -> Path:
        """Raises click.UsageError when none was given."""
        if self.folder is None:
            raise click.UsageError(self.say("usage.no_home", variable=self.home_variable))
        return self.folder

    def options(self, key: str) -> list[click.Parameter]:
        """The home of some commands is another one than the others'."""
        home_help = self.words.word(f"help.{key}.home", self.say("help.home"))
        home = click.Option(["--home"], type=PATH, metavar="DIR", help=home_help)
        return [home, *super().options(key)]

    def take(self, typed: dict[str, Any]) -> None:
        super().take(typed)
        self.typed_folder = typed.pop("home") or self.typed_folder


R = TypeVar("R", bound=Run)


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


def _printable_lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def command(run: Run, key: str, function: Callable[..., int | None], *parameters: click.Parameter) -> click.Command:
    """The command whose last word and texts are those of `key`, e.g. "guard.add"; `function` returns the exit code."""
    for parameter in parameters:
        if isinstance(parameter, click.Option) and parameter.help is None:
            parameter.help = run.say(f"help.{key}.{parameter.name}")

    def callback(**typed: Any) -> int:
        run.take(typed)
        return run.attempt(lambda: function(run, **typed))

    made = click.Command(
        key.rpartition(".")[2].replace("_", "-"),
        callback=callback,
        params=[*parameters, *run.options(key)],
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


def root(run: Run, commands: Iterable[click.Command]) -> click.Group:
    """The program itself: what every command takes may stand before it, too."""
    made = group(run, run.name, commands)
    made.params = run.options("")
    made.callback = lambda **typed: run.take(typed)
    made.options_metavar = run.say("usage.options_metavar")
    return made


def _first_sentence(text: str) -> str:
    """What a list of commands has room for. Chinese has no blanks that click could break at."""
    return re.split(r"(?<=。)|(?<=\.)\s", text, maxsplit=1)[0]


def _help(run: Run) -> click.Option:
    def show(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
        if wanted and not context.resilient_parsing:
            click.echo(context.get_help())
            context.exit()

    return click.Option(
        ["--help"], is_flag=True, expose_value=False, is_eager=True, help=run.say("help.help"), callback=show
    )


# ── click's own words, in ours ──────────────────────────────────────────────────────────────────────────────


class _Formatter(HelpFormatter):
    words: Words

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        super().write_usage(prog, args, self.words.say("usage.usage"))

    def write_heading(self, heading: str) -> None:
        said = self.words.word(f"usage.{heading.lower()}", f"{heading}:")
        self.write(f"{'':>{self.current_indent}}{said}\n")

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        required, default = self.words.say("usage.required"), self.words.say("usage.default")
        said = [(name, text.replace("[required]", required).replace("[default: ", default)) for name, text in rows]
        super().write_dl(said, col_max, col_spacing)


def main(run: R, build: Callable[[R], click.Group], arguments: Sequence[str]) -> int:
    """Runs what was typed; returns the exit code."""
    open_missing()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What was typed may be bytes that are no text, and not every shell can show every character.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        return _main(run, lambda: build(run), arguments)
    except BrokenPipeError:
        # Nobody reads any more; click and rich end as quietly.
        _write_no_more()
        return FAILED
    except (_CannotPrint, OSError) as error:
        # The second is click's, with a help.
        _write_no_more()
        cause = error.__cause__ or error
        reason = reason_of(cause) if isinstance(cause, OSError) else str(cause)
        run.note(run.sentence(Problem("cannot_print", run.say("usage.output"), {"reason": reason})))
        return DEVICE


def _write_no_more() -> None:
    """Nor must the interpreter try to, when it flushes at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _main(run: Run, build: Callable[[], click.Group], arguments: Sequence[str]) -> int:
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = build().main(list(arguments), prog_name=run.name, standalone_mode=False)
    except click.UsageError as error:
        # What was typed wrongly may have kept click from telling that --json was typed.
        run.as_json = "--json" in arguments
        path = error.ctx.command_path if error.ctx is not None else run.name
        what = explain_usage(run.words, error)
        if isinstance(error, NoArgsIsHelpError):
            run.note(error.format_message())
        to_do = run.say("usage.do", command=path)
        run.note(f"{what}\n{to_do}")
        run.tell_problem("usage", path, what, to_do)
        return USED_WRONGLY
    except (click.Abort, KeyboardInterrupt):
        run.note(run.say("usage.aborted"))
        run.tell_problem("aborted", "", run.say("usage.aborted"), "")
        return FAILED
    except (_CannotPrint, OSError):
        raise
    except Exception as error:
        # A defect of ours. A person gets a sentence; whoever mends it asks for the traceback.
        if os.environ.get(TRACEBACK_VARIABLE):
            print_exc()
        run.as_json = "--json" in arguments
        what = run.say("usage.defect", error=f"{type(error).__name__}: {error}")
        to_do = run.say("usage.report", variable=TRACEBACK_VARIABLE)
        run.note(f"{what}\n{to_do}")
        run.tell_problem("defect", "", what, to_do)
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
