"""A browser's WebSocket, whatever it shows: reading, heartbeats, silence, refusals, the way out.

What a screen says and shows is its `Talk` (pagers.py, boards.py); everything about the connection is here.
"""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
import structlog
from aiohttp import WSCloseCode, WSMsgType, web

from hub.dispatch.engine import Engine, View
from hub.links.door import Waiting
from hub.links.outlet import Outlet, SlowPeer, Socket
from hub.links.supervision import SWEEP_MS, Newest, Supervision

FRAME_BYTES_MAX = 16_384
COMMAND_CHARS_MAX = 64
REFUSALS_MAX = 16
"""Malformed frames on one connection before it is closed."""

log = structlog.get_logger()


class Heartbeat(msgspec.Struct, frozen=True, tag_field="type", tag="heartbeat"):
    t1_ms: int


class Named(msgspec.Struct, frozen=True):
    id: str


_named = msgspec.json.Decoder(Named)


class Talk(Protocol):
    """One screen's half. `name` says whose it is; `render` gives the snapshot's text, as an Outlet wants it."""

    name: str

    def decode(self, text: str) -> Any: ...
    def take(self, frame: Any, screen: "Screen") -> None: ...
    def render(self, view: View) -> str | None: ...
    def sent(self, view: View) -> None: ...


class Screens:
    """All connected screens of every kind."""

    def __init__(self, engine: Engine, now_ms: Callable[[], int], waiting: Waiting) -> None:
        self.engine = engine
        self.now_ms = now_ms
        self._waiting = waiting
        self._supervision: Supervision[Screen] = Supervision()
        self._newest: Newest[Screen] = Newest()

    async def open(self, request: web.Request) -> web.WebSocketResponse:
        """Who asks for it has been checked by the caller."""
        socket = web.WebSocketResponse(max_msg_size=FRAME_BYTES_MAX + 1, compress=False)
        await socket.prepare(request)
        self._waiting.let_in(request)
        return socket

    async def hold(self, socket: Socket, talk: Talk) -> None:
        """One connection, from its beginning to its end."""
        screen = Screen(self, socket, talk)
        self.heard(screen)
        one_too_many = self._newest.came(talk.name, screen)
        if one_too_many is not None:
            one_too_many.abort()
        try:
            await screen.run()
        finally:
            self._newest.left(talk.name, screen)
            self._supervision.left(screen)

    def heard(self, screen: "Screen") -> None:
        self._supervision.heard(screen, self.now_ms())

    async def supervise(self) -> None:
        """Ends connections that have been silent for too long, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_MS / 1000)
            for screen in self._supervision.sweep(self.now_ms()):
                self._supervision.left(screen)
                screen.abort()


class Screen:
    """One connection. Ends when the peer goes, falls silent, is too slow or talks nonsense for too long."""

    def __init__(self, screens: Screens, socket: Socket, talk: Talk) -> None:
        self._screens = screens
        self._socket = socket
        self._talk = talk
        self._malformed = 0
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        counter = itertools.count()
        self._outlet = Outlet(socket, lambda _view: next(counter), talk.render, talk.sent)

    async def run(self) -> None:
        engine = self._screens.engine
        engine.add_outlet(self._outlet)
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._outlet.run()))
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            engine.remove_outlet(self._outlet)
            self.abort()
            for error in await asyncio.gather(*self._tasks, return_exceptions=True):
                if isinstance(error, Exception) and not isinstance(error, SlowPeer):
                    log.error("screen link failed", screen=self._talk.name, error=repr(error))
            await self._outlet.end()

    def abort(self) -> None:
        for task in self._tasks:
            task.cancel()

    def refresh(self) -> None:
        """Shows the newest view again, where something besides the campus has changed."""
        self._outlet.refresh(self._screens.engine.view)

    def answer(self, frame: dict[str, object]) -> None:
        self._outlet.answer(msgspec.json.encode(frame).decode())

    def refuse(self, reason: str, command: str | None = None) -> None:
        self._malformed += reason == "malformed"
        self.answer({"type": "refused", "command": command, "reason": reason})

    async def _read(self) -> None:
        async for message in self._socket:
            self._screens.heard(self)
            if message.type is WSMsgType.TEXT:
                self._take(message.data)
            else:
                self.refuse("malformed")
            if self._malformed >= REFUSALS_MAX:
                await self._socket.close(code=WSCloseCode.POLICY_VIOLATION, message=b"too_many")
                return
            await self._screens.engine.taken()

    def _take(self, text: str) -> None:
        try:
            frame = self._talk.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError):
            self.refuse("malformed", _name_of(text))
            return
        if isinstance(frame, Heartbeat):
            now_ms = self._screens.now_ms()
            self.answer({"type": "heartbeat", "t1_ms": frame.t1_ms, "t2_ms": now_ms, "t3_ms": now_ms})
        else:
            self._talk.take(frame, self)


def _name_of(text: str) -> str | None:
    """The id of a command that can't be read otherwise: its pager waits for an answer to it."""
    try:
        return _named.decode(text).id[:COMMAND_CHARS_MAX]
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
