"""The way out of one connection, when the peer takes nothing any more."""

import asyncio
from typing import Any, Self

from aiohttp import WSCloseCode

from hub.links.outlet import CLOSE_MS_MAX, Outlet


class DeafSocket:
    """A peer that is gone without a word: nothing is taken, no goodbye comes back."""

    close_code: int | None = None

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.closed = False

    async def receive(self) -> Any:
        raise NotImplementedError

    async def send_str(self, data: str) -> None:
        self.sent.append(data)
        await asyncio.Event().wait()

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"") -> bool:
        self.closed = True
        await asyncio.Event().wait()
        return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        raise StopAsyncIteration


async def test_a_peer_that_is_gone_does_not_keep_its_connection() -> None:
    """Who waits for its goodbye (aiohttp would for 10 s) does not miss it in time."""
    socket = DeafSocket()
    outlet = Outlet(socket, lambda _view: None, lambda _view: None)
    outlet.answer("first")
    outlet.answer("second")
    async with asyncio.timeout(4 * CLOSE_MS_MAX / 1000):
        await outlet.end()
    assert socket.sent == ["first"]
    assert socket.closed
