"""An event loop whose clock is the simulation's: when nothing is ready it jumps to the next timer.

The hub's own tasks run on it unchanged. Time is a whole number of milliseconds; nothing ever waits for real.
"""

import asyncio
import math
import selectors
from collections.abc import Callable, Mapping
from contextvars import Context, ContextVar, copy_context
from typing import Any, TypeVar, TypeVarTuple

ROUNDING_MS = 1e-6
"""Timers are kept as float seconds: what is so near above a whole millisecond is meant to be it."""


STEPS_MAX = 20_000
"""Passes of the loop at one moment; whoever needs more goes round in a circle."""


IN_HUB: ContextVar[bool] = ContextVar("in_hub", default=False)
"""Whether what runs belongs to the hub's process: its tasks and timers inherit it."""
Made = TypeVar("Made")
Args = TypeVarTuple("Args")


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
    """`settled(next_ms)` is called whenever all that can happen now has happened, before time goes on to `next_ms`.

    While it is `paused`, nothing of the hub's runs; what would have, does so afterwards, in order.
    """

    def __init__(self, settled: Callable[[int], None]) -> None:
        self._virtual = _Selector(settled)
        self._world = copy_context()
        self._put_off: list[asyncio.Handle] = []
        self.paused = False
        super().__init__(self._virtual)

    def in_hub(self, make: Callable[..., Made], *args: Any) -> Made:
        """Calls as a part of the hub's process."""
        context = copy_context()
        context.run(IN_HUB.set, True)
        return context.run(make, *args)

    def resume(self) -> None:
        self.paused = False
        for handle in self._put_off:
            super().call_soon(_run, handle)
        self._put_off.clear()

    def call_soon(
        self, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.Handle:
        context = context or copy_context()
        if not (self.paused and context.get(IN_HUB)):
            return super().call_soon(callback, *args, context=context)
        handle = asyncio.Handle(callback, args, self, context)
        self._put_off.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[[*Args], object], *args: *Args, context: Context | None = None
    ) -> asyncio.TimerHandle:
        context = context or copy_context()
        if not context.get(IN_HUB):
            return super().call_at(when, callback, *args, context=context)

        def due() -> None:
            if self.paused:
                self._put_off.append(timer)
            else:
                callback(*args)

        timer = super().call_at(when, due, context=context)
        return timer

    @property
    def now_ms(self) -> int:
        return self._virtual.now_ms

    def time(self) -> float:
        return self._virtual.now_ms / 1000

    def _write_to_self(self) -> None:
        """There is one thread: nobody has to be woken."""

    def at_ms(self, at_ms: int, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Calls back when virtual time is `at_ms`."""
        return self.call_at(at_ms / 1000, callback, *args, context=self._world)

    def in_ms(self, delay_ms: int, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        return self.at_ms(self.now_ms + delay_ms, callback, *args)


def _run(handle: asyncio.Handle) -> None:
    if not handle.cancelled():
        handle._run()
