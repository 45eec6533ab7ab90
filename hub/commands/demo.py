"""`firstbell-hub demo`: a whole campus on this machine, to be pressed, rung and verified."""

import asyncio
import errno
import json
import os
from typing import Any, get_args

import click
from firstbell_linux.enrolment import Board
from firstbell_linux.private_file import check_free
from firstbell_linux.problems import DEVICE, FAILED, Problem
from firstbell_linux.shell import command
from firstbell_linux.words import chosen_language

from hub.commands.shell import Run
from hub.demo.show import new_folder, once, show
from hub.demo.stage import StageError
from hub.demo.story import STEPS
from hub.problems import TypedWrongly

PORT_DEFAULT = 8765


def build(run: Run) -> click.Command:
    return command(
        run,
        "demo",
        demo,
        click.Option(["--once", "just_once"], is_flag=True),
        click.Option(["--terminal", "board"], type=click.Choice(get_args(Board)), default="pi", show_default=True),
        click.Option(["--port"], type=click.IntRange(1, 65_535), default=PORT_DEFAULT, show_default=True, metavar="N"),
    )


def demo(run: Run, just_once: bool, board: Board, port: int) -> int:
    """In a folder of its own; what FIRSTBELL_HOME names is a real hub's.

    Exit 1 when a part does not start or the story does not come to its end.
    """
    folder = run.typed_folder or new_folder()
    try:
        check_free(folder)
    except FileExistsError as error:
        raise TypedWrongly(Problem("demo_not_empty", str(folder))) from error
    language = chosen_language(os.environ)

    def tell(data: dict[str, object], line: str) -> None:
        click.echo(json.dumps(data, ensure_ascii=False) if run.as_json else line)

    try:
        if just_once:
            told = asyncio.run(once(folder, language, run.say, board))
            end = run.say("demo.told", entries=told["entries"], home=told["home"])
            tell(told, "\n".join([*_steps(run, told), end]))
            return 0 if told["verified"] else FAILED
        asyncio.run(show(folder, language, run.say, port, tell))
    except asyncio.CancelledError as ended:
        raise click.Abort from ended
    except (StageError, TimeoutError) as error:
        run.note(run.say("demo.failed", folder=folder, reason=error))
        return FAILED
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        if run.typed_folder is None:
            folder.rmdir()
        run.complain(Problem("demo_port_taken", f"localhost:{port}"))
        return DEVICE
    return 0


def _steps(run: Run, told: dict[str, Any]) -> list[str]:
    """What happened, in order, each with its time since the press."""
    pressed_ms = told["pressed_ms"]
    return [
        run.say("demo.step", after_ms=told[step] - pressed_ms, what=run.say(f"demo.{step}"))
        for step in sorted(STEPS, key=lambda step: told[step])
    ]
