"""What happens, as it happens: for the log of `serve`, the demo and its screen. Not evidence; the ledger is."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

HAPPENINGS_MAX = 1_000
"""Kept for one slow watcher; then the oldest go."""

Happening = dict[str, Any]


class Watch:
    """Tells every subscriber each happening, in order."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Happening]] = set()

    def tell(self, what: str, **fields: Any) -> None:
        for queue in self._queues:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait({"what": what, **fields})

    def subscribe(self) -> AsyncIterator[Happening]:
        """Everything from now on."""
        queue: asyncio.Queue[Happening] = asyncio.Queue(HAPPENINGS_MAX)
        self._queues.add(queue)
        return self._happenings(queue)

    async def _happenings(self, queue: asyncio.Queue[Happening]) -> AsyncIterator[Happening]:
        try:
            while True:
                yield await queue.get()
        finally:
            self._queues.discard(queue)
