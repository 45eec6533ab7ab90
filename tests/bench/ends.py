"""The two ends of a press, in the process that measures: a terminal and a pager, over TLS to the real hub.

The terminal is the shared session without a daemon around it, so that no press filter and no disk of its own is in
the way. Times are readings of `time.time_ns`, which the browser's clock and another process's can be compared with.
"""

import asyncio
import contextlib
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Self

import aiohttp
from firstbell.actions import Action, Close, Delivered, Event, Send, Snapshot
from firstbell.jws import Ed25519Signer, unb64url, verify_ed25519
from firstbell.messages import HEARTBEAT_MS
from firstbell.note import Checkpoint, parse_checkpoint, parse_vkey
from firstbell.receipt import check_receipt
from firstbell.session import LINKED, TerminalSession

WAIT_S_MAX = 60.0
READY = "ready"
TICK_MS_MIN = 50

Verify = Callable[[dict[str, Any], str], Checkpoint]


def mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000


def proven_by(vkey: str) -> Verify:
    """Receipts are checked as a wall Raspberry Pi does. `vkey`: the log's."""
    key = parse_vkey(vkey)
    return lambda frame, jws: check_receipt(frame, jws, key, verify_ed25519)


def believed(frame: dict[str, Any], _jws: str) -> Checkpoint:
    """As a node does: it trusts the link. For a thousand terminals in one process."""
    note: str = frame["checkpoint"]
    return parse_checkpoint(note[: note.rfind("\n\n") + 1])


class Moments:
    """When what was first seen, and waiting for it."""

    def __init__(self) -> None:
        self._at_ns: dict[str, int] = {}
        self._changed = asyncio.Condition()

    async def note(self, what: str, at_ns: int) -> None:
        if what in self._at_ns:
            return
        async with self._changed:
            self._at_ns[what] = at_ns
            self._changed.notify_all()

    async def of(self, what: str) -> int:
        async with asyncio.timeout(WAIT_S_MAX), self._changed:
            await self._changed.wait_for(lambda: what in self._at_ns)
        return self._at_ns[what]


