"""The client's half of a WebSocket, on CPython and MicroPython."""

import binascii
import hashlib

from firstbell.websocket import (
    ABNORMAL,
    CLOSED,
    CLOSING,
    HEAD_BYTES_MAX,
    INVALID_TEXT,
    NO_CODE,
    NORMAL,
    OPEN,
    PROTOCOL_ERROR,
    TOO_BIG,
    UNSUPPORTED,
    Action,
    Closed,
    Message,
    Opened,
    WebSocket,
    WebSocketError,
    Write,
)

MAX = 1000
MASK = b"\x01\x02\x03\x04"


def fixed(count: int) -> bytes:
    return (MASK * count)[:count]


def buffer(message_bytes_max: int) -> bytearray:
    return bytearray(HEAD_BYTES_MAX + message_bytes_max)


def new() -> WebSocket:
    return WebSocket("hub.test:8443", "/ws/terminal", fixed, buffer(MAX))


def answer(request: bytes, status: str = "101 Switching Protocols", more: str = "", accept: str = "") -> bytes:
    """A server's to this request."""
    _, _, rest = request.decode().partition("Sec-WebSocket-Key: ")
    challenge = rest.partition("\r\n")[0] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    true = binascii.b2a_base64(hashlib.sha1(challenge.encode()).digest()).strip().decode()  # noqa: S324
    return (
        "HTTP/1.1 " + status + "\r\nUpgrade: WebSocket\r\nconnection: keep-alive, Upgrade\r\n"
        "Sec-WebSocket-Accept: " + (accept or true) + "\r\n" + more + "\r\n"
    ).encode()


def opened() -> WebSocket:
    socket = new()
    assert told(socket.receive(answer(socket.request()))) == ["Opened"]
    return socket


def frame(opcode: int, payload: bytes, final: bool = True) -> bytes:
    """As a server sends it."""
    first = bytes(((0x80 if final else 0) | opcode,))
    if len(payload) < 126:
        return first + bytes((len(payload),)) + payload
    if len(payload) < 65536:
        return first + b"\x7e" + len(payload).to_bytes(2, "big") + payload
    return first + b"\x7f" + len(payload).to_bytes(8, "big") + payload


def unmask(data: "bytes | bytearray") -> "tuple[int, bytes]":
    """Opcode and payload of a short frame of the client's."""
    assert data[0] & 0x80
    assert data[1] & 0x80
    size = data[1] & 0x7F
    assert size < 126
    assert len(data) == 6 + size
    return data[0] & 0x0F, bytes([byte ^ data[2 + place % 4] for place, byte in enumerate(data[6:])])


def told(out: "list[Action]") -> "list[object]":
    found: list[object] = []
    for action in out:
        if isinstance(action, Message):
            found.append(action.text)
        elif isinstance(action, Write):
            found.append(unmask(action.data))
        elif isinstance(action, Closed):
            found.append(action.code)
        else:
            assert isinstance(action, Opened)
            found.append("Opened")
    return found


def test_what_it_asks_for() -> None:
    lines = new().request().decode().split("\r\n")
    assert lines[0] == "GET /ws/terminal HTTP/1.1"
    assert lines[-2:] == ["", ""]
    assert set(lines[1:-2]) == {
        "Host: hub.test:8443",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: AQIDBAECAwQBAgMEAQIDBA==",
        "Sec-WebSocket-Version: 13",
    }


def test_the_example_of_the_standard() -> None:
    """RFC 6455, 1.3."""
    socket = WebSocket("h", "/", lambda count: b"the sample nonce"[:count], buffer(MAX))
    assert b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" in socket.request()
    assert told(socket.receive(answer(socket.request(), accept="s3pPLMBiTxaQ9kYGzzhZRbK+xOo="))) == ["Opened"]


def test_an_answer_that_is_no_upgrade() -> None:
    for how in (
        {"status": "200 OK"},
        {"status": "403 Forbidden"},
        {"accept": "AAAAAAAAAAAAAAAAAAAAAAAAAAA="},
        {"more": "Sec-WebSocket-Extensions: permessage-deflate\r\n"},
        {"more": "Sec-WebSocket-Protocol: chat\r\n"},
        {"more": "Upgrade: h2c\r\n"},
    ):
        socket = new()
        assert told(socket.receive(answer(socket.request(), **how))) == [ABNORMAL], how
        assert socket.state == CLOSED
    for start in (b"", b"SSH-2.0-x", b"HTTP/1.0 101 x", b"\xff", b"x" * (MAX + 1)):
        assert told(new().receive(start + b"\r\n\r\n")) == [ABNORMAL], start
    assert told(new().receive(b"")) == [ABNORMAL]


