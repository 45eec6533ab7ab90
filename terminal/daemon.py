"""The terminal, put together: the only place where its parts are made and joined.

Whatever happens (an edge, a frame, the disk, a command, time) ends in `_step`, which looks at everything anew: what the
inputs say, what the hub should know, what lamp and sounder should do, and when to look again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from importlib.metadata import version
from typing import Any

import structlog
from firstbell import actions
from firstbell.actions import Action, Event
from firstbell.flights import PRESSES_MAX
from firstbell.jws import verify_ed25519
from firstbell.messages import SILENCE_MS_MAX
from firstbell.note import Checkpoint
from firstbell.press import PANIC, Happening
from firstbell.receipt import check_receipt
from firstbell.session import LINKED, TerminalSession

from terminal.bell import wanted_sound
from terminal.control import Answer, ControlServer, problem_fields
from terminal.credentials import find_key_problem, load_ca, load_key, load_vkey
from terminal.find_hub import FindHub
from terminal.finger import Finger
from terminal.hub_link import HubLink
from terminal.inputs import Inputs
from terminal.outbox import Outbox
from terminal.outbox_file import Kept, Memory
from terminal.outputs import Outputs
from terminal.panel import Edge, Panel, Pins
from terminal.problems import ControlError, Phrase, Problem
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

    def __init__(self, home: Home, loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
        """Claims the pins and begins a boot. Set `stopping` to end it. Raises TerminalError."""
        self._settings = load_settings(home.settings)
        self._key_problem = find_key_problem(home.key)
        key = load_key(home.key, self._settings.algorithm)
        vkey = load_vkey(home.vkey)
        load_ca(home.ca)
        self._loop = loop
        self._where = str(home.path)
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = stopping
        self._failure: Exception | None = None
        self._offered_place = 0
        self._heard_ms = mono_ms()
        self._refusal = ""
        self._light_shown: tuple[str, int, int | None] = ("", 0, None)
        self._receipts: deque[dict[str, Any]] = deque(maxlen=RECEIPTS_SHOWN_MAX)
        self._inputs = Inputs(self._settings)
        pins = Pins(self._settings.simulated.pins, home.path)
        self._panel = Panel(self._settings, pins, loop, self._edge)
        self._outputs = Outputs(self._panel)
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
        self._link = HubLink(self._settings.hub, home.ca, self._finder, self)
        self._control = ControlServer(home.control, self)
        log.info("boot", terminal=self._settings.terminal, boot=memory.boot, kept=len(kept))
        self._remind(kept)
        self._happened("", Happening("started", mono_ms()))

    async def run(self) -> None:
        """Until it is told to stop. Raises what a part of it raised: then it is not safe to go on."""
        link = self._loop.create_task(self._link.run())
        link.add_done_callback(lambda task: self._stopping.set())
        try:
            await self._control.start()
            self._step()
            log.info("ready", light=self._session.light)
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
        """From another thread: look again."""
        self._loop.call_soon_threadsafe(self.guard, self._step)

    def _step(self) -> None:
        now_ms = mono_ms()
        for name, happening in self._inputs.step(now_ms, self._panel.levels):
            self._happened(name, happening)
        due_ms = self._session.next_ms()
        if due_ms is not None and due_ms <= now_ms:
            self._do(self._session.tick(now_ms))
        self._offer_kept(now_ms)
        sound_ms = self._outputs.play(wanted_sound(self._session.ring, self._is_lost(now_ms)), now_ms)
        states = self._inputs.states()
        self._do(self._session.status(self._outputs.ring, states, self._outbox.pending, now_ms))
        lamp_ms = self._outputs.show(self._session.light, self._session.light_since_ms, now_ms)
        self._control.publish(self._state())
        lost_ms = self._heard_ms + SILENCE_MS_MAX
        times_ms = [self._inputs.next_ms(), self._session.next_ms(), sound_ms, lamp_ms]
        times_ms.append(lost_ms if lost_ms > now_ms else None)
        self._look_again(now_ms, min(time_ms for time_ms in times_ms if time_ms is not None))

    def _look_again(self, now_ms: int, next_ms: int) -> None:
        if self._timer is not None:
            self._timer.cancel()
        # Never at once: whoever is late, the loop has other things to do.
        self._timer = self._loop.call_at(max(next_ms, now_ms + 1) / 1000, self.guard, self._step)

    def _is_lost(self, now_ms: int) -> bool:
        """Whether a bell has to say that nobody could ring it."""
        silent = self._session.state != LINKED and now_ms - self._heard_ms >= SILENCE_MS_MAX
        return silent and self._settings.role == "bell"

    # ── what happens here ───────────────────────────────────────────────────────────────────────────────────

    def _edge(self, edge: Edge) -> None:
        def count() -> None:
            for name, happening in self._inputs.edge(edge):
                self._happened(name, happening)
            self._step()

        self.guard(count)

    def _happened(self, name: str, happening: Happening) -> None:
        event = self._session.make_event(name, happening.what, happening.at_ms)
        log.info("event", what=happening.what, input=name, digest=event.digest)
        # On its way to the disk and to the hub at once; neither waits for the other.
        gone = self._outbox.add(event.digest, event.jws, happening.what == PANIC, happening.at_ms)
        if gone:
            log.warning("outbox full", dropped=list(gone))
        self._do(self._session.add_event(event, mono_ms()))
        self._finger.made(name, event, happening.what, happening.at_ms)

    def _found(self, memory: Memory, kept: tuple[Kept, ...]) -> None:
        """From the outbox's thread: a file that opens late holds events of earlier boots."""

        def take_over() -> None:
            self._offered_place = 0
            self._session.silent = self._session.silent or memory.silent
            self._remind(kept)
            self._step()

        self._loop.call_soon_threadsafe(self.guard, take_over)

    def _remind(self, kept: Iterable[Kept]) -> None:
        """The light answers presses of earlier boots too, those without a receipt first."""
        presses = sorted((one for one in kept if one.panic), key=lambda one: one.receipted)
        for one in presses[:PRESSES_MAX]:
            self._do(self._session.offer_event(_event(one), mono_ms()))

    def _offer_kept(self, now_ms: int) -> None:
        while (room := self._session.room()) > 0:
            kept = self._outbox.after(self._offered_place, room)
            if not kept:
                return
            for one in kept:
                self._do(self._session.offer_event(_event(one), now_ms))
            self._offered_place = kept[-1].place

    # ── what the hub says ───────────────────────────────────────────────────────────────────────────────────

    def connected(self) -> None:
        self._offered_place = 0
        self._session.connected(mono_ms())
        self._step()

    def heard(self, text: str) -> None:
        now_ms = mono_ms()
        self._heard_ms = now_ms
        self._do(self._session.frame(text, now_ms))
        self._step()

    def lost(self) -> None:
        self._do(self._session.lost(mono_ms()))
        self._step()

    def _do(self, wanted: Iterable[Action]) -> None:
        for action in wanted:
            if isinstance(action, actions.Send):
                self._link.send(action.text)
            elif isinstance(action, actions.Close):
                self._link.drop(self._why_closed(action.reason))
            elif isinstance(action, actions.Delivered):
                self._outbox.receipted(action.digest)
                self._receipts.append({"event": action.digest, "at_ms": self._hub_ms(mono_ms())})
                log.info("receipt", digest=action.digest)
            elif isinstance(action, actions.Release):
                self._outbox.drop([action.digest])
            elif isinstance(action, actions.Remember):
                self._outbox.remember(checkpoint=action.checkpoint)
            elif isinstance(action, actions.Snapshot):
                self._link.accepted()
                self._outbox.remember(silent=action.silent)
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
        found = [self._key_problem, self._outbox.problem, *self._outputs.problems]
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


def _event(kept: Kept) -> Event:
    """As the session knows it."""
    return Event(kept.jws, kept.pressed_ms if kept.panic else None, kept.receipted)
