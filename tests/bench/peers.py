"""The two ends of a press, in the process that measures: a terminal and a pager, over TLS to the real hub.

The terminal is the shared session without a daemon around it, so that no press filter and no disk of its own is in
the way. Times are readings of `time.time_ns`, which the browser's clock can be compared with.
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable
from typing import Any

import aiohttp
from firstbell.actions import Action, Close, Delivered, Send
from firstbell.jws import Ed25519Signer, unb64url, verify_ed25519
from firstbell.messages import HEARTBEAT_MS, HEARTBEAT_QUICK_MS
from firstbell.note import Checkpoint
from firstbell.receipt import check_receipt
from firstbell.session import LINKED, TerminalSession

from tests.links.campus import Doors, Enrolled

WAIT_S_MAX = 20.0
READY = "ready"


def mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000


class Moments:
    """When what was first seen, and waiting for it."""

    def __init__(self) -> None:
        self._at_ns: dict[str, int] = {}
        self._changed = asyncio.Condition()

    async def note(self, what: str, at_ns: int) -> None:
        async with self._changed:
            self._at_ns.setdefault(what, at_ns)
            self._changed.notify_all()

    async def of(self, what: str) -> int:
        async with asyncio.timeout(WAIT_S_MAX), self._changed:
            await self._changed.wait_for(lambda: what in self._at_ns)
        return self._at_ns[what]


class BenchTerminal:
    """`receipts`: event's digest → when its frame came in; noted once it was proven."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, enrolled: Enrolled, doors: Doors) -> None:
        self._socket = socket
        vkey = doors.vkey

        def verify(frame: dict[str, Any], jws: str) -> Checkpoint:
            return check_receipt(frame, jws, vkey, verify_ed25519)

        key = Ed25519Signer(unb64url(enrolled.key.kept))
        self._session = TerminalSession(enrolled.terminal, key, 1, "bench", verify)
        self.receipts = Moments()
        self._linked = asyncio.Event()

    async def linked(self) -> None:
        async with asyncio.timeout(WAIT_S_MAX):
            await self._linked.wait()

    async def run(self) -> None:
        """Until cancelled. Raises AssertionError when the hub and the session do not agree."""
        beating = asyncio.create_task(self._beat())
        try:
            self._session.connected(mono_ms())
            async for message in self._socket:
                at_ns = time.time_ns()
                await self._do(self._session.frame(message.data, mono_ms()), at_ns)
                if self._session.state == LINKED:
                    self._linked.set()
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_QUICK_MS / 1000)
            await self._do(self._session.tick(mono_ms()), 0)

    async def _do(self, wanted: Iterable[Action], at_ns: int) -> None:
        for action in wanted:
            assert not isinstance(action, Close), action.reason
            if isinstance(action, Send):
                await self._socket.send_str(action.text)
            elif isinstance(action, Delivered):
                await self.receipts.note(action.digest, at_ns)

    async def press(self) -> tuple[str, int]:
        """A press: its digest, and when its signed frame was given to the socket."""
        event = self._session.make_event("panic", "panic", mono_ms())
        wanted = self._session.add_event(event, mono_ms())
        at_ns = time.time_ns()
        await self._do(wanted, at_ns)
        return event.digest, at_ns


class BenchPager:
    """`pages`: incident → when the frame came that rings for it; `answers`: command → when its receipt came."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._snapshot: dict[str, Any] = {"pages": []}
        self.pages = Moments()
        self.answers = Moments()
        self.bytes_max = 0

    async def run(self) -> None:
        """Until cancelled."""
        beating = asyncio.create_task(self._beat())
        try:
            async for message in self._socket:
                at_ns = time.time_ns()
                self.bytes_max = max(self.bytes_max, len(message.data))
                frame = json.loads(message.data)
                if frame["type"] == "snapshot":
                    await self._take(frame, at_ns)
                elif frame["type"] == "receipt":
                    await self.answers.note(frame["command"], at_ns)
                assert frame["type"] != "refused", frame
        finally:
            beating.cancel()

    async def _take(self, frame: dict[str, Any], at_ns: int) -> None:
        self._snapshot = frame
        for page in frame["pages"]:
            if page["ring"] == "alarm":
                await self.pages.note(page["incident"], at_ns)
        if not frame["pager"]["reasons"]:
            await self.answers.note(READY, at_ns)
        await self._say_state()

    async def _beat(self) -> None:
        while True:
            await self._socket.send_json({"type": "heartbeat", "t1_ms": mono_ms()})
            await self._say_state()
            await asyncio.sleep(HEARTBEAT_MS / 1000)

    async def _say_state(self) -> None:
        pages = self._snapshot["pages"]
        incidents = [page["incident"] for page in pages]
        ringing = [page["incident"] for page in pages if page["ring"] != "none"]
        state = {"sound": "running", "visible": True, "awake": True, "battery_percent": None, "charging": None}
        lists = {"have": incidents, "seen": incidents, "ringing": ringing}
        await self._socket.send_json({"type": "state", **state, **lists})

    async def close_case(self, incident: str) -> None:
        """Accept, on scene, resolve: so that the next press is a new incident."""
        page = next(page for page in self._snapshot["pages"] if page["incident"] == incident)
        for do in ("accept", "on_scene", "resolve"):
            name = uuid.uuid4().hex
            command = {"type": "command", "id": name, "do": do, "incident": incident, "note": ""}
            more = {"covers": page["covers"], "outcome": "fault"} if do == "resolve" else {}
            await self._socket.send_json(command | more)
            await self.answers.of(name)


@contextlib.asynccontextmanager
async def running(*peers: BenchTerminal | BenchPager) -> AsyncIterator[None]:
    """While they talk; one that ends before its time is an error."""
    tasks = [asyncio.create_task(peer.run()) for peer in peers]
    try:
        yield
        for task in tasks:
            assert not task.done(), task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
