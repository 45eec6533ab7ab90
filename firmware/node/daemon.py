"""The node, put together: the only place where its parts are made and joined.

What it does is decided in `firstbell.terminal`; whatever happens (an edge, a frame, time) is handed to it and ends in
`_step`. The same jobs as the Pi's daemon, in one loop and a small heap.
"""

import asyncio
import gc
import os

from firstbell import actions, light
from firstbell.clock import TickCounter
from firstbell.inputs import Inputs
from firstbell.jws import Hs256Key, unb64url
from firstbell.note import parse_vkey
from firstbell.outputs import Outputs
from firstbell.receipt import check_receipt, trust_link
from firstbell.session import LINKED, TerminalSession
from firstbell.supply import SUPPLY_READ_MS
from firstbell.terminal import Terminal

from node.hub_link import HubLink
from node.outbox import Outbox
from node.panel import Panel
from node.ticks import ticks_ms

try:
    from collections.abc import Callable, Mapping
    from typing import Any

    from firstbell.actions import Action, Event
    from firstbell.note import Checkpoint
    from firstbell.press import Happening
    from loader.main import Loader

    from node.settings import Settings
    from node.update import Update
    from node.wall_clock import WallClock
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

RETAINED_EVENTS_MAX = 16
"""Receipted events that are kept until the light is out."""
WINDOW_EVENTS_MAX = 8
"""Kept events that are on their way at one time."""
STEP_MS_MAX = 1_000
"""The watchdog is fed at each step."""


