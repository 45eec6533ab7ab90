"""What people answer to a call, to its close, folded."""

from collections.abc import Callable
from typing import Any

from hub.dispatch import entries as e
from hub.dispatch.campus import OPEN, RESPONDING, Assignment, Campus, Changes, Incident, responders


def _accepted(campus: Campus, entry: e.Accepted) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident is None or incident.state == "resolved":
        return
    for other in incident.assignments.values():
        if other.state in OPEN:
            other.due_ms = None
    incident.assignments[entry.guard] = Assignment(entry.guard, "accepted", entry.at_ms, entry.due_ms, incident.tier)
    _silence(incident)
    if entry.lead:
        incident.lead = entry.guard
    _settle(incident)
    _stays(campus, entry)


def _stays(campus: Campus, entry: e.Accepted) -> None:
    """Whoever accepts at a pager is at it, whatever sign-off was on its way to the disk: a responder can't sign off."""
    pager, account = campus.pagers.get(entry.by), campus.accounts.get(entry.guard)
    if pager and account and pager.guard is None:
        pager.guard = entry.guard
        pager.zones = account.zones or tuple(campus.zones)


def _silence(incident: Incident) -> None:
    incident.calling = False
    incident.everyone = False
    incident.repeat_ms = None


def _leaves(state: str) -> Callable[[Campus, Any], None]:
    """The guard of the entry answered and doesn't come. `lead`, where the entry has one: who leads from now on."""

    def change(campus: Campus, entry: e.Declined | e.Released | e.GuardDown) -> None:
        incident = campus.incidents.get(entry.incident)
        mine = incident.assignments.get(entry.guard) if incident else None
        if incident and mine:
            mine.state = state
            mine.since_ms = entry.at_ms
            _expect(mine, "", 0, None)
            if not isinstance(entry, e.Declined):
                incident.lead = entry.lead
            _settle(incident)

    return change


def _arrived(campus: Campus, entry: e.Arrived) -> None:
    incident = campus.incidents.get(entry.incident)
    mine = _responder(campus, entry)
    if incident and mine:
        mine.state = "on_scene"
        mine.since_ms = entry.at_ms
        _expect(mine, "", 0, entry.due_ms)
        _settle(incident)


def _asked(campus: Campus, entry: e.Asked) -> None:
    mine = _responder(campus, entry)
    if mine:
        _expect(mine, entry.about, entry.misses, entry.due_ms)


def _sign_given(campus: Campus, entry: e.SignGiven) -> None:
    mine = _responder(campus, entry)
    if mine:
        _expect(mine, "", 0, entry.due_ms)


def _responder(campus: Campus, entry: e.Arrived | e.Asked | e.SignGiven) -> Assignment | None:
    incident = campus.incidents.get(entry.incident)
    mine = incident.assignments.get(entry.guard) if incident else None
    return mine if mine and mine.state in RESPONDING else None


def _expect(assignment: Assignment, asked: str, misses: int, due_ms: int | None) -> None:
    assignment.asked = asked
    assignment.misses = misses
    assignment.due_ms = due_ms


def _settle(incident: Incident) -> None:
    """The incident's state follows from who responds."""
    if incident.state != "resolved":
        states = {a.state for a in responders(incident)}
        incident.state = "on_scene" if "on_scene" in states else "dispatched" if states else "raised"


def _resolved(campus: Campus, entry: e.Resolved) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident is None:
        return
    for assignment in incident.assignments.values():
        if assignment.state in OPEN or assignment.state in RESPONDING:
            assignment.state = "cleared"
            assignment.since_ms = entry.at_ms
        _expect(assignment, "", 0, None)
    _silence(incident)
    incident.state = "resolved"
    incident.outcome = entry.outcome
    incident.alert_until_ms = None
    incident.close_due_ms = entry.due_ms


def _reopened(campus: Campus, entry: e.Reopened) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident and incident.state == "resolved":
        incident.state = "raised"
        incident.lead = ""
        incident.outcome = None
        incident.close_due_ms = None


def _close_overdue(campus: Campus, entry: e.CloseOverdue) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident:
        incident.close_due_ms = None


def _closed(campus: Campus, entry: e.Closed) -> None:
    incident = campus.incidents.pop(entry.incident, None)
    if incident:
        for digest in incident.events:
            campus.event_incidents.pop(digest, None)
        others = campus.terminal_incidents.pop(incident.terminal)
        others.remove(entry.incident)
        if others:
            campus.terminal_incidents[incident.terminal] = others


CHANGES: Changes = {
    e.Accepted: _accepted,
    e.Declined: _leaves("declined"),
    e.Released: _leaves("released"),
    e.GuardDown: _leaves("lost"),
    e.Arrived: _arrived,
    e.Asked: _asked,
    e.SignGiven: _sign_given,
    e.Resolved: _resolved,
    e.Reopened: _reopened,
    e.CloseOverdue: _close_overdue,
    e.Closed: _closed,
}
