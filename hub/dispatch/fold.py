"""`apply`: the only way the campus changes. A table: entry kind → function, live and in replay.

Total: an entry about something unknown changes nothing. Reads no setting and no clock; what was decided stands in the
entry. A changed branch would change the past: a new meaning gets a new kind.
"""

from collections.abc import Callable
from typing import Any

from hub.dispatch import entries as e
from hub.dispatch.campus import (
    COVERED_EVENTS_MAX,
    EVIDENCE_EVENTS_MAX,
    SEEN_COMMANDS_MAX,
    SEEN_EVENTS_MAX,
    Account,
    Assignment,
    Campus,
    Incident,
    Pager,
    Terminal,
    Trouble,
    Zone,
)

OPEN = ("paged", "delivered", "seen")
"""States of an assignment that waits for its guard's answer."""
RESPONDING = ("accepted", "on_scene")


def apply(campus: Campus, entry: e.Entry) -> None:
    """Folds one entry into the campus, in place."""
    campus.at_ms = max(campus.at_ms, entry.at_ms)
    command = getattr(entry, "command", "")
    if command:
        campus.commands.append(command)
        del campus.commands[:-SEEN_COMMANDS_MAX]
    change = _TABLE.get(type(entry))
    if change:
        change(campus, entry)


def responders(incident: Incident) -> list[Assignment]:
    """Who accepted and has not left, in the order of the calls."""
    return [a for a in incident.assignments.values() if a.state in RESPONDING]


# ── the log, the run, the time ──────────────────────────────────────────────────────────────────────────────


def _log_began(campus: Campus, entry: e.LogBegan) -> None:
    campus.origin = entry.origin


def _campus_founded(campus: Campus, entry: e.CampusFounded) -> None:
    campus.campus = entry.campus
    campus.details = entry.details


def _run_started(campus: Campus, entry: e.RunStarted) -> None:
    campus.run = entry.run
    campus.run_ms = entry.at_ms
    for pager in campus.pagers.values():
        pager.reasons = ("link",)
    for terminal in campus.terminals.values():
        terminal.linked = None
        terminal.waited_from_ms = entry.at_ms
        terminal.inputs = dict.fromkeys(terminal.input_kinds, "unknown")
        terminal.ringing = False
        terminal.test_until_ms = None
    for zone in campus.zones.values():
        zone.drill_until_ms = None
    for incident in campus.incidents.values():
        if incident.repeat_ms is not None:
            incident.repeat_ms = entry.due_ms
        for assignment in incident.assignments.values():
            assignment.ringing = False
            if assignment.due_ms is not None:
                assignment.due_ms = entry.due_ms


def _utc_set(campus: Campus, entry: e.UtcSet) -> None:
    campus.utc_offset_ms = entry.offset_ms
    campus.utc_error_ms = entry.error_ms


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────


def _zone_set(campus: Campus, entry: e.ZoneSet) -> None:
    before = campus.zones.get(entry.zone)
    campus.zones[entry.zone] = Zone(
        zone=entry.zone,
        details=entry.details,
        deadlines=entry.deadlines,
        tiers=entry.tiers,
        drill_until_ms=before.drill_until_ms if before else None,
    )


def _terminal_enrolled(campus: Campus, entry: e.TerminalEnrolled) -> None:
    campus.terminals[entry.terminal] = Terminal(
        terminal=entry.terminal,
        zone=entry.zone,
        role=entry.role,
        algorithm=entry.algorithm,
        key=entry.key,
        input_kinds=dict(entry.inputs),
        silent=entry.silent,
        details=entry.details,
        waited_from_ms=entry.at_ms,
        inputs=dict.fromkeys(entry.inputs, "unknown"),
    )


def _terminal_revoked(campus: Campus, entry: e.TerminalRevoked) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.revoked = True
        terminal.linked = None


def _test_started(campus: Campus, entry: e.TestStarted) -> None:
    if entry.terminal in campus.terminals:
        campus.terminals[entry.terminal].test_until_ms = entry.until_ms


def _test_ended(campus: Campus, entry: e.TestEnded) -> None:
    if entry.terminal in campus.terminals:
        campus.terminals[entry.terminal].test_until_ms = None


def _drill_started(campus: Campus, entry: e.DrillStarted) -> None:
    if entry.zone in campus.zones:
        campus.zones[entry.zone].drill_until_ms = entry.until_ms


def _drill_ended(campus: Campus, entry: e.DrillEnded) -> None:
    if entry.zone in campus.zones:
        campus.zones[entry.zone].drill_until_ms = None


