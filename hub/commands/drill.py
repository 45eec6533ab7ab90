"""`firstbell-hub drill …`: a while in which alarms of a zone are marked as a drill. They ring all the same."""

import click
from firstbell_linux.shell import command, group

from hub.commands.found import find
from hub.commands.shell import Run
from hub.web.manage import MINUTES_MAX

MINUTES_DEFAULT = 30


def build(run: Run) -> click.Group:
    zone = click.Argument(["zone"])
    minutes = click.Option(
        ["--minutes"], type=click.IntRange(1, MINUTES_MAX), default=MINUTES_DEFAULT, show_default=True
    )
    return group(
        run, "drill", (command(run, "drill.start", start, zone, minutes), command(run, "drill.end", end, zone))
    )


def start(run: Run, zone: str, minutes: int) -> None:
    found = find(run, "zone", zone)
    answer = run.call("POST", "/api/drills", {"zone": found["id"], "minutes": minutes})
    run.tell(answer, run.say("drill.started", zone=found["name"], minutes=minutes))


def end(run: Run, zone: str) -> None:
    found = find(run, "zone", zone)
    run.call("DELETE", f"/api/drills/{found['id']}")
    run.tell({"id": found["id"]}, run.say("drill.ended", zone=found["name"]))