def test_it_can_come_in_any_pieces() -> None:
    first = new()
    stream = answer(first.request()) + frame(1, b"one") + frame(1, b"tw", final=False) + frame(9, b"?") + frame(0, b"o")
    stream += frame(8, b"\x03\xe8")
    whole = told(first.receive(stream))
    assert whole == ["Opened", "one", (10, b"?"), "two", (8, b"\x03\xe8"), NORMAL]
    for size in (1, 2, 7, 100):
        socket = new()
        found = []
        for place in range(0, len(stream), size):
            found += told(socket.receive(stream[place : place + size]))
        assert found == whole, size


def test_lengths_of_two_kinds() -> None:
    socket = opened()
    for size in (0, 125, 126, MAX):
        assert told(socket.receive(frame(1, b"a" * size))) == ["a" * size], size


def test_what_is_sent_is_masked_whole_and_final() -> None:
    socket = opened()
    assert unmask(socket.send("hello")) == (1, b"hello")
    assert socket.send("hello")[2:6] == MASK
    data = socket.send("a" * 126)
    assert data[:4] == b"\x81\xfe\x00\x7e"
    assert len(data) == 8 + 126
    assert data[8] == ord("a") ^ MASK[0]


def test_what_a_server_may_not_do() -> None:
    for data, code in (
        (b"\x82\x01a", UNSUPPORTED),
        (b"\x81\x81\x00\x00\x00\x00a", PROTOCOL_ERROR),  # masked
        (b"\xc1\x01a", PROTOCOL_ERROR),  # reserved bit
        (b"\x83\x00", PROTOCOL_ERROR),  # reserved opcodes
        (b"\x8b\x00", PROTOCOL_ERROR),
        (b"\x09\x00", PROTOCOL_ERROR),  # a ping in pieces
        (b"\x89\x7e\x00\x7e", PROTOCOL_ERROR),  # a ping too long
        (b"\x80\x01a", PROTOCOL_ERROR),  # the rest of nothing
        (b"\x01\x01a\x81\x01b", PROTOCOL_ERROR),  # a message within a message
        (b"\x81\x7e\x00\x7d", PROTOCOL_ERROR),  # lengths longer than need be
        (b"\x81\x7f\x00\x00\x00\x00\x00\x00\xff\xff", PROTOCOL_ERROR),
        (b"\x81\x7e" + (MAX + 1).to_bytes(2, "big"), TOO_BIG),
        (b"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", TOO_BIG),
        (frame(1, b"a" * MAX, final=False) + frame(0, b"a"), TOO_BIG),
        (frame(1, b"\xff"), INVALID_TEXT),
        (frame(8, b"\x03"), PROTOCOL_ERROR),
        (frame(8, b"\x03\xed"), PROTOCOL_ERROR),  # 1005
        (frame(8, b"\x03\xe8\xff"), INVALID_TEXT),
    ):
        socket = opened()
        assert told(socket.receive(data)) == [(8, code.to_bytes(2, "big")), code], data
        assert socket.state == CLOSED
        assert socket.receive(frame(1, b"more")) == []


def test_the_longest_message_is_taken() -> None:
    assert told(opened().receive(frame(1, b"a" * MAX))) == ["a" * MAX]
    half = frame(1, b"a" * 600, final=False) + frame(0, b"a" * 400)
    assert told(opened().receive(half)) == ["a" * MAX]


def test_the_server_closes() -> None:
    for payload, answered, code in ((b"\x03\xf0revoked", b"\x03\xf0", 1008), (b"", b"\x03\xe8", NO_CODE)):
        socket = opened()
        (write, closed) = socket.receive(frame(8, payload))
        assert told([write]) == [(8, answered)]
        assert isinstance(closed, Closed)
        assert (closed.code, closed.reason) == (code, payload[2:].decode())


def test_we_close() -> None:
    socket = opened()
    assert unmask(socket.close()) == (8, b"\x03\xe8")
    assert socket.state == CLOSING
    assert socket.close() == b""
    assert told(socket.receive(frame(1, b"late") + frame(9, b"?"))) == []
    assert told(socket.receive(frame(8, b"\x03\xe8"))) == [NORMAL]
    assert socket.state == CLOSED


def test_the_stream_ends() -> None:
    socket = opened()
    socket.receive(b"\x81\x05hal")
    assert told(socket.receive(b"")) == [ABNORMAL]
    assert socket.receive(b"") == []


def test_nothing_is_sent_out_of_turn() -> None:
    for socket in (new(), opened()):
        if socket.state == OPEN:
            socket.close()
        try:
            socket.send("x")
        except WebSocketError:
            continue
        raise AssertionError("it was sent")
