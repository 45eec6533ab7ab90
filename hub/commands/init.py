"""`firstbell-hub init`: makes a campus. Whole, or not at all; never over another."""

import shlex
import sys
from datetime import UTC, datetime

import click
from firstbell_linux.shell import command

from hub.commands.shell import Run
from hub.founding import check_free_home, found
from hub.home import Home
from hub.people.accounts import one_line
from hub.places.authority import fingerprint, load_certificate
from hub.problems import SettingsError, TypedWrongly
from hub.settings import JOIN_PORT_DEFAULT, PORT_DEFAULT, settings_of

HOST_DEFAULT = "firstbell.local"


def build(run: Run) -> click.Command:
    port = click.IntRange(1, 65535)
    return command(
        run,
        "init",
        make,
        click.Option(["--name"]),
        click.Option(["--zone"], default=run.say("init.zone"), show_default=True),
        click.Option(["--administrator"], default=run.say("init.administrator"), show_default=True),
        click.Option(["--host", "hosts"], multiple=True, default=(HOST_DEFAULT,), show_default=True),
        click.Option(["--address", "addresses"], multiple=True),
        click.Option(["--port"], type=port, default=PORT_DEFAULT, show_default=True),
        click.Option(["--join-port"], type=click.IntRange(0, 65535), default=JOIN_PORT_DEFAULT, show_default=True),
    )


def _asked_name(run: Run) -> str:
    """From the keyboard, or what is piped in. Raises click.UsageError: nothing is; click.Abort."""
    try:
        return str(click.prompt(run.say("prompt.campus"), err=True))
    except click.Abort as error:
        if sys.stdin.isatty():
            raise
        raise click.UsageError(run.say("usage.missing", name="--name")) from error


def make(
    run: Run,
    name: str | None,
    zone: str,
    administrator: str,
    hosts: tuple[str, ...],
    addresses: tuple[str, ...],
    port: int,
    join_port: int,
) -> None:
    folder = run.given_folder
    # Before a person is asked for anything.
    check_free_home(folder)
    names = [host.lower() for host in hosts]
    listen = {"port": port, "join_port": join_port}
    try:
        settings = settings_of("init", {"names": names, "addresses": addresses, "listen": listen})
    except SettingsError as error:
        raise TypedWrongly(error.problem) from error
    if name is None:
        name = _asked_name(run)
    name, zone, administrator = map(one_line, (name, zone, administrator))
    founded = found(folder, name, zone, administrator, settings, run.say, datetime.now(UTC))
    home = Home(folder)
    link = f"{settings.base_url}/join/{founded.link}"
    mark = fingerprint(load_certificate(home.keys / "ca.pem"))
    data = {
        "home": str(folder),
        "campus": founded.campus,
        "log_vkey": founded.vkey,
        "ca_file": str(home.keys / "ca.pem"),
        "ca_fingerprint": mark,
        "base_url": settings.base_url,
        "join_url": settings.join_url,
        "administrator": founded.administrator,
        "administrator_link": link,
    }
    run.tell(
        data,
        run.say("init.made", name=name, home=folder),
        "",
        run.say("init.vkey"),
        f"  {founded.vkey}",
        "",
        run.say("init.fingerprint"),
        f"  {mark}",
        "",
        run.say("init.serve", home=shlex.quote(str(folder))),
        run.say("init.link", name=administrator, join=settings.join_url)
        if settings.join_url
        else run.say("init.carry", name=administrator, ca=home.keys / "ca.pem"),
        f"  {link}",
    )
