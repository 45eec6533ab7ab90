"""The one connection to the hub: a TLS WebSocket that is always open, or being opened again.

The conversation itself is `firstbell.session`'s, kept by the daemon; here are the socket, the back-off and the words
for why there is no link. Nothing that the daemon calls here waits.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random
from typing import Protocol, Self

import aiohttp
import structlog
from firstbell.messages import FRAME_BYTES_MAX, SILENCE_MS_MAX
from firstbell_linux.problems import Phrase, Problem

from terminal.credentials import tls_context
from terminal.find_hub import Address
from terminal.problems import TerminalError
from terminal.settings import HubSettings

PATH = "/ws/terminal"
BACKOFF_MS_MIN = 250
BACKOFF_MS_MAX = 5_000
"""Between two attempts, doubled at each that fails; the real pause is 0.5 to 1.5 times that, by chance, so that a
campus full of terminals does not come back at one moment."""
CONNECT_MS_MAX = 5_000
CLOSE_MS_MAX = 500
"""A hub that is gone says no goodbye."""
QUEUE_FRAMES_MAX = 256
"""Frames that wait for the socket; who takes none of so many is not there."""
KEEPALIVE_IDLE_S = 3
KEEPALIVE_PROBES = 2

# OpenSSL's verification results.
_WRONG_NAME = (62, 64)
_NOT_YET_VALID = 9
_WRONG_TIME = (_NOT_YET_VALID, 10)

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (ConnectionRefusedError, "reasons.refused"),
    (TimeoutError, "reasons.timeout"),
    (ConnectionError, "reasons.closed"),
    (aiohttp.ClientConnectionError, "reasons.closed"),
)

log = structlog.get_logger(part="hub_link")


class Conversation(Protocol):
    """Whoever speaks over the link; called on the event loop, and must not wait."""

    def connected(self) -> None: ...

    def heard(self, text: str) -> None: ...

    def lost(self) -> None: ...


class Finder(Protocol):
    """What is used here of `FindHub`."""

    async def next_address(self) -> Address: ...

    def worked(self, address: Address) -> None: ...


class WebSocket(Protocol):
    """What is used here of aiohttp's `ClientWebSocketResponse`."""

    async def send_str(self, data: str) -> None: ...

    async def close(self) -> bool: ...

    def __aiter__(self) -> Self: ...

    async def __anext__(self) -> aiohttp.WSMessage: ...


Connect = Callable[[Address], Awaitable[tuple[WebSocket, bool]]]
"""`connect`, but for the address."""


class HubLink:
    """`run` it; `send` and `drop` at any time. `random` draws the pauses.

    `problem`: why there is no connection, None while there is one. `clock_behind`: see `connect`.
    """

    def __init__(self, settings: HubSettings, finder: Finder, conversation: Conversation, random: Random) -> None:
        self._settings = settings
        self._finder = finder
        self._conversation = conversation
        self._random = random
        self._queue: asyncio.Queue[str] = asyncio.Queue(QUEUE_FRAMES_MAX)
        self._dropped = asyncio.Event()
        self._uncut = asyncio.Event()
        self._uncut.set()
        self._backoff_ms = BACKOFF_MS_MIN
        self.problem: Problem | None = Problem("not_linked", settings.address or settings.campus)
        self.address: Address | None = None
        self.clock_behind = False

    def send(self, text: str) -> None:
        """Queue a frame for the present connection; without one it is forgotten."""
        try:
            self._queue.put_nowait(text)
        except asyncio.QueueFull:
            self.drop(Problem("hub_lost", str(self.address)))

    def accepted(self) -> None:
        """The hub has taken us for who we are: the next attempt is a first one again."""
        if self.problem is not None:
            log.info("linked", address=str(self.address))
        self.problem = None
        self._backoff_ms = BACKOFF_MS_MIN
        if self.address is not None:
            self._finder.worked(self.address)

    def drop(self, problem: Problem) -> None:
        """End the present connection, because of `problem`; another is opened."""
        self.problem = problem
        self._dropped.set()

    def cut(self, on: bool) -> None:
        """Simulated terminals only: pull the network cable, and plug it in again. As with a real one, whoever is
        cut off finds out by silence.
        """
        if on:
            self._uncut.clear()
        elif not self._uncut.is_set():
            self._uncut.set()
            # What was sent meanwhile is lost: a stream with a hole in it is of no use.
            self.drop(Problem("not_linked", str(self.address)))

    async def run(self, connect: Connect) -> None:
        """Connects again and again until it is cancelled."""
        while True:
            await self._uncut.wait()
            self._dropped.clear()
            try:
                await self._attempt(connect)
            except TerminalError as error:
                self._failed(error.problem)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                self._failed(explain(error, self.address, self._settings.server_name))
            await self._pause()

    def _failed(self, problem: Problem) -> None:
        if self.problem is None or self.problem.name != problem.name:
            log.warning("no link", problem=str(problem))
        self.problem = problem

    async def _pause(self) -> None:
        pause_ms = self._backoff_ms * self._random.uniform(0.5, 1.5)
        self._backoff_ms = min(2 * self._backoff_ms, BACKOFF_MS_MAX)
        await asyncio.sleep(pause_ms / 1000)

    async def _attempt(self, connect: Connect) -> None:
        """One connection, from its beginning to its end. Raises TerminalError, aiohttp.ClientError, OSError,
        TimeoutError.
        """
        self.address = await self._finder.next_address()
        socket, self.clock_behind = await connect(self.address)
        self._queue = asyncio.Queue(QUEUE_FRAMES_MAX)
        self._conversation.connected()
        try:
            await _first_of(self._read(socket), self._write(socket), self._dropped.wait())
        finally:
            self._conversation.lost()
            await socket.close()
        if not self._dropped.is_set():
            raise ConnectionResetError("the connection was closed")

    async def _read(self, socket: WebSocket) -> None:
        async for message in socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise TerminalError(Problem("hub_not_ours", str(self.address), {"reason": message.type.name}))
            if self._uncut.is_set():
                self._conversation.heard(message.data)

    async def _write(self, socket: WebSocket) -> None:
        while True:
            text = await self._queue.get()
            if self._uncut.is_set():
                await socket.send_str(text)


