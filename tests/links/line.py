"""One WebSocket, held by a test: everything that came over it, in order, to be waited for."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, Self

import aiohttp
from firstbell.messages import HEARTBEAT_MS

WAIT_S_MAX = 20

Frame = dict[str, Any]


class LineEnded(AssertionError):
    """What was waited for can't come any more."""


class Line:
    """`frames` is all that the hub has said on it. `code`: how it was closed, None while it is open."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.frames: list[Frame] = []
        self._changed = asyncio.Condition()
        self._ended = False
        self._code: int | None = None
        self._beating: asyncio.Task[None] | None = None
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str, **headers: str) -> Self:
        """Raises LineEnded when the session went with its hub, aiohttp.ClientError."""
        if session.closed:
            raise LineEnded("the doors are shut")
        return cls(await session.ws_connect(url, headers=headers, max_msg_size=1 << 20, autoclose=False))

    @property
    def code(self) -> int | None:
        return self._code

    async def _read(self) -> None:
        try:
            while (message := await self.socket.receive()).type is aiohttp.WSMsgType.TEXT:
                await self._note(message.json())
            # What the hub said, not what became of our answer to it.
            said = message.type is aiohttp.WSMsgType.CLOSE
            self._code = message.data if said else aiohttp.WSCloseCode.ABNORMAL_CLOSURE
        finally:
            self._ended = True
            if self._beating is not None:
                self._beating.cancel()
            await self._note(None)
            await self.socket.close()

    async def _note(self, frame: Frame | None) -> None:
        async with self._changed:
            if frame is not None:
                self.frames.append(frame)
            self._changed.notify_all()

    async def send(self, frame: Frame | str | bytes) -> None:
        """An object as JSON, text as it is, bytes as a binary message."""
        if isinstance(frame, dict):
            await self.socket.send_json(frame)
        elif isinstance(frame, str):
            await self.socket.send_str(frame)
        else:
            await self.socket.send_bytes(frame)

    async def until(self, wanted: Callable[[Frame], object], since: int = 0) -> Frame:
        """The first frame from number `since` on that is wanted, come or still to come.

        Raises LineEnded, TimeoutError.
        """
        try:
            async with asyncio.timeout(WAIT_S_MAX), self._changed:
                return await self._look(wanted, since)
        except TimeoutError:
            raise TimeoutError(f"never came; last {self._last()}") from None

    async def _look(self, wanted: Callable[[Frame], object], seen: int) -> Frame:
        while True:
            for frame in self.frames[seen:]:
                if wanted(frame):
                    return frame
            seen = len(self.frames)
            if self._ended:
                raise LineEnded(f"closed with {self._code}; last {self._last()}")
            await self._changed.wait()

    def _last(self) -> str:
        return str(self.frames[-1:])[:1_500]

    async def of_type(self, kind: str, since: int = 0) -> Frame:
        return await self.until(lambda frame: frame["type"] == kind, since)

    async def more(self, known: int) -> None:
        """Waits until there are more than `known` frames, or the end."""
        async with asyncio.timeout(WAIT_S_MAX), self._changed:
            await self._changed.wait_for(lambda: self._ended or len(self.frames) > known)

    async def closed(self) -> int | None:
        """Waits until the hub has closed it; the code."""
        async with asyncio.timeout(WAIT_S_MAX), self._changed:
            await self._changed.wait_for(lambda: self._ended)
        return self._code

    def keep_alive(self) -> Self:
        """Heartbeats from now on, as long as the line is open."""
        self._beating = asyncio.create_task(self._beat())
        return self

    async def _beat(self) -> None:
        while not self._ended:
            await asyncio.sleep(HEARTBEAT_MS / 1000)
            with contextlib.suppress(ConnectionError):
                await self.send({"type": "heartbeat", "t1_ms": 1})

    def cut(self) -> None:
        """No goodbye."""
        connection = self.socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.abort()

    async def close(self) -> None:
        await self.socket.close()
        await self._reading
