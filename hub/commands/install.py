"""`firstbell-hub install` and `uninstall`: the hub as a service of this machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from firstbell_linux import install
from firstbell_linux.problems import Problem
from firstbell_linux.units import Service

from hub.commands.shell import Run, home_at
from hub.database import HomeLock, HubRunning, untouched
from hub.places.log_keys import load_log_key
from hub.problems import HomeError
from hub.settings import load_settings


def build(run: Run) -> Iterator[click.Command]:
    return install.build(run, SERVICE)


def check(folder: Path) -> None:
    """Raises HubError, sqlite3.Error: no hub could run in this folder."""
    home = home_at(folder)
    load_settings(home.settings)
    load_log_key(home.log_key)
    with untouched(home.database):
        pass


@contextmanager
def at_rest(folder: Path) -> Iterator[None]:
    """No hub runs in this folder. Raises HomeError when one does."""
    try:
        with HomeLock(folder):
            yield
    except HubRunning as error:
        raise HomeError(Problem("hub_running", str(folder), {"pid": error.pid})) from error


SERVICE = Service(
    Run.name,
    Path(__file__).resolve().parents[2] / "systemd/firstbell-hub.service",
    ("settings.toml", "hub.db*", "hub.lock", "log.vkey", "keys/*", "programs/*", "control.sock"),
    check,
    at_rest,
)
