"""Whom to call, and by when: what the rules of every topic share. Pure looks at the campus."""

from collections.abc import Set

from hub.dispatch import entries as e
from hub.dispatch.campus import LEFT, OPEN, RESPONDING, Assignment, Campus, Incident, Zone


def guards_on(campus: Campus, zone: str | None = None) -> list[str]:
    """Guards signed on for a zone (None: for any), each once, in the order of the pagers."""
    found = {}
    for pager in campus.pagers.values():
        if pager.guard and (zone is None or zone in pager.zones):
            found[pager.guard] = True
    return list(found)


def called_by(campus: Campus, zone: Zone, tier: int) -> list[str]:
    return guards_on(campus, zone.zone if zone.tiers[tier] == "zone" else None)


def call_again(campus: Campus, incident: Incident, now_ms: int) -> e.TierRaised:
    """The first call of a reopened incident: like a new one's, whatever anybody answered before."""
    zone = campus.zones[incident.zone]
    tier, guards, everyone = _plan(campus, zone, 0, set(), set(), False)
    repeat_ms = _repeat_ms(zone, tier, now_ms)
    return e.TierRaised(
        at_ms=now_ms,
        incident=incident.incident,
        tier=tier,
        because="reopened",
        paged=_pages(zone, None, guards, repeat_ms, now_ms),
        everyone=everyone,
        repeat_ms=repeat_ms,
    )


def raised(campus: Campus, event: e.EventRecorded, drill: bool, test: bool) -> e.IncidentRaised:
    """The incident that this event raises, and its first call."""
    zone = campus.zones[campus.terminals[event.terminal].zone]
    tier, guards, everyone = _plan(campus, zone, 0, set(), set(), False)
    repeat_ms = _repeat_ms(zone, tier, event.at_ms)
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
        paged=_pages(zone, None, guards, repeat_ms, event.at_ms),
        everyone=everyone,
        repeat_ms=repeat_ms,
    )


def call_tier(
    campus: Campus,
    incident: Incident,
    tier: int,
    because: e.TierBecause,
    now_ms: int,
    *,
    leaving: Set[str] = frozenset(),
    new_only: bool = False,
    everyone: bool = False,
) -> e.TierRaised:
    """Calls `tier`, or the first one after it that calls somebody.

    Whoever left, is `leaving` or responds is not called; `new_only`: neither is whoever is called already.
    `everyone`: every pager and bell rings, by the last tier.
    """
    zone = campus.zones[incident.zone]
    gone = {a.guard for a in incident.assignments.values() if a.state in LEFT or a.state in RESPONDING} | leaving
    known = gone | incident.assignments.keys() if new_only else gone
    tier, guards, everyone = _plan(campus, zone, tier, known, gone, everyone or incident.everyone)
    repeat_ms = _repeat_ms(zone, tier, now_ms)
    return e.TierRaised(
        at_ms=now_ms,
        incident=incident.incident,
        tier=tier,
        because=because,
        paged=_pages(zone, incident, guards, repeat_ms, now_ms),
        everyone=everyone,
        repeat_ms=repeat_ms,
    )


def _plan(
    campus: Campus, zone: Zone, tier: int, known: Set[str], gone: Set[str], everyone: bool
) -> tuple[int, list[str], bool]:
    """The first tier from `tier` on that calls somebody not `known`: (tier, guards, everyone).

    The last tier calls all but those `gone`. With nobody left to call, or nobody signed on, everyone is called.
    """
    last = len(zone.tiers) - 1
    tier = last if everyone else min(tier, last)
    while tier < last and not set(called_by(campus, zone, tier)) - known:
        tier += 1
    passed_over = gone if tier == last else known
    guards = [guard for guard in called_by(campus, zone, tier) if guard not in passed_over]
    return tier, guards, everyone or zone.tiers[tier] == "everyone" or not guards


def _repeat_ms(zone: Zone, tier: int, now_ms: int) -> int | None:
    """The last tier is called again until somebody accepts."""
    return now_ms + zone.deadlines.accepted_ms if tier == len(zone.tiers) - 1 else None


def _pages(
    zone: Zone, incident: Incident | None, guards: list[str], repeat_ms: int | None, now_ms: int
) -> tuple[e.Paged, ...]:
    """A call of each guard. Whoever has the page already need not be delivered it again."""
    has_it = {a.guard for a in incident.assignments.values() if a.state in ("delivered", "seen")} if incident else set()
    pages = []
    for guard in guards:
        wait_ms = zone.deadlines.accepted_ms if guard in has_it else zone.deadlines.delivered_ms
        pages.append(e.Paged(guard=guard, due_ms=now_ms + wait_ms if repeat_ms is None else None))
    return tuple(pages)


def call_next(
    campus: Campus,
    incident: Incident,
    because: e.TierBecause,
    now_ms: int,
    *,
    leaving: Set[str] = frozenset(),
) -> tuple[e.TierRaised, ...]:
    """The next tier, unless the last one is called already: that one repeats by its own deadline."""
    if incident.calling and incident.repeat_ms is not None:
        return ()
    return (call_tier(campus, incident, incident.tier + 1, because, now_ms, leaving=leaving, new_only=True),)


def call_too(campus: Campus, incident: Incident, guard: str, now_ms: int) -> e.TierRaised:
    """One guard more in the present tier; nothing else about the call changes."""
    zone = campus.zones[incident.zone]
    return e.TierRaised(
        at_ms=now_ms,
        incident=incident.incident,
        tier=incident.tier,
        because="signed_on",
        paged=_pages(zone, incident, [guard], incident.repeat_ms, now_ms),
        everyone=incident.everyone,
        repeat_ms=incident.repeat_ms,
    )


def waited_for(incident: Incident) -> list[Assignment]:
    """Pages whose answer is still waited for; with none left the next tier is due."""
    return [a for a in incident.assignments.values() if a.state in OPEN and a.due_ms is not None]


def next_lead(incident: Incident, leaving: Set[str]) -> str:
    """Who leads once `leaving` are gone: the lead stays, else the first of the other responders, else nobody."""
    others = [a.guard for a in incident.assignments.values() if a.state in RESPONDING and a.guard not in leaving]
    return incident.lead if incident.lead in others else next(iter(others), "")
