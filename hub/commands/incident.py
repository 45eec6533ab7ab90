"""`firstbell-hub incident …`: what has happened. Listing and showing read the ledger itself and need no running hub."""

import secrets
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

import click
import msgspec
from firstbell_linux.problems import Problem
from firstbell_linux.shell import command, group

from hub.commands.control import Declined
from hub.commands.found import find
from hub.commands.shell import Run, read_pin
from hub.database import untouched
from hub.dispatch import entries as e
from hub.dispatch.campus import Campus
from hub.ledger.errors import LedgerDamaged
from hub.ledger.reader import IncidentRow, Reader
from hub.names import Names
from hub.problems import HubError, NotFound, TypedWrongly

COUNT_DEFAULT = 50
COUNT_MAX = 10_000


def build(run: Run) -> click.Group:
    count = click.Option(["--count"], type=click.IntRange(1, COUNT_MAX), default=COUNT_DEFAULT, show_default=True)
    incident = click.Argument(["incident"])
    return group(
        run,
        "incident",
        (
            command(run, "incident.list", list_incidents, count),
            command(run, "incident.show", show, incident),
            command(run, "incident.close", close, incident, click.Option(["--by"], required=True, metavar="NAME")),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Ledger:
    """An open ledger, with what is needed to call people, places and times by their names."""

    reader: Reader
    campus: Campus
    names: Names
    utc_offsets: list[tuple[int, int]]

    def utc_ms(self, at_ms: int) -> int:
        """As the hub knew it then: a clock that was set later does not move what happened before."""
        at = max(bisect_right(self.utc_offsets, at_ms, key=lambda since: since[0]) - 1, 0)
        return at_ms + (self.utc_offsets[at][1] if self.utc_offsets else 0)

    def clock(self, at_ms: int) -> str:
        """The campus's wall clock, to the millisecond, and how far it is from UTC. Raises LedgerDamaged."""
        try:
            zone = timezone(timedelta(minutes=self.names.campus(self.campus).zone_minutes))
            moment = datetime.fromtimestamp(0, zone) + timedelta(milliseconds=self.utc_ms(at_ms))
        except (OverflowError, ValueError) as error:
            raise LedgerDamaged(f"{at_ms} ms is on no clock: {error}") from error
        return moment.isoformat(" ", "milliseconds")

    def person(self, by: str) -> str:
        """An account, a pager, or whatever else acted, by its name where it has one."""
        if by in self.campus.pagers:
            return self.names.pager(self.campus.pagers[by])
        return self.names.person(self.campus, by)

    def place(self, terminal: str) -> str:
        found = self.campus.terminals.get(terminal)
        return self.names.terminal(found).name if found else terminal

    def zone(self, zone: str) -> str:
        found = self.campus.zones.get(zone)
        return self.names.zone(found) if found else zone


@contextmanager
def _opened(run: Run) -> Iterator[_Ledger]:
    with untouched(run.home.database) as connection:
        reader = Reader(connection)
        yield _Ledger(reader, reader.load_campus(), Names(reader.details()), reader.utc_offsets())


def list_incidents(run: Run, count: int) -> None:
    """The newest, newest first."""
    with _opened(run) as ledger:
        incidents = ledger.reader.incidents(count)
        data = {"incidents": [_row(ledger, incident) for incident in incidents]}
        rows = (
            (
                ledger.clock(incident.raised_ms),
                incident.incident,
                ledger.zone(incident.zone),
                ledger.place(incident.terminal),
                _state(run, incident),
                str(incident.presses),
            )
            for incident in incidents
        )
        columns = ("column.when", "column.id", "column.zone", "column.place", "column.state", "column.presses")
        run.list(data, columns, list(rows), "incident.none")


def _row(ledger: _Ledger, incident: IncidentRow) -> dict[str, Any]:
    return {
        **{field: getattr(incident, field) for field in incident.__slots__},
        "raised_utc_ms": ledger.utc_ms(incident.raised_ms),
        "zone_name": ledger.zone(incident.zone),
        "terminal_name": ledger.place(incident.terminal),
    }


def _state(run: Run, incident: IncidentRow) -> str:
    marks = [run.say(f"mark.{mark}") for mark in ("drill", "test") if getattr(incident, mark)]
    outcome = [run.words.word(f"outcome.{incident.outcome}", incident.outcome)] if incident.outcome else []
    return " · ".join([*marks, run.words.word(f"state.{incident.state}", incident.state), *outcome])


def show(run: Run, incident: str) -> None:
    """Everything that happened in it, in order, each with its time and its place in the ledger."""
    with _opened(run) as ledger:
        row = ledger.reader.incident(incident)
        if row is None:
            raise NotFound(Problem("unknown_incident", incident))
        steps = ledger.reader.incident_entries(incident)
        data = {
            **_row(ledger, row),
            "entries": [
                {"index": index, "utc_ms": ledger.utc_ms(entry.at_ms), **msgspec.to_builtins(entry)}
                for index, entry in steps
            ],
        }
        heading = run.say("incident.heading", place=ledger.place(row.terminal), zone=ledger.zone(row.zone))
        lines = (f"{ledger.clock(entry.at_ms)}  #{index:<6} {_tell(run, ledger, entry)}" for index, entry in steps)
        run.tell(data, heading, _state(run, row), *lines)


def _tell(run: Run, ledger: _Ledger, entry: e.Entry) -> str:
    """One entry as a sentence. What it says beyond that is in the JSON."""
    kind = str(entry.__struct_config__.tag)
    who = ledger.person(getattr(entry, "guard", "") or getattr(entry, "by", "") or "")
    what = run.words.word(f"entry.{kind}", kind)
    details = [what.format(who=who)] if what != kind else [kind, who]
    match entry:
        case e.EventRecorded():
            details.append(run.words.word(f"event.{entry.what}", entry.what))
        case e.IncidentRaised() | e.TierRaised():
            people = [ledger.person(page.guard) for page in entry.paged]
            details.append(run.words.listed(people) or run.say("entry.everyone"))
        case e.Resolved():
            details.append(run.words.word(f"outcome.{entry.outcome}", entry.outcome))
        case e.LightShown():
            details.append(run.words.word(f"light.{entry.light}", entry.light))
        case e.PageProgressed():
            details.append(run.words.word(f"page.{entry.to}", entry.to))
    acted = getattr(entry, "by", "")
    if acted in ledger.campus.accounts and acted != getattr(entry, "guard", acted):
        details.append(run.say("entry.by_radio", who=ledger.person(acted)))
    return " · ".join(filter(None, details))


def close(run: Run, incident: str, by: str) -> None:
    """Only a named person closes: the PIN says that it is this one."""
    account = find(run, "account", by)
    if not account["pin"]:
        raise TypedWrongly(Problem("person_without_pin", account["name"]))
    body = {"by": account["id"], "pin": read_pin(run, new=False), "id": secrets.token_hex(16)}
    try:
        answer = run.call("POST", f"/control/incidents/{incident}/close", body)
    except Declined as declined:
        if declined.code == "not_yours":
            raise HubError(Problem("may_not_close", account["name"])) from declined
        # The hub forgets those that are closed; the record does not.
        if declined.code == "unknown_incident" and _is_recorded(run, incident):
            raise HubError(Problem("closed_already", incident)) from declined
        raise
    run.tell(answer, run.say("incident.closed", incident=incident))


def _is_recorded(run: Run, incident: str) -> bool:
    with _opened(run) as ledger:
        return ledger.reader.incident(incident) is not None
