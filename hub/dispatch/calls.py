"""Whom to call, and by when: what the rules of every topic share. Pure looks at the campus."""

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus, Incident, Zone
from hub.dispatch.fold import OPEN, responders


def guards_on(campus: Campus, zone: str | None = None) -> list[str]:
    """Guards signed on for a zone (None: for any), each once, in the order of the pagers."""
    found = {}
    for pager in campus.pagers.values():
        if pager.guard and (zone is None or zone in pager.zones):
            found[pager.guard] = True
    return list(found)


def called_by(campus: Campus, zone: Zone, tier: int) -> list[str]:
    return guards_on(campus, zone.zone if zone.tiers[tier] == "zone" else None)


def _plan(
    campus: Campus, zone: Zone, tier: int, passed_over: set[str], now_ms: int
) -> tuple[int, tuple[e.Paged, ...], bool, int | None]:
    """The first tier from `tier` on that calls somebody new: (tier, paged, everyone, repeat_ms).

    `passed_over`: guards whose call would change nothing. The last tier calls all its guards anew and repeats; with
    nobody signed on, it comes at once.
    """
    last = len(zone.tiers) - 1
    if not guards_on(campus):
        tier = last
    while tier < last and not set(called_by(campus, zone, tier)) - passed_over:
        tier += 1
    everyone = zone.tiers[tier] == "everyone" or not guards_on(campus)
    guards = [g for g in called_by(campus, zone, tier) if tier == last or g not in passed_over]
    repeat_ms = now_ms + zone.deadlines.accepted_ms if tier == last else None
    # The last tier comes again as a whole, so none of its pages has a deadline of its own before that.
    due_ms = now_ms + zone.deadlines.delivered_ms if repeat_ms is None else repeat_ms
    return tier, tuple(e.Paged(guard=guard, due_ms=due_ms) for guard in guards), everyone, repeat_ms


def raised(campus: Campus, event: e.EventRecorded, drill: bool, test: bool) -> e.IncidentRaised:
    """The incident that this event raises, and its first call."""
    zone = campus.zones[campus.terminals[event.terminal].zone]
    tier, paged, everyone, repeat_ms = _plan(campus, zone, 0, set(), event.at_ms)
    return e.IncidentRaised(
        at_ms=event.at_ms,
        incident=event.incident,
        terminal=event.terminal,
        zone=zone.zone,
        severity="perimeter" if event.what == "perimeter" else "panic",
        drill=drill,
        test=test,
        event_ms=event.event_ms,
        error_ms=event.error_ms,
        tier=tier,
        paged=paged,
        everyone=everyone,
        repeat_ms=repeat_ms,
    )


def call_tier(
    campus: Campus,
    incident: Incident,
    tier: int,
    because: e.TierBecause,
    now_ms: int,
    passed_over: set[str] | None = None,
) -> e.TierRaised:
    """Calls `tier`, or the next one that adds somebody. `passed_over` defaults to everybody called before."""
    zone = campus.zones[incident.zone]
    tier = min(tier, len(zone.tiers) - 1)
    already = set(incident.assignments) if passed_over is None else passed_over
    tier, paged, everyone, repeat_ms = _plan(campus, zone, tier, already, now_ms)
    busy = {a.guard for a in responders(incident)}
    return e.TierRaised(
        at_ms=now_ms,
        incident=incident.incident,
        tier=tier,
        because=because,
        paged=tuple(page for page in paged if page.guard not in busy),
        everyone=everyone,
        repeat_ms=repeat_ms,
    )


def call_next(campus: Campus, incident: Incident, because: e.TierBecause, now_ms: int) -> tuple[e.TierRaised, ...]:
    """The next tier, unless the last one is called already: that one repeats by its own deadline."""
    if incident.calling and incident.repeat_ms is not None:
        return ()
    return (call_tier(campus, incident, incident.tier + 1, because, now_ms),)


def waiting(incident: Incident) -> list[str]:
    """Guards who are called and have not answered."""
    return [a.guard for a in incident.assignments.values() if a.state in OPEN]
