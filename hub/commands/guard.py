"""`firstbell-hub guard …`: the people who may use the hub: guards, and dispatchers, leaders and so on as well."""

from typing import get_args

import click
from firstbell_linux.shell import command, group

from hub.commands.found import find
from hub.commands.shell import Run, read_pin
from hub.dispatch.entries import Role


def build(run: Run) -> click.Group:
    name = click.Argument(["name"])
    roles = click.Option(["--role"], multiple=True, type=click.Choice(get_args(Role)), default=("guard",))
    zones = click.Option(["--zone"], multiple=True)
    return group(
        run,
        "guard",
        (
            command(run, "guard.add", add, name, zones, roles, click.Option(["--pin", "with_pin"], is_flag=True)),
            command(run, "guard.list", list_accounts),
            command(run, "guard.remove", remove, name),
            command(run, "guard.pin", pin, name, click.Option(["--link", "by_link"], is_flag=True)),
        ),
    )


def add(run: Run, name: str, zone: tuple[str, ...], role: tuple[str, ...], with_pin: bool) -> None:
    """With `with_pin` the PIN is typed here; without, the answer has a link with which the person chooses one."""
    zones = [find(run, "zone", one)["id"] for one in zone]
    body = {"name": name, "roles": role, "zones": zones, "pin": read_pin(run, new=True) if with_pin else ""}
    answer = run.call("POST", "/api/accounts", body)
    lines = [run.say("guard.added", name=name, id=answer["id"])]
    if "link" in answer:
        lines += [run.say("guard.link", name=name), answer["link"]]
    run.tell(answer, *lines)


def list_accounts(run: Run) -> None:
    campus = run.call("GET", "/api/campus")
    zones = {zone["id"]: zone["name"] for zone in campus["zones"]}
    rows = (
        (
            account["name"],
            account["id"],
            run.words.listed(run.say(f"role.{role}") for role in account["roles"]),
            run.words.listed(zones.get(zone, zone) for zone in account["zones"]) or run.say("zone.all"),
            run.say("pin.set" if account["pin"] else "pin.missing"),
        )
        for account in campus["accounts"]
    )
    columns = ("column.name", "column.id", "column.roles", "column.zones", "column.pin")
    run.list({"accounts": campus["accounts"]}, columns, rows, "guard.none")


def remove(run: Run, name: str) -> None:
    account = find(run, "account", name)
    run.call("DELETE", f"/api/accounts/{account['id']}")
    run.tell({"id": account["id"]}, run.say("guard.removed", name=account["name"]))


def pin(run: Run, name: str, by_link: bool) -> None:
    account = find(run, "account", name)
    if by_link:
        answer = run.call("POST", f"/api/accounts/{account['id']}/link")
        run.tell(answer, run.say("guard.link", name=account["name"]), answer["link"])
        return
    run.call("POST", f"/api/accounts/{account['id']}/pin", {"pin": read_pin(run, new=True)})
    run.tell({"id": account["id"]}, run.say("guard.pin_set", name=account["name"]))
