"""Escalation by a clock of its own: from the entries alone, who must be called or asked again by when."""

from collections.abc import Callable

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus
from hub.dispatch.rules_place import RESTART_DUE_MS

LATE_MS_MAX = 1_000
_RESPONDING = ("accepted", "on_scene")


class Deadlines:
    """`called`: when somebody was last called for an incident. `heard`: what was last said of or asked of a responder,
    and how long that may last.
    """

    def __init__(self, broken: Callable[[str], None]) -> None:
        self._broken = broken
        self._called: dict[str, int] = {}
        self._heard: dict[tuple[str, str], tuple[int, int]] = {}

    def decided(self, entry: e.Entry, campus: Campus) -> None:
        if isinstance(entry, e.RunStarted):
            for known in campus.incidents.values():
                self._called[known.incident] = entry.at_ms
                for guard in known.assignments:
                    self._heard[known.incident, guard] = entry.at_ms, RESTART_DUE_MS
            return
        name = getattr(entry, "incident", "")
        incident = campus.incidents.get(name)
        if incident is None:
            return
        limits = campus.zones[incident.zone].deadlines
        match entry:
            case e.IncidentRaised() | e.TierRaised() | e.Reopened():
                self._called[name] = entry.at_ms
            case e.Accepted():
                self._heard[name, entry.guard] = entry.at_ms, limits.on_scene_ms
            case e.Arrived():
                self._heard[name, entry.guard] = entry.at_ms, limits.roll_call_ms
            case e.SignGiven():
                there = incident.assignments[entry.guard].state == "on_scene"
                self._heard[name, entry.guard] = entry.at_ms, limits.roll_call_ms if there else limits.on_scene_ms
            case e.Asked():
                self._heard[name, entry.guard] = entry.at_ms, limits.asked_ms

    def settled(self, hub_ms: int, campus: Campus) -> None:
        for incident in campus.incidents.values():
            if incident.state in ("resolved", "closed"):
                continue
            limits = campus.zones[incident.zone].deadlines
            responders = [a.guard for a in incident.assignments.values() if a.state in _RESPONDING]
            name = incident.incident
            for guard in responders:
                since_ms, limit_ms = self._heard[name, guard]
                if hub_ms - since_ms > limit_ms + LATE_MS_MAX:
                    self._broken(f"{guard} has accepted {name[:10]} and was not asked for {hub_ms - since_ms} ms")
            if not responders:
                silent_ms = hub_ms - self._called[name]
                if silent_ms > limits.delivered_ms + limits.accepted_ms + LATE_MS_MAX:
                    self._broken(f"nobody was called for {name[:10]} for {silent_ms} ms")
