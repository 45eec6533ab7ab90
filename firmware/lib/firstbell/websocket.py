"""The client's half of a WebSocket (RFC 6455) without I/O: bytes of the stream in, messages and bytes to write out.

Text messages only, no extensions, no subprotocol. What a server may not do ends it with the close code that the
standard has for that; nothing makes it wait or grow without bound.
"""

import binascii
import hashlib

try:
    from collections.abc import Callable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

NORMAL = 1000
PROTOCOL_ERROR = 1002
UNSUPPORTED = 1003
NO_CODE = 1005
"""The server closed and gave no code."""
ABNORMAL = 1006
"""The stream ended without a close, or never became a WebSocket."""
INVALID_TEXT = 1007
TOO_BIG = 1009

HEAD_BYTES_MAX = 10
"""What a server writes before a frame's payload."""
CONTROL_BYTES_MAX = 125

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_CONTINUATION = 0
_TEXT = 1
_CLOSE = 8
_PING = 9
_PONG = 10
_DATA = (_CONTINUATION, _TEXT, 2)

CONNECTING = "connecting"
OPEN = "open"
CLOSING = "closing"
"""We have said close, and wait for the server's."""
CLOSED = "closed"


class Action:
    """To be done in the order given."""


class Opened(Action):
    """The server has upgraded. `date`: what its answer says of the time of day, "" for nothing."""

    def __init__(self, date: str) -> None:
        self.date = date


class Message(Action):
    """A whole text message came."""

    def __init__(self, text: str) -> None:
        self.text = text


class Write(Action):
    """Write these bytes to the stream."""

    def __init__(self, data: bytearray) -> None:
        self.data = data


class Closed(Action):
    """It is over; nothing comes after this. `reason` is for a log."""

    def __init__(self, code: int, reason: str) -> None:
        self.code = code
        self.reason = reason


class WebSocketError(Exception):
    """The shell called out of turn: a defect of ours."""


