"""A terminal on the wall: the real `firstbell.terminal` with the real outbox and the real link to the hub; its disk,
clock, pins and network are simulated. What the daemon (terminal/daemon.py) needs threads and pins for is done by
virtual time.
"""

import asyncio
import json
import math
from collections.abc import Mapping
from contextlib import closing
from contextvars import copy_context
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import structlog
from firstbell import actions, light
from firstbell.actions import Action, Event
from firstbell.inputs import Inputs
from firstbell.jws import EDDSA, Ed25519Signer, Hs256Key, verify_ed25519
from firstbell.note import Checkpoint
from firstbell.outputs import Outputs
from firstbell.press import PANIC, Happening
from firstbell.receipt import check_receipt
from firstbell.session import TerminalSession
from firstbell.terminal import Terminal as Core
from firstbell_linux.problems import Problem

from terminal.hub_link import HubLink
from terminal.outbox import LAZY_MS, Outbox
from terminal.outbox_file import Kept, Memory, connect, read
from terminal.settings import HubSettings
from tests.simulation.client import Client, Finder
from tests.simulation.network import NetworkPath
from tests.simulation.surroundings import Surroundings
from tests.simulation.truth import Made

MONO_AT_START_MS = 20_000
"""A Pi's monotonic clock when the daemon comes up."""
STORE_MS = (1, 15)
PRESS_MS_MIN = 30
HUB = HubSettings("hub.internal", "c-simulated")
InputKind = Literal["panic", "perimeter", "tamper", "supply"]


@dataclass(frozen=True, slots=True)
class TerminalPlan:
    """What one terminal is. `drift_ppm`: of its clock. `sick_clock`: it is wrong beyond all promises."""

    terminal: str
    zone: str
    role: Literal["wall", "bell"]
    algorithm: Literal["EdDSA", "HS256"]
    seed: bytes
    inputs: dict[str, InputKind]
    drift_ppm: int
    sick_clock: bool = False
    silent: bool = False


class Clock:
    """The terminal's monotonic clock: runs `ppm` too fast, starts anew with each boot."""

    def __init__(self, ppm: float, started_ms: int) -> None:
        self._rate = 1 + ppm / 1_000_000
        self._started_ms = started_ms
        self.jumped_ms = 0

    def mono_ms(self, now_ms: int) -> int:
        return MONO_AT_START_MS + self.jumped_ms + math.floor((now_ms - self._started_ms) * self._rate)

    def when_ms(self, mono_ms: int) -> int:
        """The first moment at which the clock shows `mono_ms`."""
        return self._started_ms + math.ceil((mono_ms - MONO_AT_START_MS - self.jumped_ms) / self._rate)


class StepwiseOutbox(Outbox):
    """The real outbox; what its thread does, virtual time does: `start`, then `store` whenever `is_dirty`."""

    def start(self) -> tuple[Memory, tuple[Kept, ...]]:
        self._connection = self._connect()
        if self._memory is None:
            raise AssertionError("the outbox has begun no boot")
        return self._memory, tuple(self._events.values())

    @property
    def is_dirty(self) -> bool:
        return bool(self._dirty or self._memory_dirty)

    @property
    def is_urgent(self) -> bool:
        return self._urgent

    @property
    def digests(self) -> set[str]:
        return set(self._events)

    def store(self) -> None:
        self._write(self._connection)

    def end(self) -> None:
        self._connection.close()


class UnseenOutputs(Outputs):
    """Nobody watches the lamp or hears the sounder: to follow their rhythms would only take time."""

    def play(self, sound: str, now_ms: int) -> None:
        super().play(sound, now_ms)

    def show(self, state: str, since_ms: int, now_ms: int) -> None:
        pass


@dataclass(frozen=True, slots=True)
class _Boot:
    """Whom the link of one boot speaks to: when the power is gone, nobody."""

    terminal: "Terminal"
    number: int

    def connected(self) -> None:
        if self._lives():
            self.terminal.connected()

    def heard(self, text: str) -> None:
        if self._lives():
            self.terminal.heard(text)

    def lost(self) -> None:
        if self._lives():
            self.terminal.lost()

    def _lives(self) -> bool:
        return self.terminal.on and self.number == self.terminal.boots


