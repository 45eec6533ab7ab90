"""`firstbell-flash program`: the node's program as one file, which a hub gives to its nodes over their links."""

import shlex
from pathlib import Path

import click
from firstbell_flash.board import program_file, program_files
from firstbell_flash.dialogue import check_new, step
from firstbell_linux.private_file import write_public
from firstbell_linux.shell import PATH, Run, command


def build(run: Run) -> click.Command:
    return command(run, "program", make_program, click.Argument(["out"], type=PATH))


def make_program(run: Run, out: Path) -> None:
    check_new(run, out)
    step(run, "compile")
    made = program_file(program_files())
    write_public(out, made)
    said = run.say("program.made", out=shlex.quote(str(out)), kb=f"{len(made) / 1e3:.0f}")
    run.tell({"program": str(out), "bytes": len(made)}, said)
