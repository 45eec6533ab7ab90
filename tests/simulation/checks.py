"""What must always be true of a running hub, looked at from outside at every step.

`refresh` sees each view at the moment it is shown to the peers; `decided` each entry at the moment it is decided;
`sent` each frame at the moment it is given to the kernel; `settled` the world whenever time is about to go on.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from firstbell.jws import digest_of, unverified_payload

from hub.clock import HubClock
from hub.dispatch import campus as campuses
from hub.dispatch import entries as e
from hub.dispatch.campus import Campus, Incident
from hub.dispatch.engine import Engine, View
from hub.links.outlet import CLOSE_MS_MAX
from tests.simulation.deadlines import Deadlines
from tests.simulation.disk import StepwiseWriter
from tests.simulation.network import Line
from tests.simulation.truth import Truth

LATE_MS_MAX = 1_000
SILENT_MS_MAX = 12_000
"""A peer that says nothing is known to be lost after this long."""
RESUMED_MS = 1_500
"""So long after a pause of the hub's it is looked whom it takes for silent."""
SPOKE_MS = 8_000
UNREAD_MS_MAX = 2 * CLOSE_MS_MAX
"""A connection that the hub ends is not read while the last answers and the goodbye go out."""
PAGES_MAX = 8
FLOODED = 19_000
"""When so many entries have waited for the disk, only what rings is still decided: who is linked is not looked at."""
PENDING_MAX = 22_000
"""Entries that wait for the disk: what rings may go a little beyond the engine's bound of 20,000."""
_RANKS = {"none": 0, "recorded": 1, "coming": 2, "here": 3}
_OPEN = ("raised", "dispatched", "on_scene")
_RESPONDING = ("accepted", "on_scene")


