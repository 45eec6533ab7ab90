"""A Pico W's pins and clocks on a PC: what firmware/node uses of MicroPython's `machine`, with the same interface.

`drive` does what a finger, a cut wire or a weak supply would do.
"""

import os
import sys
import time

import micropython

try:
    from collections.abc import Callable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

PWRON_RESET = 1
RESTARTS = 75
"""Exit status of a program that has reset the board: whoever runs it starts it anew."""

VSYS_GPIO = 29
"""As in firstbell.supply, which comes with a program: a board is there before it."""
RADIO_SELECT_GPIO = 25
RADIO_CLOCK_U16 = 608
"""What the ADC reads there while the radio has the wire."""

_pins: "dict[int, Pin]" = {}


class Pin:
    IN = 0
    OUT = 1
    PULL_UP = 1
    IRQ_FALLING = 4
    IRQ_RISING = 8

    def __init__(self, number: int, mode: int = -1, pull: int = -1, value: int | None = None) -> None:
        self._number = number
        self._value = 1 if value is None else value
        self._handler: Callable[[Pin], None] | None = None
        _pins[number] = self

    def value(self, new: int | None = None) -> int:
        if new is not None:
            self._value = int(new)
        return self._value

    def irq(self, handler: "Callable[[Pin], None]", trigger: int, hard: bool) -> None:
        self._handler = handler

    def drive(self, level: int) -> None:
        if level != self._value:
            self._value = level
            if self._handler is not None:
                # On a board it interrupts whatever allocates, and may not do so itself.
                micropython.heap_lock()
                try:
                    self._handler(self)
                finally:
                    micropython.heap_unlock()


class PWM:
    def __init__(self, pin: Pin, freq: int, duty_u16: int) -> None:
        self._duty = duty_u16

    def duty_u16(self, duty: int) -> None:
        self._duty = duty


class ADC:
    """The supply: read rightly only while nothing can speak with the radio."""

    supply_mv = 5_000
    undisturbed = False

    def __init__(self, number: int) -> None:
        pass

    def read_u16(self) -> int:
        if not ADC.undisturbed or _pins[RADIO_SELECT_GPIO].value() == 0:
            return RADIO_CLOCK_U16
        return ADC.supply_mv * 65_535 // (3 * 3_300)


class RTC:
    def datetime(self, fields: "tuple[int, ...]") -> None:
        """A PC's own clock is right; one that libfaketime shows is set."""
        path = os.getenv("FAKETIME_TIMESTAMP_FILE")
        if path is not None:
            year, month, day, _weekday, hour, minute, second, _ = fields
            ahead_s = int(time.mktime((year, month, day, hour, minute, second, 0, 0)) - time.time())
            with open(path) as file:
                ahead_s += int(file.read())
            with open(path, "w") as file:
                file.write("%+d\n" % ahead_s)


class WDT:
    def __init__(self, timeout: int) -> None:
        pass

    def feed(self) -> None:
        pass


def drive(number: int, level: int) -> None:
    """`level`: 0 or 1; of the supply, its mV."""
    if number == VSYS_GPIO:
        ADC.supply_mv = level
    else:
        _pins[number].drive(level)


def disable_irq() -> bool:
    before, ADC.undisturbed = ADC.undisturbed, True
    return before


def enable_irq(before: bool) -> None:
    ADC.undisturbed = before


def reset() -> None:
    sys.exit(RESTARTS)


def reset_cause() -> int:
    return PWRON_RESET
