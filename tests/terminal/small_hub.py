"""A hub for a test: real TLS, real frames, real ledger arithmetic, and a hand on every word it says."""

import asyncio
import secrets
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell import messages
from firstbell.jws import EDDSA, Ed25519Verifier
from firstbell.merkle import leaf_hash
from firstbell.note import base64_text

from hub.dispatch.entries import EventRecorded, encode
from hub.ledger.checkpoint import sign_checkpoint
from hub.ledger.note import Signer
from hub.ledger.tree import Tree
from hub.links.terminal_session import Close, HubSession, Linked, Registered, Send, SignedEvent, Status
from hub.places.authority import found, server_context

NAME = "hub.internal"
ORIGIN = "hub.internal/log"
WAIT_S_MAX = 30


def no_tiles(level: int, n: int) -> bytes:
    raise AssertionError("no test fills a tile")


class Campus:
    """What a hub and its terminals hold in common; the keys are in `keys`."""

    def __init__(self, folder: Path) -> None:
        self.keys = folder / "keys"
        found(self.keys, "c-abcdefghij", [NAME], [], datetime.now(UTC))
        self.signer = Signer(ORIGIN, Ed25519PrivateKey.generate())

    def context(self) -> ssl.SSLContext:
        return server_context(self.keys)


@dataclass(frozen=True, slots=True)
class Said:
    """What the hub tells its terminals, all of them alike."""

    light: str = "none"
    ring: str = "none"
    silent: bool = False


@dataclass(slots=True, eq=False)
class Connection:
    websocket: web.WebSocketResponse
    transport: asyncio.Transport
    session: HubSession
    waiting: list[str] = field(default_factory=list)


class SmallHub:
    """Serves from `start` to `stop`; a second `start` is a hub that is back, with its ledger.

    `holds_receipts`: events are recorded, their receipts wait for `release`. `forge` changes a receipt's fields before
    it goes out. `is_mute`: reads nothing and answers nothing, on connections that stay open.
    """

    def __init__(self, campus: Campus) -> None:
        self.campus = campus
        self.port = free_port()
        self.public_keys: dict[str, bytes] = {}
        self.revoked: set[str] = set()
        self.tree = Tree.empty(no_tiles)
        self.recorded: dict[str, tuple[int, str]] = {}
        self.events: list[SignedEvent] = []
        self.arrived_ms: dict[str, int] = {}
        self.hellos: list[Linked] = []
        self.statuses: list[Status] = []
        self.connections: list[Connection] = []
        self.opened_ms: list[int] = []
        self.said = Said()
        self.holds_receipts = False
        self.is_mute = False
        self.forge: Callable[[dict[str, Any]], dict[str, Any]] = lambda fields: fields
        self._changed = asyncio.Condition()
        self._runner: web.AppRunner | None = None

    def now_ms(self) -> int:
        """Hub time: another count than the terminal's, on the same clock, so that tests can compare."""
        return time.monotonic_ns() // 1_000_000 + 1_000_000_000

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        app = web.Application()
        app.router.add_get("/ws/terminal", self._serve)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        context = context or self.campus.context()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=context).start()

    async def stop(self) -> None:
        """As if its power went: no goodbye."""
        assert self._runner is not None
        self.drop()
        await self._runner.cleanup()

    def drop(self) -> None:
        for connection in tuple(self.connections):
            connection.transport.abort()

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(WAIT_S_MAX), self._changed:
            await self._changed.wait_for(condition)

    async def say(self, said: Said) -> None:
        self.said = said
        for connection in tuple(self.connections):
            if connection.session.terminal:
                await self._tell(connection)

    async def release(self) -> None:
        self.holds_receipts = False
        for connection in tuple(self.connections):
            while connection.waiting:
                await self._receipt(connection, connection.waiting.pop(0))

    async def send(self, text: str) -> None:
        """These bytes, to everybody."""
        for connection in tuple(self.connections):
            await connection.websocket.send_str(text)

    def _lookup(self, terminal: str) -> Registered | None:
        key = self.public_keys.get(terminal)
        if key is None:
            return None
        return Registered(terminal, EDDSA, Ed25519Verifier(key).verify, terminal in self.revoked)

    async def _serve(self, request: web.Request) -> web.WebSocketResponse:
        websocket = web.WebSocketResponse(compress=False, max_msg_size=messages.FRAME_BYTES_MAX + 1)
        await websocket.prepare(request)
        assert isinstance(request.transport, asyncio.Transport)
        connection = Connection(websocket, request.transport, HubSession(self._lookup))
        self.connections.append(connection)
        self.opened_ms.append(self.now_ms())
        await self._note()
        try:
            await self._act(connection, connection.session.challenge(self.now_ms(), secrets.token_bytes(32)))
            async for message in websocket:
                if message.type is WSMsgType.TEXT and not self.is_mute:
                    await self._act(connection, connection.session.frame(message.data, self.now_ms()))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self.connections.remove(connection)
            await self._note()
        return websocket

    async def _act(self, connection: Connection, actions: list[Any]) -> None:
        for action in actions:
            if isinstance(action, Send):
                await connection.websocket.send_str(action.text)
            elif isinstance(action, Close):
                await connection.websocket.close(code=1008)
            elif isinstance(action, Linked):
                self.hellos.append(action)
                await self._note()
                await self._tell(connection)
            elif isinstance(action, Status):
                self.statuses.append(action)
                await self._note()
            elif isinstance(action, SignedEvent):
                await self._record(connection, action)

    async def _record(self, connection: Connection, event: SignedEvent) -> None:
        if event.digest not in self.recorded:
            self._append(event)
            self.arrived_ms[event.digest] = self.now_ms()
            self.events.append(event)
            await self._note()
        if self.holds_receipts:
            connection.waiting.append(event.digest)
        else:
            await self._receipt(connection, event.digest)

    def _append(self, event: SignedEvent) -> None:
        fields = {name: getattr(event, name) for name in SignedEvent.__slots__}
        now_ms = self.now_ms()
        entry = encode(EventRecorded(at_ms=now_ms, received_ms=now_ms, incident="", again=False, **fields))
        self.recorded[event.digest] = (self.tree.size, entry.decode())
        self.tree = self.tree.append([leaf_hash(entry)])

    async def _receipt(self, connection: Connection, digest: str) -> None:
        index, entry = self.recorded[digest]
        fields = {
            "event": digest,
            "index": index,
            "entry": entry,
            "proof": [base64_text(beside) for beside in self.tree.inclusion_proof(index, self.tree.size)],
            "checkpoint": sign_checkpoint(self.campus.signer, self.tree.size, self.tree.root()),
        }
        with suppress(ConnectionError):
            await connection.websocket.send_str(messages.receipt_frame(**self.forge(fields)))

    async def _tell(self, connection: Connection) -> None:
        said = self.said
        frame = messages.snapshot_frame(self.now_ms(), said.light, said.ring, said.silent)
        with suppress(ConnectionError):
            await connection.websocket.send_str(frame)

    async def _note(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
