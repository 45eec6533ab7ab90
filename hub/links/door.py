"""The door to the network: whoever only holds connections open, without a word, leaves room for everybody else.

A connection waits from its TCP beginning until its peer has shown on a WebSocket who it is, or it ends. Each address
may have so many that wait; the time for a TLS handshake, for a whole request, for a hello and for taking an answer is
short.
"""

import asyncio
import resource
import socket
import ssl
from collections import defaultdict
from collections.abc import Callable
from ipaddress import ip_address

import structlog
from aiohttp import web

WAITING_PER_ADDRESS_MAX = 512
"""Connections of one address that wait: all terminals of a school may come back at once from behind one."""
TERMINALS_AT_ONCE = 1_024
"""Connections that may wait to be accepted."""
TLS_MS_MAX = 5_000
REQUEST_MS_MAX = 10_000
"""How long a connection may take for the head of a request: its first, and each after an answer."""
UNREAD_MS_MAX = 10_000
"""How long a peer may take nothing of what waits for it."""
UNREAD_BYTES_MAX = 131_072
"""What the machine keeps for one peer, beyond which its sender waits; a kernel doubles it for its own use."""
FILES_MAX = 65_536
"""Open files and connections together, where the machine permits as many."""
ACCEPT_AGAIN_MS = 100

log = structlog.get_logger()

Ports = tuple[int, int]
"""The peer's and ours: what tells the connections of one address apart. Nothing else counts them, for a peer may reset
one and open the next between the same ports before we have noticed.
"""


def raise_file_limit() -> None:
    """The usual soft limit of 1024 is there for programs that can't do with more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


class Waiting:
    """The connections that wait, by address. `turned_away` is called for each that is one too many."""

    def __init__(self, turned_away: Callable[[], None]) -> None:
        self.turned_away = turned_away
        self._from: defaultdict[str, set[Ports]] = defaultdict(set)

    def comes(self, address: str, ports: Ports) -> bool:
        """Whether it may wait."""
        if len(self._from[address]) >= WAITING_PER_ADDRESS_MAX:
            self.turned_away()
            return False
        self._from[address].add(ports)
        return True

    def goes(self, address: str, ports: Ports) -> None:
        """It was let in, or it has ended; said twice it is nothing new."""
        self._from[address].discard(ports)
        if not self._from[address]:
            del self._from[address]

    def let_in(self, request: web.Request) -> None:
        """Who asks over this connection is known, and it stays. Other requests are soon over."""
        if request.transport is not None:
            peer, ours = (request.transport.get_extra_info(name) for name in ("peername", "sockname"))
            if peer and ours:
                self.goes(peer[0], (peer[1], ours[1]))


class Door:
    """A listening socket and whoever is on the way in. Python's own servers accept first and ask nobody."""

    def __init__(self, server: web.Server, waiting: Waiting, tls: ssl.SSLContext | None) -> None:
        self._server = server
        self._waiting = waiting
        self._tls = tls
        self._entering: set[asyncio.Task[None]] = set()
        self._socket: socket.socket
        self.accepting: asyncio.Task[None]
        """Ends by itself only by a defect."""

    @property
    def port(self) -> int:
        port: int = self._socket.getsockname()[1]
        return port

    def open(self, address: str, port: int) -> None:
        """Raises OSError."""
        family = socket.AF_INET6 if ip_address(address).version == 6 else socket.AF_INET
        self._socket = socket.create_server((address, port), family=family, backlog=TERMINALS_AT_ONCE)
        self._socket.setblocking(False)
        # Whoever is accepted inherits these.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD_BYTES_MAX)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNREAD_MS_MAX)
        self.accepting = asyncio.create_task(self._accept())

    async def close(self) -> None:
        """Nobody else gets in; who is in stays."""
        tasks = (self.accepting, *self._entering)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._socket.close()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                accepted, address = await loop.sock_accept(self._socket)
            except OSError as error:
                # It went before it came, or no more files can be opened.
                log.warning("a connection can't be accepted", error=str(error))
                await asyncio.sleep(ACCEPT_AGAIN_MS / 1000)
                continue
            ports = (address[1], self.port)
            if not self._waiting.comes(address[0], ports):
                accepted.close()
                continue
            task = asyncio.create_task(self._enter(accepted, address[0], ports))
            self._entering.add(task)
            task.add_done_callback(self._entering.discard)

    async def _enter(self, accepted: socket.socket, address: str, ports: Ports) -> None:
        """TLS; then the connection is the web server's."""

        def ended() -> None:
            self._waiting.goes(address, ports)

        accepted.setblocking(False)
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                lambda: _Told(self._server(), ended),
                accepted,
                ssl=self._tls,
                ssl_handshake_timeout=None if self._tls is None else TLS_MS_MAX / 1000,
            )
        except BaseException as error:
            accepted.close()
            ended()
            # Else the peer went, was silent, or speaks no TLS that we do: a stranger's business.
            if not isinstance(error, OSError):
                raise


class _Told(asyncio.Protocol):
    """The web server's end of a connection; `ended` is called when that is over. A loop need not close the socket that
    it was given, but it has to tell the protocol.
    """

    def __init__(self, served: asyncio.Protocol, ended: Callable[[], None]) -> None:
        self._served = served
        self._ended = ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._served.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        self._served.data_received(data)

    def eof_received(self) -> bool | None:
        return self._served.eof_received()

    def pause_writing(self) -> None:
        self._served.pause_writing()

    def resume_writing(self) -> None:
        self._served.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended()
        self._served.connection_lost(exc)


def open_door(
    runner: web.AppRunner, address: str, port: int, waiting: Waiting, tls: ssl.SSLContext | None = None
) -> Door:
    """For a runner that is set up; it is to be closed before that. Raises OSError."""
    if runner.server is None:
        raise RuntimeError("the runner is to be set up before a door opens")
    door = Door(runner.server, waiting, tls)
    door.open(address, port)
    return door
