"""A whole hub in this process, behind TLS, on a loop that stands still between the examples of a property test; and
an ear for everything that it or its libraries complain of.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import structlog

from hub.people.pins import Pins
from tests.links.inner_hub import InnerHub
from tests.links.raw_terminal import event_frame, receipt_of

Result = TypeVar("Result")


class _Ear(logging.Handler):
    def __init__(self, complaints: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._complaints = complaints

    def emit(self, record: logging.LogRecord) -> None:
        self._complaints.append(self.format(record))


class UnderFire:
    """`complaints` is to stay empty."""

    def __init__(self, runner: asyncio.Runner, hub: InnerHub, complaints: list[str]) -> None:
        self._runner = runner
        self.hub = hub
        self.complaints = complaints

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        return self._runner.run(work)

    async def serves(self) -> None:
        """A good press is taken, recorded and paged, and there is no fault."""
        hub = self.hub
        terminal = hub.raw_terminal(await hub.enrol())
        line = await terminal.link()
        press = terminal.event()
        await line.send(event_frame(press))
        await line.until(receipt_of(press))
        entry = await hub.recorded(press)
        assert entry["incident"]
        assert not hub.core.engine.view.fault
        await line.close()


@contextmanager
def under_fire(path: Path) -> Iterator[UnderFire]:
    complaints: list[str] = []

    def heard(_logger: object, method: str, event: MutableMapping[str, Any]) -> str:
        if method not in ("debug", "info"):
            complaints.append(str(event))
        raise structlog.DropEvent

    ear = _Ear(complaints)
    structlog.configure(processors=[structlog.processors.format_exc_info, heard])
    logging.getLogger().addHandler(ear)
    try:
        with asyncio.Runner() as runner:
            runner.get_loop().set_exception_handler(lambda _loop, context: complaints.append(str(context)))
            hub = InnerHub(path, Pins(time_cost=1, memory_kib=8))
            runner.run(hub.start())
            fire = UnderFire(runner, hub, complaints)
            yield fire
            runner.run(fire.serves())
            runner.run(hub.stop())
            assert runner.run(hub.verify()).ok
        # Nor did anything that was heard of only when it was thrown away.
        assert complaints == []
    finally:
        logging.getLogger().removeHandler(ear)
        structlog.reset_defaults()
