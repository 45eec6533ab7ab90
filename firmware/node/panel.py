"""The pins of a Pico W: the only module that touches them.

An input is a contact from its pin to ground: closed is the active level. Its edges are noted in the interrupt with the
time they had there, without allocating anything, and fetched by the program's loop. One at VSYS_GPIO is the board's own
supply, "closed" while it is well.
"""

from array import array
from time import ticks_diff, ticks_us

from firstbell.supply import VSYS_GPIO, Supply
from machine import ADC, PWM, Pin, disable_irq, enable_irq

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
RADIO_SELECT_GPIO = 25
VSYS_SETTLE_US = 500
ADC_MV = 3 * 3_300
"""VSYS at the full scale: a third of it is compared with 3.3 V."""


class Panel:
    """`pins` by the input's name. `came.set()` is called in the interrupt."""

    def __init__(
        self, pins: "Mapping[str, int]", light_pin: int | None, sounder_pin: int | None, came: "ThreadSafeFlag"
    ) -> None:
        self._came = came
        self._names = sorted(name for name in pins if pins[name] != VSYS_GPIO)
        self._supplies = [name for name in pins if pins[name] == VSYS_GPIO]
        self.supply = Supply(_read_vsys_mv())
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
        levels: dict[str, bool | None] = dict.fromkeys(self._supplies, not self.supply.low)
        for number, contact in enumerate(self._contacts):
            levels[self._names[number]] = contact.value() == 0
        return levels

    def read_supply(self) -> None:
        """To be called every SUPPLY_READ_MS."""
        self.supply.read(_read_vsys_mv())

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


def _read_vsys_mv() -> int:
    """GPIO29 is the clock of the radio's SPI, and a third of VSYS while the radio is not selected (Pico W datasheet,
    section 2.1). So nothing may speak with the radio meanwhile: its driver runs as an interrupt (MicroPython's
    ports/rp2/pendsv.c), and takes the pin back at each transfer (pico-sdk, cyw43_bus_pio_spi.c, `start_spi_comms`).
    The first readings after the change may be wrong (pico-examples, adc/read_vsys; pico-sdk issue 1222). An edge
    meanwhile is noted when this ends."""
    before = disable_irq()
    try:
        Pin(RADIO_SELECT_GPIO, Pin.OUT, value=1)
        vsys = ADC(VSYS_GPIO)
        begun_us = ticks_us()
        while ticks_diff(ticks_us(), begun_us) < VSYS_SETTLE_US:
            pass  # a sleep would wait for an interrupt
        return vsys.read_u16() * ADC_MV // 65_535
    finally:
        enable_irq(before)