def _link_changed(campus: Campus, entry: e.LinkChanged) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.linked = entry.linked
        if not entry.linked:
            terminal.ringing = False
            terminal.inputs = dict.fromkeys(terminal.input_kinds, "unknown")


def _inputs_read(campus: Campus, entry: e.InputsRead) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.inputs = dict(entry.inputs)


def _light_shown(campus: Campus, entry: e.LightShown) -> None:
    if entry.terminal in campus.terminals:
        campus.terminals[entry.terminal].light = entry.light


def _bell_sounded(campus: Campus, entry: e.BellSounded) -> None:
    if entry.terminal in campus.terminals:
        campus.terminals[entry.terminal].ringing = entry.ringing


# ── people and pagers ───────────────────────────────────────────────────────────────────────────────────────


def _account_added(campus: Campus, entry: e.AccountAdded) -> None:
    campus.accounts[entry.account] = Account(entry.account, entry.roles, entry.zones, entry.details)


def _account_removed(campus: Campus, entry: e.AccountRemoved) -> None:
    campus.accounts.pop(entry.account, None)


def _pager_made(campus: Campus, entry: e.PagerMade) -> None:
    campus.pagers[entry.pager] = Pager(entry.pager, entry.details)


def _pager_revoked(campus: Campus, entry: e.PagerRevoked) -> None:
    campus.pagers.pop(entry.pager, None)


def _signed_on(campus: Campus, entry: e.SignedOn) -> None:
    pager = campus.pagers.get(entry.pager)
    if pager:
        pager.guard = entry.guard
        pager.zones = entry.zones


def _signed_off(campus: Campus, entry: e.SignedOff) -> None:
    pager = campus.pagers.get(entry.pager)
    if pager and pager.guard == entry.guard:
        pager.guard = None
        pager.zones = ()


def _pager_readiness(campus: Campus, entry: e.PagerReadiness) -> None:
    if entry.pager in campus.pagers:
        campus.pagers[entry.pager].reasons = entry.reasons


# ── events and calls ────────────────────────────────────────────────────────────────────────────────────────


def _event_recorded(campus: Campus, entry: e.EventRecorded) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.seen[entry.digest] = f"{entry.boot}:{entry.seq}"
        while len(terminal.seen) > SEEN_EVENTS_MAX:
            del terminal.seen[next(iter(terminal.seen))]
    incident = campus.incidents.get(entry.incident)
    if incident:
        incident.presses += 1
        incident.last_press_ms = entry.at_ms
        campus.event_incidents[entry.digest] = entry.incident
        if len(incident.events) < COVERED_EVENTS_MAX:
            incident.events.append(entry.digest)
        if len(incident.evidence) < EVIDENCE_EVENTS_MAX:
            incident.evidence.append(entry.jws)


def _incident_raised(campus: Campus, entry: e.IncidentRaised) -> None:
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
    _call(incident, entry)


def _tier_raised(campus: Campus, entry: e.TierRaised) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident:
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
    assignment = _assignment(campus, entry)
    if assignment is None or assignment.state not in OPEN:
        return
    if entry.to == "ringing":
        assignment.ringing = True
    else:
        assignment.state = entry.to
    if entry.due_ms is not None:
        assignment.due_ms = entry.due_ms


def _page_lapsed(campus: Campus, entry: e.PageLapsed) -> None:
    assignment = _assignment(campus, entry)
    if assignment:
        assignment.due_ms = None


# ── answers ─────────────────────────────────────────────────────────────────────────────────────────────────


def _accepted(campus: Campus, entry: e.Accepted) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident is None:
        return
    for other in incident.assignments.values():
        if other.state in OPEN:
            other.due_ms = None
    incident.assignments[entry.guard] = Assignment(entry.guard, "accepted", entry.at_ms, entry.due_ms, incident.tier)
    incident.calling = False
    incident.everyone = False
    incident.repeat_ms = None
    if entry.lead:
        incident.lead = entry.guard
    _settle(incident)


def _declined(campus: Campus, entry: e.Declined) -> None:
    _leave(campus, entry, "declined")


def _released(campus: Campus, entry: e.Released) -> None:
    incident = _leave(campus, entry, "released")
    if incident:
        incident.lead = entry.lead


def _guard_down(campus: Campus, entry: e.GuardDown) -> None:
    _leave(campus, entry, "lost")


def _leave(campus: Campus, entry: e.Declined | e.Released | e.GuardDown, state: str) -> Incident | None:
    incident = campus.incidents.get(entry.incident)
    assignment = _assignment(campus, entry)
    if incident and assignment:
        assignment.state = state
        assignment.since_ms = entry.at_ms
        assignment.due_ms = None
        assignment.asked = ""
        _settle(incident)
    return incident


