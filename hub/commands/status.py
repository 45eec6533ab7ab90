"""`firstbell-hub status`: how the running hub is, in a few lines."""

from collections.abc import Iterable

import click
from firstbell_linux.shell import command

from hub.commands.shell import Run, warn_of_open


def build(run: Run) -> click.Command:
    return command(run, "status", show)


def show(run: Run) -> None:
    now = run.call("GET", "/control/status")
    troubles = _troubles(run, now["troubles"]) if now["troubles"] else ()
    run.tell(
        now,
        f"{now['campus']}  {now['base_url']}",
        run.say("status.incidents", open=now["incidents_open"]),
        run.say("status.pagers", ready=now["pagers_ready"], signed_on=now["pagers_signed_on"]),
        run.say("status.terminals", linked=now["terminals_linked"], terminals=now["terminals"]),
        run.say("status.ledger", entries=now["entries"]),
        run.say("status.fault" if now["fault"] else "status.reachable" if now["reachable"] else "status.unreachable"),
        *(run.say("status.trouble", trouble=trouble) for trouble in troubles),
    )
    warn_of_open(run, run.home)


def _troubles(run: Run, keys: Iterable[str]) -> Iterable[str]:
    """Each trouble once, in words, with the name of the terminal (and its input) that has it."""
    names = {terminal["id"]: terminal["name"] for terminal in run.call("GET", "/api/campus")["terminals"]}
    told = []
    for key in keys:
        what, _, about = key.partition(":")
        trouble = run.words.word(f"trouble.{what}", what)
        terminal, slash, part = about.partition("/")
        if terminal in names:
            trouble = run.say("status.about", what=trouble, about=names[terminal] + slash + part)
        told.append(trouble)
    return dict.fromkeys(told)
