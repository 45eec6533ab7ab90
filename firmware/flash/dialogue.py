"""What is said and asked beside the result, on standard error: each step, a bar for what takes long, a yes or no."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

import click
from firstbell_flash.problems import Declined
from firstbell_linux.problems import Problem
from firstbell_linux.shell import Run
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress


def step(run: Run, key: str, /, **fields: object) -> None:
    run.note(run.say(f"step.{key}", **fields))


@contextmanager
def bar(run: Run, key: str, total_bytes: int) -> Iterator[Callable[[int], None]]:
    """Gives a function that is told how many bytes more are done. On a screen alone there is a bar."""
    step(run, key)
    with Progress(BarColumn(), DownloadColumn(), console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total_bytes)
        yield lambda more: progress.advance(task, more)


def check_new(run: Run, path: Path) -> None:
    """Raises Declined: there is such a file, and nobody wants it written over. OSError: there can't be one."""
    if path.exists():
        confirm(run, "dialogue.may_overwrite", Problem("file_there", str(path)), file=path)
    try:
        TemporaryFile(dir=path.parent).close()
    except OSError as error:
        error.filename = str(path)
        raise


def confirm(run: Run, key: str, problem: Problem, /, **fields: object) -> None:
    """Raises Declined with `problem`: the answer is no, or there is nobody to ask."""
    if not sys.stdin.isatty() or not click.confirm(run.say(key, **fields), err=True):
        raise Declined(problem)