class _Broken(Exception):
    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class WebSocket:
    """`random(n)`: n unpredictable bytes. `buffer`: the server's answer must fit into it, and each message with
    HEAD_BYTES_MAX; what does not ends the connection. It is lent, for a heap in use may have no second piece so large.
    """

    def __init__(self, host: str, path: str, random: "Callable[[int], bytes]", buffer: bytearray) -> None:
        self._host = host
        self._path = path
        self._random = random
        self._key = binascii.b2a_base64(random(16)).strip()
        self._buffer = memoryview(buffer)
        self._start = 0
        self._filled = 0
        """From the one to the other the buffer holds what was not looked at yet."""
        self._parts: list[bytes] = []
        self._part_bytes = 0
        self._in_message = False
        self.state = CONNECTING

    def request(self) -> bytes:
        """What to write first."""
        lines = (
            "GET " + self._path + " HTTP/1.1",
            "Host: " + self._host,
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: " + self._key.decode(),
            "Sec-WebSocket-Version: 13",
            "\r\n",
        )
        return "\r\n".join(lines).encode()

    def send(self, text: str) -> bytearray:
        """The bytes of a text message. Raises WebSocketError when it is not open."""
        if self.state != OPEN:
            raise WebSocketError("it is " + self.state)
        return self._frame(_TEXT, text.encode())

    def close(self, code: int = NORMAL) -> bytearray:
        """The bytes of a close; none when there is nothing to close any more. Then read on until Closed."""
        if self.state != OPEN:
            return bytearray()
        self.state = CLOSING
        return self._frame(_CLOSE, code.to_bytes(2, "big"))

    def receive(self, data: "bytes | memoryview") -> "list[Action]":
        """What follows from these bytes of the stream; none: the stream has ended."""
        out: list[Action] = []
        if self.state == CLOSED:
            return out
        if not data:
            self._end(ABNORMAL, "the stream ended", out)
            return out
        left = memoryview(data)
        try:
            # What fills the buffer is a whole answer or frame, or ends it: each turn makes `left` shorter.
            while left and self.state != CLOSED:
                left = self._fill(left)
                if self.state == CONNECTING:
                    self._upgrade(out)
                while self.state in (OPEN, CLOSING) and self._read_frame(out):
                    pass
        except _Broken as broken:
            if self.state == OPEN:
                out.append(Write(self.close(broken.code)))
            self._end(broken.code, broken.reason, out)
        return out

    def _fill(self, data: memoryview) -> memoryview:
        """Takes what there is room for; returns the rest."""
        unread = self._filled - self._start
        self._buffer[:unread] = self._buffer[self._start : self._filled]
        count = min(len(data), len(self._buffer) - unread)
        self._start = 0
        self._filled = unread + count
        self._buffer[unread : self._filled] = data[:count]
        return data[count:]

    def _end(self, code: int, reason: str, out: "list[Action]") -> None:
        self.state = CLOSED
        self._parts = []
        out.append(Closed(code, reason))

    # ── the upgrade ──────────────────────────────────────────────────────────────────────────────────────────

    def _upgrade(self, out: "list[Action]") -> None:
        answer = bytes(self._buffer[: self._filled])
        end = answer.find(b"\r\n\r\n")
        if end < 0:
            if len(answer) == len(self._buffer):
                raise _Broken(ABNORMAL, "the answer is too long")
            return
        status, headers = _read_answer(answer[:end])
        if status != "101":
            raise _Broken(ABNORMAL, "answered " + status)
        # No secret: it shows that a WebSocket server answers, and no cache.
        digest = hashlib.sha1(self._key + _GUID).digest()  # noqa: S324
        accept = binascii.b2a_base64(digest).strip().decode()
        upgraded = (
            headers.get("upgrade", "").lower() == "websocket"
            and "upgrade" in [token.strip() for token in headers.get("connection", "").lower().split(",")]
            and headers.get("sec-websocket-accept") == accept
        )
        if not upgraded or "sec-websocket-extensions" in headers or "sec-websocket-protocol" in headers:
            raise _Broken(ABNORMAL, "the answer is no upgrade to what was asked for")
        self._start = end + 4
        self.state = OPEN
        out.append(Opened(headers.get("date", "")))

    # ── frames ───────────────────────────────────────────────────────────────────────────────────────────────

    def _read_frame(self, out: "list[Action]") -> bool:
        """Whether there was a whole one."""
        head = self._buffer[self._start : self._filled]
        if len(head) < 2:
            return False
        opcode = head[0] & 0x0F
        final = bool(head[0] & 0x80)
        size = head[1] & 0x7F
        if head[0] & 0x70 or head[1] & 0x80:
            raise _Broken(PROTOCOL_ERROR, "reserved bits are set, or the server masks")
        if opcode not in _DATA and opcode not in (_CLOSE, _PING, _PONG):
            raise _Broken(PROTOCOL_ERROR, "unknown opcode")
        if opcode >= _CLOSE and (size > CONTROL_BYTES_MAX or not final):
            raise _Broken(PROTOCOL_ERROR, "a control frame is too long, or in pieces")
        start = 2
        if size >= 126:
            start = 4 if size == 126 else 10
            if len(head) < start:
                return False
            least = 126 if size == 126 else 65536
            size = int.from_bytes(head[2:start], "big")
            if size < least:
                raise _Broken(PROTOCOL_ERROR, "a length is not the shortest")
        if opcode in _DATA:
            self._expect(opcode, size)
        if len(head) < start + size:
            return False
        self._start += start + size
        self._take(opcode, final, head[start : start + size], out)
        return True

    def _expect(self, opcode: int, size: int) -> None:
        """A data frame begins. Judged by its head, so that nothing is kept that will not be taken."""
        if opcode == 2:
            raise _Broken(UNSUPPORTED, "a binary message")
        if self._in_message != (opcode == _CONTINUATION):
            raise _Broken(PROTOCOL_ERROR, "a message within a message, or the rest of none")
        if self._part_bytes + size > len(self._buffer) - HEAD_BYTES_MAX:
            raise _Broken(TOO_BIG, "a message is too long")

    def _take(self, opcode: int, final: bool, payload: memoryview, out: "list[Action]") -> None:
        if opcode == _PING:
            if self.state == OPEN:
                out.append(Write(self._frame(_PONG, payload)))
        elif opcode == _CLOSE:
            self._take_close(payload, out)
        elif opcode != _PONG:
            self._in_message = not final
            if not final:
                self._parts.append(bytes(payload))
                self._part_bytes += len(payload)
                return
            text = _read_text(b"".join(self._parts) + payload if self._parts else payload)
            self._parts = []
            self._part_bytes = 0
            if self.state == OPEN:
                out.append(Message(text))

    def _take_close(self, payload: memoryview, out: "list[Action]") -> None:
        code, reason = NO_CODE, ""
        if payload:
            code = int.from_bytes(payload[:2], "big")
            if len(payload) == 1 or not (1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code <= 4999):
                raise _Broken(PROTOCOL_ERROR, "a close code that may not be sent")
            reason = _read_text(payload[2:])
        answer = self.close(NORMAL if code == NO_CODE else code)
        if answer:
            out.append(Write(answer))
        self._end(code, reason, out)

    def _frame(self, opcode: int, payload: "bytes | memoryview") -> bytearray:
        size = len(payload)
        head = bytes((0x80 | opcode,))
        if size < 126:
            head += bytes((0x80 | size,))
        elif size < 65536:
            head += b"\xfe" + size.to_bytes(2, "big")
        else:
            head += b"\xff" + size.to_bytes(8, "big")
        mask = self._random(4)
        start = len(head) + 4
        frame = bytearray(start + size)
        frame[:start] = head + mask
        frame[start:] = payload
        for place in range(size):
            frame[start + place] ^= mask[place & 3]
        return frame


def _read_answer(answer: bytes) -> "tuple[str, dict[str, str]]":
    """The status, and the headers by their name in small letters."""
    lines = _read_text(answer, ABNORMAL).split("\r\n")
    words = lines[0].split(" ")
    if len(words) < 2 or words[0] != "HTTP/1.1":
        raise _Broken(ABNORMAL, "the answer is not HTTP/1.1")
    headers = {}
    for line in lines[1:]:
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return words[1], headers


def _read_text(data: "bytes | memoryview", code: int = INVALID_TEXT) -> str:
    try:
        text = str(data, "utf-8")
        if len(text) == len(data) or all(map(_is_character, text)):
            return text
    except UnicodeError:
        pass
    raise _Broken(code, "it is no text")


def _is_character(character: str) -> bool:
    """MicroPython's decoder lets pass what RFC 3629 forbids: longer than need be, half a pair, beyond the last one."""
    number = ord(character)
    least = (0, 0x80, 0x800, 0x10000)[len(character.encode()) - 1]
    return least <= number <= 0x10FFFF and not 0xD800 <= number <= 0xDFFF
