"""The way out of one connection, when the peer takes nothing any more."""

import asyncio
from typing import Any, Self, cast

import pytest
from aiohttp import WSCloseCode

from hub.dispatch.engine import View
from hub.links.outlet import ANSWERS_MAX, CLOSE_MS_MAX, SEND_MS_MAX, Outlet, SlowPeer
from tests.simulation.virtual_time import VirtualLoop


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


class OpenSocket(DeafSocket):
    """A peer that takes everything."""

    async def send_str(self, data: str) -> None:
        self.sent.append(data)

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"") -> bool:
        self.closed = True
        return True


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


@pytest.mark.parametrize("what", ["answer", "snapshot", "goodbye"])
def test_a_peer_that_takes_nothing_is_given_up_in_time(what: str) -> None:
    """However much it says itself: whoever takes no page must not stand as reachable."""
    loop = VirtualLoop(lambda _next_ms: None)

    async def send() -> None:
        outlet = Outlet(DeafSocket(), lambda view: view, lambda _view: None if what == "goodbye" else what)
        if what == "answer":
            outlet.answer(what)
        else:
            outlet.refresh(cast(View, what))
        with pytest.raises(SlowPeer):
            await outlet.run()

    try:
        # The loop raises TimeStandsStill where nothing would ever end the waiting.
        loop.run_until_complete(send())
        assert loop.now_ms == SEND_MS_MAX
    finally:
        loop.close()


async def test_what_waits_for_a_peer_that_takes_nothing_has_an_end() -> None:
    socket = OpenSocket()
    outlet = Outlet(socket, lambda _view: None, lambda _view: None)
    for number in range(3 * ANSWERS_MAX):
        outlet.answer(str(number))
    with pytest.raises(SlowPeer):
        await outlet.run()
    await outlet.end()
    assert socket.sent == [str(number) for number in range(ANSWERS_MAX)]
