"""The one connection to the hub: a TLS WebSocket that is always open, or being opened again.

The conversation is `firstbell.session`'s, kept by the daemon, the frames are `firstbell.websocket`'s; here are the
socket and the back-off. Nothing that the daemon calls here waits.
"""

import asyncio
import gc
import ssl

from firstbell.messages import FRAME_BYTES_MAX
from firstbell.websocket import HEAD_BYTES_MAX, OPEN, Closed, Message, Opened, WebSocket, Write

try:
    from collections.abc import Callable
    from typing import Any, Protocol

    from node.wall_clock import WallClock

    class Conversation(Protocol):
        """Whoever speaks over the link; must not wait."""

        def connected(self) -> None: ...
        def heard(self, text: str) -> None: ...
        def lost(self) -> None: ...

except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

PATH = "/ws/terminal"
BACKOFF_MS_MIN = 250
BACKOFF_MS_MAX = 5_000
"""Between two attempts, doubled at each that fails; the real pause is 0.5 to 1.5 times that, by chance."""
CONNECT_S_MAX = 15
"""A handshake takes a Pico more than a second, and may wait for the radio."""
READ_BYTES = 1_024
WAITING_BYTES_MAX = 32_768
"""More than all that is on its way at one time."""


class HubLink:
    """`run` it; `send` and `drop` at any time. `problem`: why there is no link, "" while there is one."""

    def __init__(
        self,
        find: "Callable[[], Any]",
        server_name: str,
        ca: bytes,
        clock: "WallClock",
        random: "Callable[[int], bytes]",
        conversation: "Conversation",
    ) -> None:
        """`find()`, a coroutine: host and port for the next attempt, or None. `ca`: DER."""
        self._find = find
        self._server_name = server_name
        self._ca = ca
        self._clock = clock
        self._random = random
        self._conversation = conversation
        self._backoff_ms = BACKOFF_MS_MIN
        self._socket: WebSocket | None = None
        # Made once: a heap in use may have no piece so large.
        self._piece = memoryview(bytearray(READ_BYTES))
        self._buffer = bytearray(FRAME_BYTES_MAX + HEAD_BYTES_MAX)
        self._waiting: list[bytes | bytearray] = []
        self._wake = asyncio.Event()
        self._opened = asyncio.Event()
        self._over = asyncio.Event()
        self._failure: Exception | None = None
        self.problem = "not_linked"
        self.address = ""

    def send(self, text: str) -> None:
        """Queue a frame for the present connection; without one it is forgotten."""
        # What came behind a message may have ended it already.
        if self._socket is not None and self._socket.state == OPEN and not self._over.is_set():
            self._queue(self._socket.send(text))

    def accepted(self) -> None:
        """The hub has taken us for who we are: the next attempt is a first one again."""
        self.problem = ""
        self._backoff_ms = BACKOFF_MS_MIN

    def drop(self) -> None:
        """End the present connection; `problem` says why. Another is opened."""
        self._over.set()

    def _queue(self, data: "bytes | bytearray") -> None:
        self._waiting.append(data)
        if sum(len(one) for one in self._waiting) > WAITING_BYTES_MAX:
            self.problem = "hub_lost"
            self.drop()
        self._wake.set()

    async def run(self) -> None:
        """Connects again and again until it is cancelled. Raises what is a defect, or no memory."""
        while True:
            try:
                await self._attempt()
            except asyncio.TimeoutError:
                self.problem = "hub_no_answer"
            except ValueError as error:
                self._judge(str(error))
            except OSError as error:
                self.problem = "hub_no_answer: " + str(error)
            await asyncio.sleep_ms(self._pause_ms())

    def _pause_ms(self) -> int:
        backoff_ms = self._backoff_ms
        self._backoff_ms = min(2 * backoff_ms, BACKOFF_MS_MAX)
        return backoff_ms // 2 + backoff_ms * self._random(1)[0] // 255

    def _judge(self, reason: str) -> None:
        """What Mbed TLS has against the certificate."""
        self.problem = "hub_untrusted: " + reason
        if "future" in reason:
            self._clock.certificate_is_of_the_future()
        elif "expired" in reason:
            self._clock.certificate_has_expired()

    async def _attempt(self) -> None:
        """One connection, from its beginning to its end. Raises OSError, ValueError, asyncio.TimeoutError."""
        found = await self._find()
        if found is None:
            self.problem = "hub_not_found"
            return
        host, port = found
        self.address = host + ":" + str(port)
        # TLS wants two large pieces, and what it is made of next wants many small ones.
        gc.collect()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=self._ca)
        opening = asyncio.open_connection(host, port, ssl=context, server_hostname=self._server_name)
        reader: Any
        writer: Any
        reader, writer = await asyncio.wait_for(opening, CONNECT_S_MAX)
        self._opened.clear()
        self._over.clear()
        self._waiting = []
        self.problem = "hub_no_answer"
        socket = WebSocket(self._server_name, PATH, self._random, self._buffer)
        self._queue(socket.request())
        works = (self._read(reader, socket), self._write(writer))
        tasks = [asyncio.create_task(self._until_over(work)) for work in works]
        try:
            # The handshake is part of the first write and read, and who accepts a connection need not answer.
            await asyncio.wait_for(self._opened.wait(), CONNECT_S_MAX)
            await self._over.wait()
            if self._failure is not None:
                raise self._failure
        finally:
            for task in tasks:
                task.cancel()
            if self._socket is not None:
                self._socket = None
                self._conversation.lost()
            writer.close()
            try:
                # In MicroPython only this closes it.
                await writer.wait_closed()
            except OSError:
                pass

    async def _until_over(self, work: "Any") -> None:
        """What the handshake finds wrong comes out of the first read or write."""
        try:
            await work
        except ValueError as error:
            self._judge(str(error))
        except OSError as error:
            # The other half of the connection may have said why.
            if not self._over.is_set():
                # What has opened nothing has lost nothing: so a refused connection comes out here.
                self.problem = ("hub_no_answer: " if self._socket is None else "hub_lost: ") + str(error)
        except Exception as error:
            # Going on would only meet it again: with what the hub sends next, or on a heap in small pieces.
            self._failure = error
        finally:
            self._opened.set()
            self._over.set()

    async def _write(self, writer: "Any") -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                writer.write(self._waiting.pop(0))
                await writer.drain()

    async def _read(self, reader: "Any", socket: WebSocket) -> None:
        while True:
            count = await reader.readinto(self._piece)
            if count is None:
                continue  # TLS had something to read, and we have not
            for action in socket.receive(self._piece[:count]):
                if isinstance(action, Opened):
                    self._socket = socket
                    self._opened.set()
                    self._clock.hub_said(action.date)
                    self._conversation.connected()
                elif isinstance(action, Message):
                    self._conversation.heard(action.text)
                elif isinstance(action, Write):
                    self._queue(action.data)
                elif isinstance(action, Closed):
                    self.problem = "hub_lost: " + str(action.code) + " " + action.reason
                    return
