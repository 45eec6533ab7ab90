"""The time line of each open incident, kept from the committed entries, for the board."""

from collections.abc import Iterable
from typing import Any

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus, Incident, incidents_at
from hub.names import Names

STEPS_MAX = 64
"""Steps kept per incident: the first one and the newest others."""
LATE_MS = 1_000
"""A press that the hub heard of later than this after it was made has a step for that."""
_REPEATED = ("tier", "asked")
_MACHINE = ("late", "tier", "asked", "rings", "light", "bell")

Step = dict[str, Any]


class BoardSteps:
    """`fold` takes committed entries in order; `steps` gives an incident's line with names in it."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Step]] = {}

    def fold(self, entries: Iterable[e.Entry], campus: Campus) -> None:
        """`campus`: as it is with all of them."""
        bell_calls = any(terminal.ring in e.CALLING_RINGS for terminal in campus.terminals.values())
        for entry in entries:
            if isinstance(entry, e.Closed):
                self._steps.pop(entry.incident, None)
            elif isinstance(entry, e.BellSounded):
                if entry.ring in e.CALLING_RINGS:
                    for incident in campus.incidents.values():
                        self._bell(incident, entry.at_ms)
            elif isinstance(entry, e.LightShown):
                self._light(entry, campus)
            else:
                for step in _steps(entry):
                    self._add(entry.incident, step)  # type: ignore[attr-defined]
                raised = campus.incidents.get(entry.incident) if isinstance(entry, e.IncidentRaised) else None
                if raised and bell_calls:
                    # One that rang before rings for it, too.
                    self._bell(raised, entry.at_ms)

    def steps(self, incident: str, campus: Campus, names: Names) -> list[Step]:
        return [
            {**step, "who": [names.person(campus, who) for who in step["who"]]}
            for step in self._steps.get(incident, ())
        ]

    def _add(self, incident: str, step: Step) -> None:
        steps = self._steps.setdefault(incident, [])
        if steps and step["what"] == "rings" == steps[-1]["what"]:
            steps[-1]["who"] += [who for who in step["who"] if who not in steps[-1]["who"]]
            return
        if step["what"] in _REPEATED and _folded(steps, step):
            return
        if len(steps) >= STEPS_MAX:
            del steps[1]
        steps.append(step)

    def _bell(self, incident: Incident, at_ms: int) -> None:
        """If it is a call whose line has begun, and has no such step yet."""
        steps = self._steps.get(incident.incident)
        if incident.state == "raised" and steps and not any(s["what"] == "bell" for s in steps):
            self._add(incident.incident, _made("bell", at_ms))

    def _light(self, entry: e.LightShown, campus: Campus) -> None:
        if entry.light not in ("recorded", "coming"):
            return
        for incident in incidents_at(campus, entry.terminal):
            if incident.incident in self._steps:
                self._add(incident.incident, _made("light", entry.at_ms, detail=entry.light))


def _made(what: str, at_ms: int, who: Iterable[str] = (), detail: str = "") -> Step:
    return {"what": what, "at_ms": at_ms, "who": list(who), "detail": detail, "times": 1, "last_ms": at_ms}


def _folded(steps: list[Step], step: Step) -> bool:
    """Whether it only repeats a step since which no person did anything: that one counts it.

    A call that is made again has the reason of the call that it repeats.
    """
    for before in reversed(steps):
        if before["what"] == step["what"]:
            if step["what"] == "tier" and step["detail"] == "again":
                step["detail"] = before["detail"]
            if before["detail"] == step["detail"] and set(step["who"]) <= set(before["who"]):
                before["times"] += 1
                before["last_ms"] = step["at_ms"]
                return True
            if step["what"] == "tier":
                return False
        if before["what"] not in _MACHINE:
            return False
    return False


def _steps(entry: e.Entry) -> list[Step]:
    """An incident's entry as steps: none where the board does not show it, two for a press that came late."""
    if isinstance(entry, e.IncidentRaised):
        return _pressed(entry)
    step = _step(entry)
    return [step] if step else []


def _pressed(entry: e.IncidentRaised) -> list[Step]:
    """The press is the line's zero: when it was made, as the terminal estimates hub time; else when it was heard."""
    event_ms = entry.at_ms if entry.event_ms is None else min(entry.event_ms, entry.at_ms)
    pressed = {**_made("pressed", event_ms, detail=entry.severity), "error_ms": entry.error_ms}
    late = entry.at_ms - event_ms > LATE_MS
    return [pressed, _made("late", entry.at_ms)] if late else [pressed]


def _step(entry: e.Entry) -> Step | None:
    at_ms = entry.at_ms
    match entry:
        case e.PressRepeated():
            return _made("pressed_again", at_ms)
        case e.PageProgressed(to="ringing"):
            return _made("rings", at_ms, [entry.guard])
        case e.Accepted():
            return _made("accepted", at_ms, [entry.guard], "lead" if entry.lead else "second")
        case e.TierRaised():
            return _made("tier", at_ms, [page.guard for page in entry.paged], entry.because)
        case e.Asked():
            return _made("asked", at_ms, [entry.guard], entry.about)
        case e.Resolved():
            return _made("resolved", at_ms, [entry.guard], entry.outcome)
        case e.Declined() | e.Released() | e.SignGiven() | e.GuardDown():
            return _made(entry.__struct_config__.tag, at_ms, [entry.guard])  # type: ignore[arg-type]
        case e.Arrived():
            return _made("on_scene", at_ms, [entry.guard])
        case e.Reopened():
            return _made("reopened", at_ms)
    return None
