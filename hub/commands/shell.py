"""What the commands of a hub share: the hub's home, the running hub, and what it may have against what was asked."""

import sqlite3
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from firstbell_linux.problems import FAILED, NOT_FOUND, USED_WRONGLY, Problem
from firstbell_linux.shell import HomeRun

from hub.commands.control import Declined, call
from hub.dispatch.requests import Refused
from hub.home import Home
from hub.ledger.errors import LedgerError
from hub.names import TEXT_CHARS_MAX
from hub.problems import NotFound, TypedWrongly
from hub.words import refused

_TYPED_WRONGLY = ("bad_text", "pin_digits", "pin_simple", "malformed", "no_role", "http_413")
"""Refusals of what was typed: as if the command itself had refused it."""
_OF_NAMES = ("known_name", "bad_text")
"""Refusals of a name, each a problem of the catalogue."""


class Run(HomeRun):
    """One run of `firstbell-hub`."""

    name = "firstbell-hub"

    @property
    def home(self) -> Home:
        """The hub's home. Raises click.UsageError when none was given, NotFound when it is none."""
        return home_at(self.given_folder)

    def call(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """What the running hub answers. Raises Declined, HubUnreachable, and as `home`."""
        return call(self.home.control, method, path, body)

    def attempt(self, work: Callable[[], int | None]) -> int:
        try:
            return super().attempt(work)
        except Declined as declined:
            if declined.name and declined.code in _OF_NAMES:
                self.complain(Problem(declined.code, declined.name, {"chars": TEXT_CHARS_MAX}))
                return _exit_code(declined.code)
            return self._refuse(declined.code)
        except Refused as refusal:
            return self._refuse(refusal.reason)
        except (LedgerError, sqlite3.Error) as error:
            self.complain(Problem("ledger_unreadable", str(self.folder), {"reason": str(error)}))
            return FAILED

    def _refuse(self, code: str) -> int:
        why = refused(self.words, code)
        self.note(self.say("refused.sentence", why=why))
        self.tell_problem(code, "", why, "")
        return _exit_code(code)


def _exit_code(code: str) -> int:
    """Of a refusal."""
    if code.startswith("unknown_") or code == "http_404":
        return NOT_FOUND
    return USED_WRONGLY if code in _TYPED_WRONGLY else FAILED


def home_at(folder: Path) -> Home:
    """Raises NotFound when it is none."""
    home = Home(folder)
    if home.settings.exists() and not home.keys.exists():
        raise NotFound(Problem("home_of_other", str(folder)))
    if not home.settings.exists() and home.keys.exists():
        raise NotFound(Problem("settings_gone", str(folder)))
    if not home.settings.exists():
        raise NotFound(Problem("no_home", str(folder)))
    return home


def warn_of_open(run: Run, home: Home) -> None:
    """Beside the result: what others on this machine are let in to."""
    for path in home.open_to_others():
        mode = stat.S_IMODE(path.stat().st_mode)
        run.note(run.sentence(Problem("open_to_others", str(path), {"mode": f"{mode:04o}"})))


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