class Checks:
    """Of one run of the hub. Raises nothing: it tells `truth.broken`."""

    def __init__(
        self,
        engine: Engine,
        writer: StepwiseWriter,
        clock: HubClock,
        truth: Truth,
        now_ms: Callable[[], int],
        has_fault: Callable[[], bool],
    ) -> None:
        """`has_fault`: whether a defect of the hub's has shown itself in this run."""
        self._has_fault = has_fault
        self._engine = engine
        self._writer = writer
        self._clock = clock
        self._truth = truth
        self._now_ms = now_ms
        self._deadlines = Deadlines(truth.broken)
        self._begun = self._flooded = False
        self._standing: list[Line] = []
        self._paused_ms = 0
        self._resumed_ms = -RESUMED_MS
        self._compared = 0
        self._received: dict[str, tuple[Line, str, int]] = {}
        """By the digest of the event: where it came, its frame, and when."""
        self._heard_ms: dict[str, int] = {}
        self._shown: dict[Line, dict[str, Any]] = {}

    # ── what the hub decides and wants ───────────────────────────────────────────────────────────────────────

    def decided(self, entries: Sequence[e.Entry]) -> None:
        self._begun = True
        if self._has_fault():
            return
        for entry in entries:
            self._deadlines.decided(entry, self._engine.decided)
            if isinstance(entry, e.IncidentRaised) and (entry.drill or entry.test):
                marked = self._truth.drills.get(entry.zone if entry.drill else entry.terminal)
                if marked != self._engine.decided.run:
                    self._truth.broken(f"{entry.incident[:10]} is called a drill, and no disk has one of this run")

    def refresh(self, view: View) -> None:
        if not self._begun or self._has_fault():
            return  # what was believed when the last run ended is shown to nobody
        if view.fault:
            self._truth.broken("the hub has a fault of its own")
            return
        places = set()
        for incident in view.decided.incidents.values():
            self._check_rings(view, incident)
            place = incident.terminal, incident.drill, incident.test
            if incident.state in _OPEN and place in places:
                self._truth.broken(f"two incidents are open at {incident.terminal}")
            places |= {place} if incident.state in _OPEN else set()
        self._check_bells(view)
        for name, rings in view.alerts.pagers.items():
            guard = view.decided.pagers[name].guard
            for incident_name, ring in rings.items():
                self._check_quiet(view.decided.incidents.get(incident_name), name, guard or "", ring)
        self._check_lowered(view.decided)

    def _check_rings(self, view: View, incident: Incident) -> None:
        """An open incident is accepted with a running deadline, or something rings for it and somebody is called."""
        if incident.state not in _OPEN:
            return
        responders = [a for a in incident.assignments.values() if a.state in _RESPONDING]
        name = incident.incident[:10]
        if responders:
            if any(a.due_ms is None for a in responders):
                self._truth.broken(f"{name} is accepted and no deadline runs")
            return
        somewhere = any(rings.get(incident.incident) == "alarm" for rings in view.alerts.pagers.values())
        somewhere = somewhere or any(ring in ("alarm", "drill") for ring in view.alerts.bells.values())
        if not somewhere and (view.alerts.pagers or view.alerts.bells):
            self._truth.broken(f"{name} is open and nothing rings for it")
        waits = incident.repeat_ms is not None or any(a.due_ms is not None for a in incident.assignments.values())
        if not waits:
            self._truth.broken(f"{name} is open and nobody will be called any more")

    def _check_bells(self, view: View) -> None:
        """A call that is no drill rings every bell as an alarm."""
        calls = [i for i in view.decided.incidents.values() if i.state == "raised"]
        wanted = "alarm" if any(not (i.drill or i.test) for i in calls) else "drill" if calls else ""
        for bell, ring in view.alerts.bells.items():
            if wanted and ring not in (wanted, "alarm"):
                self._truth.broken(f"{bell} sounds {ring} while somebody is called")

    def _check_quiet(self, incident: Incident | None, pager: str, guard: str, ring: str) -> None:
        """Nothing rings for a guard who answered, but a question or a new press."""
        if incident is None or incident.state not in _OPEN:
            self._truth.broken(f"{pager} rings for what is over")
            return
        mine = incident.assignments.get(guard)
        if mine and mine.state in _RESPONDING and ring == "alarm":
            self._truth.broken(f"{pager} rings for {incident.incident[:10]} although {guard} has accepted")
        if mine and mine.state in ("declined", "released", "cleared") and not incident.everyone:
            self._truth.broken(f"{pager} rings for {incident.incident[:10]} although {guard} has {mine.state}")

    def _check_lowered(self, decided: Campus) -> None:
        """What lowers attention takes effect after its commit; presence is believed only of who is there."""
        for pager in decided.pagers.values():
            known = self._truth.campus.pagers.get(pager.pager)
            if pager.guard is None and known and known.guard is not None:
                self._truth.broken(f"{pager.pager} is signed off and no disk has it")
            if not pager.reasons:
                self._check_heard(pager.pager, "is READY")
        for terminal in decided.terminals.values():
            if terminal.revoked and not self._truth.campus.terminals[terminal.terminal].revoked:
                self._truth.broken(f"{terminal.terminal} is revoked and no disk has it")
            if terminal.linked and not terminal.revoked:
                self._check_heard(terminal.terminal, "is linked")

    def _check_heard(self, peer: str, what: str) -> None:
        silent_ms = self._now_ms() - self._heard_ms.get(peer, -SILENT_MS_MAX)
        if self._flooded:
            return
        if silent_ms > SILENT_MS_MAX:
            self._truth.broken(f"{peer} {what} and has not been heard for {silent_ms} ms")

    # ── what goes over the wire ──────────────────────────────────────────────────────────────────────────────

    def heard(self, line: Line, text: str) -> None:
        """A frame arrives at the hub."""
        self._heard_ms[line.peer.identity] = self._now_ms()
        if text.startswith('{"type":"event"') and not line.peer.pager:
            digest = digest_of(json.loads(text)["jws"])
            self._received[digest] = line, text, self._now_ms()
        elif text.startswith('{"type":"hello"'):
            self._hello(line.peer.identity, json.loads(text)["jws"])

    def _hello(self, terminal: str, jws: str) -> None:
        known = self._engine.decided.terminals.get(terminal)
        if known is not None and not known.revoked:
            self._truth.logs.greeted(terminal, json.loads(unverified_payload(jws))["checkpoint"])

    def sent(self, line: Line, text: str) -> None:
        """A frame leaves the hub."""
        if text.startswith('{"type":"heartbeat"'):
            return
        frame = json.loads(text)
        if frame["type"] == "receipt" and "event" in frame:
            self._truth.receipt_sent(frame["event"], frame["index"], frame["entry"], frame["checkpoint"])
        elif frame["type"] == "receipt" and "jws" in frame:
            if digest_of(frame["jws"]) not in self._truth.recorded:
                self._truth.broken("a pager is told that an event is recorded, no disk has it")
        elif frame["type"] == "receipt" and frame["command"] not in self._truth.commands:
            self._truth.broken(f"a receipt for command {frame['command'][:6]} goes out, no disk has it")
        elif frame["type"] == "snapshot":
            self._shown[line] = frame
            if not self._has_fault():
                self._check_rendered(line, frame)
            if line.peer.pager:
                for page in frame["pages"]:
                    self._check_light(self._terminal_of(page["incident"]), page["light"], line.peer.name)
            else:
                self._check_light(line.peer.identity, frame["light"], line.peer.name)
                if frame["light"] == "none" and not self._has_fault():
                    self._check_out(line.peer.identity)

    def _check_rendered(self, line: Line, frame: dict[str, Any]) -> None:
        """What leaves is what should be shown now, however long it was the peer's turn to wait."""
        alerts = self._engine.view.alerts
        if line.peer.pager:
            wanted = alerts.pagers.get(line.peer.pager, {})
            old = _rings(frame) != wanted and len(wanted) <= PAGES_MAX
        else:
            old = frame["ring"] != alerts.bells.get(line.peer.identity, "none")
        if old:
            self._truth.broken(f"a snapshot leaves for {line.peer.name} that is out of date")

    def _terminal_of(self, incident: str) -> str:
        found = self._engine.decided.incidents.get(incident)
        return found.terminal if found else ""

    def _check_light(self, terminal: str, shown: str, where: str) -> None:
        """Every open incident of this terminal is at least so far, on the disk and as decided."""
        rank = _RANKS[shown]
        if not rank or not terminal:
            return
        on_disk = _states(self._truth.known, terminal)
        as_decided = _states(self._engine.decided, terminal)
        # What is resolved and not yet on the disk leaves the light as it was.
        if not on_disk or min(_OPEN.index(state) + 1 for state in (*on_disk, *as_decided)) < rank:
            self._truth.broken(
                f"{where} is told that the light of {terminal} is {shown}; "
                f"on the disk: {on_disk}, as decided: {as_decided}"
            )

    def _check_out(self, terminal: str) -> None:
        """A terminal whose light is out lets go of its events."""
        on_disk = _states(self._truth.known, terminal)
        if on_disk:
            self._truth.broken(f"{terminal} is told that its light is out; on the disk: {on_disk}")

    # ── whenever time goes on ────────────────────────────────────────────────────────────────────────────────

    def settled(self) -> None:
        if self._has_fault():
            self._check_everything_rings()
            return
        hub_ms = self._clock.now_ms()
        due_ms = self._engine.due_ms
        if due_ms is not None and hub_ms > due_ms + LATE_MS_MAX:
            self._truth.broken(f"a deadline of the campus is {hub_ms - due_ms} ms late")
        self._deadlines.settled(hub_ms)
        decided = self._engine.decided
        pending = {}
        for digest, (line, text, at_ms) in self._received.items():
            if f"event {digest}" in self._engine._sought:
                pending[digest] = line, text, at_ms
                continue  # it may be on the disk for long already, and is decided when that is known
            if line.socket.has_unread(text) and self._now_ms() - at_ms <= UNREAD_MS_MAX:
                if not line.socket.is_closing:
                    pending[digest] = line, text, at_ms
                continue  # it came in the moment in which the hub ends this connection; it comes again
            if line.socket.is_closing and self._has_just_resumed():
                continue  # a connection that ended during a pause takes with it what was not read; it comes again
            if self._flooded and self._truth.made[digest].what != "panic":
                continue  # busy: it stays with its terminal
            known = decided.terminals.get(line.peer.identity)
            if known and not known.revoked and digest not in known.seen and digest not in self._truth.recorded:
                self._truth.broken(f"event {digest[:8]} has arrived and changed nothing")
        self._received = pending
        self._check_shown()
        self._check_standing()
        self._flooded = self._flooded or self._writer.untold_entries > FLOODED
        if self._writer.untold_entries > PENDING_MAX:
            self._truth.broken(f"{self._writer.untold_entries} entries wait for the disk, and more are taken")
        if not self._writer.untold and not self._writer._failing and f"disk:{decided.campus}" in decided.troubles:
            self._truth.broken("the disk is well, and is said to be in trouble")
        if not self._writer.untold and not self._truth.taken and self._compared != self._truth.logs.count:
            self._compare()

    def paused(self, lines: Sequence[Line]) -> None:
        """The hub is about to stand still; these are the connections that it has."""
        self._paused_ms = self._now_ms()
        self._standing = [line for line in lines if line.open and not line.socket.is_closing and not line.down.is_full]

    def resumed(self) -> None:
        paused_ms = self._now_ms() - self._paused_ms
        self._heard_ms = {peer: ms + paused_ms for peer, ms in self._heard_ms.items()}
        self._resumed_ms = self._now_ms()

    def _has_just_resumed(self) -> bool:
        return self._now_ms() - self._resumed_ms <= RESUMED_MS

    def _check_standing(self) -> None:
        """Who went on speaking while the hub stood still is not taken for silent. Looked at when the hub has closed:
        what a peer says afterwards, before it learns of it, is no matter."""
        closed = [line for line in self._standing if line.hub_closed and self._has_just_resumed()]
        self._standing = [line for line in self._standing if not line.hub_closed and self._has_just_resumed()]
        for line in closed:
            said_ms = self._now_ms() - line.said_ms
            lets_through = not line.path.stalled_up and line.path.delay_ms[1] < RESUMED_MS
            wanted = line.peer.identity not in self._truth.revoked
            if said_ms < SPOKE_MS and lets_through and wanted:
                self._truth.broken(f"{line.peer.name} said something {said_ms} ms ago and is cut off after a pause")

    def _check_everything_rings(self) -> None:
        view = self._engine.view
        rings = all(view.alerts.pagers.get(pager) == {"hub_fault": "alarm"} for pager in view.decided.pagers)
        sounds = all(
            view.alerts.bells.get(terminal.terminal) == "fault"
            for terminal in view.decided.terminals.values()
            if terminal.role == "bell"
        )
        if not (view.fault and rings and sounds):
            self._truth.broken("the hub has a defect, and not everything rings")
        for line, frame in self._shown.items():
            if line.open and not line.socket.is_closing and not line.down.is_full:
                bell = line.peer.identity in view.alerts.bells
                if not frame["fault"] if line.peer.pager else bell and frame["ring"] != "fault":
                    self._truth.broken(f"the hub has a defect, and {line.peer.name} was not told")

    def _check_shown(self) -> None:
        """The newest frame of each connection is the truth, as far as its kernel takes frames."""
        alerts = self._engine.view.alerts
        for line, frame in tuple(self._shown.items()):
            if not line.open or line.socket.is_closing:
                del self._shown[line]
            elif line.down.is_full:
                continue
            elif not line.peer.pager:
                bell = alerts.bells.get(line.peer.identity, "none")
                if frame["ring"] != bell:
                    self._truth.broken(f"{line.peer.name} was told {frame['ring']}, what should ring is {bell}")
            else:
                wanted = alerts.pagers.get(line.peer.pager, {})
                shown = _rings(frame)
                if shown != wanted and len(wanted) <= PAGES_MAX:
                    self._truth.broken(f"{line.peer.name} was told {shown}, what should ring is {wanted}")

    def _compare(self) -> None:
        """Nothing is on its way to the disk: both folds and the file say the same."""
        self._compared = self._truth.logs.count
        truth = campuses.snapshot(self._truth.campus)
        if self._engine.size != self._truth.logs.size or campuses.snapshot(self._engine.durable) != truth:
            self._truth.broken("what the hub calls durable is not what the file folds to")
        elif campuses.snapshot(self._engine.decided) != truth:
            self._truth.broken("nothing is pending, and decided is not durable")


def _rings(frame: dict[str, Any]) -> dict[str, str]:
    return {page["incident"]: page["ring"] for page in frame["pages"] if page["ring"] != "none"}


def _states(campus: Campus, terminal: str) -> list[str]:
    return [i.state for i in campus.incidents.values() if i.terminal == terminal and i.state in _OPEN]
