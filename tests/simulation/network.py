"""The network: what lies between the hub and one peer, and what can go wrong there.

A connection is a TCP stream in each direction: frames arrive in order or not at all, late if they must, and both ends
learn that it is over only where the network lets them. The hub's end has the methods of aiohttp's WebSocketResponse
that the links use, and behaves as that does: a full send buffer makes `send_str` wait, `close` waits for the peer.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Protocol, Self

from aiohttp import ClientConnectionResetError, WSCloseCode, WSMessage, WSMsgType

from tests.simulation.virtual_time import VirtualLoop

CLOSE_MS_MAX = 10_000
"""How long aiohttp waits for the peer's close frame."""
CONNECT_MS_MAX = 5_000
"""How long a peer tries before it gives up."""
_CLOSED = WSMessage(WSMsgType.CLOSED, None, None)
_CLOSING = WSMessage(WSMsgType.CLOSING, None, None)


class Peer(Protocol):
    """The end that is not the hub. `identity`: the id that it has at the hub. `pager`: the same, empty for a terminal.

    Of each call (`Dial`) it is told once: `opened`, or `refused`.
    """

    name: str
    pager: str
    identity: str

    def opened(self, line: "Line", attempt: int) -> None: ...
    def refused(self, attempt: int) -> None: ...
    def heard(self, line: "Line", text: str) -> None: ...
    def closed(self, line: "Line") -> None: ...


class Observer(Protocol):
    """Sees every frame: `sent` when the hub gives it to its kernel, `heard` when it comes to the hub."""

    def sent(self, line: "Line", text: str) -> None: ...
    def heard(self, line: "Line", text: str) -> None: ...


class NetworkPath:
    """Between one peer and the hub. `delay_ms`: least and most for one frame. `buffer_bytes`: what the kernels hold.

    `stalled_up`, `stalled_down`: frames in that direction wait. `unplugged`: besides, nobody can connect.
    """

    def __init__(self, loop: VirtualLoop, random: Random) -> None:
        self.loop = loop
        self.random = random
        self.delay_ms = (0, 3)
        self.buffer_bytes = random.choice((8_192, 131_072))
        self.stalled_up = self.stalled_down = self.unplugged = False
        self.lines: list[Line] = []

    def draw_ms(self) -> int:
        return self.random.randint(*self.delay_ms)

    def stall(self, up: bool, down: bool) -> None:
        self.stalled_up, self.stalled_down = up, down
        self._pump()

    def unplug(self) -> None:
        self.unplugged = True
        self.stall(True, True)

    def heal(self) -> None:
        self.unplugged = False
        self.delay_ms = (0, 3)
        self.stall(False, False)

    def cut(self) -> None:
        """Resets every connection; both ends are told."""
        for line in tuple(self.lines):
            line.reset()

    def _pump(self) -> None:
        for line in tuple(self.lines):
            line.up.pump()
            line.down.pump()


class _Lane:
    """One direction. `deliver` gets each text, then None for the end of the stream."""

    def __init__(
        self, path: NetworkPath, is_stalled: Callable[[], bool], deliver: Callable[[str | None], None]
    ) -> None:
        self._path = path
        self._is_stalled = is_stalled
        self._deliver = deliver
        self._queue: deque[tuple[int, str | None]] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._room: list[asyncio.Future[None]] = []
        self._bytes = 0
        self._reset = False
        self.blind = False
        """Nothing arrives any more, and nobody says so: what is sent fills the buffers."""

    def put(self, text: str | None) -> None:
        if self._reset:
            return
        at_ms = self._path.loop.now_ms + self._path.draw_ms()
        if self._queue:
            at_ms = max(at_ms, self._queue[-1][0])
        self._queue.append((at_ms, text))
        self._bytes += len(text or "")
        self.pump()

    def pump(self) -> None:
        if self._timer is None and self._queue and not self._is_stopped():
            at_ms = max(self._queue[0][0], self._path.loop.now_ms)
            self._timer = self._path.loop.at_ms(at_ms, self._arrive)

    def _is_stopped(self) -> bool:
        return self.blind or self._reset or self._is_stalled() or self._path.loop.paused

    def _arrive(self) -> None:
        self._timer = None
        if self._is_stopped():
            return
        _, text = self._queue.popleft()
        self._bytes -= len(text or "")
        if not self.is_full:
            self._wake()
        self._deliver(text)
        self.pump()

    @property
    def is_full(self) -> bool:
        return self._bytes > self._path.buffer_bytes

    async def wait_for_room(self) -> None:
        while self.is_full and not self._reset:
            future = self._path.loop.create_future()
            self._room.append(future)
            await future

    def reset(self) -> None:
        self._reset = True
        self._queue.clear()
        if self._timer is not None:
            self._timer.cancel()
        self._wake()

    def _wake(self) -> None:
        for future in self._room:
            if not future.done():
                future.set_result(None)
        self._room.clear()


