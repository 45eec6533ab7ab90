"""What the running hub looks up in the ledger, on a thread: the event loop waits for no disk.

A read may take as long as the disk does, and SQLite itself may sleep in it for seconds.
"""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import structlog

from hub.ledger.errors import LedgerDamaged, Unreadable
from hub.ledger.reader import Reader

WAITING_MAX = 65_536
"""Questions that wait for one thread; one above it is not answered. A thousand terminals that find their hub again ask
for 32 receipts each."""

Found = TypeVar("Found")

log = structlog.get_logger()


class Lookups:
    """Answers one question after another. From the first one on `reader` belongs to the thread; `close` closes it."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._thread = ThreadPoolExecutor(1, "lookups")
        self._waiting = 0
        self._telling: set[asyncio.Task[None]] = set()

    async def ask(self, question: Callable[[Reader], Found]) -> Found:
        """Raises Unreadable."""
        if self._waiting >= WAITING_MAX:
            raise Unreadable(f"{WAITING_MAX} questions wait already")
        self._waiting += 1
        try:
            return await self._read(question)
        except (sqlite3.Error, LedgerDamaged) as error:
            log.error("the ledger can't be read", error=str(error))
            raise Unreadable(str(error)) from error
        finally:
            self._waiting -= 1

    def tell(
        self, question: Callable[[Reader], Found], told: Callable[[Found | None], None], ms_max: int | None = None
    ) -> None:
        """`told` gets the answer when it is there; None when it can't be read, or not within `ms_max`."""
        task = asyncio.create_task(self._tell(question, told, ms_max))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    def close(self) -> None:
        """Whoever still waits is told nothing."""
        for task in self._telling:
            task.cancel()
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.reader.close()

    async def _read(self, question: Callable[[Reader], Found]) -> Found:
        return await asyncio.get_running_loop().run_in_executor(self._thread, question, self.reader)

    async def _tell(
        self, question: Callable[[Reader], Found], told: Callable[[Found | None], None], ms_max: int | None
    ) -> None:
        found = None
        try:
            async with asyncio.timeout(None if ms_max is None else ms_max / 1000):
                found = await self.ask(question)
        except Unreadable:
            pass
        except TimeoutError:
            log.error("the ledger can't be read", error=f"not within {ms_max} ms")
        told(found)
