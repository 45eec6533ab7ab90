"""What should be, as a function of the campus: what rings where, what each wall light shows."""

from dataclasses import dataclass
from typing import Literal

from hub.dispatch import entries as e
from hub.dispatch.campus import OPEN, RESPONDING, Campus, Incident
from hub.dispatch.rules_deadline import reachable

Ring = Literal["alarm", "ask", "alert"]

RINGING_KINDS = (
    e.IncidentRaised,
    e.PressRepeated,
    e.TierRaised,
    e.Accepted,
    e.Declined,
    e.Released,
    e.Arrived,
    e.Asked,
    e.SignGiven,
    e.GuardDown,
    e.Resolved,
    e.Reopened,
    e.SignedOn,
)
"""Entries that change what rings: decided even while the disk stands still and much is pending."""


@dataclass(frozen=True, slots=True)
class Alerts:
    """`pagers`: pager → incident → ring. `bells`: bell → what it sounds. `reachable`: somebody could be reached."""

    pagers: dict[str, dict[str, Ring]]
    bells: dict[str, e.BellRing]
    reachable: bool


def alerts(campus: Campus) -> Alerts:
    """What rings where. Who answered is quiet, unless asked for a sign or alerted again."""
    pagers: dict[str, dict[str, Ring]] = {pager: {} for pager in campus.pagers}
    of_guard: dict[str, list[str]] = {}
    for pager in campus.pagers.values():
        if pager.guard:
            of_guard.setdefault(pager.guard, []).append(pager.pager)
    for incident in campus.incidents.values():
        for assignment in incident.assignments.values():
            ring = _ring(incident, assignment.state, assignment.asked)
            if ring:
                for pager_id in of_guard.get(assignment.guard, ()):
                    pagers[pager_id][incident.incident] = ring
        if incident.calling and incident.everyone:
            for pager in campus.pagers.values():
                mine = incident.assignments.get(pager.guard or "")
                if mine is None or mine.state not in RESPONDING:
                    pagers[pager.pager][incident.incident] = "alarm"
    bell = _bell(campus)
    bells = {t.terminal: bell for t in campus.terminals.values() if t.role == "bell" and not t.revoked}
    return Alerts(pagers, bells, reachable(campus))


def _ring(incident: Incident, state: str, asked: str) -> Ring | None:
    if state in OPEN:
        return "alarm" if incident.calling else None
    if state in RESPONDING:
        return "ask" if asked else "alert" if incident.alert_until_ms is not None else None
    return None


def _bell(campus: Campus) -> e.BellRing:
    calling = [incident for incident in campus.incidents.values() if incident.calling]
    if any(not (incident.drill or incident.test) for incident in calling):
        return "alarm"
    if calling:
        return "drill"
    return "trouble" if any(not trouble.seen_by for trouble in campus.troubles.values()) else "none"


def everything_rings(campus: Campus) -> Alerts:
    """A defect of the hub's own must not be silent: every pager and bell says "hub fault"."""
    bells: dict[str, e.BellRing] = {t.terminal: "fault" for t in campus.terminals.values() if t.role == "bell"}
    return Alerts({pager: {"hub_fault": "alarm"} for pager in campus.pagers}, bells, False)


_RECORDED, _COMING, _HERE, _OVER = range(4)
_RANKS = {"raised": _RECORDED, "dispatched": _COMING, "on_scene": _HERE, "resolved": _OVER}
_LIGHTS: dict[int, e.LightState] = {
    _RECORDED: "recorded",
    _COMING: "coming",
    _HERE: "here",
    _OVER: "none",
}


def lights(decided: Campus, durable: Campus) -> dict[str, e.LightState]:
    """Each wall terminal's light: a good thing only where both folds say it, the least of its open incidents.

    A silent one shows nothing by itself. It is told, because a light that is out lets it forget its events. So an
    incident that is not on the disk yet puts out no light that another one has lit.
    """
    least: dict[str, int] = {}
    unwritten: set[str] = set()
    for name in decided.incidents.keys() | durable.incidents.keys():
        here, there = decided.incidents.get(name), durable.incidents.get(name)
        terminal_id = (here or durable.incidents[name]).terminal
        if there is None:
            unwritten.add(terminal_id)
            continue
        # What only durable has is closed, and not yet for good.
        rank = min(_RANKS[here.state] if here else _OVER, _RANKS[there.state])
        least[terminal_id] = min(rank, least.get(terminal_id, _OVER))
    for terminal_id in unwritten & least.keys():
        if least[terminal_id] != _OVER:
            least[terminal_id] = _RECORDED
    return {
        terminal.terminal: _LIGHTS[least.get(terminal.terminal, _OVER)]
        for terminal in decided.terminals.values()
        if terminal.role == "wall"
    }
