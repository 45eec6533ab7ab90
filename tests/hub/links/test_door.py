"""Whoever holds connections open without a word, and the rest who want in."""

import asyncio
import resource
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress

import aiohttp
import pytest
from aiohttp import web

from hub.links.door import FILES_MAX, WAITING_PER_ADDRESS_MAX, Waiting, open_door, raise_file_limit

HOST = "127.0.0.1"
STORM = 200


class House:
    """A door with a page and a WebSocket behind it. `away`: how often somebody was turned away."""

    def __init__(self) -> None:
        self.away = 0
        self.waiting = Waiting(self._turned_away)
        self.full = asyncio.Event()
        self.port = 0
        self.unread: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        """How much was written for a peer who took nothing, until it was over."""

    def _turned_away(self) -> None:
        self.away += 1
        self.full.set()

    async def open(self, stack: AsyncExitStack, request_ms: int) -> None:
        app = web.Application()
        app.add_routes([web.get("/ws", self._echo), web.get("/", _page), web.get("/much", self._much)])
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, keepalive_timeout=request_ms / 1000)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        door = open_door(runner, HOST, 0, self.waiting)
        stack.push_async_callback(door.close)
        self.port = door.port

    async def _much(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        written = 0
        try:
            while True:
                await response.write(bytes(65_536))
                written += 65_536
        except ConnectionError:
            self.unread.set_result(written)
        return response

    async def _echo(self, request: web.Request) -> web.WebSocketResponse:
        """Who has said something is known."""
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        async for message in ws:
            self.waiting.let_in(request)
            await ws.send_str(message.data)
        return ws

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(HOST, self.port)


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="page")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        house = House()
        await house.open(stack, request_ms=60_000)
        yield house


async def test_an_address_has_no_more_that_wait_than_it_may(house: House) -> None:
    idle = [await house.connect() for _ in range(WAITING_PER_ADDRESS_MAX)]
    reader, writer = await house.connect()
    assert await reader.read() == b""
    assert house.away == 1
    # One of them ends: there is room for another.
    idle[0][1].write(b"nonsense\r\n\r\n")
    await idle[0][0].read()
    async with aiohttp.ClientSession() as browser, browser.get(f"http://{HOST}:{house.port}/") as answer:
        assert await answer.text() == "page"
    for _, one in (*idle, (reader, writer)):
        one.close()


async def test_whoever_comes_and_goes_again_and_again_is_let_in(house: House) -> None:
    """A new connection for each look, as a script or a page does it."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as browser:
        for _ in range(WAITING_PER_ADDRESS_MAX + 1):
            async with browser.get(f"http://{HOST}:{house.port}/") as answer:
                assert await answer.text() == "page"
    assert house.away == 0


async def test_who_opens_a_websocket_and_says_nothing_still_waits(house: House) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as browser:
        url = f"http://{HOST}:{house.port}/ws"
        dumb = [await browser.ws_connect(url) for _ in range(WAITING_PER_ADDRESS_MAX)]
        reader, writer = await house.connect()
        assert await reader.read() == b""
        writer.close()
        await dumb[0].send_str("here")
        await dumb[0].receive()
        await browser.ws_connect(url)


def test_no_count_is_left_over_whoever_comes_and_goes() -> None:
    """One port of a peer at two doors of ours; the next connection between the same ports before the last is over."""
    away: list[None] = []
    waiting = Waiting(lambda: away.append(None))
    for _ in range(WAITING_PER_ADDRESS_MAX):
        for ports in ((50_000, 8443), (50_000, 8080), (50_000, 8443)):
            assert waiting.comes(HOST, ports)
        for ports in ((50_000, 8443), (50_000, 8080), (50_000, 8443)):
            waiting.goes(HOST, ports)
    assert [waiting.comes(HOST, (port, 8443)) for port in range(WAITING_PER_ADDRESS_MAX + 1)] == [
        *[True] * WAITING_PER_ADDRESS_MAX,
        False,
    ]
    assert len(away) == 1


async def test_who_is_let_in_waits_no_more(house: House) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as browser:
        lines = [await browser.ws_connect(f"http://{HOST}:{house.port}/ws") for _ in range(STORM)]
        for line in lines:
            await line.send_str("here")
            assert (await line.receive()).data == "here"
        idle = [await house.connect() for _ in range(WAITING_PER_ADDRESS_MAX)]
        for line in lines:
            await line.send_str("still here")
            assert (await line.receive()).data == "still here"
        assert house.away == 0
        for _, one in idle:
            one.close()


async def test_many_at_once_are_let_in(house: House) -> None:
    """As after a power cut: every terminal of a school, from behind one address."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as browser:
        await asyncio.gather(*(browser.ws_connect(f"http://{HOST}:{house.port}/ws") for _ in range(STORM)))
    assert house.away == 0


@pytest.mark.parametrize("said", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: hub\r\n"])
async def test_a_connection_without_a_whole_request_ends(said: bytes) -> None:
    async with AsyncExitStack() as stack:
        house = House()
        await house.open(stack, request_ms=50)
        reader, writer = await house.connect()
        writer.write(said)
        # What comes so late that nobody reads it any more makes its end a reset.
        with suppress(ConnectionResetError):
            async with asyncio.timeout(5):
                assert await reader.read() == b""
        writer.close()


async def test_a_peer_that_takes_nothing_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.links.door.UNREAD_MS_MAX", 200)
    async with AsyncExitStack() as stack:
        house = House()
        await house.open(stack, request_ms=60_000)
        with socket.socket() as greedy:
            greedy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            greedy.setblocking(False)
            await asyncio.get_running_loop().sock_connect(greedy, (HOST, house.port))
            await asyncio.get_running_loop().sock_sendall(greedy, b"GET /much HTTP/1.1\r\nHost: hub\r\n\r\n")
            async with asyncio.timeout(20):
                assert await house.unread < 1 << 20


def test_the_limit_of_open_files_is_what_the_machine_permits() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (1_024, hard))
    try:
        raise_file_limit()
        permitted = FILES_MAX if hard == resource.RLIM_INFINITY else min(hard, FILES_MAX)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (permitted, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
