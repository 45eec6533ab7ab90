"""A deadline that passes is a request like any other: every one is part of the campus; what each leads to."""

from collections.abc import Iterator

from hub.dispatch import entries as e
from hub.dispatch.calls import call_next, call_tier
from hub.dispatch.campus import Assignment, Campus, Incident
from hub.dispatch.requests import ReachDeadline
from hub.dispatch.rules_terminal import lost
from hub.dispatch.rules_trouble import began, ended

GRACE_MS = 60_000
"""How long after a start or an enrolment nobody is missed yet."""
MISSES_MAX = 2
"""Roll-calls without a sign after which a guard is down."""
BY_TIME = "time"


def reachable(campus: Campus) -> bool:
    """Whether somebody could be reached right now: a guard is signed on at a READY pager."""
    return any(pager.guard and not pager.reasons for pager in campus.pagers.values())


def next_deadline_ms(campus: Campus) -> int | None:
    """The earliest hub time at which `reach_deadline` has something to say."""
    return min(_deadlines_ms(campus), default=None)


def _deadlines_ms(campus: Campus) -> Iterator[int]:
    for incident in campus.incidents.values():
        for due_ms in (incident.repeat_ms, incident.alert_until_ms, incident.close_due_ms):
            if due_ms is not None:
                yield due_ms
        for assignment in incident.assignments.values():
            if assignment.due_ms is not None:
                yield assignment.due_ms
    for zone in campus.zones.values():
        if zone.drill_until_ms is not None:
            yield zone.drill_until_ms
    for terminal in campus.terminals.values():
        if terminal.test_until_ms is not None:
            yield terminal.test_until_ms
        if terminal.linked is None and not terminal.revoked:
            yield terminal.waited_from_ms + GRACE_MS
    if campus.campus and reachable(campus) == (f"unreachable:{campus.campus}" in campus.troubles):
        yield campus.at_ms if reachable(campus) else campus.run_ms + GRACE_MS


def reach_deadline(campus: Campus, request: ReachDeadline) -> tuple[e.Entry, ...]:
    """Everything that is due by now, each thing once."""
    now_ms = request.now_ms
    entries: list[e.Entry] = []
    for incident in campus.incidents.values():
        entries += _incident(campus, incident, now_ms)
    for zone in campus.zones.values():
        if _due(zone.drill_until_ms, now_ms):
            entries.append(e.DrillEnded(at_ms=now_ms, zone=zone.zone, by=BY_TIME))
    for terminal in campus.terminals.values():
        if _due(terminal.test_until_ms, now_ms):
            entries.append(e.TestEnded(at_ms=now_ms, terminal=terminal.terminal, by=BY_TIME))
        if terminal.linked is None and not terminal.revoked and _due(terminal.waited_from_ms + GRACE_MS, now_ms):
            entries += lost(campus, terminal, now_ms)
    if reachable(campus):
        entries += ended(campus, "unreachable", campus.campus, now_ms)
    elif campus.campus and _due(campus.run_ms + GRACE_MS, now_ms):
        entries += began(campus, "unreachable", campus.campus, now_ms)
    return tuple(entries)


def _due(due_ms: int | None, now_ms: int) -> bool:
    return due_ms is not None and due_ms <= now_ms


def _incident(campus: Campus, incident: Incident, now_ms: int) -> list[e.Entry]:
    entries: list[e.Entry] = []
    if _due(incident.alert_until_ms, now_ms):
        entries.append(e.AlertEnded(at_ms=now_ms, incident=incident.incident))
    if _due(incident.close_due_ms, now_ms):
        due_ms = now_ms + campus.zones[incident.zone].deadlines.closed_ms
        entries.append(e.CloseOverdue(at_ms=now_ms, incident=incident.incident, lead=incident.lead, due_ms=due_ms))
        entries += began(campus, "close_overdue", incident.incident, now_ms)
    calls: list[e.TierBecause] = []
    for assignment in incident.assignments.values():
        if _due(assignment.due_ms, now_ms):
            entries += _assignment(campus, incident, assignment, now_ms, calls)
    if _due(incident.repeat_ms, now_ms):
        entries.append(call_tier(campus, incident, incident.tier, "again", now_ms, set()))
    elif calls and "guard_down" in calls:
        last = len(campus.zones[incident.zone].tiers) - 1
        entries.append(call_tier(campus, incident, last, "guard_down", now_ms, set()))
    elif calls:
        entries += call_next(campus, incident, calls[0], now_ms)
    return entries


def _assignment(
    campus: Campus, incident: Incident, mine: Assignment, now_ms: int, calls: list[e.TierBecause]
) -> list[e.Entry]:
    """What a page's missed deadline leads to; `calls` collects why the next tier is to be called."""
    name, guard = incident.incident, mine.guard
    asked_ms = campus.zones[incident.zone].deadlines.asked_ms
    if mine.state == "on_scene":
        if not mine.asked:
            return [_asked(name, guard, "roll_call", 0, now_ms, asked_ms)]
        if mine.misses + 1 < MISSES_MAX:
            return [_asked(name, guard, "roll_call", mine.misses + 1, now_ms, asked_ms)]
        calls.append("guard_down")
        return [e.GuardDown(at_ms=now_ms, incident=name, guard=guard)]
    if mine.state == "accepted":
        if not mine.asked:
            return [_asked(name, guard, "arrival", 0, now_ms, asked_ms)]
        calls.append("not_on_scene")
        return [_asked(name, guard, "arrival", mine.misses + 1, now_ms, asked_ms)]
    calls.append("not_delivered" if mine.state == "paged" else "not_accepted")
    return [e.PageLapsed(at_ms=now_ms, incident=name, guard=guard)]


def _asked(name: str, guard: str, about: str, misses: int, now_ms: int, asked_ms: int) -> e.Asked:
    return e.Asked(
        at_ms=now_ms,
        incident=name,
        guard=guard,
        about="roll_call" if about == "roll_call" else "arrival",
        misses=misses,
        due_ms=now_ms + asked_ms,
    )
