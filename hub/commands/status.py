"""`firstbell-hub status`: how the running hub is, in a few lines."""

import click

from hub.commands.shell import Run, command


def build(run: Run) -> click.Command:
    return command(run, "status", show)


def show(run: Run) -> None:
    now = run.call("GET", "/control/status")
    troubles = [run.words.word(f"trouble.{key.partition(':')[0]}", key) for key in now["troubles"]]
    run.tell(
        now,
        f"{now['campus']}  {now['base_url']}",
        run.say("status.incidents", open=now["incidents_open"]),
        run.say("status.pagers", ready=now["pagers_ready"], signed_on=now["pagers_signed_on"]),
        run.say("status.terminals", linked=now["terminals_linked"], terminals=now["terminals"]),
        run.say("status.ledger", entries=now["entries"]),
        run.say("status.fault" if now["fault"] else "status.reachable" if now["reachable"] else "status.unreachable"),
        *([run.say("status.troubles", troubles=run.say("list.join").join(troubles))] if troubles else []),
    )
