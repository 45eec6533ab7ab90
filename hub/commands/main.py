"""`firstbell-hub`: the command of whoever runs a hub. One file for each noun; what they share is in `shell`.

Exit codes: 0 done, 1 not done or the check failed, 2 typed wrongly, 3 not found, 4 this machine, 5 no hub answers.
"""

import io
import os
import sys
from pathlib import Path

import click
from firstbell_linux.standard_files import open_missing

from hub.commands import demo, drill, guard, incident, init, pager, serve, shell, status, terminal, verify, zone
from hub.commands.shell import Run
from hub.words import chosen_language, words


def main() -> None:
    """The entry point: ends the process with the exit code."""
    open_missing()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What was typed may be bytes that are no text, and not every shell can show every character.
        sys.stdout.reconfigure(errors="backslashreplace")
    sys.exit(shell.main(build, words(chosen_language(os.environ)), sys.argv[1:]))


def build(run: Run) -> click.Group:
    """All of it, in the language of `run`."""
    nouns = (init, serve, demo, status, zone, guard, pager, terminal, drill, incident, verify)
    root = shell.group(run, shell.NAME, (noun.build(run) for noun in nouns))

    def remember(home: Path | None, as_json: bool) -> None:
        run.typed_folder, run.as_json = home, as_json

    root.params = shell.common(run)
    root.callback = remember
    root.options_metavar = run.say("usage.options_metavar")
    return root
