"""Escalation by a clock of its own: from the entries alone, who must be called or asked again by when."""

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus
from hub.dispatch.rules_place import RESTART_DUE_MS

LATE_MS_MAX = 1_000
NEVER = (1 << 62, "")
_RESPONDING = ("accepted", "on_scene")


class Deadlines:
    """`called`: when somebody was last called for an incident. `heard`: what was last said of or asked of a responder,
    and how long that may last.
    """

    def __init__(self) -> None:
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

    def late(self, campus: Campus) -> tuple[int, str]:
        """The first hub time at which it would be too late, and for what."""
        first = NEVER
        for incident in campus.incidents.values():
            if incident.state in ("resolved", "closed"):
                continue
            limits = campus.zones[incident.zone].deadlines
            name = incident.incident
            responders = [a.guard for a in incident.assignments.values() if a.state in _RESPONDING]
            for guard in responders:
                since_ms, limit_ms = self._heard[name, guard]
                first = min(first, (since_ms + limit_ms, f"{guard} has accepted {name[:10]} and was not asked"))
            if not responders:
                due_ms = self._called[name] + limits.delivered_ms + limits.accepted_ms
                first = min(first, (due_ms, f"nobody was called for {name[:10]}"))
        return first[0] + LATE_MS_MAX, first[1]
