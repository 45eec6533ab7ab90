"""The terminal, put together: the only place where its parts are made and joined.

What it does is decided in `firstbell.terminal`; whatever happens (an edge, a frame, the disk, a command, time) is
handed to it and ends in `_step`.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import version
from random import SystemRandom
from typing import Any

import structlog
from firstbell import actions
from firstbell.actions import Action, Event
from firstbell.inputs import Inputs
from firstbell.jws import verify_ed25519
from firstbell.note import Checkpoint
from firstbell.outputs import Outputs
from firstbell.press import Happening
from firstbell.receipt import check_receipt
from firstbell.session import LINKED, TerminalSession
from firstbell.terminal import Terminal
from firstbell_linux.problems import Phrase, Problem

from terminal.control import Answer, ControlServer, problem_fields
from terminal.credentials import find_key_problem, load_ca, load_key, load_vkey
from terminal.find_hub import FindHub
from terminal.finger import Finger
from terminal.hub_link import HubLink, connect, new_client
from terminal.outbox import Outbox
from terminal.outbox_file import Kept, Memory
from terminal.panel import Edge, Panel, Pins
from terminal.problems import ControlError
from terminal.settings import Home, load_settings

RECEIPTS_SHOWN_MAX = 16
REFUSALS = ("unknown_terminal", "revoked", "wrong_header", "bad_signature")
"""What a hub says to one whom it does not know, or not any more; anything else is between programs."""
CLOSE_MS_MAX = 2_000
"""How long the disk may take for the last writes."""

log = structlog.get_logger(part="daemon")


def mono_ms() -> int:
    """The clock of the pins' edges: CLOCK_MONOTONIC."""
    return time.monotonic_ns() // 1_000_000


