"""What people decide about an incident: one table, the command's word → rule. A command counts once, by its id."""

from collections.abc import Callable

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.calls import call_next, call_tier, waiting
from hub.dispatch.campus import Assignment, Campus, Incident
from hub.dispatch.fold import OPEN, RESPONDING, responders

ACTING_ROLES = {"dispatcher", "admin"}
"""Who may act for a guard by radio, resolve, and reopen."""
CLOSING_ROLES = {"leader", "admin"}


def command(campus: Campus, request: r.Command) -> tuple[e.Entry, ...]:
    if request.command in campus.commands:
        return ()
    incident = find(campus, request.incident)
    if request.do not in ("close", "reopen"):
        account = campus.accounts.get(request.guard)
        if account is None or "guard" not in account.roles:
            raise r.Refused("unknown_guard")
        pager = campus.pagers.get(request.by)
        if not (pager and pager.guard == request.guard) and not _roles(campus, request.by) & ACTING_ROLES:
            raise r.Refused("not_yours")
    if incident.state == "resolved" and request.do not in ("close", "reopen"):
        raise r.Refused("already_resolved")
    return _TABLE[request.do](campus, incident, request)


def find(campus: Campus, named: str) -> Incident:
    """By its id or by the digest of any of its events."""
    incident = campus.incidents.get(named) or campus.incidents.get(campus.event_incidents.get(named, ""))
    if incident is None:
        raise r.Refused("unknown_incident")
    return incident


def _roles(campus: Campus, by: str) -> set[str]:
    account = campus.accounts.get(by)
    return set(account.roles) if account else set()


def _mine(incident: Incident, request: r.Command, states: tuple[str, ...], reason: str) -> Assignment:
    assignment = incident.assignments.get(request.guard)
    if assignment is None or assignment.state not in states:
        raise r.Refused(reason)
    return assignment


def _accept(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    """A late accept is an accept; so is one by a guard who was not called."""
    mine = incident.assignments.get(request.guard)
    if mine and mine.state in RESPONDING:
        raise r.Refused("already_accepted")
    return (
        e.Accepted(
            at_ms=request.now_ms,
            incident=incident.incident,
            guard=request.guard,
            by=request.by,
            command=request.command,
            lead=not responders(incident),
            due_ms=request.now_ms + campus.zones[incident.zone].deadlines.on_scene_ms,
        ),
    )


def _decline(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    _mine(incident, request, OPEN, "not_called")
    declined = e.Declined(
        at_ms=request.now_ms,
        incident=incident.incident,
        guard=request.guard,
        by=request.by,
        command=request.command,
    )
    left = set(waiting(incident)) - {request.guard}
    if not incident.calling or left:
        return (declined,)
    return (declined, *call_next(campus, incident, "declined", request.now_ms))


def _release(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    """A mistaken accept, or a hand-over: whoever else responds leads; with nobody left everybody is called again."""
    _mine(incident, request, RESPONDING, "not_accepted")
    others = [a.guard for a in responders(incident) if a.guard != request.guard]
    lead = incident.lead if incident.lead in others else next(iter(others), "")
    released = e.Released(
        at_ms=request.now_ms,
        incident=incident.incident,
        guard=request.guard,
        by=request.by,
        command=request.command,
        lead=lead,
    )
    if others:
        return (released,)
    called = call_tier(campus, incident, incident.tier, "released", request.now_ms, {request.guard})
    return (released, called)


def _arrive(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    _mine(incident, request, ("accepted",), "not_accepted")
    return (
        e.Arrived(
            at_ms=request.now_ms,
            incident=incident.incident,
            guard=request.guard,
            by=request.by,
            command=request.command,
            due_ms=request.now_ms + campus.zones[incident.zone].deadlines.roll_call_ms,
        ),
    )


def _sign(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    mine = _mine(incident, request, RESPONDING, "not_accepted")
    deadlines = campus.zones[incident.zone].deadlines
    wait_ms = deadlines.roll_call_ms if mine.state == "on_scene" else deadlines.on_scene_ms
    return (
        e.SignGiven(
            at_ms=request.now_ms,
            incident=incident.incident,
            guard=request.guard,
            by=request.by,
            command=request.command,
            due_ms=request.now_ms + wait_ms,
        ),
    )


def _backup(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    """The responder calls for more; it is a sign of the responder too."""
    return (
        *_sign(campus, incident, request),
        call_tier(campus, incident, incident.tier + 1, "backup", request.now_ms),
    )


def _resolve(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    """Covers what its screen showed: if another event has joined, nothing changes and it rings on."""
    if not _roles(campus, request.by) & ACTING_ROLES:
        _mine(incident, request, RESPONDING, "not_accepted")
    if request.outcome is None:
        raise r.Refused("outcome_missing")
    if not set(incident.events) <= set(request.covers):
        raise r.Refused("not_covered")
    return (
        e.Resolved(
            at_ms=request.now_ms,
            incident=incident.incident,
            guard=request.guard,
            by=request.by,
            command=request.command,
            outcome=request.outcome,
            covers=request.covers,
            note=request.note,
            due_ms=request.now_ms + campus.zones[incident.zone].deadlines.closed_ms,
        ),
    )


def _reopen(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    if incident.state != "resolved":
        raise r.Refused("not_resolved")
    if request.by != incident.lead and not _roles(campus, request.by) & ACTING_ROLES:
        raise r.Refused("not_yours")
    reopened = e.Reopened(at_ms=request.now_ms, incident=incident.incident, by=request.by, command=request.command)
    return (reopened, call_tier(campus, incident, 0, "reopened", request.now_ms, set()))


def _close(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    if incident.state != "resolved":
        raise r.Refused("not_resolved")
    if request.by != incident.lead and not _roles(campus, request.by) & CLOSING_ROLES:
        raise r.Refused("not_yours")
    closed = e.Closed(at_ms=request.now_ms, incident=incident.incident, by=request.by, command=request.command)
    overdue = f"close_overdue:{incident.incident}"
    if overdue not in campus.troubles:
        return (closed,)
    return (closed, e.TroubleEnded(at_ms=request.now_ms, what="close_overdue", about=incident.incident))


_TABLE: dict[r.Do, Callable[[Campus, Incident, r.Command], tuple[e.Entry, ...]]] = {
    "accept": _accept,
    "decline": _decline,
    "release": _release,
    "on_scene": _arrive,
    "sign": _sign,
    "backup": _backup,
    "resolve": _resolve,
    "reopen": _reopen,
    "close": _close,
}
