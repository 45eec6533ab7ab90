"""A pager: what its screen does by PROTOCOL.md (hub/web/static/pager), without a screen.

It shows the newest snapshot, says what it has, shows and sounds, keeps a command until its receipt, and hands back the
signed events that the hub's snapshot lacks.
"""

import json
from dataclasses import dataclass, field
from random import Random
from typing import Any

from firstbell.jws import digest_of

from tests.simulation.network import Line, NetworkPath
from tests.simulation.surroundings import Surroundings

HEARTBEAT_MS = 3_000
SILENCE_MS_MAX = 9_000
BACKOFF_MS = (250, 3_000)
AGAIN_MS = 2_000
"""What was no answer is asked again after this long."""
NO_ANSWER = ("not_signed_on", "busy")
INCIDENTS_MAX = 64
EVENTS_MAX = 16
"""Signed events kept, per incident the newest."""


@dataclass(slots=True)
class Pager:
    """`guards` are told of each snapshot through `on_snapshot`. Sound, screen and battery are the device's own."""

    name: str
    pager: str
    around: Surroundings
    random: Random
    sound: str = "running"
    visible: bool = True
    battery_percent: int = 80
    on: bool = False
    frozen: bool = False
    snapshot: dict[str, Any] | None = None
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: dict[str, list[str]] = field(default_factory=dict)
    identity: str = field(init=False)
    path: NetworkPath = field(init=False)
    _line: Line | None = None
    _heard_ms: int = 0
    _handed: set[str] = field(default_factory=set)
    _sent_here: bool = False
    _attempts: int = 0
    _lives: int = 0

    def __post_init__(self) -> None:
        self.identity = self.pager
        self.path = NetworkPath(self.around.loop, self.random)

    # ── the device ───────────────────────────────────────────────────────────────────────────────────────────

    def switch_on(self) -> None:
        if not self.on:
            self.on = True
            self.around.say(self.name, "is switched on")
            self._lives += 1
            self._dial()
            self._beat(self._lives)

    def switch_off(self) -> None:
        """The battery is empty. Commands and evidence are in its storage, what it showed is not."""
        self.on = False
        self.snapshot = None
        self._attempts += 1
        self.around.say(self.name, "goes dark")
        if self._line is not None:
            self._line.vanish()
            self._line = None

    def freeze(self, frozen: bool) -> None:
        """The system stops the browser in the background: it neither reads nor writes."""
        self.frozen = frozen
        self.path.stall(frozen, frozen)

    def set_device(self, *, sound: str, visible: bool, battery_percent: int) -> None:
        self.sound, self.visible, self.battery_percent = sound, visible, battery_percent
        self._send_state()

    # ── the guard's finger ───────────────────────────────────────────────────────────────────────────────────

    @property
    def shows_hub(self) -> bool:
        """Not HUB GONE: what stands on the screen is not older than the silence allows."""
        fresh = self.around.loop.now_ms - self._heard_ms < SILENCE_MS_MAX
        return self.on and not self.frozen and self.snapshot is not None and self._line is not None and fresh

    def pages(self) -> list[dict[str, Any]]:
        return list(self.snapshot["pages"]) if self.snapshot and self.on else []

    def rings(self) -> dict[str, str]:
        """incident → what sounds for it here."""
        return {page["incident"]: page["ring"] for page in self.pages() if page["ring"] != "none"}

    def tap(self, do: str, incident: str, covers: list[str], outcome: str | None = None) -> str:
        """One command; it stays until its receipt or refusal. A second tap on the same thing is the same command."""
        for known, command in self.commands.items():
            if (command["do"], command["incident"]) == (do, incident):
                return known
        identity = f"{self.random.getrandbits(64):016x}"
        self.commands[identity] = {
            "type": "command",
            "id": identity,
            "do": do,
            "incident": incident,
            "covers": covers,
            "outcome": outcome,
            "note": "it is over" if do == "resolve" else "",
        }
        self.around.say(self.name, f"{do} {incident[:10]} ({identity[:6]})")
        self._send(self.commands[identity])
        return identity

    def tap_again(self, identity: str) -> None:
        if identity in self.commands:
            self._send(self.commands[identity])

    def sign_off(self) -> None:
        self.around.say(self.name, "signs off")
        self._send({"type": "sign_off"})

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────

    def _dial(self) -> None:
        self._attempts += 1
        self.around.dial(self, self.path, self._attempts)

    def opened(self, line: Line, attempt: int) -> None:
        if not self.on or attempt != self._attempts:
            line.vanish()
            return
        self._line = line
        self._heard_ms = self.around.loop.now_ms
        self._handed.clear()
        self._sent_here = False
        self._send_state()

    def refused(self, attempt: int) -> None:
        if self.on and attempt == self._attempts:
            self._dial_later()

    def closed(self, line: Line) -> None:
        if line is self._line:
            self._line = None
            self._dial_later()

    def _dial_later(self) -> None:
        attempt = self._attempts
        self.around.loop.in_ms(self.random.randint(*BACKOFF_MS), self._dial_again, attempt)

    def _dial_again(self, attempt: int) -> None:
        if self.on and attempt == self._attempts and self._line is None:
            self._dial()

    def _beat(self, life: int) -> None:
        if not self.on or life != self._lives:
            return
        now_ms = self.around.loop.now_ms
        if self._line is not None and not self.frozen:
            if now_ms - self._heard_ms >= SILENCE_MS_MAX:
                self.around.say(self.name, "hub gone")
                line = self._line
                line.close()
                self.closed(line)
            else:
                self._send({"type": "heartbeat", "t1_ms": now_ms})
                self._send_state()
        self.around.loop.in_ms(HEARTBEAT_MS, self._beat, life)

    def _send(self, frame: dict[str, Any]) -> None:
        if self._line is not None:
            self._line.send(json.dumps(frame))

    def _send_state(self) -> None:
        have = [page["incident"] for page in self.pages()]
        rings = list(self.rings())
        self._send(
            {
                "type": "state",
                "sound": self.sound,
                "visible": self.visible,
                "awake": self.visible,
                "battery_percent": self.battery_percent,
                "charging": False,
                "have": have,
                "seen": have if self.visible else [],
                "ringing": rings if self.sound == "running" else [],
            }
        )

    # ── what the hub says ────────────────────────────────────────────────────────────────────────────────────

    def heard(self, line: Line, text: str) -> None:
        if line is not self._line or not self.on:
            return
        self._heard_ms = self.around.loop.now_ms
        frame = json.loads(text)
        if frame["type"] == "snapshot":
            before = self.rings(), [page["incident"] for page in self.pages()]
            self.snapshot = frame
            if before != (self.rings(), [page["incident"] for page in self.pages()]):
                self.around.say(self.name, f"rings {_short(self.rings())}" if self.rings() else "is quiet")
                self._send_state()
            self._keep_evidence(frame)
            self._hand_back(frame)
            if not self._sent_here and frame["guard"]:
                self._sent_here = True
                for command in self.commands.values():
                    self._send(command)
        elif frame.get("jws"):
            self.held = {name: [jws for jws in kept if jws != frame["jws"]] for name, kept in self.held.items()}
            self.held = {name: kept for name, kept in self.held.items() if kept}
        elif frame["type"] == "receipt":
            self._done(frame["command"], "")
        elif frame["type"] == "refused" and frame["command"]:
            self._answered(frame["command"], frame["reason"])

    def _done(self, identity: str, refused: str) -> None:
        command = self.commands.pop(identity, None)
        if command is not None:
            self.around.say(self.name, f"{command['do']} {identity[:6]}: {refused or 'recorded'}")
            if not refused and identity not in self.around.truth.commands:
                self.around.truth.broken(f"{self.name} has a receipt for command {identity[:6]}, no disk has it")

    def _keep_evidence(self, frame: dict[str, Any]) -> None:
        for page in frame["pages"]:
            name = page["incident"]
            self.held[name] = list(dict.fromkeys([*self.held.get(name, ()), *page["evidence"]]))[-EVENTS_MAX:]
        while len(self.held) > INCIDENTS_MAX:
            forgotten = self.held.pop(next(iter(self.held)))
            self.around.truth.pager_forgot(digest_of(jws) for jws in forgotten)

    def _hand_back(self, frame: dict[str, Any]) -> None:
        """Signed events of pages that this pager holds and the snapshot lacks, each once per connection."""
        shown = {jws for page in frame["pages"] for jws in page["evidence"]} | self._handed
        lacking = [jws for kept in self.held.values() for jws in kept if jws not in shown]
        self._handed.update(lacking)
        if lacking:
            self._send({"type": "evidence", "jws": lacking})

    def _answered(self, identity: str, refused: str) -> None:
        """Where the hub does not know what this command is about, it gets the evidence, as long as there is any."""
        command = self.commands.get(identity)
        if command is None:
            return
        evidence = self.held.get(command["incident"])
        if refused not in NO_ANSWER and not (refused == "unknown_incident" and evidence):
            if refused == "unknown_incident":
                self.around.truth.said_unknown(command["incident"])
            self._done(identity, refused)
            return
        if evidence:
            self._send({"type": "evidence", "jws": evidence})
        self.around.loop.in_ms(AGAIN_MS, self.tap_again, identity)


def _short(rings: dict[str, str]) -> str:
    return ", ".join(f"{ring} {incident[:10]}" for incident, ring in rings.items())