def new_client() -> aiohttp.ClientSession:
    """For `connect`. Keeps nothing from one connection to the next."""
    connector = aiohttp.TCPConnector(socket_factory=_open_socket, force_close=True)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())


async def connect(
    client: aiohttp.ClientSession, address: Address, name: str, ca: Path
) -> tuple[aiohttp.ClientWebSocketResponse, bool]:
    """A WebSocket to whoever is at `address`, once the campus's CA says that it is `name`; and whether our clock is
    behind: a Pi has none that runs without power. A certificate of the future proves that, and then its dates mean
    nothing to us; to refuse it would be to refuse to call for help.

    Raises CredentialsError, aiohttp.ClientError, OSError, TimeoutError: `explain` has words for the last three.
    """
    for check_times in (True, False):
        try:
            async with asyncio.timeout(CONNECT_MS_MAX / 1000):
                socket = await client.ws_connect(
                    f"wss://{address}{PATH}",
                    ssl=tls_context(ca, check_times=check_times),
                    server_hostname=name,
                    max_msg_size=FRAME_BYTES_MAX + 1,
                    timeout=aiohttp.ClientWSTimeout(ws_close=CLOSE_MS_MAX / 1000),
                )
            return socket, not check_times
        except aiohttp.ClientConnectorCertificateError as error:
            if _verdict(error) != _NOT_YET_VALID or not check_times:
                raise
    raise AssertionError("without times, no certificate is of the future")


def _verdict(error: aiohttp.ClientConnectorCertificateError) -> int:
    """OpenSSL's verification result."""
    cause = error.certificate_error
    return cause.verify_code if isinstance(cause, ssl.SSLCertVerificationError) else 0


async def _first_of(*waits: Awaitable[object]) -> None:
    """Until one of them ends; the others are cancelled. Raises what it raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        task.result()


def explain(error: Exception, address: Address | None, name: str) -> Problem:
    """Why there is no connection. `name`: whom we look for."""
    where = str(address)
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        error = error.certificate_error
    if isinstance(error, ssl.SSLCertVerificationError):
        if error.verify_code in _WRONG_NAME:
            return Problem("hub_wrong_name", where, {"name": name})
        kind = "hub_wrong_time" if error.verify_code in _WRONG_TIME else "hub_untrusted"
        return Problem(kind, where, {"reason": error.verify_message})
    if isinstance(error, aiohttp.WSServerHandshakeError):
        return Problem("hub_not_ours", where, {"reason": f"HTTP {error.status}"})
    if isinstance(error, aiohttp.ClientConnectorSSLError | ssl.SSLError):
        return Problem("hub_not_ours", where, {"reason": "TLS"})
    return Problem("hub_no_answer", where, {"reason": _reason(error)})


def _reason(error: Exception) -> str | Phrase:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return Phrase("reasons.no_address")
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    for kind, phrase in _REASONS:
        if isinstance(cause, kind):
            return Phrase(phrase)
    return (cause.strerror if isinstance(cause, OSError) else None) or type(cause).__name__


def _open_socket(address: aiohttp.AddrInfoType) -> socket.socket:
    """A TCP socket that notices when the other side is gone without a word."""
    family, kind, protocol, _, _ = address
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_IDLE_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, KEEPALIVE_IDLE_S)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, KEEPALIVE_PROBES)
    opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, SILENCE_MS_MAX)
    return opened
