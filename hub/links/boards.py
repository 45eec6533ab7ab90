"""The boards: the whole campus on one screen, read only."""

from collections.abc import Callable

import msgspec
from aiohttp import web

from hub.dispatch.engine import View
from hub.links.board_frames import snapshot_of
from hub.links.board_steps import BoardSteps
from hub.links.screens import Heartbeat, Screen, Screens
from hub.names import Names

_decoder: msgspec.json.Decoder[Heartbeat] = msgspec.json.Decoder(Heartbeat)


class BoardLinks:
    """All connected boards. `writing` says whether the disk takes entries."""

    def __init__(self, screens: Screens, names: Names, steps: BoardSteps, writing: Callable[[], bool]) -> None:
        self._screens = screens
        self._names = names
        self._steps = steps
        self._writing = writing

    async def serve(self, request: web.Request, account: str, may_see: Callable[[], bool]) -> web.WebSocketResponse:
        """Holds the connection of a board of this account; `may_see` is asked before each snapshot."""
        socket = await self._screens.open(request)
        await self._screens.hold(socket, BoardTalk(self, account, may_see))
        return socket

    def snapshot(self, view: View) -> str:
        screens = self._screens
        return snapshot_of(view, self._names, self._steps, screens.engine.size, self._writing(), screens.now_ms())


class BoardTalk:
    def __init__(self, links: BoardLinks, account: str, may_see: Callable[[], bool]) -> None:
        self.name = f"board of {account}"
        self._links = links
        self._may_see = may_see

    def decode(self, text: str) -> Heartbeat:
        return _decoder.decode(text)

    def render(self, view: View) -> str | None:
        return self._links.snapshot(view) if self._may_see() else None

    def sent(self, view: View) -> None:
        """A board confirms nothing."""

    def take(self, frame: Heartbeat, screen: Screen) -> None:
        """A board says nothing but heartbeats."""