class Terminal:
    """One terminal. `name` tells clones apart; `plan.terminal` is the identity that they share."""

    def __init__(self, name: str, plan: TerminalPlan, around: Surroundings, random: Random) -> None:
        self.name = name
        self.plan = plan
        self.identity = plan.terminal
        self.path = NetworkPath(around.loop, random)
        self.lines = {wire: kind != PANIC for wire, kind in plan.inputs.items()}
        """What each wire reads: closed?"""
        self.on = False
        self.smashed = False
        self.store_ms = STORE_MS
        self._around = around
        self._random = random
        self._file = around.folder / f"{name}.db"
        self._key: Any = Ed25519Signer(plan.seed) if plan.algorithm == EDDSA else Hs256Key(plan.seed)
        self._timer: asyncio.TimerHandle | None = None
        self._store_timer: asyncio.TimerHandle | None = None
        self._store_urgent = False
        self.boots = 0

    # ── power ────────────────────────────────────────────────────────────────────────────────────────────────

    def power_on(self) -> None:
        if self.on or self.smashed:
            return
        self.on = True
        self.boots += 1
        around = self._around
        self.clock = Clock(self.plan.drift_ppm, around.loop.now_ms)
        self.outbox = StepwiseOutbox(self._file, lambda: None, lambda _memory, _kept: None)
        self._store_timer = None
        memory, kept = self.outbox.start()
        self.boot = memory.boot
        self.session = TerminalSession(
            self.plan.terminal, self._key, memory.boot, "simulated", self._verify, memory.checkpoint, memory.silent
        )
        is_bell = self.plan.role == "bell"
        outputs = UnseenOutputs(lambda _lit: True, lambda _on: is_bell)
        inputs = Inputs(self.plan.inputs, PRESS_MS_MIN)
        self._core = Core(self.session, inputs, outputs, self.outbox, self, is_bell, self._mono_ms())
        self.exchanged_run = 0
        """The hub's run whose time this terminal last asked for."""
        self._light = ""
        self._presses: list[str] = []
        around.say(self.name, f"powers on, boot {self.boot}, {len(kept)} events kept")
        self._core.start(kept, self._mono_ms())
        self._client = Client(self.name, self.identity, self.path, around)
        self._link = HubLink(HUB, Finder(), _Boot(self, self.boots), self._random)
        context = copy_context()
        context.run(structlog.contextvars.bind_contextvars, who=self.name)
        self.linking = around.loop.create_task(self._link.run(self._client.connect), context=context)
        self._step()

    def power_cut(self) -> None:
        """Whatever was not on its disk is gone."""
        if not self.on:
            return
        self.stop()
        kept = self.kept_on_disk()
        self._around.say(self.name, f"loses power; {len(kept)} events are on its disk")
        self._around.truth.power_lost(self.name, {one.digest for one in kept})

    def stop(self) -> None:
        """Nothing of its process runs any more."""
        self.on = False
        for timer in (self._timer, self._store_timer):
            if timer is not None:
                timer.cancel()
        self._client.vanish()
        self.linking.cancel()
        self.outbox.end()

    def smash(self) -> None:
        """It will never come back. What a pager was shown of it must not be lost with it."""
        self.power_cut()
        self.smashed = True
        self._around.say(self.name, "is smashed")
        self._around.truth.smashed(self.name)

    def kept_on_disk(self) -> tuple[Kept, ...]:
        """What the file holds now. Only while the power is off."""
        with closing(connect(self._file)) as connection:
            return read(connection)[1]

    def kept(self) -> set[str]:
        """Digests of the events that it still has."""
        if self.smashed:
            return set()
        return self.outbox.digests if self.on else {one.digest for one in self.kept_on_disk()}

    def _hub_ms(self, mono_ms: int) -> int | None:
        """The hub's time at that moment, by the clock of the run that this terminal last asked."""
        if self.plan.sick_clock or not self.exchanged_run:
            return None
        return self._around.hub_ms(self.exchanged_run, self.clock.when_ms(mono_ms))

    def _check_light(self) -> None:
        """The lamp never says more than is on the hub's disk."""
        truth = self._around.truth
        self._presses = [digest for digest in self._presses if digest not in truth.recorded]
        if self.session.light == light.RECORDED and self._presses:
            truth.broken(f"{self.name}: the light says recorded, {self._presses[0][:8]} is not")
        if self.session.light != self._light:
            self._light = self.session.light
            self._around.say(self.name, f"shows {self._light}")

    def _check_newest(self, frame: dict[str, Any]) -> None:
        """The newest frame of the newest connection is the truth."""
        goes_by = {"light": self.session.hub_light, "ring": self.session.ring, "silent": self.session.silent}
        told = {name: frame[name] for name in goes_by}
        if told != goes_by:
            self._around.truth.broken(f"{self.name} was told {told} and goes by {goes_by}")

    # ── the wires ────────────────────────────────────────────────────────────────────────────────────────────

    def press(self, wire: str, hold_ms: int) -> None:
        """A finger, or a loop that opens: active for `hold_ms`, with a contact that bounces at both ends."""
        start_ms = self._around.loop.now_ms
        self._move(wire, True)
        for at_ms, active in ((1, False), (2, True), (hold_ms, False), (hold_ms + 1, True), (hold_ms + 3, False)):
            self._around.loop.at_ms(start_ms + at_ms, self._move, wire, active)

    def hold(self, wire: str, active: bool) -> None:
        self._move(wire, active)

    def _move(self, wire: str, active: bool) -> None:
        closed = active == (self.plan.inputs[wire] == PANIC)
        if self.lines[wire] == closed:
            return
        self.lines[wire] = closed
        if self.on:
            now_ms = self._mono_ms()
            self._core.edge(wire, now_ms, closed, now_ms)
            self._step()

    # ── the shell of the core ────────────────────────────────────────────────────────────────────────

    def _mono_ms(self) -> int:
        return self.clock.mono_ms(self._around.loop.now_ms)

    def _step(self) -> None:
        if not self.on:
            return
        next_ms = self._core.step(self._mono_ms())
        self._check_light()
        self._store_soon()
        if self._timer is not None:
            self._timer.cancel()
        at_ms = max(self.clock.when_ms(next_ms), self._around.loop.now_ms + 1)
        self._timer = self._around.loop.at_ms(at_ms, self._step)

    def levels(self) -> Mapping[str, bool | None]:
        return self.lines

    def made(self, event: Event, name: str, happening: Happening) -> None:
        self._around.say(self.name, f"{happening.what} {name} → event {event.digest[:8]}")
        self._around.truth.event_made(
            event.digest, Made(self.name, self.identity, happening.what, self._hub_ms(happening.at_ms))
        )
        if happening.what == PANIC:
            self._presses.append(event.digest)

    def done(self, action: Action) -> None:
        if isinstance(action, actions.Send):
            self._link.send(action.text)
        elif isinstance(action, actions.Close):
            self._around.say(self.name, f"closes: {action.reason}")
            self._link.drop(Problem("hub_lost", action.reason))
        elif isinstance(action, actions.Delivered):
            self._around.say(self.name, f"has a receipt for {action.digest[:8]}")
            self._around.truth.receipt_taken(action.digest)
        elif isinstance(action, actions.Release):
            self._around.truth.released(action.digest, self._client.line.run if self._client.line else 0)
        elif isinstance(action, actions.Remember):
            self._around.truth.checkpoint_seen(action.checkpoint)
        elif isinstance(action, actions.Snapshot):
            self._link.accepted()
        elif isinstance(action, actions.NotProven):
            self._around.truth.not_proven(self.name, action.reason)
        elif isinstance(action, actions.Refused):
            self._around.say(self.name, f"is refused: {action.reason} {action.digest[:8]}")

    def _verify(self, frame: dict[str, Any], jws: str) -> Checkpoint:
        return check_receipt(frame, jws, self._around.vkey, verify_ed25519)

    # ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────

    def _store_soon(self) -> None:
        if not self.outbox.is_dirty:
            return
        hurry = self.outbox.is_urgent and not self._store_urgent
        if self._store_timer is not None and hurry:
            self._store_timer.cancel()
        if self._store_timer is None or hurry:
            self._store_urgent = self.outbox.is_urgent
            wait_ms = self._random.randint(*self.store_ms) if self._store_urgent else LAZY_MS
            self._store_timer = self._around.loop.in_ms(wait_ms, self._store)

    def _store(self) -> None:
        self._store_timer = None
        self._store_urgent = False
        self.outbox.store()
        self._around.truth.stored(self.outbox.digests)
        self._store_soon()

    # ── the conversation over the link ───────────────────────────────────────────────────────────────────────

    def connected(self) -> None:
        self._core.connected(self._mono_ms())
        self._step()

    def heard(self, text: str) -> None:
        if text.startswith('{"type":"heartbeat"') and self._client.line is not None:
            self.exchanged_run = self._client.line.run
        self._core.heard(text, self._mono_ms())
        if text.startswith('{"type":"snapshot"'):
            self._check_newest(json.loads(text))
        self._step()

    def lost(self) -> None:
        self._core.lost(self._mono_ms())
        self._step()
