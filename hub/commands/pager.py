"""`firstbell-hub pager …`: the screens that ring. A one-time link makes a browser a pager."""

import click
from firstbell_linux.shell import command, group

from hub.commands.found import find
from hub.commands.shell import Run


def build(run: Run) -> click.Group:
    name = click.Argument(["name"])
    return group(
        run,
        "pager",
        (
            command(run, "pager.link", link, name),
            command(run, "pager.list", list_pagers),
            command(run, "pager.revoke", revoke, name),
        ),
    )


def link(run: Run, name: str) -> None:
    """A link for a new pager of this name, or for the one that is called that: then the old device has no key more."""
    pagers = run.call("GET", "/api/campus")["pagers"]
    known = next((pager for pager in pagers if name in (pager["id"], pager["name"])), None)
    if known is None:
        answer = run.call("POST", "/api/pagers", {"name": name})
    else:
        answer = run.call("POST", f"/api/pagers/{known['id']}/link")
    run.tell(
        answer,
        run.say("pager.link", name=known["name"] if known else name),
        answer["link"],
        *([run.say("pager.join", url=answer["join"])] if answer.get("join") else []),
    )


def list_pagers(run: Run) -> None:
    pagers = run.call("GET", "/api/campus")["pagers"]
    rows = (
        (
            pager["name"],
            pager["id"],
            pager["guard"] or run.say("pager.nobody"),
            _ready(run, pager["reasons"]),
        )
        for pager in pagers
    )
    run.list({"pagers": pagers}, ("column.name", "column.id", "column.guard", "column.ready"), rows, "pager.none")


def _ready(run: Run, reasons: list[str]) -> str:
    why = run.words.listed(run.words.word(f"reason.{reason}", reason) for reason in reasons)
    return run.say("pager.not_ready", why=why) if why else run.say("pager.ready")


def revoke(run: Run, name: str) -> None:
    pager = find(run, "pager", name)
    run.call("DELETE", f"/api/pagers/{pager['id']}")
    run.tell({"id": pager["id"]}, run.say("pager.revoked", name=pager["name"]))
