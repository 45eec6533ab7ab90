"""The board's snapshot: the whole campus, made anew from a view (PROTOCOL.md, "Board")."""

from typing import Any

import msgspec

from hub.dispatch.campus import OPEN, Campus, Incident, Pager, Terminal, responders
from hub.dispatch.engine import View
from hub.links.board_steps import BoardSteps
from hub.links.pager_frames import asked_in_vain, crew, place, shown_light
from hub.names import Names

INCIDENTS_MAX = 16
"""Incidents in one snapshot; the number of the others is told."""

_GUARD_STATES = ("on_scene", "lead", "second", "called", "silenced")
"""What a guard does in cases, the most first."""

_encoder = msgspec.json.Encoder()


def snapshot_of(view: View, names: Names, steps: BoardSteps, size: int, writing: bool, now_ms: int) -> str:
    """JSON text of the board's snapshot frame. `size`: entries in the ledger; `writing`: the disk takes more."""
    campus = view.decided
    details = names.campus(campus)
    incidents = sorted(
        (i for i in campus.incidents.values() if i.state != "resolved"),
        key=lambda i: (i.state != "raised", i.raised_ms),
    )
    frame = {
        "type": "snapshot",
        "hub_ms": now_ms,
        "utc_ms": now_ms + campus.utc_offset_ms,
        "zone_minutes": details.zone_minutes,
        "campus": {"name": details.name},
        "fault": view.fault,
        "reachable": view.alerts.reachable,
        "drills": _drills(campus, names),
        "ledger": {"size": size, "writing": writing},
        "incidents": [_incident(view, incident, names, steps) for incident in incidents[:INCIDENTS_MAX]],
        "more": max(0, len(incidents) - INCIDENTS_MAX),
        "guards": _guards(campus, names),
        "bells": _bells(view, names),
        "terminals": _terminals(view, names),
        "troubles": [
            {
                "what": trouble.what,
                "about": trouble.about,
                "about_name": _about(campus, trouble.about, names),
                "since_ms": trouble.since_ms,
                "seen": bool(trouble.seen_by),
            }
            for trouble in campus.troubles.values()
        ],
    }
    return _encoder.encode(frame).decode()


def _incident(view: View, incident: Incident, names: Names, steps: BoardSteps) -> dict[str, Any]:
    return {
        **place(view.decided, incident, names),
        "light": shown_light(view, incident),
        "crew": crew(view.decided, incident, names),
        "steps": steps.steps(incident.incident, view.decided, names),
        "next": _next(incident),
        "responder": _responder(view.decided, incident),
    }


def _drills(campus: Campus, names: Names) -> list[dict[str, Any]]:
    """Zones with a drill and terminals with a test running, and until when."""
    zones = [(False, z.drill_until_ms, names.zone(z)) for z in campus.zones.values()]
    terminals = [(True, t.test_until_ms, names.terminal(t).name) for t in campus.terminals.values() if not t.revoked]
    return [
        {"test": test, "until_ms": until_ms, "name": name}
        for test, until_ms, name in (*zones, *terminals)
        if until_ms is not None
    ]


def _guards(campus: Campus, names: Names) -> list[dict[str, Any]]:
    signed_on: dict[str, list[Pager]] = {}
    for pager in campus.pagers.values():
        if pager.guard:
            signed_on.setdefault(pager.guard, []).append(pager)
    return [
        {
            "id": guard,
            "name": names.person(campus, guard),
            "zones": sorted({names.zone(campus.zones[z]) for p in pagers for z in p.zones if z in campus.zones}),
            "state": _guard_state(campus, guard, pagers),
            "ready": any(not p.reasons for p in pagers),
            "reasons": min((p.reasons for p in pagers), key=len),
        }
        for guard, pagers in signed_on.items()
    ]


def _bells(view: View, names: Names) -> list[dict[str, Any]]:
    return [
        {"name": names.terminal(bell).name, "state": _bell_state(bell)}
        for bell in view.decided.terminals.values()
        if bell.role == "bell" and not bell.revoked
    ]


def _bell_state(bell: Terminal) -> str:
    """What it says that it does, never what it was told."""
    if not bell.linked:
        return "lost"
    return {"none": "ready", "trouble": "trouble"}.get(bell.ring, "ringing")


def _terminals(view: View, names: Names) -> list[dict[str, Any]]:
    return [
        {
            "id": terminal.terminal,
            "name": names.terminal(terminal).name,
            "zone": names.zone(view.decided.zones[terminal.zone]),
            "place": names.terminal(terminal).place,
            "linked": terminal.linked,
            "light": terminal.light,
            "inputs": terminal.inputs,
        }
        for terminal in view.decided.terminals.values()
        if not terminal.revoked
    ]


def _about(campus: Campus, about: str, names: Names) -> str:
    terminal, _, rest = about.partition("/")
    if terminal in campus.terminals:
        name = names.terminal(campus.terminals[terminal]).name
        return f"{name} / {rest}" if rest else name
    return names.campus(campus).name if about == campus.campus else about


def _guard_state(campus: Campus, guard: str, pagers: list[Pager]) -> str:
    """The most that this guard does; who is called by a case that nobody has answered is not silenced."""
    states: set[str] = set()
    for incident in campus.incidents.values():
        mine = incident.assignments.get(guard)
        if incident.state == "resolved" or mine is None:
            continue
        if mine.state == "accepted":
            states.add("lead" if incident.lead == guard else "second")
        elif mine.state == "on_scene":
            states.add("on_scene")
        elif mine.state in OPEN:
            states.add("silenced" if responders(incident) else "called")
    resting = "ready" if any(not p.reasons for p in pagers) else "not_ready"
    return next((state for state in _GUARD_STATES if state in states), resting)


def _responder(campus: Campus, incident: Incident) -> dict[str, Any] | None:
    """Who is waited for on the way or on scene, the lead before others; `late_ms`: when the time ran out."""
    due = [(a.guard != incident.lead, a.due_ms, a.guard) for a in responders(incident) if a.due_ms is not None]
    if not due:
        return None
    _, due_ms, guard = min(due)
    mine = incident.assignments[guard]
    deadlines = campus.zones[incident.zone].deadlines
    asked, late_ms = asked_in_vain(campus, incident, mine)
    return {
        "what": "on_scene" if mine.state == "accepted" else "sign",
        "guard": guard,
        "due_ms": due_ms,
        "total_ms": deadlines.on_scene_ms if mine.state == "accepted" else deadlines.roll_call_ms,
        "asked": asked,
        "late_ms": late_ms,
    }


def _next(incident: Incident) -> dict[str, Any] | None:
    """What is waited for, of whom, until when."""
    waits = {
        "paged": "delivered",
        "delivered": "accepted",
        "seen": "accepted",
        "accepted": "on_scene",
        "on_scene": "sign",
    }
    due = [
        (a.due_ms, waits[a.state], a.guard)
        for a in incident.assignments.values()
        if a.due_ms is not None and a.state in waits
    ]
    if incident.repeat_ms is not None:
        due.append((incident.repeat_ms, "accepted", ""))
    if not due:
        return None
    due_ms, what, guard = min(due)
    return {"what": what, "due_ms": due_ms, "guard": guard}
