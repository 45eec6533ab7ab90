"""One question to the LAN and what its answers say (DNS-SD over multicast DNS, RFC 6763 and 6762), without I/O.

Nothing here is believed: whoever is found has to show the hub's certificate.
"""

import struct

try:
    from collections.abc import Iterator
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

GROUP = "224.0.0.251"
PORT = 5353
SERVICE = "_firstbell._tcp.local"
ANSWER_BYTES_MAX = 1_500
"""One that fits into a frame of the LAN; a hub's does."""
RECORDS_MAX = 64
LABELS_MAX = 128
"""Of one name, pointers included: who points in circles is left there."""

_A = 1
_PTR = 12
_TXT = 16
_SRV = 33
_IN = 1
_UNICAST = 0x8000
"""The answer is to come to us alone."""


class _Malformed(Exception):
    pass


def question(service: str = SERVICE) -> bytes:
    """Who offers `service`?"""
    name = b"".join(bytes((len(label),)) + label.encode() for label in service.split("."))
    return struct.pack(">6H", 0, 0, 1, 0, 0, 0) + name + b"\0" + struct.pack(">2H", _PTR, _IN | _UNICAST)


def find_hubs(answer: bytes, campus: str, service: str = SERVICE) -> "list[tuple[str, int]]":
    """Address and port of each hub of `campus` that this answer names; none for an answer that can't be read."""
    servers: dict[str, tuple[int, str]] = {}
    campuses: dict[str, bool] = {}
    hosts: dict[str, list[str]] = {}
    try:
        for name, kind, start, size in _records(answer):
            if kind == _SRV and size > 6:
                servers[name] = (struct.unpack(">H", answer[start + 4 : start + 6])[0], _name(answer, start + 6)[0])
            elif kind == _TXT:
                campuses[name] = b"campus=" + campus.encode() in _strings(answer[start : start + size])
            elif kind == _A and size == 4:
                host = ".".join(str(byte) for byte in answer[start : start + 4])
                hosts.setdefault(name, []).append(host)
    except _Malformed:
        return []
    found = []
    for name, (port, target) in servers.items():
        if name.endswith("." + service) and campuses.get(name):
            found += [(host, port) for host in hosts.get(target, [])]
    return found


def _records(message: bytes) -> "Iterator[tuple[str, int, int, int]]":
    """Name, kind, and where the data begins and how long they are. Raises _Malformed."""
    if not 12 <= len(message) <= ANSWER_BYTES_MAX:
        raise _Malformed
    _, flags, questions, *counts = struct.unpack(">6H", message[:12])
    if not flags & 0x8000 or questions + sum(counts) > RECORDS_MAX:
        raise _Malformed
    place = 12
    for _ in range(questions):
        place = _name(message, place)[1] + 4
    for _ in range(sum(counts)):
        name, place = _name(message, place)
        if place + 10 > len(message):
            raise _Malformed
        kind, _, _, size = struct.unpack(">2HIH", message[place : place + 10])
        place += 10
        if place + size > len(message):
            raise _Malformed
        yield name, kind, place, size
        place += size


def _name(message: bytes, place: int) -> "tuple[str, int]":
    """The name that begins there, in small letters, and where what follows it begins. Raises _Malformed."""
    labels: list[str] = []
    after = 0
    for _ in range(LABELS_MAX):
        if place >= len(message):
            break
        size = message[place]
        if size == 0:
            return ".".join(labels), after or place + 1
        if size >= 0xC0:
            if place + 1 >= len(message):
                break
            after = after or place + 2
            place = (size & 0x3F) << 8 | message[place + 1]
        elif size < 64:
            labels.append("".join(chr(byte) for byte in message[place + 1 : place + 1 + size]).lower())
            place += 1 + size
        else:
            break
    raise _Malformed


def _strings(data: bytes) -> "list[bytes]":
    found = []
    while data:
        size = data[0]
        found.append(data[1 : 1 + size])
        data = data[1 + size :]
    return found
