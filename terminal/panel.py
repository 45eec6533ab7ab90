"""The pins: the only module that touches them.

An input is a contact from its pin to ground: closed is the active level. Edges arrive on a thread of gpiozero's with
the kernel's own time (CLOCK_MONOTONIC, what `time.monotonic` shows) and are handed to the event loop. gpiozero's
`bounce_time` stays off: it drops edges; `firstbell.press` filters instead.
"""

import asyncio
import importlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstbell.press import PANIC
from firstbell_linux.problems import Problem
from gpiozero import DigitalInputDevice, DigitalOutputDevice, GPIOZeroError
from gpiozero.pins.mock import MockFactory

from terminal.problems import PanelError
from terminal.settings import Settings, pins_of


@dataclass(frozen=True, slots=True)
class Edge:
    """`at_ms`: the kernel's time of the edge, monotonic."""

    input: str
    closed: bool
    at_ms: int


class _Contact(DigitalInputDevice):  # type: ignore[misc]  # gpiozero has no types
    """Reports every edge with its time, also one to the level it already had (an edge between was lost)."""

    def __init__(self, pin: int, factory: Any, on_edge: Callable[[bool, int], None]) -> None:
        # Before the pin is claimed: the first edge may come at once.
        self._on_edge = on_edge
        super().__init__(pin, pull_up=True, bounce_time=None, pin_factory=factory)

    def _pin_changed(self, ticks: float, state: int) -> None:
        # gpiozero's own handler would keep the level only; it is private, but the only one that is given the time.
        self._on_edge(bool(self._state_to_value(state)), int(ticks * 1000))


class Pins:
    """The pins of this machine, or mock ones: gpiozero's `factory`, and what it can raise."""

    def __init__(self, simulated: bool, home: Path) -> None:
        """Raises PanelError: no GPIO here, or not for this user."""
        self._errors: tuple[type[Exception], ...] = (GPIOZeroError, OSError)
        if simulated:
            self.factory: Any = MockFactory()
            return
        # lgpio makes a pipe when it is imported, in the folder that this names (default: wherever we were started).
        os.environ.setdefault("LG_WD", str(home))
        try:
            module = importlib.import_module("gpiozero.pins.lgpio")
        except ImportError as error:
            raise PanelError(Problem("pins_no_lgpio", "lgpio", {"reason": str(error)})) from error
        self._errors += (module.lgpio.error,)
        try:
            self.factory = module.LGPIOFactory()
        except self._errors as error:
            raise PanelError(Problem("pins_no_chip", "/dev/gpiochip*", {"reason": str(error)})) from error

    @contextmanager
    def told(self, name: str, where: str) -> Iterator[None]:
        """Raises PanelError with the problem `name` for whatever gpiozero and lgpio raise."""
        try:
            yield
        except self._errors as error:
            raise PanelError(Problem(name, where, {"reason": str(error)})) from error


class Panel:
    """Claims every pin of `settings`, until `close`."""

    def __init__(
        self, settings: Settings, pins: Pins, loop: asyncio.AbstractEventLoop, on_edge: Callable[[Edge], None]
    ) -> None:
        """`on_edge` is called on `loop`, edges of one input in order. Raises PanelError."""
        self._loop = loop
        self._on_edge = on_edge
        self._pins = pins
        self._contacts: dict[str, _Contact] = {}
        self._light: Any = None
        self._sounder: Any = None
        self._problems: dict[str, Problem] = {}
        try:
            self._claim(settings)
        except PanelError:
            self.close()
            raise

    def _claim(self, settings: Settings) -> None:
        factory = self._pins.factory
        for name, wired in settings.inputs.items():
            with self._pins.told("pins_not_claimed", f"GPIO {wired.pin} (inputs.{name}.pin)"):
                self._contacts[name] = _Contact(wired.pin, factory, self._hand_over(name))
            if settings.simulated.pins and wired.kind != PANIC:
                # A loop and a tamper contact are closed while all is well; a button is open.
                self.drive(name, True)
        outputs = settings.outputs
        if outputs.light_pin is not None:
            with self._pins.told("pins_not_claimed", f"GPIO {outputs.light_pin} (outputs.light_pin)"):
                self._light = DigitalOutputDevice(outputs.light_pin, pin_factory=factory)
        if outputs.sounder_pin is not None:
            with self._pins.told("pins_not_claimed", f"GPIO {outputs.sounder_pin} (outputs.sounder_pin)"):
                self._sounder = DigitalOutputDevice(outputs.sounder_pin, pin_factory=factory)

    def _hand_over(self, name: str) -> Callable[[bool, int], None]:
        def hand_over(closed: bool, at_ms: int) -> None:
            # A closed loop means that the daemon has ended: nobody counts this edge any more.
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._on_edge, Edge(name, closed, at_ms))

        return hand_over

    def levels(self) -> dict[str, bool | None]:
        """What each input reads now: closed, open, or None where the pin can't be read."""
        return {name: self._level(name) for name in self._contacts}

    def _level(self, name: str) -> bool | None:
        try:
            with self._pins.told("pins_not_read", name):
                return bool(self._contacts[name].is_active)
        except PanelError:
            return None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Why light or sounder can't be driven."""
        return tuple(self._problems.values())

    def set_light(self, lit: bool) -> bool:
        """Whether the lamp is driven so now; False also where there is none."""
        return self._set(self._light, "outputs.light_pin", lit)

    def set_sounder(self, on: bool) -> bool:
        """Whether the sounder is driven so now; False also where there is none."""
        return self._set(self._sounder, "outputs.sounder_pin", on)

    def _set(self, device: Any, key: str, on: bool) -> bool:
        if device is None:
            return False
        try:
            with self._pins.told("pins_not_driven", key):
                device.value = on
                driven = bool(device.value) == on
        except PanelError as error:
            self._problems[key] = error.problem
            return False
        self._problems.pop(key, None)
        return driven

    def drive(self, name: str, closed: bool) -> None:
        """Simulated pins only: what a finger or a cut wire would do. Raises KeyError for an unknown input."""
        pin = self._contacts[name].pin
        if closed:
            pin.drive_low()
        else:
            pin.drive_high()

    def close(self) -> None:
        """Lets go of every pin; light and sounder go off."""
        devices = [*self._contacts.values(), self._light, self._sounder]
        for device in devices:
            if device is not None:
                device.close()
        self._pins.factory.close()


def find_pin_problems(settings: Settings, home: Path) -> list[Problem]:
    """Claim each pin for a moment, when no daemon has them: which can't be, and why."""
    try:
        pins = Pins(settings.simulated.pins, home)
    except PanelError as error:
        return [error.problem]
    problems = []
    for key, pin in pins_of(settings):
        try:
            with pins.told("pins_not_claimed", f"GPIO {pin} ({key})"):
                pins.factory.pin(pin)
        except PanelError as error:
            problems.append(error.problem)
    pins.factory.close()
    return problems
