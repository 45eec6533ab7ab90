"""An event loop whose clock is the simulation's: when nothing is ready it jumps to the next timer.

The hub's own tasks run on it unchanged. Time is a whole number of milliseconds; nothing ever waits for real.
"""

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping
from typing import Any

ROUNDING_MS = 1e-6
"""Timers are kept as float seconds: what is so near above a whole millisecond is meant to be it."""


STEPS_MAX = 20_000
"""Passes of the loop at one moment; whoever needs more goes round in a circle."""


class TimeStandsStill(Exception):
    """Nothing is ready and no timer runs; or something is ready again and again, and time never goes on."""


class _Selector(selectors.BaseSelector):
    """Waits for nothing but time. The loop registers its self-pipe here; nobody writes to it."""

    def __init__(self, settled: Callable[[int], None]) -> None:
        self._settled = settled
        self._keys: dict[Any, selectors.SelectorKey] = {}
        self._steps = 0
        self.now_ms = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise TimeStandsStill("nothing is left to be done")
        self._steps += 1
        if timeout > 0:
            self._steps = 0
            next_ms = self.now_ms + math.ceil(timeout * 1000 - ROUNDING_MS)
            self._settled(next_ms)
            self.now_ms = next_ms
        elif self._steps > STEPS_MAX:
            raise TimeStandsStill("something is done again and again")
        return []

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, fileobj, events, data)
        self._keys[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._keys.pop(fileobj)

    def get_map(self) -> Mapping[Any, selectors.SelectorKey]:
        return self._keys


class VirtualLoop(asyncio.SelectorEventLoop):
    """`settled(next_ms)` is called whenever all that can happen now has happened, before time goes on to `next_ms`."""

    def __init__(self, settled: Callable[[int], None]) -> None:
        self._virtual = _Selector(settled)
        super().__init__(self._virtual)

    @property
    def now_ms(self) -> int:
        return self._virtual.now_ms

    def time(self) -> float:
        return self._virtual.now_ms / 1000

    def _write_to_self(self) -> None:
        """There is one thread: nobody has to be woken."""

    def at_ms(self, at_ms: int, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Calls back when virtual time is `at_ms`."""
        return self.call_at(at_ms / 1000, callback, *args)

    def in_ms(self, delay_ms: int, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        return self.at_ms(self.now_ms + delay_ms, callback, *args)
