"""`firstbell-flash`: the command of whoever makes terminals. One file for each thing to do."""

import os
import sys

import click
from firstbell_flash import doctor, label, list_boards, make_bundle, make_program, pi, pico, verify
from firstbell_linux import shell
from firstbell_linux.words import Words, chosen_language, texts


class FlashRun(shell.Run):
    name = "firstbell-flash"


def words(language: str) -> Words:
    """A terminal's settings are read by its own rules, and what is wrong with them is said in its words."""
    own = texts("firstbell_flash", language)
    return Words(texts("firstbell_linux", language) | texts("terminal", language) | own)


def main() -> None:
    """The entry point: ends the process with the exit code."""
    sys.exit(shell.main(FlashRun(words(chosen_language(os.environ))), build, sys.argv[1:]))


def build(run: shell.Run) -> click.Group:
    """All of it, in the language of `run`."""
    parts = (pico, pi, make_bundle, make_program, label, list_boards, verify, doctor)
    return shell.root(run, (part.build(run) for part in parts))
