"""The pins of a Pico W: the only module that touches them.

An input is a contact from its pin to ground: closed is the active level. Its edges are noted in the interrupt with the
time they had there, without allocating anything, and fetched by the program's loop.
"""

from array import array

from machine import PWM, Pin

from node.ticks import ticks_ms

try:
    from asyncio import ThreadSafeFlag
    from collections.abc import Callable, Mapping
except ImportError:  # interpreter: CPython has no such flag
    pass

RING_EDGES = 64
"""Edges that wait to be fetched; of more the newest are lost, and found by reading the lines."""
LIGHT_HZ = 1_000
LIGHT_DUTY = 40_000
"""Of 65,535: as bright as it has to be."""


class Panel:
    """`pins` by the input's name. `came.set()` is called in the interrupt."""

    def __init__(
        self, pins: "Mapping[str, int]", light_pin: int | None, sounder_pin: int | None, came: "ThreadSafeFlag"
    ) -> None:
        self._came = came
        self._names = sorted(pins)
        self._contacts = [Pin(pins[name], Pin.IN, Pin.PULL_UP) for name in self._names]
        self._levels = bytearray(RING_EDGES)
        self._inputs = bytearray(RING_EDGES)
        self._ticks_ms = array("I", [0] * RING_EDGES)
        self._written = 0
        self._fetched = 0
        self._light = None if light_pin is None else PWM(Pin(light_pin), freq=LIGHT_HZ, duty_u16=0)
        self._sounder = None if sounder_pin is None else Pin(sounder_pin, Pin.OUT, value=0)
        for number, contact in enumerate(self._contacts):
            # A soft interrupt waits for its turn, and would tell the time of that.
            contact.irq(self._handler(number), Pin.IRQ_FALLING | Pin.IRQ_RISING, hard=True)

    def _handler(self, number: int) -> "Callable[[Pin], None]":
        def note(contact: Pin) -> None:
            at_ms = ticks_ms()
            written = self._written
            if written - self._fetched < RING_EDGES:
                place = written % RING_EDGES
                self._ticks_ms[place] = at_ms
                self._inputs[place] = number
                self._levels[place] = contact.value()
                self._written = written + 1
            self._came.set()

        return note

    def edges(self) -> "list[tuple[str, bool, int]]":
        """Input, closed, and the `ticks_ms` of each edge since the last call, in order."""
        found = []
        while self._fetched < self._written:
            place = self._fetched % RING_EDGES
            found.append((self._names[self._inputs[place]], self._levels[place] == 0, self._ticks_ms[place]))
            self._fetched += 1
        return found

    def levels(self) -> "dict[str, bool | None]":
        """What each input reads now: closed or open."""
        return {self._names[number]: contact.value() == 0 for number, contact in enumerate(self._contacts)}

    def set_light(self, lit: bool) -> bool:
        """Whether the lamp is driven so now; False also where there is none."""
        if self._light is None:
            return False
        self._light.duty_u16(LIGHT_DUTY if lit else 0)
        return True

    def set_sounder(self, on: bool) -> bool:
        """Whether the sounder is driven so now; False also where there is none."""
        if self._sounder is None:
            return False
        self._sounder.value(on)
        return self._sounder.value() == on
