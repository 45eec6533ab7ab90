"""`firstbell-hub verify`: recomputes the whole record from its entries. Needs no running hub and nothing secret."""

import os
import sqlite3
import sys
from pathlib import Path

import click
from firstbell.note import NOTE_BYTES_MAX, NoteError, Vkey, parse_checkpoint, parse_vkey
from firstbell_linux.named_file import read_named
from firstbell_linux.problems import DEVICE, FAILED, OK, Problem, reason_of
from firstbell_linux.shell import PATH, command
from firstbell_linux.words import Words, printable
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from hub.commands.shell import Run, warn_of_open
from hub.database import untouched
from hub.home import Home
from hub.ledger.errors import NoVerdict
from hub.ledger.origin import open_any_checkpoint, split_origin
from hub.ledger.verdict import Place, Verdict
from hub.ledger.verify import verify
from hub.places.log_keys import load_vkey
from hub.problems import NotFound, TypedWrongly


def build(run: Run) -> click.Command:
    return command(
        run,
        "verify",
        check,
        click.Option(["--against"], type=PATH, metavar="FILE"),
        click.Option(["--vkey"], metavar="KEY"),
    )


def check(run: Run, against: Path | None, vkey: str | None) -> int:
    home = Home(run.folder) if run.folder else run.home
    if not home.database.exists():
        raise NotFound(Problem("no_ledger", str(home.database)))
    key = _vkey(vkey, home)
    note = _checkpoint(against, key) if against else None
    try:
        verdict = _watched(run, home, key, note)
    except NoVerdict as reason:
        run.complain(Problem("no_verdict", str(home.database), {"reason": str(reason)}))
        return DEVICE
    foreign = _foreign(verdict, key, home)
    data = {
        "ok": verdict.ok,
        "size": verdict.size,
        "first_bad": printable(verdict.first_bad),
        "why": verdict.why,
        "vkey": key.text(),
        "vkey_given": vkey is not None,
    }
    lines = [_sentence(run, verdict, key, foreign)]
    if note and verdict.ok:
        lines.append(run.say("verify.against", size=open_any_checkpoint(note, key)[1].size))
    run.tell(data, *lines)
    if not vkey and verdict.ok:
        run.note(run.say("verify.own_key"))
    if os.access(home.log_key, os.R_OK):
        # The hub's own home: a copy to be checked elsewhere has no key and is for others to read.
        warn_of_open(run, home)
    return OK if verdict.ok else FAILED


def _watched(run: Run, home: Home, key: Vkey, note: str | None) -> Verdict:
    console = Console(stderr=True)
    if run.as_json or not sys.stderr.isatty():
        return verify(home.database, key, note)
    bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True)
    with bar:
        task = bar.add_task(run.say("verify.checking"), total=None)
        return verify(home.database, key, note, lambda done, total: bar.update(task, completed=done, total=total))


def _sentence(run: Run, verdict: Verdict, key: Vkey, foreign: str) -> str:
    if verdict.place is None:
        logs = verdict.checked.logs
        return run.say("verify.good" if logs == 1 else "verify.good_logs", size=verdict.checked.entries, logs=logs)
    if foreign:
        return run.say("verify.foreign_key", key=key.name, log=foreign)
    why = run.words.word(f"verify.why.{verdict.why}", verdict.why)
    return run.say("verify.bad", first_bad=tell_place(run.words, verdict.place), why=why)


def tell_place(words: Words, place: Place) -> str:
    """In the reader's language."""
    of_log = "" if place.log is None else words.say("verify.place.of_log", number=place.log)
    fields = {name: printable(str(value)) for name, value in place.fields.items()}
    text = words.say(f"verify.place.{place.kind}", of_log=of_log, **fields)
    return text if place.within is None else words.listed((text, tell_place(words, place.within)))


def _foreign(verdict: Verdict, key: Vkey, home: Home) -> str:
    """What the record says that it is, where that is not what the key is of; "" otherwise."""
    if verdict.why != "signature" or verdict.place is None or verdict.place.kind != "checkpoint":
        return ""
    try:
        with untouched(home.database) as connection:
            log = str(connection.execute("SELECT note FROM head").fetchone()[0]).partition("\n")[0]
        base, _ = split_origin(log)
    except (sqlite3.Error, OSError, NoteError):
        return ""
    return "" if base == key.name.rpartition("/")[0] else printable(log)


def _vkey(given: str | None, home: Home) -> Vkey:
    """The key from paper, or else the one that lies in the home."""
    try:
        return parse_vkey(given) if given is not None else load_vkey(home.vkey)
    except OSError as error:
        raise NotFound(Problem("vkey_missing", str(home.vkey))) from error
    except NoteError as error:
        raise TypedWrongly(Problem("vkey_malformed", given or "--vkey")) from error


def _checkpoint(path: Path, key: Vkey) -> str:
    """A checkpoint that `key` signed. Raises NotFound, TypedWrongly: with any other nothing could be compared."""
    try:
        note = read_named(path, NOTE_BYTES_MAX + 1).decode()
    except OSError as error:
        raise NotFound(Problem("checkpoint_unreadable", str(path), {"reason": reason_of(error)})) from error
    except UnicodeDecodeError as error:
        raise TypedWrongly(Problem("checkpoint_malformed", str(path))) from error
    try:
        origin = parse_checkpoint(note.rpartition("\n\n")[0] + "\n").origin
        base, _ = split_origin(origin)
    except NoteError as error:
        raise TypedWrongly(Problem("checkpoint_malformed", str(path))) from error
    if base != key.name.rpartition("/")[0]:
        raise TypedWrongly(Problem("checkpoint_foreign", str(path), {"log": origin, "ours": key.name}))
    try:
        open_any_checkpoint(note, key)
    except NoteError as error:
        raise TypedWrongly(Problem("checkpoint_unsigned", str(path))) from error
    return note
