"""Where a terminal's folder comes from: it is there, or the hub fills it, over the network or by a stick."""

import shlex
import sys
import time
from pathlib import Path
from typing import Any, Literal

import click
from firstbell_flash.dialogue import step
from firstbell_flash.enrol import ask, begin_offline, enrol, finish_offline, token_of
from firstbell_flash.problems import FileError, NotPressed
from firstbell_linux.problems import Problem
from firstbell_linux.shell import PATH, Run

from terminal.credentials import load_ca, load_key, load_vkey
from terminal.settings import Home, Settings, check_home, check_real, load_settings

LOOK_S = 0.5
Board = Literal["pi", "pico"]
_ALGORITHMS = {"pi": "EdDSA", "pico": "HS256"}


def from_option() -> click.Option:
    """Its name is needed, and "." is none."""
    folder = click.Path(path_type=Path, readable=False, resolve_path=True)
    return click.Option(["--from", "folder"], type=folder, required=True, metavar="DIR")


def enrol_options() -> tuple[click.Option, ...]:
    file: dict[str, Any] = {"type": PATH, "metavar": "FILE"}
    return (
        click.Option(["--token"], is_flag=True),
        click.Option(["--request"], **file),
        click.Option(["--answer"], **file),
    )


def check_way(run: Run, board: Board, folder: Path, token: bool, request: Path | None, answer: Path | None) -> None:
    """One way alone; by none of them, `folder` is filled already. Raises click.UsageError, and as `settings_for`."""
    ways = sum((token, request is not None, answer is not None))
    if ways > 1:
        raise click.UsageError(run.say("homes.one_way"))
    if ways == 0:
        settings_for(Home(folder), board)


def ask_hub(run: Run, board: Board, folder: Path, request: Path, dry_run: bool) -> None:
    """The request that is carried to the hub."""
    if not dry_run:
        begin_offline(board, folder, request)
    said = "homes.would_request" if dry_run else "homes.requested"
    run.tell({"request": str(request), "folder": str(folder)}, run.say(said, request=shlex.quote(str(request))))


def fill(run: Run, board: Board, folder: Path, token: str, answer: Path | None) -> None:
    """Fills `folder` by a token, "" for none, or an answer; by neither, it is filled already."""
    if answer is not None:
        _, fingerprint = finish_offline(folder, answer)
        run.note(run.say("homes.fingerprint", fingerprint=fingerprint, folder=shlex.quote(str(folder))))
    if token:
        step(run, "enrol")
        enrol(token, board, folder)


def settings_for(home: Home, board: Board) -> Settings:
    """Raises SettingsError: also where its pins are simulated; FileError: it is a terminal's of another kind;
    CredentialsError: its key or what it knows its hub by is damaged.
    """
    check_home(home)
    settings = load_settings(home.settings)
    if settings.algorithm != _ALGORITHMS[board]:
        raise FileError(Problem(f"not_for_{board}", str(home.path)))
    check_real(settings, home.path)
    load_key(home.key, settings.algorithm)
    load_ca(home.ca)
    load_vkey(home.vkey)
    return settings


def until_hub_says(settings: Settings, token: str, seconds: float, problem: str) -> None:
    """That it is linked, and a test press on its disk. Raises NotPressed with `problem`, and as `ask`."""
    deadline_s = time.monotonic() + seconds
    while time.monotonic() < deadline_s:
        state = ask(token)
        if state.linked and (settings.role == "bell" or state.tested_at_ms is not None):
            return
        time.sleep(LOOK_S)
    raise NotPressed(Problem(problem, settings.name))


def read_token(run: Run) -> str:
    """From the keyboard, unseen, or the next line of what is piped in.

    Raises click.UsageError: there is none; TokenMalformed.
    """
    if sys.stdin.isatty():
        token = str(click.prompt(run.say("homes.token"), hide_input=True, err=True)).strip()
    else:
        token = sys.stdin.readline().strip()
        if not token:
            raise click.UsageError(run.say("homes.no_token"))
    token_of(token)
    return token
