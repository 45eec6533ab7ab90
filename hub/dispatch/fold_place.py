"""The log, the run, the time; zones and terminals, folded."""

from hub.dispatch import entries as e
from hub.dispatch.campus import RESPONDING, Assignment, Campus, Changes, Terminal, Update, Zone


def _log_began(campus: Campus, entry: e.LogBegan) -> None:
    campus.origin = entry.origin


def _campus_founded(campus: Campus, entry: e.CampusFounded) -> None:
    campus.campus = entry.campus
    campus.details = entry.details


def _run_started(campus: Campus, entry: e.RunStarted) -> None:
    """Whatever was believed of others holds no more; whatever waits for a person is due anew. Calls go on."""
    campus.run = entry.run
    campus.run_ms = entry.at_ms
    for pager in campus.pagers.values():
        pager.reasons = ("link",)
    for terminal in campus.terminals.values():
        terminal.linked = None
        terminal.waited_from_ms = entry.at_ms
        terminal.inputs = dict.fromkeys(terminal.input_kinds, "unknown")
        terminal.ring = "none"
        terminal.test_until_ms = None
    for zone in campus.zones.values():
        zone.drill_until_ms = None
    for incident in campus.incidents.values():
        if incident.repeat_ms is not None:
            incident.repeat_ms = entry.due_ms
        for assignment in incident.assignments.values():
            _wait_anew(assignment, entry.due_ms)


def _wait_anew(assignment: Assignment, due_ms: int) -> None:
    """Nobody could answer while the hub was away: a responder is asked again before being missed."""
    assignment.ringing = False
    if assignment.due_ms is not None:
        assignment.due_ms = due_ms
    if assignment.state in RESPONDING:
        assignment.asked = ""
        assignment.misses = 0


def _utc_set(campus: Campus, entry: e.UtcSet) -> None:
    campus.utc_offset_ms = entry.offset_ms
    campus.utc_error_ms = entry.error_ms


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
    if entry.zone in campus.zones:
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


def _software_seen(campus: Campus, entry: e.SoftwareSeen) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.software = entry.software
        terminal.updatable = entry.updatable


def _update_ordered(campus: Campus, entry: e.UpdateOrdered) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal:
        terminal.update = Update(version=entry.version, size=entry.size, digest=entry.digest)


def _update_progressed(campus: Campus, entry: e.UpdateProgressed) -> None:
    terminal = campus.terminals.get(entry.terminal)
    if terminal and terminal.update:
        terminal.update.state = entry.to
        terminal.update.attempts += entry.to == "fetching"


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
            terminal.ring = "none"
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
        campus.terminals[entry.terminal].ring = entry.ring


CHANGES: Changes = {
    e.LogBegan: _log_began,
    e.CampusFounded: _campus_founded,
    e.RunStarted: _run_started,
    e.UtcSet: _utc_set,
    e.ZoneSet: _zone_set,
    e.TerminalEnrolled: _terminal_enrolled,
    e.TerminalRevoked: _terminal_revoked,
    e.SoftwareSeen: _software_seen,
    e.UpdateOrdered: _update_ordered,
    e.UpdateProgressed: _update_progressed,
    e.TestStarted: _test_started,
    e.TestEnded: _test_ended,
    e.DrillStarted: _drill_started,
    e.DrillEnded: _drill_ended,
    e.LinkChanged: _link_changed,
    e.InputsRead: _inputs_read,
    e.LightShown: _light_shown,
    e.BellSounded: _bell_sounded,
}
