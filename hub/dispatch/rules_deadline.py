"""A deadline that passes is a request like any other: every one is part of the campus; what each leads to."""

from collections.abc import Iterator, Set
from typing import Literal

from hub.dispatch import entries as e
from hub.dispatch.calls import call_next, call_tier, guards_on, next_lead, waited_for
from hub.dispatch.campus import OPEN, Assignment, Campus, Incident, responders
from hub.dispatch.requests import ReachDeadline
from hub.dispatch.rules_terminal import lost
from hub.dispatch.rules_trouble import began, ended

GRACE_MS = 60_000
"""How long after a start or an enrolment nobody is missed yet."""
MISSES_MAX = 2
"""Roll-calls without a sign after which a guard is down."""
BY_TIME = "time"

Question = Literal["arrival", "roll_call"]


def reachable(campus: Campus) -> bool:
    """Whether somebody could be reached right now: a guard is signed on at a READY pager."""
    return any(pager.guard and not pager.reasons for pager in campus.pagers.values())


def next_deadline_ms(campus: Campus) -> int | None:
    """The earliest hub time at which `reach_deadline` has something to say."""
    return min(_deadlines_ms(campus), default=None)


def _deadlines_ms(campus: Campus) -> Iterator[int]:
    on_duty = set(guards_on(campus))
    for incident in campus.incidents.values():
        for due_ms in (incident.repeat_ms, incident.alert_until_ms, incident.close_due_ms):
            if due_ms is not None:
                yield due_ms
        for assignment in incident.assignments.values():
            if assignment.due_ms is not None:
                yield assignment.due_ms
        if _deserted(incident, on_duty):
            yield campus.at_ms
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


def _deserted(incident: Incident, on_duty: Set[str]) -> bool:
    """Called, and none of those whose answer is waited for is signed on anywhere: the next tier is due now.

    Looked for here rather than at each way to leave (signed off, revoked, removed, somebody else's pager now), because
    such an entry takes effect after its commit, when others may have left too.
    """
    if not incident.calling or incident.everyone:
        return False
    pages = waited_for(incident) if incident.repeat_ms is None else incident.assignments.values()
    # A loop, not any(…): it is asked of every open incident at every step.
    for page in pages:  # noqa: SIM110
        if page.guard in on_duty and page.state in OPEN:
            return False
    return True


def reach_deadline(campus: Campus, request: ReachDeadline) -> tuple[e.Entry, ...]:
    """Everything that is due by now, each thing once."""
    now_ms = request.now_ms
    entries: list[e.Entry] = []
    on_duty = set(guards_on(campus))
    for incident in campus.incidents.values():
        entries += _incident(campus, incident, now_ms, on_duty)
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


def _incident(campus: Campus, incident: Incident, now_ms: int, on_duty: Set[str]) -> list[e.Entry]:
    name = incident.incident
    entries: list[e.Entry] = []
    if _due(incident.alert_until_ms, now_ms):
        entries.append(e.AlertEnded(at_ms=now_ms, incident=name))
    if incident.close_due_ms is not None and incident.close_due_ms <= now_ms:
        due_ms = incident.close_due_ms
        entries.append(e.CloseOverdue(at_ms=now_ms, incident=name, lead=incident.lead, due_ms=due_ms))
    calls: list[e.TierBecause] = []
    down: set[str] = set()
    deserted = _deserted(incident, on_duty)
    if deserted:
        entries += [e.PageLapsed(at_ms=now_ms, incident=name, guard=page.guard) for page in waited_for(incident)]
    for mine in incident.assignments.values():
        if not _due(mine.due_ms, now_ms):
            continue
        if mine.state == "on_scene":
            entries.append(_roll_call(campus, incident, mine, now_ms, down))
        elif mine.state == "accepted":
            entries.append(_ask_arrival(campus, incident, mine, now_ms, calls))
        elif not deserted:
            calls.append("not_delivered" if mine.state == "paged" else "not_accepted")
            entries.append(e.PageLapsed(at_ms=now_ms, incident=name, guard=mine.guard))
    if down:
        call = call_tier(campus, incident, incident.tier, "guard_down", now_ms, leaving=down, everyone=True)
        entries.append(call)
    elif _due(incident.repeat_ms, now_ms):
        entries.append(call_tier(campus, incident, incident.tier, "again", now_ms))
    elif deserted:
        entries.append(call_tier(campus, incident, incident.tier + 1, "signed_off", now_ms, new_only=True))
    elif calls:
        entries += call_next(campus, incident, calls[0], now_ms)
    return entries


def _roll_call(campus: Campus, incident: Incident, mine: Assignment, now_ms: int, down: set[str]) -> e.Entry:
    """Asks a responder on scene for a sign, and takes one who gave none, MISSES_MAX times, for down."""
    misses = mine.misses + 1 if mine.asked else 0
    if misses < MISSES_MAX:
        return _asked(campus, incident, mine, "roll_call", misses, now_ms)
    down.add(mine.guard)
    lead = next_lead(incident, down)
    return e.GuardDown(at_ms=now_ms, incident=incident.incident, guard=mine.guard, lead=lead)


def _ask_arrival(
    campus: Campus, incident: Incident, mine: Assignment, now_ms: int, calls: list[e.TierBecause]
) -> e.Asked:
    """Asks a responder on the way too long, then calls on, unless another responder is on time."""
    misses = mine.misses + 1 if mine.asked else 0
    if misses and all(other.asked for other in responders(incident)):
        calls.append("not_on_scene")
    return _asked(campus, incident, mine, "arrival", misses, now_ms)


def _asked(campus: Campus, incident: Incident, mine: Assignment, about: Question, misses: int, now_ms: int) -> e.Asked:
    due_ms = now_ms + campus.zones[incident.zone].deadlines.asked_ms
    return e.Asked(
        at_ms=now_ms, incident=incident.incident, guard=mine.guard, about=about, misses=misses, due_ms=due_ms
    )
