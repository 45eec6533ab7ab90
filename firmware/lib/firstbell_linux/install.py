"""`install` and `uninstall`, which hub and terminal share: what is to be done, and that it is done."""

from collections.abc import Iterator, Sequence
from functools import partial

import click

from firstbell_linux.shell import HomeRun, command
from firstbell_linux.units import Service, Step, alone, installing, removing


def build(run: HomeRun, service: Service) -> Iterator[click.Command]:
    yield command(run, "install", partial(install, service=service), click.Option(["--dry-run"], is_flag=True))
    yield command(
        run,
        "uninstall",
        partial(uninstall, service=service),
        click.Option(["--erase"], is_flag=True),
        click.Option(["--yes"], is_flag=True),
        click.Option(["--dry-run"], is_flag=True),
    )


def install(run: HomeRun, service: Service, dry_run: bool) -> None:
    with alone(service):
        steps = installing(service, run.folder)
        if not dry_run:
            _do(run, steps)
    _tell(run, service, steps, dry_run, run.say("install.done", name=service.name, home=service.home))


def uninstall(run: HomeRun, service: Service, erase: bool, yes: bool, dry_run: bool) -> None:
    with alone(service):
        steps = removing(service, run.typed_folder, erase=erase)
        if not dry_run:
            if any(step.name == "erase" for step in steps) and not yes:
                click.confirm(run.say("uninstall.sure", home=service.home), abort=True, err=True)
            _do(run, steps)
        left = run.say("uninstall.kept", home=service.home) if service.home.exists() else run.say("uninstall.all")
    _tell(run, service, steps, dry_run, run.say("uninstall.done", name=service.name), left)


def _do(run: HomeRun, steps: Sequence[Step]) -> None:
    for step in steps:
        run.note(_said(run, step))
        step.do()


def _tell(run: HomeRun, service: Service, steps: Sequence[Step], dry_run: bool, *done: str) -> None:
    """What was done, or what would be."""
    data = {
        "unit": str(service.unit),
        "home": str(service.home),
        "program": str(service.program),
        "steps": [step.name for step in steps],
        "done": not dry_run,
    }
    run.tell(data, *(map(partial(_said, run), steps) if dry_run else done))


def _said(run: HomeRun, step: Step) -> str:
    return run.say(f"install.step.{step.name}", subject=step.subject, home=step.home)
