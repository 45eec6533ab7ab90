"""What people decide about an incident: one table, the command's word → rule. A command counts once, by its id."""

from collections.abc import Callable

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.calls import call_again, call_next, call_tier, next_lead, waited_for
from hub.dispatch.campus import OPEN, RESPONDING, Assignment, Campus, Incident, incident_id, responders

ACTING_ROLES = {"dispatcher", "admin"}
"""Who may act for a guard by radio, resolve, and reopen."""
CLOSING_ROLES = {"leader", "admin"}


def command(campus: Campus, request: r.Command) -> tuple[e.Entry, ...]:
    if request.command in campus.commands:
        return ()
    incident = find(campus, request.incident)
    if request.do in ("close", "reopen"):
        if incident.state != "resolved":
            raise r.Refused("not_resolved")
    else:
        _check_guard(campus, request)
        if incident.state == "resolved":
            raise r.Refused("already_resolved")
    return _TABLE[request.do](campus, incident, request)


def _check_guard(campus: Campus, request: r.Command) -> None:
    """A guard speaks from a pager of their own; a dispatcher acts for any guard, and resolves for nobody too."""
    acts = bool(_roles(campus, request.by) & ACTING_ROLES)
    account = campus.accounts.get(request.guard)
    nobody = acts and request.do == "resolve" and not request.guard
    if not nobody and (account is None or "guard" not in account.roles):
        raise r.Refused("unknown_guard")
    pager = campus.pagers.get(request.by)
    if not acts and not (pager and pager.guard == request.guard):
        raise r.Refused("not_yours")


def find(campus: Campus, named: str) -> Incident:
    """By its id, by the digest of any of its events, or by the id of an incident that a crash took: its first event,
    which gave it that id, may have joined another since.
    """
    incident = campus.incidents.get(named) or campus.incidents.get(_incident_of(campus, named))
    if incident is None:
        raise r.Refused("unknown_incident")
    return incident


def _incident_of(campus: Campus, named: str) -> str:
    if named in campus.event_incidents:
        return campus.event_incidents[named]
    for digest, incident in campus.event_incidents.items():
        if named == incident_id(digest):
            return incident
    return ""


def _roles(campus: Campus, by: str) -> set[str]:
    account = campus.accounts.get(by)
    return set(account.roles) if account else set()


def _leads(campus: Campus, incident: Incident, by: str) -> bool:
    """Whether the lead speaks: by their account, or from a pager where they are signed on."""
    pager = campus.pagers.get(by)
    return bool(incident.lead) and incident.lead in (by, pager.guard if pager else "")


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
    if not incident.calling or any(page.guard != request.guard for page in waited_for(incident)):
        return (declined,)
    return (declined, *call_next(campus, incident, "declined", request.now_ms, leaving={request.guard}))


def _release(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    """A mistaken accept, or a hand-over: whoever else responds leads; with nobody left everybody is called again."""
    _mine(incident, request, RESPONDING, "not_accepted")
    lead = next_lead(incident, {request.guard})
    released = e.Released(
        at_ms=request.now_ms,
        incident=incident.incident,
        guard=request.guard,
        by=request.by,
        command=request.command,
        lead=lead,
    )
    if lead:
        return (released,)
    leaving = {request.guard}
    return (released, call_tier(campus, incident, incident.tier, "released", request.now_ms, leaving=leaving))


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
        call_tier(campus, incident, incident.tier + 1, "backup", request.now_ms, new_only=True),
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
    """Everybody is asked anew, whatever they answered before."""
    if not _leads(campus, incident, request.by) and not _roles(campus, request.by) & ACTING_ROLES:
        raise r.Refused("not_yours")
    reopened = e.Reopened(at_ms=request.now_ms, incident=incident.incident, by=request.by, command=request.command)
    return (reopened, call_again(campus, incident, request.now_ms))


def _close(campus: Campus, incident: Incident, request: r.Command) -> tuple[e.Entry, ...]:
    if not _leads(campus, incident, request.by) and not _roles(campus, request.by) & CLOSING_ROLES:
        raise r.Refused("not_yours")
    return (e.Closed(at_ms=request.now_ms, incident=incident.incident, by=request.by, command=request.command),)


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
