"""The hub's end of a screen's WebSocket, in the test's hands."""

import asyncio
import json
import time
from collections.abc import Callable
from typing import Any

from playwright.async_api import Page, WebSocketRoute

from tests.browser.frames import NOW_MS, Frame

HEARD_S_MAX = 5.0


class FakeHub:
    """Answers heartbeats, sends `snapshot` at each connection, keeps what the screen says in `frames`."""

    def __init__(self, snapshot: Frame) -> None:
        self.snapshot = snapshot
        self.frames: list[Frame] = []
        self.silent = False
        self.connections = 0
        self._socket: WebSocketRoute | None = None
        self._said = asyncio.Condition()
        self._began_s = time.monotonic()

    @classmethod
    async def of(cls, tab: Page, path: str, snapshot: Frame) -> "FakeHub":
        hub = cls(snapshot)
        await tab.route_web_socket(f"**{path}", hub._open)
        return hub

    def now_ms(self) -> int:
        return NOW_MS + round((time.monotonic() - self._began_s) * 1000)

    def show(self, snapshot: Frame) -> None:
        """The newest snapshot, at once."""
        self.snapshot = snapshot
        if not self.silent:
            now_ms = self.now_ms()
            self.send({**snapshot, "hub_ms": now_ms, "utc_ms": snapshot["utc_ms"] - snapshot["hub_ms"] + now_ms})

    def send(self, frame: Frame) -> None:
        assert self._socket is not None, "no screen is connected"
        self._socket.send(json.dumps(frame))

    async def drop(self) -> None:
        assert self._socket is not None, "no screen is connected"
        await self._socket.close()

    async def heard(self, wanted: Callable[[Frame], bool], since: int = 0) -> Frame:
        """The first frame of the screen that is wanted, of those after the first `since`."""

        def found() -> Frame | None:
            return next((frame for frame in self.frames[since:] if wanted(frame)), None)

        async with asyncio.timeout(HEARD_S_MAX), self._said:
            await self._said.wait_for(lambda: found() is not None)
        frame = found()
        assert frame is not None
        return frame

    def said(self, kind: str) -> list[Frame]:
        return [frame for frame in self.frames if frame["type"] == kind]

    def _open(self, socket: WebSocketRoute) -> None:
        self._socket = socket
        self.connections += 1
        socket.on_message(self._take)
        self.show(self.snapshot)

    async def _take(self, text: str | bytes) -> None:
        frame: dict[str, Any] = json.loads(text)
        async with self._said:
            self.frames.append(frame)
            self._said.notify_all()
        if frame["type"] == "heartbeat" and not self.silent:
            now_ms = self.now_ms()
            self.send({"type": "heartbeat", "t1_ms": frame["t1_ms"], "t2_ms": now_ms, "t3_ms": now_ms})
