"""Answers on the LAN and what a terminal makes of them: multicast DNS (RFC 1035, 6762, 6763), packed by hand."""

import struct
from typing import Any

CAMPUS = "c-campus2222"
SERVICE = "_firstbell._tcp.local"
A, PTR, TXT, SRV, AAAA = 1, 12, 16, 33, 28
IN, FLUSH, UNICAST = 1, 0x8001, 0x8000
RESPONSE = 0x8400
HOST, OTHER, PORT = "10.1.2.3", "10.1.2.4", 8_443

Record = tuple[bytes, int, bytes]


def _name(text: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in text.split(".")) + b"\0"


def _strings(*texts: str) -> bytes:
    return b"".join(bytes([len(text)]) + text.encode() for text in texts)


def _srv(target: bytes, port: int = PORT) -> bytes:
    return struct.pack(">3H", 0, 0, port) + target


def _address(host: str) -> bytes:
    return bytes(map(int, host.split(".")))


def _packet(*records: Record, flags: int = RESPONSE, count: int | None = None) -> bytes:
    head = struct.pack(">6H", 0, flags, 0, 0, 0, len(records) if count is None else count)
    return head + b"".join(
        name + struct.pack(">2HIH", kind, FLUSH, 120, len(data)) + data for name, kind, data in records
    )


def _hub(
    hub: str = "hub", campus: str = CAMPUS, hosts: tuple[str, ...] = (HOST,), service: str = SERVICE
) -> list[Record]:
    full, target = _name(f"{hub}.{service}"), _name(f"{hub}.local")
    return [
        (_name(service), PTR, full),
        (full, SRV, _srv(target)),
        (full, TXT, _strings("v=1", f"campus={campus}")),
        *[(target, A, _address(host)) for host in hosts],
    ]


def _pointed() -> bytes:
    """The same with names that are said once (RFC 1035, 4.1.4): the first name begins at byte 12."""
    service = 12
    packet = _packet(*_hub()[:1], count=4)
    full = len(packet) - len(_name(f"hub.{SERVICE}"))
    packet = packet[: full - 2] + struct.pack(">H", 6) + b"\x03hub" + struct.pack(">H", 0xC000 | service)
    full_at = struct.pack(">H", 0xC000 | full)
    local = struct.pack(">H", 0xC000 | (service + len("_firstbell") + 1 + len("_tcp") + 1))
    data = _srv(b"\x03hub" + local)
    packet += full_at + struct.pack(">2HIH", SRV, FLUSH, 120, len(data)) + data
    target_at = struct.pack(">H", 0xC000 | (len(packet) - len(local) - 4))
    data = _strings("v=1", f"campus={CAMPUS}")
    packet += full_at + struct.pack(">2HIH", TXT, FLUSH, 120, len(data)) + data
    return packet + target_at + struct.pack(">2HIH", A, FLUSH, 120, 4) + _address(HOST)


def _answers() -> dict[str, tuple[bytes, list[list[Any]]]]:
    found = [[HOST, PORT]]
    whole = _packet(*_hub())
    circle = struct.pack(">H", 0xC00C) + struct.pack(">2HIH", SRV, FLUSH, 120, 0)
    return {
        "our hub": (whole, found),
        "its names said once, and pointed at": (_pointed(), found),
        "its name in capitals": (_packet(*_hub("HUB")[:3], (_name("hub.local"), A, _address(HOST))), found),
        "a hub with two addresses": (_packet(*_hub(hosts=(HOST, OTHER))), [*found, [OTHER, PORT]]),
        "another campus": (_packet(*_hub(campus="c-other22222")), []),
        "ours beside another": (_packet(*_hub("a", "c-other22222"), *_hub("b", hosts=(OTHER,))), [[OTHER, PORT]]),
        "another service": (_packet(*_hub(service="_printer._tcp.local")), []),
        "a campus that only begins like ours": (_packet(*_hub(campus=f"{CAMPUS}x")), []),
        "no address": (_packet(*_hub(hosts=())), []),
        "an address of the other kind": (_packet(*_hub(hosts=()), (_name("hub.local"), AAAA, bytes(16))), []),
        "a question": (_packet(*_hub(), flags=0), []),
        "cut off in the last address": (whole[:-1], []),
        "more records than it has": (_packet(*_hub(), count=5), []),
        "more records than anybody needs": (_packet(*_hub(), count=65), []),
        "names that point in circles": (struct.pack(">6H", 0, RESPONSE, 0, 1, 0, 0) + circle, []),
        "nothing": (b"", []),
    }


def lan_file() -> dict[str, Any]:
    question = struct.pack(">6H", 0, 0, 1, 0, 0, 0) + _name(SERVICE) + struct.pack(">2H", PTR, UNICAST | IN)
    return {
        "about": "The question (hex) that a terminal asks the LAN, and answers (hex) with the addresses and ports of "
        "the hubs of `campus` that they name.",
        "campus": CAMPUS,
        "service": SERVICE,
        "question": question.hex(),
        "answers": [
            {"case": case, "packet": packet.hex(), "found": found} for case, (packet, found) in _answers().items()
        ],
    }
