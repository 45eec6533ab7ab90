"""Escalation by a clock of its own: from the entries alone, what must follow by when (DESIGN.md, "Dispatch")."""

from collections.abc import Callable
from dataclasses import dataclass, field

from hub.dispatch import entries as e
from hub.dispatch.campus import OPEN, Campus, Incident, Zone, responders
from hub.dispatch.rules_place import RESTART_DUE_MS

LATE_MS_MAX = 1_000
ROLL_CALLS_MAX = 2
"""After so many without a sign a guard is down."""
CALL, CLOSE = "call", "close"


@dataclass(slots=True)
class Responder:
    """`asked_ms`: the questions since the last sign, each when it was asked."""

    there: bool = False
    asked_ms: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Watched:
    """An incident. `due`: by when the next call, the close, the next step of which guard (`CALL`, `CLOSE`, a guard)
    must follow. `has_it`: guards whose page was delivered. `last_tier`: it is called, and again until somebody accepts.
    """

    zone: str
    last_tier: bool = False
    due: dict[str, int] = field(default_factory=dict)
    has_it: set[str] = field(default_factory=set)
    responders: dict[str, Responder] = field(default_factory=dict)

    def call_now(self, at_ms: int) -> None:
        if not self.last_tier:
            self.due[CALL] = at_ms

    def drop_pages(self) -> None:
        self.due = {what: ms for what, ms in self.due.items() if what == CLOSE or what in self.responders}
        self.last_tier = False


class Deadlines:
    def __init__(self, broken: Callable[[str], None]) -> None:
        self._broken = broken
        self._watched: dict[str, Watched] = {}

    def decided(self, entry: e.Entry, campus: Campus) -> None:
        if isinstance(entry, e.RunStarted):
            self._watched = {name: _anew(known, entry.at_ms) for name, known in campus.incidents.items()}
        elif isinstance(entry, e.IncidentRaised):
            self._watched[entry.incident] = Watched(entry.zone)
        watched = self._watched.get(getattr(entry, "incident", ""))
        if watched:
            zone = campus.zones[watched.zone]
            match entry:
                case e.IncidentRaised() | e.TierRaised():
                    _called(watched, entry, zone)
                case e.PageProgressed() | e.PageLapsed() | e.Declined():
                    _page(watched, entry, zone)
                case e.Accepted() | e.Arrived() | e.SignGiven():
                    _sign(watched, entry, zone)
                case e.Asked():
                    self._asked(watched, entry, zone)
                case e.Released() | e.GuardDown():
                    _left(watched, entry)
                case e.Resolved():
                    watched.responders.clear()
                    watched.has_it.clear()
                    watched.drop_pages()
                    watched.due[CLOSE] = entry.at_ms + zone.deadlines.closed_ms
                case e.Reopened() | e.CloseOverdue() | e.Closed():
                    watched.due.pop(CLOSE, None)

    def _asked(self, watched: Watched, entry: e.Asked, zone: Zone) -> None:
        """A question that leads nowhere: a roll-call to guard down, one about the arrival to the next call, unless
        another responder is on time.
        """
        mine = watched.responders[entry.guard]
        mine.asked_ms.append(entry.at_ms)
        watched.due[entry.guard] = entry.at_ms + zone.deadlines.asked_ms
        asked = len(mine.asked_ms)
        if mine.there and asked > ROLL_CALLS_MAX:
            self._broken(f"{entry.guard} is asked for a sign {asked} times at {entry.incident[:10]} and is not down")
        all_late = all(one.asked_ms and one.asked_ms[0] < entry.at_ms for one in watched.responders.values())
        if not mine.there and asked > 1 and all_late:
            watched.call_now(entry.at_ms)

    def settled(self, hub_ms: int) -> None:
        for name, watched in self._watched.items():
            for what, due_ms in watched.due.items():
                if hub_ms > due_ms + LATE_MS_MAX:
                    self._broken(f"{_missing(what, watched)} {name[:10]}, due {hub_ms - due_ms} ms ago")


def _anew(incident: Incident, at_ms: int) -> Watched:
    """What a run begins with: whatever waits for a person is due soon."""
    watched = Watched(incident.zone, incident.repeat_ms is not None)
    for page in incident.assignments.values():
        if page.due_ms is not None:
            watched.due[page.guard] = at_ms + RESTART_DUE_MS
    watched.has_it = {page.guard for page in incident.assignments.values() if page.state in OPEN[1:]}
    watched.responders = {one.guard: Responder(one.state == "on_scene") for one in responders(incident)}
    if incident.close_due_ms is not None:
        watched.due[CLOSE] = incident.close_due_ms
    if watched.last_tier:
        watched.due[CALL] = at_ms + RESTART_DUE_MS
    return watched


def _called(watched: Watched, entry: e.IncidentRaised | e.TierRaised, zone: Zone) -> None:
    """The last tier is called again as a whole; each page of another one has its own time."""
    limits = zone.deadlines
    watched.last_tier = entry.tier == len(zone.tiers) - 1
    watched.due[CALL] = entry.at_ms + limits.accepted_ms + (0 if watched.last_tier else limits.delivered_ms)
    for page in entry.paged:
        watched.due.pop(page.guard, None)
        if not watched.last_tier:
            wait_ms = limits.accepted_ms if page.guard in watched.has_it else limits.delivered_ms
            watched.due[page.guard] = entry.at_ms + wait_ms


def _page(watched: Watched, entry: e.PageProgressed | e.PageLapsed | e.Declined, zone: Zone) -> None:
    waited_for = watched.due.pop(entry.guard, None)
    if isinstance(entry, e.PageLapsed):
        watched.call_now(entry.at_ms)
    elif isinstance(entry, e.PageProgressed):
        if entry.guard not in watched.has_it and waited_for is not None:
            waited_for = entry.at_ms + zone.deadlines.accepted_ms
        watched.has_it.add(entry.guard)
        if waited_for is not None:
            watched.due[entry.guard] = waited_for


def _sign(watched: Watched, entry: e.Accepted | e.Arrived | e.SignGiven, zone: Zone) -> None:
    if isinstance(entry, e.Accepted):
        watched.drop_pages()
        watched.responders[entry.guard] = Responder()
        watched.has_it.discard(entry.guard)
    mine = watched.responders[entry.guard]
    mine.asked_ms.clear()
    mine.there = mine.there or isinstance(entry, e.Arrived)
    wait_ms = zone.deadlines.roll_call_ms if mine.there else zone.deadlines.on_scene_ms
    watched.due[entry.guard] = entry.at_ms + wait_ms


def _left(watched: Watched, entry: e.Released | e.GuardDown) -> None:
    """Without anybody who responds, and for one who is down, others are called at once."""
    watched.due.pop(entry.guard, None)
    watched.responders.pop(entry.guard, None)
    if isinstance(entry, e.GuardDown) or not watched.responders:
        watched.due[CALL] = entry.at_ms


def _missing(what: str, watched: Watched) -> str:
    if what == CALL:
        return "nobody is called on for"
    if what == CLOSE:
        return "nobody is told that it is time to close"
    if what in watched.responders:
        return f"{what} has accepted and is not asked for a sign of"
    return f"{what} does not answer, and no next tier is called for"
