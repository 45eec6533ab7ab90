"""`firstbell-hub verify`: recomputes the whole record from its entries. Needs no running hub and nothing secret."""

import sys
from pathlib import Path

import click
from firstbell.note import NoteError, Vkey, parse_vkey
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from hub.commands.shell import DEVICE, FAILED, OK, Run, command, complain
from hub.home import Home
from hub.ledger.errors import JudgeLost
from hub.ledger.verdict import Verdict
from hub.ledger.verify import verify
from hub.places.log_vkey import load_vkey
from hub.problems import NotFound, Problem, SettingsError, TypedWrongly


def build(run: Run) -> click.Command:
    return command(
        run,
        "verify",
        check,
        click.Option(["--against"], type=click.Path(path_type=Path), metavar="FILE"),
        click.Option(["--vkey"], metavar="KEY"),
    )


def check(run: Run, against: Path | None, vkey: str | None) -> int:
    home = Home(run.folder) if run.folder else run.home
    if not home.database.exists():
        raise NotFound(Problem("no_ledger", str(home.database)))
    key = _vkey(vkey, home)
    note = _checkpoint(against) if against else None
    try:
        verdict = _watched(run, home, key, note)
    except JudgeLost as lost:
        complain(run, Problem("judge_lost", str(home.database), {"reason": str(lost)}))
        return DEVICE
    data = {
        "ok": verdict.ok,
        "size": verdict.size,
        "first_bad": verdict.first_bad,
        "why": verdict.why,
        "vkey": key.text(),
        "vkey_given": vkey is not None,
    }
    run.tell(data, _sentence(run, verdict))
    if not vkey and verdict.ok:
        run.note(run.say("verify.own_key"))
    return OK if verdict.ok else FAILED


def _watched(run: Run, home: Home, key: Vkey, note: str | None) -> Verdict:
    console = Console(stderr=True)
    if run.as_json or not sys.stderr.isatty():
        return verify(home.database, key, note)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task(run.say("verify.checking"), total=None)
        return verify(home.database, key, note, lambda done, total: bar.update(task, completed=done, total=total))


def _sentence(run: Run, verdict: Verdict) -> str:
    if verdict.ok:
        return run.say("verify.good", size=verdict.size)
    why = run.words.word(f"verify.why.{verdict.why}", verdict.why)
    return run.say("verify.bad", first_bad=verdict.first_bad, why=why)


def _vkey(given: str | None, home: Home) -> Vkey:
    """The key from paper, or else the one that lies in the home."""
    try:
        return parse_vkey(given) if given is not None else load_vkey(home.vkey)
    except OSError as error:
        raise NotFound(Problem("vkey_missing", str(home.vkey))) from error
    except NoteError as error:
        raise TypedWrongly(Problem("vkey_malformed", given or "--vkey")) from error


def _checkpoint(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as error:
        raise NotFound(Problem("checkpoint_unreadable", str(path), {"reason": error.strerror or ""})) from error
    except UnicodeDecodeError as error:
        raise SettingsError(Problem("checkpoint_malformed", str(path))) from error
