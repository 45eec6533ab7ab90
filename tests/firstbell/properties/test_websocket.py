"""The client's half of a WebSocket with bytes that nobody would send, and with a server that was written elsewhere."""

import asyncio
import os
from collections.abc import AsyncIterator

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer
from firstbell.websocket import CLOSED, Action, Closed, Message, Opened, WebSocket, Write
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.firstbell.test_websocket import MAX, answer, buffer, fixed, frame, new, opened

CASES = 3_000
PIECES = st.lists(st.binary(max_size=300), max_size=8)
FRAME = st.builds(
    frame, st.integers(0, 15), st.binary(max_size=200) | st.binary(min_size=126, max_size=1_200), st.booleans()
)
DAMAGED = st.builds(
    lambda frames, place, byte: _with(b"".join(frames), place, byte),
    st.lists(FRAME, max_size=6),
    st.integers(0, 4_000),
    st.integers(0, 255),
)


def _with(data: bytes, place: int, byte: int) -> bytes:
    return data[:place] + bytes([byte]) + data[place + 1 :]


def _fed(socket: WebSocket, pieces: list[bytes]) -> list[tuple[str, object]]:
    """What came of it. However it went, it is within its limits, and over when it said so."""
    found: list[Action] = []
    for piece in filter(None, pieces):
        found += socket.receive(piece)
        assert sum(map(len, socket._parts)) <= MAX
        assert [action for action in found[:-1] if isinstance(action, Closed)] == []
        assert (socket.state == CLOSED) == (bool(found) and isinstance(found[-1], Closed))
    return [(type(action).__name__, tuple(vars(action).values())) for action in found]


@settings(max_examples=CASES, deadline=None)
@given(PIECES)
def test_any_bytes_for_an_answer(pieces: list[bytes]) -> None:
    assert _fed(new(), pieces) == _fed(new(), [b"".join(pieces)])


@settings(max_examples=CASES, deadline=None)
@given(PIECES)
def test_any_bytes_for_frames(pieces: list[bytes]) -> None:
    assert _fed(opened(), pieces) == _fed(opened(), [b"".join(pieces)])


@settings(max_examples=CASES, deadline=None)
@given(DAMAGED, st.integers(1, 400))
def test_frames_with_a_wrong_byte(data: bytes, size: int) -> None:
    pieces = [data[place : place + size] for place in range(0, len(data), size)]
    assert _fed(opened(), pieces) == _fed(opened(), [data])


@pytest.mark.parametrize("size", [65_535, 65_536, 200_000])
def test_long_messages(size: int) -> None:
    socket = WebSocket("h", "/", fixed, buffer(size))
    socket.receive(answer(socket.request()))
    (message,) = socket.receive(frame(1, b"a" * size))
    assert isinstance(message, Message)
    assert message.text == "a" * size
    data = socket.send("a" * size)
    head = b"\x81\xfe\xff\xff" if size == 65_535 else b"\x81\xff" + size.to_bytes(8, "big")
    assert data.startswith(head)
    assert len(data) == len(head) + 4 + size


# ── a server that others wrote ──────────────────────────────────────────────────────────────────────────────


async def _echo(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    await socket.ping(b"are you there")
    async for message in socket:
        assert message.type is WSMsgType.TEXT
        if message.data == "close":
            await socket.close(code=1008, message=b"as you wish")
        else:
            await socket.send_str(message.data)
    return socket


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/ws", _echo)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def test_a_conversation(server: TestServer) -> None:
    reader, writer = await asyncio.open_connection(server.host, server.port)
    socket = WebSocket(f"{server.host}:{server.port}", "/ws", os.urandom, buffer(70_000))
    writer.write(socket.request())
    texts = ["", "a", "你好" * 50, "x" * 125, "y" * 126, "z" * 66_000]
    came: list[str] = []
    closed: Closed | None = None
    while closed is None:
        for action in socket.receive(await reader.read(4_096)):
            if isinstance(action, Opened):
                for text in texts:
                    writer.write(socket.send(text))
            elif isinstance(action, Message):
                came.append(action.text)
                if len(came) == len(texts):
                    writer.write(socket.send("close"))
            elif isinstance(action, Write):
                writer.write(action.data)
            elif isinstance(action, Closed):
                closed = action
    writer.close()
    assert came == texts
    assert (closed.code, closed.reason) == (1008, "as you wish")