class Line:
    """One connection. The peer calls `send` and `close`; the hub uses `socket`."""

    def __init__(self, path: NetworkPath, peer: Peer, run: int, observer: Observer) -> None:
        """`run`: the number of the hub's."""
        self.path = path
        self.peer = peer
        self.run = run
        self.observer = observer
        self.up = _Lane(path, lambda: path.stalled_up, self._to_hub)
        self.down = _Lane(path, lambda: path.stalled_down, self._to_peer)
        self.socket = HubSocket(self)
        self.open = True
        self.said_ms = path.loop.now_ms
        """When the peer last sent something."""
        self.hub_closed = False
        """It was the hub that closed, while the peer held on."""
        path.lines.append(self)

    # ── the peer's end ───────────────────────────────────────────────────────────────────────────────────────

    def send(self, text: str) -> None:
        if self.open:
            self.said_ms = self.path.loop.now_ms
            self.up.put(text)

    def close(self) -> None:
        """The peer closes, or its process is gone and its kernel says so."""
        if self.open:
            self.open = False
            self.up.put(None)

    def vanish(self) -> None:
        """The peer loses power: nobody says anything any more."""
        self.open = False
        self.up.blind = self.down.blind = True

    def _to_peer(self, text: str | None) -> None:
        if not self.open:
            return
        if text is None:
            self.close()
            self.peer.closed(self)
        else:
            self.peer.heard(self, text)

    # ── the hub's end ────────────────────────────────────────────────────────────────────────────────────────

    def _to_hub(self, text: str | None) -> None:
        self.socket.arrived(text)

    def hub_died(self, power_cut: bool) -> None:
        """The hub's process is gone; its kernel says so, unless that is gone too."""
        if power_cut:
            self.up.blind = self.down.blind = True
            self.socket.lost()
        else:
            self.reset()

    def reset(self) -> None:
        """Both ends are told, frames on their way are lost."""
        self.up.reset()
        self.down.reset()
        self.forget()
        self.socket.lost()
        self.path.loop.in_ms(self.path.draw_ms(), self._peer_learns)

    def _peer_learns(self) -> None:
        if self.open:
            self.open = False
            self.peer.closed(self)

    def forget(self) -> None:
        if self in self.path.lines:
            self.path.lines.remove(self)


class HubSocket:
    """The hub's end, in the manner of aiohttp's WebSocketResponse."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inbox: deque[WSMessage] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False
        self._over = asyncio.Event()
        """The stream has ended: the peer closed, or the connection was lost."""
        self.close_code: int | None = None

    @property
    def is_closing(self) -> bool:
        return self._closed or self._over.is_set()

    def has_unread(self, text: str) -> bool:
        """The hub has not read this frame, which has come."""
        return any(message.data is text for message in self._inbox)

    async def send_str(self, data: str) -> None:
        if self._closed or self._over.is_set():
            raise ClientConnectionResetError("Cannot write to closing transport")
        self._line.observer.sent(self._line, data)
        self._line.down.put(data)
        await self._line.down.wait_for_room()

    async def receive(self) -> WSMessage:
        while not self._inbox:
            if self._closed or self._over.is_set():
                return _CLOSED
            self._waiter = self._line.path.loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        return self._inbox.popleft()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WSMessage:
        message = await self.receive()
        if message.type in (WSMsgType.CLOSED, WSMsgType.CLOSING):
            raise StopAsyncIteration
        return message

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"") -> bool:
        if self._closed:
            return False
        self._closed = True
        self._inbox.append(_CLOSING)
        self._wake()
        if not self._over.is_set():
            self.close_code = code
            self._line.hub_closed = self._line.open
            try:
                self._line.down.put(None)
                await self._line.down.wait_for_room()
                async with asyncio.timeout(CLOSE_MS_MAX / 1000):
                    await self._over.wait()
            except (TimeoutError, asyncio.CancelledError) as error:
                self._line.reset()
                if isinstance(error, asyncio.CancelledError):
                    raise
        self._line.forget()
        return True

    def arrived(self, text: str | None) -> None:
        if text is None:
            self._line.forget()
            self.lost()
        elif not self._closed:
            self._line.observer.heard(self._line, text)
            self._inbox.append(WSMessage(WSMsgType.TEXT, text, None))
            self._wake()

    def lost(self) -> None:
        """The stream has ended; frames that came before can still be read."""
        self._over.set()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
