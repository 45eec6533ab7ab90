"""The terminal as a service of this machine."""

from pathlib import Path

from firstbell_linux.units import Service

from terminal import process
from terminal.credentials import load_ca, load_key, load_vkey
from terminal.settings import Home, check_home, check_real, load_settings


def check(folder: Path) -> None:
    """Raises TerminalError: no terminal could run in this folder."""
    home = Home(folder)
    check_home(home)
    settings = load_settings(home.settings)
    check_real(settings, folder)
    load_key(home.key, settings.algorithm)
    load_ca(home.ca)
    load_vkey(home.vkey)


SERVICE = Service(
    "firstbell-terminal",
    Path(__file__).resolve().parents[1] / "systemd/firstbell-terminal.service",
    ("settings.toml", "key", "ca.pem", "log.vkey", "outbox.db*", "control.sock"),
    check,
    lambda folder: process.locked(Home(folder)),
)
