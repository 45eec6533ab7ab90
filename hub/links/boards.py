"""The boards: the whole campus on one screen, read only (PROTOCOL.md, "Board")."""

from collections.abc import Callable
from typing import Any

import msgspec
from aiohttp import web

from hub.dispatch.campus import Campus, Incident, Pager
from hub.dispatch.engine import View
from hub.links.board_steps import BoardSteps
from hub.links.pager_frames import crew, place
from hub.links.screens import Heartbeat, Screen, Screens
from hub.names import Names

INCIDENTS_MAX = 16
"""Incidents in one snapshot; the number of the others is told."""

_decoder: msgspec.json.Decoder[Heartbeat] = msgspec.json.Decoder(Heartbeat)
_encoder = msgspec.json.Encoder()


class BoardLinks:
    """All connected boards. `writing` says whether the disk takes entries."""

    def __init__(self, screens: Screens, names: Names, steps: BoardSteps, writing: Callable[[], bool]) -> None:
        self._screens = screens
        self._names = names
        self._steps = steps
        self._writing = writing

    async def serve(self, request: web.Request, may_see: Callable[[], bool]) -> web.WebSocketResponse:
        """Holds one board's connection; `may_see` is asked before each snapshot."""
        socket = await self._screens.open(request)
        await self._screens.hold(socket, BoardTalk(self, may_see))
        return socket

    def snapshot(self, view: View) -> str:
        campus, now_ms = view.decided, self._screens.now_ms()
        details = self._names.campus(campus)
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
            "ledger": {"size": self._screens.engine.size, "writing": self._writing()},
            "incidents": [self._incident(view, incident) for incident in incidents[:INCIDENTS_MAX]],
            "more": max(0, len(incidents) - INCIDENTS_MAX),
            "guards": self._guards(campus),
            "bells": self._bells(campus),
            "terminals": self._terminals(view),
            "troubles": [
                {
                    "what": trouble.what,
                    "about": trouble.about,
                    "about_name": self._about(campus, trouble.about),
                    "since_ms": trouble.since_ms,
                    "seen": bool(trouble.seen_by),
                }
                for trouble in campus.troubles.values()
            ],
        }
        return _encoder.encode(frame).decode()

    def _incident(self, view: View, incident: Incident) -> dict[str, Any]:
        return {
            **place(view.decided, incident, self._names),
            "light": view.lights.get(incident.terminal, "none"),
            "crew": crew(view.decided, incident, self._names),
            "steps": self._steps.steps(incident.incident, view.decided, self._names),
            "next": _next(view.decided, incident),
        }

    def _guards(self, campus: Campus) -> list[dict[str, Any]]:
        signed_on: dict[str, list[Pager]] = {}
        for pager in campus.pagers.values():
            if pager.guard:
                signed_on.setdefault(pager.guard, []).append(pager)
        return [
            {
                "id": guard,
                "name": self._names.person(campus, guard),
                "zones": sorted(
                    {self._names.zone(campus.zones[z]) for p in pagers for z in p.zones if z in campus.zones}
                ),
                "state": _guard_state(campus, guard, pagers),
                "reasons": min((p.reasons for p in pagers), key=len),
            }
            for guard, pagers in signed_on.items()
        ]

    def _bells(self, campus: Campus) -> list[dict[str, Any]]:
        return [
            {
                "name": self._names.terminal(bell).name,
                "state": "ringing" if bell.ringing else "ready" if bell.linked else "lost",
            }
            for bell in campus.terminals.values()
            if bell.role == "bell" and not bell.revoked
        ]

    def _terminals(self, view: View) -> list[dict[str, Any]]:
        return [
            {
                "id": terminal.terminal,
                "name": self._names.terminal(terminal).name,
                "zone": self._names.zone(view.decided.zones[terminal.zone]),
                "place": self._names.terminal(terminal).place,
                "linked": terminal.linked,
                "light": terminal.light,
                "inputs": terminal.inputs,
            }
            for terminal in view.decided.terminals.values()
            if not terminal.revoked
        ]

    def _about(self, campus: Campus, about: str) -> str:
        terminal, _, rest = about.partition("/")
        if terminal in campus.terminals:
            name = self._names.terminal(campus.terminals[terminal]).name
            return f"{name} / {rest}" if rest else name
        return self._names.campus(campus).name if about == campus.campus else about


class BoardTalk:
    name = "board"

    def __init__(self, links: BoardLinks, may_see: Callable[[], bool]) -> None:
        self._links = links
        self._may_see = may_see

    def decode(self, text: str) -> Heartbeat:
        return _decoder.decode(text)

    def render(self, view: View) -> str | None:
        return self._links.snapshot(view) if self._may_see() else None

    def sent(self, view: View) -> None:
        """A board confirms nothing."""

    def take(self, frame: Heartbeat, screen: Screen) -> None:
        """A board says nothing but heartbeats."""


def _guard_state(campus: Campus, guard: str, pagers: list[Pager]) -> str:
    for incident in campus.incidents.values():
        mine = incident.assignments.get(guard)
        if incident.state == "resolved" or mine is None:
            continue
        if mine.state == "on_scene":
            return "on_scene"
        if mine.state == "accepted":
            return "lead" if incident.lead == guard else "second"
        if incident.lead and mine.state in ("paged", "delivered", "seen"):
            return "silenced"
    return "ready" if any(not p.reasons for p in pagers) else "not_ready"


def _next(campus: Campus, incident: Incident) -> dict[str, Any] | None:
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
