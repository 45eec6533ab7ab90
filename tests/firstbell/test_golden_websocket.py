"""The golden bytes of a WebSocket and of the LAN's answers, on CPython and MicroPython."""

from firstbell import mdns
from firstbell.websocket import CLOSED, HEAD_BYTES_MAX, Closed, Message, Opened, WebSocket, Write

from tests.firstbell.test_golden import load

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


def new(vectors: "dict[str, Any]") -> WebSocket:
    random = bytes.fromhex(vectors["random"])
    buffer = bytearray(HEAD_BYTES_MAX + vectors["message_bytes_max"])
    return WebSocket(vectors["host"], vectors["path"], lambda count: random[:count], buffer)


def opened(vectors: "dict[str, Any]") -> WebSocket:
    socket = new(vectors)
    socket.receive(bytes.fromhex(vectors["answers"][0]["stream"]))
    return socket


def said(socket: WebSocket, stream: bytes, piece_bytes: int) -> "list[list[object]]":
    found: list[list[object]] = []
    for place in range(0, len(stream), piece_bytes):
        for action in socket.receive(stream[place : place + piece_bytes]):
            if isinstance(action, Opened):
                found.append(["opened", action.date])
            elif isinstance(action, Message):
                found.append(["message", action.text])
            elif isinstance(action, Write):
                found.append(["write", action.data.hex()])
            elif isinstance(action, Closed):
                found.append(["closed", action.code])
                assert socket.state == CLOSED
    return found


def test_each_stream_in_pieces_of_any_size() -> None:
    vectors = load("websocket.json")
    for cases, begin in ((vectors["answers"], new), (vectors["streams"], opened)):
        for case in cases:
            stream = bytes.fromhex(case["stream"])
            for piece_bytes in (len(stream), 1, 7):
                assert said(begin(vectors), stream, piece_bytes) == case["said"], (case["case"], piece_bytes)


def test_what_is_sent() -> None:
    vectors = load("websocket.json")
    assert new(vectors).request() == vectors["request"].encode()
    for case in vectors["sent"]:
        assert opened(vectors).send(case["text"]).hex() == case["bytes"]


def test_answers_of_the_lan() -> None:
    vectors = load("lan.json")
    assert mdns.question(vectors["service"]).hex() == vectors["question"]
    for case in vectors["answers"]:
        found = mdns.find_hubs(bytes.fromhex(case["packet"]), vectors["campus"], vectors["service"])
        assert [[host, port] for host, port in found] == case["found"], case["case"]
