"""`firstbell-hub zone …`: the parts of the campus that a guard can be on duty for, and how long each step may take."""

import click
from firstbell_linux.shell import command, group

from hub.commands.shell import Run

STEPS = ("delivered", "accepted", "on_scene", "roll_call")
"""Deadlines that a zone can have otherwise (DESIGN, "Dispatch"), in seconds here."""
SECONDS_MAX = 3_600


def build(run: Run) -> click.Group:
    seconds = click.IntRange(1, SECONDS_MAX)
    deadlines = [click.Option([f"--{step.replace('_', '-')}", step], type=seconds, metavar="S") for step in STEPS]
    return group(
        run,
        "zone",
        (
            command(run, "zone.set", set_zone, click.Argument(["name"]), click.Option(["--rename"]), *deadlines),
            command(run, "zone.list", list_zones),
        ),
    )


def set_zone(run: Run, name: str, rename: str | None, **seconds: int | None) -> None:
    """Makes the zone, or changes the one of this name."""
    deadlines = {f"{step}_ms": value * 1_000 for step, value in seconds.items() if value is not None}
    answer = run.call("POST", "/api/zones", {"name": name, "rename": rename or "", "deadlines": deadlines})
    run.tell(answer, run.say("zone.set", name=rename or name, id=answer["id"]))


def list_zones(run: Run) -> None:
    zones = run.call("GET", "/api/campus")["zones"]
    rows = (
        (zone["name"], zone["id"], *(str(zone["deadlines"][f"{step}_ms"] // 1_000) for step in STEPS)) for zone in zones
    )
    columns = ["column.name", "column.id", *(f"column.{step}_s" for step in STEPS)]
    run.list({"zones": zones}, columns, rows, "zone.none")