class BenchTerminal:
    """`receipts`: event's digest → when its frame came in, noted once it was proven. `lights`: light and how often the
    hub has said it, as `light_name` puts it → when it said so.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, terminal: str, key: str, verify: Verify) -> None:
        """`key`: the Ed25519 seed, base64url."""
        self._socket = socket
        self._session = TerminalSession(terminal, Ed25519Signer(unb64url(key)), 1, "bench", verify)
        self.receipts = Moments()
        self.lights = Moments()
        self.coming = 0
        self._light = ""
        self._prepared: Event | None = None
        self._linked = asyncio.Event()

    @classmethod
    async def open(cls, session: aiohttp.ClientSession, url: str, terminal: str, key: str, verify: Verify) -> Self:
        return cls(await session.ws_connect(f"{url}/ws/terminal"), terminal, key, verify)

    async def linked(self) -> None:
        async with asyncio.timeout(WAIT_S_MAX):
            await self._linked.wait()

    async def run(self) -> None:
        """Until cancelled. Raises AssertionError, in a group, when the hub and the session do not agree."""
        self._session.connected(mono_ms())
        async with self._socket, asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            async for message in self._socket:
                at_ns = time.time_ns()
                await self._do(self._session.frame(message.data, mono_ms()), at_ns)
                if self._session.state == LINKED:
                    self._linked.set()
            raise AssertionError(f"the hub has closed the link: {self._socket.close_code}")

    async def _beat(self) -> None:
        await self._linked.wait()
        while True:
            next_ms = self._session.next_ms()
            rest_ms = HEARTBEAT_MS if next_ms is None else next_ms - mono_ms()
            await asyncio.sleep(max(rest_ms, TICK_MS_MIN) / 1000)
            await self._do(self._session.tick(mono_ms()), 0)

    async def _do(self, wanted: Iterable[Action], at_ns: int) -> None:
        for action in wanted:
            assert not isinstance(action, Close), action.reason
            if isinstance(action, Send):
                await self._socket.send_str(action.text)
            elif isinstance(action, Delivered):
                await self.receipts.note(action.digest, at_ns)
            elif isinstance(action, Snapshot) and action.hub_light != self._light:
                self._light = action.hub_light
                if action.hub_light == "coming":
                    self.coming += 1
                    await self.lights.note(light_name(self.coming), at_ns)

    def prepare(self) -> None:
        """Signs the next press now, so that a thousand of them can be sent at once."""
        self._prepared = self._session.make_event("panic", "panic", mono_ms())

    async def press(self) -> tuple[str, int]:
        """A press: its digest, and when its signed frame was given to the socket."""
        event = self._prepared or self._session.make_event("panic", "panic", mono_ms())
        self._prepared = None
        wanted = self._session.add_event(event, mono_ms())
        at_ns = time.time_ns()
        await self._do(wanted, at_ns)
        return event.digest, at_ns


def light_name(times: int) -> str:
    return f"coming {times}"


class BenchPager:
    """`pages`: incident → when the frame came that rings for it; `answers`: command → when its receipt came.

    `called`: how many incidents a snapshot called to, shown or only counted, and when it came; each more than before.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._snapshot: dict[str, Any] = {"pages": []}
        self.pages = Moments()
        self.answers = Moments()
        self.called: list[tuple[int, int]] = []
        self._called = asyncio.Condition()
        self._said: dict[str, Any] = {}

    async def run(self) -> None:
        """Until cancelled. Raises AssertionError, in a group, when the hub refuses something or closes."""
        async with self._socket, asyncio.TaskGroup() as group:
            group.create_task(self._beat())
            async for message in self._socket:
                at_ns = time.time_ns()
                frame = json.loads(message.data)
                if frame["type"] == "snapshot":
                    await self._take(frame, at_ns)
                elif frame["type"] == "receipt":
                    await self.answers.note(frame["command"], at_ns)
                assert frame["type"] != "refused", frame
            raise AssertionError(f"the hub has closed the link: {self._socket.close_code}")

    async def _take(self, frame: dict[str, Any], at_ns: int) -> None:
        self._snapshot = frame
        count = len(frame["pages"]) + frame["more"]
        if not self.called or count > self.called[-1][0]:
            self.called.append((count, at_ns))
            async with self._called:
                self._called.notify_all()
        for page in frame["pages"]:
            if page["ring"] == "alarm":
                await self.pages.note(page["incident"], at_ns)
        if not frame["pager"]["reasons"]:
            await self.answers.note(READY, at_ns)
        await self._say_state()

    async def _beat(self) -> None:
        while True:
            await self._socket.send_json({"type": "heartbeat", "t1_ms": mono_ms()})
            await self._say_state(again=True)
            await asyncio.sleep(HEARTBEAT_MS / 1000)

    async def _say_state(self, again: bool = False) -> None:
        """As the pager's own screen does: at once where it has changed, and with each heartbeat."""
        pages = self._snapshot["pages"]
        incidents = [page["incident"] for page in pages]
        ringing = [page["incident"] for page in pages if page["ring"] != "none"]
        state = {"sound": "running", "visible": True, "awake": True, "battery_percent": None, "charging": None}
        state |= {"have": incidents, "seen": incidents, "ringing": ringing}
        if again or state != self._said:
            self._said = state
            await self._socket.send_json({"type": "state", **state})

    async def called_to(self, count: int) -> None:
        """Until a snapshot has called to so many incidents at once."""
        async with asyncio.timeout(WAIT_S_MAX), self._called:
            await self._called.wait_for(lambda: bool(self.called) and self.called[-1][0] >= count)

    async def command(self, do: str, incident: str) -> tuple[str, int]:
        """Its id, and when it was given to the socket."""
        page = next(page for page in self._snapshot["pages"] if page["incident"] == incident)
        name = uuid.uuid4().hex
        command = {"type": "command", "id": name, "do": do, "incident": incident, "note": ""}
        more = {"covers": page["covers"], "outcome": "fault"} if do == "resolve" else {}
        at_ns = time.time_ns()
        await self._socket.send_json(command | more)
        return name, at_ns

    async def answered(self, do: str, incident: str) -> None:
        """Commands, and waits for the receipt."""
        name, _ = await self.command(do, incident)
        await self.answers.of(name)


@contextlib.asynccontextmanager
async def running(*ends: BenchTerminal | BenchPager) -> AsyncIterator[None]:
    """While they talk; one that ends before its time is an error."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(end.run()) for end in ends]
        yield
        for task in tasks:
            assert not task.done(), task
            task.cancel()