class Daemon:
    """One running terminal. Everything but `run` is called on its event loop."""

    def __init__(
        self, home: Home, loop: asyncio.AbstractEventLoop, stopping: asyncio.Event, ready: Callable[[], None]
    ) -> None:
        """Claims the pins and begins a boot. Set `stopping` to end it; `ready` is called when it hears its buttons.
        Raises TerminalError."""
        self._settings = load_settings(home.settings)
        self._key_problem = find_key_problem(home.key)
        key = load_key(home.key, self._settings.algorithm)
        vkey = load_vkey(home.vkey)
        load_ca(home.ca)
        self._loop = loop
        self._where = str(home.path)
        self._ca = home.ca
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = stopping
        self._ready = ready
        self._failure: Exception | None = None
        self._refusal = ""
        self._light_shown: tuple[str, int, int | None] = ("", 0, None)
        self._receipts: deque[dict[str, Any]] = deque(maxlen=RECEIPTS_SHOWN_MAX)
        kinds = {name: wired.kind for name, wired in self._settings.inputs.items()}
        self._inputs = Inputs(kinds, self._settings.press_ms_min)
        pins = Pins(self._settings.simulated.pins, home.path)
        self._panel = Panel(self._settings, pins, loop, self._edge)
        self._outputs = Outputs(self._panel.set_light, self._panel.set_sounder)
        self._finger = Finger(self._settings, self._panel, self._where)
        self._outbox = Outbox(home.outbox, self._soon, self._found)
        memory, kept = self._outbox.open()

        def verify(frame: dict[str, Any], jws: str) -> Checkpoint:
            return check_receipt(frame, jws, vkey, verify_ed25519)

        self._boot = memory.boot
        self._session = TerminalSession(
            self._settings.terminal,
            key,
            memory.boot,
            version("firstbell"),
            verify,
            memory.checkpoint,
            memory.silent or self._settings.silent,
        )
        self._finder = FindHub(self._settings.hub)
        self._link = HubLink(self._settings.hub, self._finder, self, SystemRandom())
        self._control = ControlServer(home.control, self)
        log.info("boot", terminal=self._settings.terminal, boot=memory.boot, kept=len(kept))
        now_ms, is_bell = mono_ms(), self._settings.role == "bell"
        self._terminal = Terminal(self._session, self._inputs, self._outputs, self._outbox, self, is_bell, now_ms)
        self._terminal.start(kept, now_ms)

    async def run(self) -> None:
        """Until it is told to stop. Raises what a part of it raised: then it is not safe to go on."""
        link = self._loop.create_task(self._keep_link())
        link.add_done_callback(lambda task: self._stopping.set())
        try:
            await self._control.start()
            self._step()
            log.info("ready", light=self._session.light)
            self._ready()
            await self._stopping.wait()
            if link.done():
                link.result()
        finally:
            log.info("ending", pending=self._outbox.pending)
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)
            await self._finder.close()
            await self._control.close()
            if self._timer is not None:
                self._timer.cancel()
            self._panel.close()
            self._outbox.close(CLOSE_MS_MAX)
        if self._failure is not None:
            raise self._failure

    async def _keep_link(self) -> None:
        async with new_client() as client:
            await self._link.run(lambda address: connect(client, address, self._settings.hub.server_name, self._ca))

    def guard(self, work: Callable[[], None]) -> None:
        """Do what the event loop calls us for. A defect of ours ends the daemon, so that it is started anew; left to
        the loop it would be logged, and the terminal would be deaf from then on.
        """
        try:
            work()
        except Exception as error:
            self._failure = error
            self._stopping.set()

    # ── one step ────────────────────────────────────────────────────────────────────────────────────────────

    def _soon(self) -> None:
        """From the outbox's thread: look again."""
        self._call(self._step)

    def _call(self, work: Callable[[], None]) -> None:
        # Closed: the daemon has ended, and did not wait for a disk that stalls.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.guard, work)

    def _step(self) -> None:
        now_ms = mono_ms()
        next_ms = self._terminal.step(now_ms)
        self._control.publish(self._state())
        if self._timer is not None:
            self._timer.cancel()
        # Never at once: whoever is late, the loop has other things to do.
        self._timer = self._loop.call_at(max(next_ms, now_ms + 1) / 1000, self.guard, self._step)

    # ── what happens ────────────────────────────────────────────────────────────────────────────────────────

    def _edge(self, edge: Edge) -> None:
        def count() -> None:
            self._terminal.edge(edge.input, edge.at_ms, edge.closed, mono_ms())
            self._step()

        self.guard(count)

    def _found(self, memory: Memory, kept: tuple[Kept, ...]) -> None:
        """From the outbox's thread: a file that opens late holds events of earlier boots."""

        def take_over() -> None:
            self._session.silent = self._session.silent or memory.silent
            self._terminal.found(kept, mono_ms())
            self._step()

        self._call(take_over)

    def connected(self) -> None:
        self._terminal.connected(mono_ms())
        self._step()

    def heard(self, text: str) -> None:
        self._terminal.heard(text, mono_ms())
        self._step()

    def lost(self) -> None:
        self._terminal.lost(mono_ms())
        self._step()

    # ── what is to be done ──────────────────────────────────────────────────────────────────────────────────

    def levels(self) -> Mapping[str, bool | None]:
        return self._panel.levels()

    def made(self, event: Event, name: str, happening: Happening) -> None:
        log.info("event", what=happening.what, input=name, digest=event.digest)
        self._finger.made(name, event, happening.what, happening.at_ms)

    def done(self, action: Action) -> None:
        if isinstance(action, actions.Send):
            self._link.send(action.text)
        elif isinstance(action, actions.Close):
            self._link.drop(self._why_closed(action.reason))
        elif isinstance(action, actions.Delivered):
            now_ms = mono_ms()
            self._receipts.append({"event": action.digest, "mono_ms": now_ms, "at_ms": self._hub_ms(now_ms)})
            log.info("receipt", digest=action.digest)
        elif isinstance(action, actions.Snapshot):
            self._link.accepted()
        elif isinstance(action, actions.NotProven):
            log.error("receipt proves nothing", digest=action.digest, reason=action.reason)
        elif isinstance(action, actions.Refused):
            self._refusal = action.reason
            log.warning("refused", reason=action.reason, digest=action.digest)

    def _why_closed(self, reason: str) -> Problem:
        where = str(self._link.address)
        if reason == "silence":
            return Problem("hub_lost", where)
        if reason == "refused":
            known = self._refusal in REFUSALS
            why = Phrase(f"refusals.{self._refusal}") if known else self._refusal
            return Problem("hub_refused", where, {"reason": why})
        return Problem("hub_not_ours", where, {"reason": reason})

    # ── what is shown and asked over the control socket ─────────────────────────────────────────────────────

    def _hub_ms(self, at_ms: int) -> int | None:
        estimate = self._session.hub_time.estimate(at_ms)
        return None if estimate is None else estimate[0]

    def _state(self) -> Answer:
        """What `watch` tells at each change."""
        session = self._session
        if (session.light, session.light_since_ms) != self._light_shown[:2] or self._light_shown[2] is None:
            # Worked out once: the estimate gets better all the time, and that is no change of the light.
            self._light_shown = (session.light, session.light_since_ms, self._hub_ms(session.light_since_ms))
        return {
            "ok": True,
            "light": session.light,
            "since_ms": self._light_shown[2],
            "since_mono_ms": session.light_since_ms,
            "sound": self._outputs.sound,
            "ring": self._outputs.ring,
            "linked": session.state == LINKED,
            "inputs": self._inputs.states(),
            "pending": self._outbox.pending,
            "kept": self._outbox.kept,
            "receipts": list(self._receipts),
            "problems": [problem_fields(problem) for problem in self._problems()],
        }

    def _problems(self) -> list[Problem]:
        found = [self._key_problem, self._outbox.problem, *self._panel.problems]
        if self._session.state != LINKED:
            found.append(self._link.problem)
        if self._link.clock_behind:
            found.append(Problem("clock_behind", str(self._link.address)))
        for name in sorted(self._inputs.unreadable):
            found.append(Problem("pins_not_read", self._where, {"input": name}))
        return [problem for problem in found if problem is not None]

    def status(self) -> Answer:
        estimate = self._session.hub_time.estimate(mono_ms())
        return self._state() | {
            "terminal": self._settings.terminal,
            "name": self._settings.name,
            "role": self._settings.role,
            "simulated": self._settings.simulated.pins,
            "silent": self._session.silent,
            "boot": self._boot,
            "unstored": self._outbox.unstored,
            "address": str(self._link.address or ""),
            "clock_error_ms": None if estimate is None else estimate[1],
        }

    async def press(self, name: str, hold_ms: int) -> Answer:
        return {"ok": True, "events": await self._finger.press(name, hold_ms)}

    async def edges(self, name: str, edges: list[tuple[int, bool]]) -> Answer:
        return {"ok": True, "events": await self._finger.move(name, edges)}

    def cut(self, on: bool) -> Answer:
        if not self._settings.simulated.pins:
            raise ControlError(Problem("not_simulated", self._where))
        self._link.cut(on)
        return {"ok": True}