def _arrived(campus: Campus, entry: e.Arrived) -> None:
    incident = campus.incidents.get(entry.incident)
    assignment = _assignment(campus, entry)
    if incident and assignment:
        assignment.state = "on_scene"
        assignment.since_ms = entry.at_ms
        _expect(assignment, "", 0, entry.due_ms)
        _settle(incident)


def _asked(campus: Campus, entry: e.Asked) -> None:
    assignment = _assignment(campus, entry)
    if assignment:
        _expect(assignment, entry.about, entry.misses, entry.due_ms)


def _sign_given(campus: Campus, entry: e.SignGiven) -> None:
    assignment = _assignment(campus, entry)
    if assignment:
        _expect(assignment, "", 0, entry.due_ms)


def _expect(assignment: Assignment, asked: str, misses: int, due_ms: int | None) -> None:
    assignment.asked = asked
    assignment.misses = misses
    assignment.due_ms = due_ms


def _settle(incident: Incident) -> None:
    """The incident's state follows from who responds."""
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
    incident.state = "resolved"
    incident.outcome = entry.outcome
    incident.calling = False
    incident.everyone = False
    incident.repeat_ms = None
    incident.alert_until_ms = None
    incident.close_due_ms = entry.due_ms


def _reopened(campus: Campus, entry: e.Reopened) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident:
        incident.state = "raised"
        incident.lead = ""
        incident.outcome = None
        incident.close_due_ms = None


def _close_overdue(campus: Campus, entry: e.CloseOverdue) -> None:
    incident = campus.incidents.get(entry.incident)
    if incident:
        incident.close_due_ms = entry.due_ms


def _closed(campus: Campus, entry: e.Closed) -> None:
    incident = campus.incidents.pop(entry.incident, None)
    if incident:
        for digest in [d for d, i in campus.event_incidents.items() if i == entry.incident]:
            del campus.event_incidents[digest]


# ── trouble ─────────────────────────────────────────────────────────────────────────────────────────────────


def _trouble_began(campus: Campus, entry: e.TroubleBegan) -> None:
    campus.troubles.setdefault(f"{entry.what}:{entry.about}", Trouble(entry.what, entry.about, entry.at_ms))


def _trouble_ended(campus: Campus, entry: e.TroubleEnded) -> None:
    campus.troubles.pop(f"{entry.what}:{entry.about}", None)


def _trouble_seen(campus: Campus, entry: e.TroubleSeen) -> None:
    trouble = campus.troubles.get(f"{entry.what}:{entry.about}")
    if trouble:
        trouble.seen_by = entry.by


def _assignment(campus: Campus, entry: Any) -> Assignment | None:
    incident = campus.incidents.get(entry.incident)
    return incident.assignments.get(entry.guard) if incident else None


_TABLE: dict[type[e.Entry], Callable[[Campus, Any], None]] = {
    e.LogBegan: _log_began,
    e.CampusFounded: _campus_founded,
    e.RunStarted: _run_started,
    e.UtcSet: _utc_set,
    e.ZoneSet: _zone_set,
    e.TerminalEnrolled: _terminal_enrolled,
    e.TerminalRevoked: _terminal_revoked,
    e.TestStarted: _test_started,
    e.TestEnded: _test_ended,
    e.DrillStarted: _drill_started,
    e.DrillEnded: _drill_ended,
    e.LinkChanged: _link_changed,
    e.InputsRead: _inputs_read,
    e.LightShown: _light_shown,
    e.BellSounded: _bell_sounded,
    e.AccountAdded: _account_added,
    e.AccountRemoved: _account_removed,
    e.PagerMade: _pager_made,
    e.PagerRevoked: _pager_revoked,
    e.SignedOn: _signed_on,
    e.SignedOff: _signed_off,
    e.PagerReadiness: _pager_readiness,
    e.EventRecorded: _event_recorded,
    e.IncidentRaised: _incident_raised,
    e.TierRaised: _tier_raised,
    e.PressRepeated: _press_repeated,
    e.AlertEnded: _alert_ended,
    e.PageProgressed: _page_progressed,
    e.PageLapsed: _page_lapsed,
    e.Accepted: _accepted,
    e.Declined: _declined,
    e.Released: _released,
    e.GuardDown: _guard_down,
    e.Arrived: _arrived,
    e.Asked: _asked,
    e.SignGiven: _sign_given,
    e.Resolved: _resolved,
    e.Reopened: _reopened,
    e.CloseOverdue: _close_overdue,
    e.Closed: _closed,
    e.TroubleBegan: _trouble_began,
    e.TroubleEnded: _trouble_ended,
    e.TroubleSeen: _trouble_seen,
}
