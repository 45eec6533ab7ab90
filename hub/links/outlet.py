"""One connection's way out: the newest snapshot, rendered when it is sent, and a short queue of answers before it.

There is no queue of snapshots: a slow peer gets fewer of them, each the whole truth. A peer that does not even take its
answers is cut off; it comes back and is told everything.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, Self

from aiohttp import ClientConnectionResetError, WSCloseCode

from hub.dispatch.engine import View
from hub.links.supervision import SILENCE_MS_MAX

ANSWERS_MAX = 256
"""Frames that wait for one peer besides the snapshot."""
SEND_MS_MAX = SILENCE_MS_MAX
"""How long the peer may take for one frame: whoever takes none is as unreachable as whoever says none."""
CLOSE_MS_MAX = 500
"""How long the last answers may take, and then the goodbye: a peer that is gone takes neither, and is to be missed."""


class Socket(Protocol):
    """Our end of a WebSocket: what is used here of aiohttp's `WebSocketResponse`."""

    async def receive(self) -> Any: ...
    async def send_str(self, data: str) -> None: ...
    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"") -> bool: ...
    def __aiter__(self) -> Self: ...
    async def __anext__(self) -> Any: ...


class SlowPeer(Exception):
    """The peer takes nothing; its connection is closed."""


class Outlet:
    """`key` says from a view, cheaply, what this peer is concerned with; `render` makes the snapshot's text: "" where
    there is nothing new, None where this peer may see nothing any more: then the connection ends. `on_sent` is called
    when it was written.
    """

    def __init__(
        self,
        socket: Socket,
        key: Callable[[View], object],
        render: Callable[[View], str | None],
        on_sent: Callable[[View], None] = lambda _view: None,
    ) -> None:
        self._socket = socket
        self._key = key
        self._render = render
        self._on_sent = on_sent
        self._answers: deque[str] = deque()
        self._view: View | None = None
        self._shown: object = None
        self._wake = asyncio.Event()
        self._slow = False

    def refresh(self, view: View) -> None:
        key = self._key(view)
        if key != self._shown or self._view is not None:
            self._shown = key
            self._view = view
            self._wake.set()

    def answer(self, text: str) -> None:
        """Sends a frame before the next snapshot; a peer that is cut off gets no more of them."""
        self._slow = self._slow or len(self._answers) >= ANSWERS_MAX
        if not self._slow:
            self._answers.append(text)
        self._wake.set()

    async def run(self) -> None:
        """Sends until cancelled or the peer is gone. Raises SlowPeer."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._send()
            except (ClientConnectionResetError, ConnectionResetError):
                return

    async def end(self, code: int = WSCloseCode.OK, message: bytes = b"") -> None:
        """Sends the last answers and closes, as far as the peer goes along; it never takes long."""
        with contextlib.suppress(ClientConnectionResetError, ConnectionResetError, TimeoutError):
            async with asyncio.timeout(CLOSE_MS_MAX / 1000):
                while self._answers:
                    await self._socket.send_str(self._answers.popleft())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_MS_MAX / 1000):
                await self._socket.close(code=code, message=message)

    async def _send(self) -> None:
        while self._answers:
            if self._slow:
                raise SlowPeer
            await _in_time(self._socket.send_str(self._answers.popleft()))
        view, self._view = self._view, None
        if view is None:
            return
        text = self._render(view)
        if text is None:
            await _in_time(self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"revoked"))
            return
        if text:
            await _in_time(self._socket.send_str(text))
            self._on_sent(view)


async def _in_time(sending: Awaitable[object]) -> None:
    """Raises SlowPeer."""
    try:
        async with asyncio.timeout(SEND_MS_MAX / 1000):
            await sending
    except TimeoutError as error:
        raise SlowPeer from error
