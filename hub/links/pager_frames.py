"""The pager's snapshot: everything its screen should show, made anew from a view (PROTOCOL.md, "Pager")."""

import itertools
from typing import Any

import msgspec

from hub.dispatch.campus import Assignment, Campus, Incident, Pager
from hub.dispatch.engine import View
from hub.names import Names

PAGES_MAX = 8
"""Pages in one snapshot; the number of the others is told."""
PAGES_BYTES_MAX = 60_000
"""What a snapshot's pages may take of the 64 KiB that a frame to a pager may have."""
RESOLVED_SHOWN_MS = 10_000

_RINGS = {"alarm": 0, "ask": 1, "alert": 2, "none": 3}
_OPEN = ("paged", "delivered", "seen")
_RESPONDING = ("accepted", "on_scene")

Concerned = tuple[Incident, Assignment | None, str]
"""An incident, how the guard of a pager stands to it, and how it rings there."""

_encoder = msgspec.json.Encoder()


def snapshot_at(now_ms: int, utc_offset_ms: int, body: bytes) -> str:
    """JSON text of the snapshot frame with this `pager_body`."""
    return f'{{"type":"snapshot","hub_ms":{now_ms},"utc_ms":{now_ms + utc_offset_ms},{body[1:].decode()}'


def pager_body(view: View, pager_id: str, names: Names, now_ms: int) -> bytes:
    """JSON of the snapshot without its time: as long as it is the same, the screen has nothing new to show."""
    campus = view.decided
    pager = campus.pagers[pager_id]
    details = names.campus(campus)
    guard = campus.accounts.get(pager.guard or "")
    concerned = _concerned(view, pager_id, pager.guard, now_ms)
    shown = _fitting([msgspec.Raw(_encoder.encode(_page(view, *each, names))) for each in concerned[:PAGES_MAX]])
    walls = [t for t in campus.terminals.values() if not t.revoked]
    frame = {
        "zone_minutes": details.zone_minutes,
        "campus": {
            "name": details.name,
            "guard_room_phone": details.guard_room_phone,
            "terminals": len(walls),
            "terminals_linked": sum(1 for t in walls if t.linked),
            "troubles": len(campus.troubles),
            "reachable": view.alerts.reachable,
        },
        "pager": {"id": pager_id, "name": names.pager(pager), "reasons": pager.reasons},
        "guard": guard
        and {
            "id": guard.account,
            "name": names.account(guard),
            "zones": [names.zone(campus.zones[z]) for z in pager.zones if z in campus.zones],
        },
        "drill_until_ms": _drill_until_ms(campus, pager),
        "fault": view.fault,
        "pages": shown,
        "more": len(concerned) - len(shown),
    }
    return _encoder.encode(frame)


def _drill_until_ms(campus: Campus, pager: Pager) -> int | None:
    """Until when a drill runs in one of the zones of the guard on duty here."""
    until = [campus.zones[zone].drill_until_ms for zone in pager.zones if zone in campus.zones]
    return max((ms for ms in until if ms is not None), default=None)


def _concerned(view: View, pager: str, guard: str | None, now_ms: int) -> list[Concerned]:
    """The incidents that this pager should show, first what must be seen first."""
    rings = view.alerts.pagers.get(pager, {})
    concerned: list[Concerned] = []
    for incident in view.decided.incidents.values():
        mine = incident.assignments.get(guard or "")
        ring = rings.get(incident.incident, "none")
        over = incident.state in ("resolved", "closed")
        if over and (mine is None or now_ms - mine.since_ms > RESOLVED_SHOWN_MS):
            continue
        if mine or ring != "none":
            concerned.append((incident, mine, ring))
    # Only so many pages fit: what rings is among them, and a call before what somebody has answered.
    concerned.sort(key=lambda c: (_RINGS[c[2]], c[0].state == "resolved", c[0].raised_ms))
    return concerned


def _fitting(pages: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """The first ones that one frame can hold: one in any case."""
    sizes = itertools.accumulate(len(bytes(page)) for page in pages)
    return pages[: max(1, sum(size <= PAGES_BYTES_MAX for size in sizes))]


def _page(view: View, incident: Incident, mine: Assignment | None, ring: str, names: Names) -> dict[str, Any]:
    campus = view.decided
    deadlines = campus.zones[incident.zone].deadlines
    totals = {"accepted": deadlines.on_scene_ms, "on_scene": deadlines.roll_call_ms}
    responding = mine is not None and mine.state in _RESPONDING
    asked_times, late_ms = asked_in_vain(campus, incident, mine) if mine and responding else (0, None)
    return {
        **place(campus, incident, names),
        "mine": mine.state if mine else "none",
        "ring": ring,
        "due_ms": mine.due_ms if mine and responding else None,
        "due_total_ms": totals[mine.state] if mine and responding else None,
        "asked": mine.asked if mine else "",
        "asked_times": asked_times,
        "late_ms": late_ms,
        "lead": mine is not None and incident.lead == mine.guard,
        "light": shown_light(view, incident),
        "outcome": incident.outcome,
        "crew": crew(campus, incident, names),
        "covers": incident.events,
        "evidence": incident.evidence,
    }


def asked_in_vain(campus: Campus, incident: Incident, mine: Assignment) -> tuple[int, int | None]:
    """How often this responder has been asked for the sign that is due, and since when it is overdue (hub time)."""
    asked_times = mine.misses + 1 if mine.asked else 0
    if not asked_times or mine.due_ms is None:
        return 0, None
    return asked_times, mine.due_ms - asked_times * campus.zones[incident.zone].deadlines.asked_ms


def place(campus: Campus, incident: Incident, names: Names) -> dict[str, Any]:
    """What and where: the part of a page that every screen shows."""
    details = names.terminal(campus.terminals[incident.terminal])
    return {
        "incident": incident.incident,
        "state": incident.state,
        "drill": incident.drill,
        "test": incident.test,
        "severity": incident.severity,
        "zone": names.zone(campus.zones[incident.zone]),
        "building": details.building,
        "floor": details.floor,
        "place": details.place or details.name,
        "way": details.way,
        "raised_ms": incident.raised_ms,
        "event_ms": incident.event_ms,
        "presses": incident.presses,
        "tier": incident.tier,
    }


def shown_light(view: View, incident: Incident) -> str:
    """What the wall's light shows for it, if that shows anything."""
    silent = view.decided.terminals[incident.terminal].silent
    return "none" if silent else view.lights.get(incident.terminal, "none")


def crew(campus: Campus, incident: Incident, names: Names) -> list[dict[str, Any]]:
    """Everybody called, in the order they were called, each with a state's word."""
    answered = any(a.state in _RESPONDING for a in incident.assignments.values())
    return [
        {
            "id": a.guard,
            "name": names.person(campus, a.guard),
            "state": _crew_state(campus, a, answered),
            "lead": incident.lead == a.guard,
        }
        for a in incident.assignments.values()
    ]


def _crew_state(campus: Campus, assignment: Assignment, answered: bool) -> str:
    if assignment.state not in _OPEN:
        return assignment.state
    if answered:
        return "silenced"
    pagers = [p for p in campus.pagers.values() if p.guard == assignment.guard]
    if all("link" in p.reasons for p in pagers):
        return "lost"
    return "ringing" if assignment.ringing else assignment.state
