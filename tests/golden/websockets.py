"""The client's half of a WebSocket: what a server's bytes make of it, and what it writes; by RFC 6455, from the
standard library alone.
"""

import base64
import hashlib
from typing import Any

HOST, PATH = "hub.example:8443", "/ws/terminal"
RANDOM = bytes(range(0xA0, 0xB0))
"""What a client's random bytes are, from the first one each time it asks."""
MESSAGE_BYTES_MAX = 1_000
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
DATE = "Mon, 30 Nov 2026 02:00:00 GMT"

_KEY = base64.b64encode(RANDOM).decode()
_ACCEPT = base64.b64encode(
    hashlib.sha1(f"{_KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()  # noqa: S324  # the standard's
).decode()
_REQUEST = (
    f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    f"Sec-WebSocket-Key: {_KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n"
)

Said = list[list[Any]]


def _frame(opcode: int, payload: bytes, mask: bytes = b"", final: bool = True) -> bytes:
    """Section 5.2."""
    size = len(payload)
    marked = 0x80 if mask else 0
    head = bytes([(0x80 if final else 0) | opcode])
    if size < 126:
        head += bytes([marked | size])
    else:
        head += bytes([marked | 126]) + size.to_bytes(2, "big")
    if not mask:
        return head + payload
    return head + mask + bytes(byte ^ mask[place % 4] for place, byte in enumerate(payload))


def _wrote(opcode: int, payload: bytes) -> list[Any]:
    return ["write", _frame(opcode, payload, RANDOM[:4]).hex()]


def _ended(code: int) -> Said:
    """The client answers a close, or what may not be, with a close of its own."""
    return [_wrote(CLOSE, code.to_bytes(2, "big")), ["closed", code]]


def _answer(status: str = "101 Switching Protocols", accept: str = _ACCEPT, more: str = "") -> bytes:
    return (
        f"HTTP/1.1 {status}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nDate: {DATE}\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\n{more}\r\n"
    ).encode()


def _answers() -> dict[str, tuple[bytes, Said]]:
    refused = [["closed", 1006]]
    return {
        "an upgrade": (_answer(), [["opened", DATE]]),
        "no upgrade": (_answer("403 Forbidden"), refused),
        "an answer to another key": (_answer(accept="A" * 27 + "="), refused),
        "an extension that nobody asked for": (_answer(more="Sec-WebSocket-Extensions: x-any\r\n"), refused),
        "another protocol": (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", refused),
        "an answer without end": (b"HTTP/1.1 101 " + b"x" * 5_000, refused),
        "no text": (b"HTTP/1.1 101 \xff\r\n\r\n", refused),
    }


def _streams() -> dict[str, tuple[bytes, Said]]:
    """Behind an upgrade."""
    longest = "a" * MESSAGE_BYTES_MAX
    return {
        "messages": (
            _frame(TEXT, b"") + _frame(TEXT, "你好, 王建国".encode()) + _frame(TEXT, longest.encode()),
            [["message", ""], ["message", "你好, 王建国"], ["message", longest]],
        ),
        "a message in pieces with a ping between them": (
            b"".join((_frame(TEXT, b"one ", final=False), _frame(PING, b"?"), _frame(0, b"two"))),
            [_wrote(PONG, b"?"), ["message", "one two"]],
        ),
        "pings and a pong": (
            _frame(PING, b"") + _frame(PONG, b"nobody asked") + _frame(PING, b"a" * 125),
            [_wrote(PONG, b""), _wrote(PONG, b"a" * 125)],
        ),
        "a close with a reason": (_frame(CLOSE, b"\x03\xf0revoked") + _frame(TEXT, b"late"), _ended(1008)),
        "a close without a code": (_frame(CLOSE, b""), [_wrote(CLOSE, b"\x03\xe8"), ["closed", 1005]]),
        "a code that may not be sent": (_frame(CLOSE, b"\x03\xee"), _ended(1002)),
        "half a code": (_frame(CLOSE, b"\x03"), _ended(1002)),
        "a binary message": (_frame(BINARY, b"{}"), _ended(1003)),
        "a masked frame": (_frame(TEXT, b"{}", b"\x01\x02\x03\x04"), _ended(1002)),
        "a reserved bit": (b"\xc1\x02{}", _ended(1002)),
        "a reserved opcode": (_frame(3, b""), _ended(1002)),
        "a ping in pieces": (_frame(PING, b"?", final=False), _ended(1002)),
        "a ping that is too long": (_frame(PING, b"a" * 126), _ended(1002)),
        "a length that is not the shortest": (b"\x81\x7e\x00\x02{}", _ended(1002)),
        "the rest of no message": (_frame(0, b"{}"), _ended(1002)),
        "a message within a message": (_frame(TEXT, b"{", final=False) + _frame(TEXT, b"}"), _ended(1002)),
        "a message that is too long": (_frame(TEXT, b"a" * (MESSAGE_BYTES_MAX + 1)), _ended(1009)),
        "pieces that are too long together": (
            _frame(TEXT, longest.encode(), final=False) + _frame(0, b"a"),
            _ended(1009),
        ),
        "a length of eight bytes": (b"\x81\x7f" + (1 << 62).to_bytes(8, "big"), _ended(1009)),
        **{f"no text: {case}": (_frame(TEXT, text), _ended(1007)) for case, text in _NO_TEXT.items()},
        "a reason that is no text": (_frame(CLOSE, b"\x03\xe8\xff"), _ended(1007)),
    }


_NO_TEXT = {
    "a byte that never is": b"\xff",
    "a rest without a beginning": b"a\x80",
    "a beginning without its rest": b"\xe4\xbd",
    "longer than need be": b"\xc0\x80",
    "longer than need be, three bytes": b"\xe0\x80\xaf",
    "half a pair": b"\xed\xa0\x80",
    "beyond the last character": b"\xf4\x90\x80\x80",
}
"""By section 8.1: RFC 3629 permits none of these."""


def _told(case: str, stream: bytes, said: Said) -> dict[str, Any]:
    return {"case": case, "stream": stream.hex(), "said": said}


def websocket_file() -> dict[str, Any]:
    texts = ("", '{"type":"heartbeat","t1_ms":812345}', "b" * 125, "c" * 126, "你" * 100)
    return {
        "about": "What a client makes of a server's bytes (hex), in whatever pieces they come: opened with the date of "
        "the answer, message, write (hex, masked with the first four of `random`), closed with its code. `answers` are "
        "the server's first bytes, `streams` come behind an upgrade. `sent`: texts and the bytes that carry them.",
        "host": HOST,
        "path": PATH,
        "random": RANDOM.hex(),
        "message_bytes_max": MESSAGE_BYTES_MAX,
        "request": _REQUEST,
        "answers": [_told(case, stream, said) for case, (stream, said) in _answers().items()],
        "streams": [_told(case, stream, said) for case, (stream, said) in _streams().items()],
        "sent": [{"text": text, "bytes": _frame(TEXT, text.encode(), RANDOM[:4]).hex()} for text in texts],
    }
