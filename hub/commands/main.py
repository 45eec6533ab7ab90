"""`firstbell-hub`: the command of whoever runs a hub. One file for each noun; what they share is in `shell`.

Exit codes: 0 done, 1 not done or the check failed, 2 typed wrongly, 3 not found, 4 this machine, 5 no hub answers.
"""

import os
import sys

import click
from firstbell_linux import shell
from firstbell_linux.words import chosen_language

from hub.commands import demo, drill, guard, incident, init, install, pager, serve, status, terminal, verify, zone
from hub.commands.shell import Run
from hub.words import words


def main() -> None:
    """The entry point: ends the process with the exit code."""
    sys.exit(shell.main(Run(words(chosen_language(os.environ))), build, sys.argv[1:]))


def build(run: Run) -> click.Group:
    """All of it, in the language of `run`."""
    nouns = (init, serve, demo, status, zone, guard, pager, terminal, drill, incident, verify)
    return shell.root(run, (*(noun.build(run) for noun in nouns), *install.build(run)))
