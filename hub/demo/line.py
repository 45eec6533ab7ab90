"""The demo's line: what one press led to, in milliseconds since the press, as the hub and the terminals tell it."""

from dataclasses import dataclass, field
from typing import Any

from hub.dispatch.entries import CALLING_RINGS

LIGHT_MS_MAX = 50
SOUND_MS_MAX = 500
"""What is promised, shown beside what was measured."""
LATE_MS = 1_000
"""A press that took longer to the hub was cut off from it: nothing that the hub does then is held against a limit."""


@dataclass(slots=True)
class Line:
    """The newest press. Times are hub time; `steps`: what → when; `next_ms`: when more are called.

    `undelivered`: terminals whose light says so → since when. A terminal that was cut off tells only what its light
    shows at the end: when it answered is not known then, and what it shows later is no answer to the press.
    """

    incident: str = ""
    terminal: str = ""
    pressed_ms: int = 0
    steps: dict[str, int] = field(default_factory=dict)
    next_ms: int | None = None
    undelivered: dict[str, int] = field(default_factory=dict)

    def hear(self, happening: dict[str, Any]) -> None:
        """A happening of the hub's."""
        entry = happening.get("entry", {})
        kind = entry.get("kind", "")
        if happening["what"] == "page_sent" and happening["incident"] == self.incident:
            self._step("sent", happening["at_ms"])
        elif happening["what"] == "committed" and entry.get("incident") == self.incident and kind == "event_recorded":
            self._step("recorded", happening["at_ms"])
        elif happening["what"] != "decided":
            return
        elif kind == "event_recorded" and entry["incident"] and entry["incident"] != self.incident:
            self._press(entry)
        elif kind == "light_shown" and entry["since_ms"] is not None:
            self._light(entry["terminal"], entry["light"], entry["since_ms"])
        elif kind == "bell_sounded" and entry["ring"] in CALLING_RINGS:
            self._step("bell", entry["at_ms"])
        elif entry.get("incident") == self.incident:
            self._incident(kind, entry)

    def _press(self, entry: dict[str, Any]) -> None:
        received_ms = entry["received_ms"]
        pressed_ms = entry["event_ms"] if entry["event_ms"] is not None else received_ms
        self.incident, self.terminal = entry["incident"], entry["terminal"]
        self.pressed_ms, self.steps, self.next_ms = pressed_ms, {"pressed": pressed_ms}, None
        if received_ms - pressed_ms > LATE_MS:
            self._step("late", received_ms)
        if self.undelivered.get(self.terminal, 0) > pressed_ms:
            self._step("undelivered", self.undelivered[self.terminal])

    def _light(self, terminal: str, light: str, since_ms: int) -> None:
        if light != "not_delivered":
            self.undelivered.pop(terminal, None)
        else:
            self.undelivered[terminal] = since_ms
        if terminal != self.terminal or since_ms < self.pressed_ms:
            return
        if light == "not_delivered":
            self._step("undelivered", since_ms)
        elif light == "heard" and "undelivered" not in self.steps:
            self._step("light", since_ms)

    def _incident(self, kind: str, entry: dict[str, Any]) -> None:
        if kind == "page_progressed":
            self.next_ms = entry["due_ms"] or self.next_ms
            if entry["to"] == "ringing":
                self._step("pager", entry["at_ms"])
        elif kind == "tier_raised":
            self.next_ms = None
        elif kind in ("accepted", "arrived", "resolved"):
            self._step(kind, entry["at_ms"])

    def _step(self, what: str, at_ms: int) -> None:
        if self.incident:
            self.steps.setdefault(what, at_ms)

    def frame(self) -> dict[str, Any]:
        """For the screen: each step's time since the press and what was promised, and what is waited for."""
        limits = {"light": LIGHT_MS_MAX} | ({} if "late" in self.steps else {"pager": SOUND_MS_MAX})
        steps = [
            {"what": what, "after_ms": max(0, at_ms - self.pressed_ms), "limit_ms": limits.get(what)}
            for what, at_ms in sorted(self.steps.items(), key=lambda step: step[1])
        ]
        waiting = bool(self.steps) and "accepted" not in self.steps and "resolved" not in self.steps
        next_after_ms = self.next_ms - self.pressed_ms if self.next_ms is not None else None
        return {"pressed_ms": self.pressed_ms, "steps": steps, "waiting": waiting, "next_after_ms": next_after_ms}
