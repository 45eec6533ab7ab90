"""`firstbell-flash bundle`: what a card needs beside a terminal's folder, in one file, made from this checkout."""

from hashlib import sha256
from pathlib import Path

import click
from firstbell_flash import bundle
from firstbell_flash.board import FIRMWARE
from firstbell_flash.dialogue import check_new, step
from firstbell_linux.private_file import write_private
from firstbell_linux.shell import PATH, Run, command

CHECKOUT = FIRMWARE.parent


def build(run: Run) -> click.Command:
    path = PATH
    deb = click.Option(["--deb", "debs"], type=path, multiple=True, metavar="FILE")
    return command(run, "bundle", make_bundle, click.Argument(["out"], type=path), deb)


def make_bundle(run: Run, out: Path, debs: tuple[Path, ...]) -> None:
    check_new(run, out)
    packed = bundle.make(CHECKOUT, debs, lambda what: step(run, what))
    write_private(out, packed)
    digest = sha256(packed).hexdigest()
    run.tell(
        {"bundle": str(out), "bytes": len(packed), "sha256": digest},
        run.say("bundle.made", out=out, mb=f"{len(packed) / 1e6:.1f}", sha256=digest),
    )