class Daemon:
    """One running node. `tell` is called with what happens, for whoever watches."""

    def __init__(
        self,
        loader: "Loader",
        settings: "Settings",
        clock: "WallClock",
        find: "Callable[[], Any]",
        random: "Callable[[int], bytes]",
        tell: "Callable[[dict[str, Any]], None]",
    ) -> None:
        """Claims the pins and begins a boot. Raises OSError, ValueError (JwsError, NoteError) for what was flashed."""
        folder = loader.root
        self._loader = loader
        self.software = _version_of(folder + "/" + loader.program)
        self._update: Update | None = None
        self._other = loader.other in os.listdir(folder)
        self._tell = tell
        self._said: dict[str, Any] = {}
        self._light_shown: tuple[str, int, int | None] = ("", 0, None)
        self._failure: Exception | None = None
        self._ticks = TickCounter(ticks_ms())
        self._wake = asyncio.Event()
        self._edge_came = asyncio.ThreadSafeFlag()
        key = Hs256Key(unb64url(_read(folder + "/key").strip()))
        vkey = parse_vkey(_read(folder + "/log.vkey").strip())
        with open(folder + "/ca.der", "rb") as file:
            ca = file.read()
        # Before a full flash is read, which takes seconds: whoever presses meanwhile is heard.
        pins = {name: wired[1] for name, wired in settings.inputs.items()}
        self._panel = Panel(pins, settings.light_pin, settings.sounder_pin, self._edge_came)
        self.outbox = Outbox(folder + "/outbox")
        memory = self.outbox.open(random, loader.feed)
        self.boot = memory.boot

        def verify(frame: "dict[str, Any]", jws: str) -> "Checkpoint":
            return check_receipt(frame, jws, vkey, trust_link)

        self.session = TerminalSession(
            settings.terminal,
            key,
            memory.boot,
            self.software,
            verify,
            memory.checkpoint,
            memory.silent or settings.silent,
            RETAINED_EVENTS_MAX,
            WINDOW_EVENTS_MAX,
            _tried(loader),
        )
        kinds = {name: wired[0] for name, wired in settings.inputs.items()}
        self.inputs = Inputs(kinds, settings.press_ms_min)
        self.outputs = Outputs(self._panel.set_light, self._panel.set_sounder)
        self._key = key
        self.link = HubLink(find, settings.server_name, ca, clock, random, self)
        now_ms = self.mono_ms()
        self._terminal = Terminal(self.session, self.inputs, self.outputs, self.outbox, self, settings.is_bell, now_ms)
        self._terminal.start(self.outbox.after(0, RETAINED_EVENTS_MAX), now_ms)

    def mono_ms(self) -> int:
        return self._ticks.at(ticks_ms())

    def is_linked(self) -> bool:
        linked: bool = self.session.state == LINKED
        return linked

    def is_quiet(self) -> bool:
        """Nothing waits for the hub, and no light is on."""
        return self.outbox.pending == 0 and self.session.light == light.NONE

    async def run(self, beside: "tuple[Any, ...]") -> None:
        """Until a part of it raises: then it is not safe to go on. `beside`: coroutines that are parts of it, too."""
        works = (self._watch_edges(), self._watch_supply(), self.link.run()) + beside
        tasks = [asyncio.create_task(self._guard(work)) for work in works]
        while self._failure is None:
            due_ms = self._step()
            gc.collect()
            try:
                await asyncio.wait_for_ms(self._wake.wait(), due_ms)
            except asyncio.TimeoutError:
                pass
            self._wake.clear()
        for task in tasks:
            task.cancel()
        raise self._failure

    async def _guard(self, work: "Any") -> None:
        """The loop would only print it, and go on without."""
        try:
            await work
        except Exception as error:
            self._failure = error
            self._wake.set()

    async def _watch_edges(self) -> None:
        while True:
            await self._edge_came.wait()
            self._wake.set()

    async def _watch_supply(self) -> None:
        while True:
            await asyncio.sleep_ms(SUPPLY_READ_MS)
            self._panel.read_supply()

    def _step(self) -> int:
        """Returns in how many ms to step again."""
        for name, closed, at_ms in self._panel.edges():
            self._terminal.edge(name, self._ticks.at(at_ms), closed, self.mono_ms())
        now_ms = self.mono_ms()
        next_ms = self._terminal.step(now_ms)
        self._loader.feed()
        # What was sent is on its way; now the flash, which takes its time.
        store_ms = self.outbox.store(self.mono_ms())
        state = self.state()
        if state != self._said:
            self._said = state
            self._tell({"state": state})
        if store_ms is not None:
            next_ms = min(next_ms, store_ms)
        return max(1, min(next_ms - self.mono_ms(), STEP_MS_MAX))

    # ── the link ─────────────────────────────────────────────────────────────────────────────────────────────

    def connected(self) -> None:
        self._terminal.connected(self.mono_ms())
        self._wake.set()

    def heard(self, text: str) -> None:
        self._terminal.heard(text, self.mono_ms())
        self._wake.set()

    def lost(self) -> None:
        self._terminal.lost(self.mono_ms())
        self._offered(None)
        self._wake.set()

    # ── what the core has done ───────────────────────────────────────────────────────────────────────────────

    def levels(self) -> "Mapping[str, bool | None]":
        return self._panel.levels()

    def made(self, event: "Event", name: str, happening: "Happening") -> None:
        made = {"event": event.digest, "input": name, "what": happening.what, "mono_ms": happening.at_ms}
        self._tell({"made": made})

    def done(self, action: "Action") -> None:
        if isinstance(action, actions.Send):
            self.link.send(action.text)
        elif isinstance(action, actions.Close):
            # A refusal has said why.
            if action.reason != "refused":
                self.link.problem = "hub_lost" if action.reason == "silence" else "hub_not_ours: " + action.reason
            self.link.drop()
        elif isinstance(action, actions.Delivered):
            now_ms = self.mono_ms()
            self._tell({"receipt": {"event": action.digest, "mono_ms": now_ms, "at_ms": self._hub_ms(now_ms)}})
        elif isinstance(action, actions.NotProven):
            self._tell({"not_proven": action.reason})
        elif isinstance(action, actions.Snapshot):
            self.link.accepted()
            if self._loader.on_trial:
                self._loader.keep()
            self._offered(action.update)
        elif isinstance(action, actions.Part):
            if self._update is not None:
                self._update.came(action)
        elif isinstance(action, actions.Refused):
            self.link.problem = "hub_refused: " + action.reason

    # ── the next program ─────────────────────────────────────────────────────────────────────────────────────

    def _offered(self, update: "dict[str, Any] | None") -> None:
        """Only where there is one to take, or an old one to clear away, is what does that read in: it takes memory."""
        if self._update is None and (update is not None or self._other):
            from node.update import Update  # noqa: PLC0415

            self._update = Update(self._loader, self.software, self._key, self.is_quiet, self._send, self._tell)
            asyncio.create_task(self._guard(self._update.run()))  # noqa: RUF006  # the loop holds it
        if self._update is not None:
            self._update.offered(update)

    def _send(self, text: str) -> None:
        self.link.send(text)

    # ── what is shown ────────────────────────────────────────────────────────────────────────────────────────

    def _hub_ms(self, at_ms: int) -> int | None:
        estimate = self.session.hub_time.estimate(at_ms)
        return None if estimate is None else estimate[0]

    def state(self) -> "dict[str, Any]":
        """What is told at each change."""
        session = self.session
        if (session.light, session.light_since_ms) != self._light_shown[:2] or self._light_shown[2] is None:
            # Worked out once: the estimate gets better all the time, and that is no change of the light.
            self._light_shown = (session.light, session.light_since_ms, self._hub_ms(session.light_since_ms))
        problems = [self.outbox.problem]
        if session.state != LINKED:
            problems.append(self.link.problem)
        return {
            "light": session.light,
            "since_ms": self._light_shown[2],
            "since_mono_ms": session.light_since_ms,
            "sound": self.outputs.sound,
            "ring": self.outputs.ring,
            "linked": session.state == LINKED,
            "inputs": self.inputs.states(),
            "supply_mv": self._panel.supply.mv,
            "pending": self.outbox.pending,
            "kept": self.outbox.kept,
            "unstored": self.outbox.unstored,
            "boot": self.boot,
            "problems": [problem for problem in problems if problem],
        }

    def status(self) -> "dict[str, Any]":
        """What is told when it is asked for."""
        estimate = self.session.hub_time.estimate(self.mono_ms())
        return {
            "silent": self.session.silent,
            "address": self.link.address,
            "clock_error_ms": None if estimate is None else estimate[1],
        }


def _tried(loader: "Loader") -> str:
    """The version that was gone back on."""
    try:
        return _version_of(loader.root + "/" + loader.tried) if loader.tried else ""
    except (OSError, IndexError):
        return ""  # another has come since, or half of one


def _version_of(folder: str) -> str:
    """Of the program in it. Raises OSError, IndexError: there is none."""
    with open(folder + "/manifest") as file:
        version: str = file.readline().split(" ")[1]
        return version


def _read(path: str) -> str:
    with open(path) as file:
        text: str = file.read()
    return text
