"""A terminal's way to the hub, for `terminal.hub_link`: who finds the hub, who connects, and the terminal's end of the
connection, in the manner of aiohttp's ClientWebSocketResponse.
"""

import asyncio
from typing import Self

from aiohttp import ClientConnectionResetError, WSMessage, WSMsgType

from terminal.find_hub import Address
from tests.simulation.network import Line, NetworkPath
from tests.simulation.surroundings import Surroundings

HUB = Address("hub", 443)


class Finder:
    """The hub never moves."""

    async def next_address(self) -> Address:
        return HUB

    def worked(self, address: Address) -> None:
        pass


class Client:
    """Of one boot. `line`: the present connection, or the last."""

    pager = ""

    def __init__(self, name: str, identity: str, path: NetworkPath, around: Surroundings) -> None:
        self.name = name
        self.identity = identity
        self.line: Line | None = None
        self._path = path
        self._around = around
        self._attempt = 0
        self._called: asyncio.Future[ClientSocket] | None = None
        self._socket: ClientSocket | None = None

    async def connect(self, _address: Address) -> tuple["ClientSocket", bool]:
        """Raises ConnectionRefusedError."""
        self._attempt += 1
        self._called = self._path.loop.create_future()
        self._around.dial(self, self._path, self._attempt)
        return await self._called, False

    def vanish(self) -> None:
        """The terminal loses power."""
        self._attempt += 1
        if self.line is not None:
            self.line.vanish()

    def opened(self, line: Line, attempt: int) -> None:
        if attempt != self._attempt or self._called is None:
            line.vanish()
            return
        self.line, self._socket = line, ClientSocket(line)
        self._called.set_result(self._socket)

    def refused(self, attempt: int) -> None:
        if attempt == self._attempt and self._called is not None:
            self._called.set_exception(ConnectionRefusedError())

    def heard(self, line: Line, text: str) -> None:
        if line is self.line and self._socket is not None:
            self._socket.arrived(text)

    def closed(self, line: Line) -> None:
        if line is self.line and self._socket is not None:
            self._socket.arrived(None)


class ClientSocket:
    """What has arrived is read in order; the end of the stream comes last."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inbox: asyncio.Queue[str | None] = asyncio.Queue()

    def arrived(self, text: str | None) -> None:
        self._inbox.put_nowait(text)

    async def send_str(self, data: str) -> None:
        if not self._line.open:
            raise ClientConnectionResetError("Cannot write to closing transport")
        self._line.send(data)
        await self._line.up.wait_for_room()

    async def close(self) -> bool:
        self._line.close()
        return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WSMessage:
        text = await self._inbox.get()
        if text is None:
            raise StopAsyncIteration
        return WSMessage(WSMsgType.TEXT, text, None)
