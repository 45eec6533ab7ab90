"""The finger on a simulated terminal: moves its mock pins by command, in real time."""

import asyncio
from typing import Any

from firstbell.actions import Event
from firstbell.press import BOUNCE_MS, PANIC
from firstbell_linux.problems import Problem

from terminal.panel import Panel
from terminal.problems import ControlError
from terminal.settings import Settings

REST_MS = 2 * BOUNCE_MS
"""A finger is off the button for so long at least; a shorter interruption would be a bounce of the same press."""


class Finger:
    """One input is moved by one command at a time; the command is told which events came of it."""

    def __init__(self, settings: Settings, panel: Panel, where: str) -> None:
        """`where`: what a refusal is about."""
        self._settings = settings
        self._panel = panel
        self._where = where
        self._made: dict[str, list[dict[str, Any]]] = {}

    def made(self, name: str, event: Event, what: str, mono_ms: int) -> None:
        """The daemon has made an event of what happened at this input."""
        if name in self._made:
            self._made[name].append({"event": event.digest, "what": what, "mono_ms": mono_ms})

    async def press(self, name: str, hold_ms: int) -> list[dict[str, Any]]:
        """A button is closed, a loop or a contact opened, for `hold_ms`. Raises ControlError."""
        self._check(name)
        active = self._settings.inputs[name].kind == PANIC
        return await self._move(name, [(0, active), (hold_ms, not active)], REST_MS)

    async def move(self, name: str, edges: list[tuple[int, bool]]) -> list[dict[str, Any]]:
        """Each edge: ms from now, closed or open. Raises ControlError."""
        self._check(name)
        return await self._move(name, edges, 0)

    async def _move(self, name: str, edges: list[tuple[int, bool]], rest_ms: int) -> list[dict[str, Any]]:
        """No two edges come closer together than they are given: a press that is late is not a shorter one."""
        loop = asyncio.get_running_loop()
        before_ms, driven_s = 0, loop.time()
        self._made[name] = []
        try:
            for offset_ms, closed in edges:
                await asyncio.sleep(driven_s + (offset_ms - before_ms) / 1000 - loop.time())
                self._panel.drive(name, closed)
                before_ms, driven_s = offset_ms, loop.time()
            # The pin has handed its edge to the loop already: one turn at least, and it is counted.
            await asyncio.sleep(rest_ms / 1000)
            return self._made[name]
        finally:
            del self._made[name]

    def _check(self, name: str) -> None:
        if not self._settings.simulated.pins:
            raise ControlError(Problem("not_simulated", self._where))
        if name not in self._settings.inputs:
            names = list(self._settings.inputs) or ["–"]
            raise ControlError(Problem("no_such_input", self._where, {"input": name, "inputs": names}))
        if name in self._made:
            raise ControlError(Problem("input_in_use", self._where, {"input": name}))
