"""Events, and what becomes of a call until somebody answers it, folded."""

from hub.dispatch import entries as e
from hub.dispatch.campus import (
    COVERED_EVENTS_MAX,
    EVIDENCE_EVENTS_MAX,
    OPEN,
    RESPONDING,
    SEEN_EVENTS_MAX,
    Assignment,
    Campus,
    Changes,
    Incident,
)


def _event_recorded(campus: Campus, entry: e.EventRecorded) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.seen[entry.digest] = f"{entry.boot}:{entry.seq}"
        while len(terminal.seen) > SEEN_EVENTS_MAX:
            del terminal.seen[next(iter(terminal.seen))]
        terminal.newest = max(terminal.newest, (entry.boot, entry.seq))
    incident = campus.incidents.get(entry.incident)
    if incident is None:
        return
    incident.presses += 1
    incident.last_press_ms = entry.at_ms
    incident.events.append(entry.digest)
    campus.event_incidents[entry.digest] = entry.incident
    if len(incident.events) > COVERED_EVENTS_MAX:
        campus.event_incidents.pop(incident.events.pop(1), None)
    if len(incident.evidence) < EVIDENCE_EVENTS_MAX:
        incident.evidence.append(entry.jws)


def _incident_raised(campus: Campus, entry: e.IncidentRaised) -> None:
    placed = entry.terminal in campus.terminals and entry.zone in campus.zones
    if not placed or entry.incident in campus.incidents:
        return
    incident = Incident(
        incident=entry.incident,
        terminal=entry.terminal,
        zone=entry.zone,
        severity=entry.severity,
        drill=entry.drill,
        test=entry.test,
        raised_ms=entry.at_ms,
        event_ms=entry.event_ms,
        error_ms=entry.error_ms,
    )
    campus.incidents[entry.incident] = incident
    campus.terminal_incidents.setdefault(entry.terminal, []).append(entry.incident)
    _call(incident, entry)


def _tier_raised(campus: Campus, entry: e.TierRaised) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident and incident.state != "resolved":
        incident.calling = True
        _call(incident, entry)


def _call(incident: Incident, entry: e.IncidentRaised | e.TierRaised) -> None:
    incident.tier = entry.tier
    incident.everyone = entry.everyone
    incident.repeat_ms = entry.repeat_ms
    for page in entry.paged:
        before = incident.assignments.get(page.guard)
        if before and before.state in OPEN:
            before.due_ms = page.due_ms
            before.tier = entry.tier
        elif not before or before.state not in RESPONDING:
            incident.assignments[page.guard] = Assignment(page.guard, "paged", entry.at_ms, page.due_ms, entry.tier)


def _press_repeated(campus: Campus, entry: e.PressRepeated) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident:
        incident.alert_until_ms = entry.due_ms


def _alert_ended(campus: Campus, entry: e.AlertEnded) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident:
        incident.alert_until_ms = None


def _page_progressed(campus: Campus, entry: e.PageProgressed) -> None:
    incident = campus.incidents.get(entry.incident)
    page = incident.assignments.get(entry.guard) if incident else None
    if page is None or page.state not in OPEN:
        return
    if entry.to == "ringing":
        page.ringing = True
    else:
        page.state = entry.to
    if entry.due_ms is not None:
        page.due_ms = entry.due_ms


def _page_lapsed(campus: Campus, entry: e.PageLapsed) -> None:
    incident = campus.incidents.get(entry.incident)
    page = incident.assignments.get(entry.guard) if incident else None
    if page and page.state in OPEN:
        page.due_ms = None


CHANGES: Changes = {
    e.EventRecorded: _event_recorded,
    e.IncidentRaised: _incident_raised,
    e.TierRaised: _tier_raised,
    e.PressRepeated: _press_repeated,
    e.AlertEnded: _alert_ended,
    e.PageProgressed: _page_progressed,
    e.PageLapsed: _page_lapsed,
}
