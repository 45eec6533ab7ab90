"""Our question and what is made of answers, beside an implementation that others wrote; and of bytes that are none."""

import socket
import struct

from firstbell.mdns import ANSWER_BYTES_MAX, SERVICE, find_hubs, question
from hypothesis import given, settings
from hypothesis import strategies as st
from zeroconf._dns import DNSAddress, DNSPointer, DNSService, DNSText
from zeroconf._protocol.incoming import DNSIncoming
from zeroconf._protocol.outgoing import DNSOutgoing

IN, A, PTR, TXT, SRV, RESPONSE = 1, 1, 12, 16, 33, 0x8400
CAMPUS = "c-abcdefghij"


def answer(name: str = "hub", campus: str = CAMPUS, host: str = "10.1.2.3", port: int = 8_443) -> bytes:
    """As a hub gives it."""
    out = DNSOutgoing(RESPONSE)
    full, target = f"{name}.{SERVICE}.", f"{name}.local."
    said = f"campus={campus}".encode()
    text = bytes([3]) + b"v=1" + bytes([len(said)]) + said
    out.add_answer_at_time(DNSPointer(f"{SERVICE}.", PTR, IN, 120, full), 0)
    out.add_additional_answer(DNSService(full, SRV, IN, 120, 0, 0, port, target))
    out.add_additional_answer(DNSText(full, TXT, IN, 120, text))
    out.add_additional_answer(DNSAddress(target, A, IN, 120, socket.inet_aton(host)))
    (packet,) = out.packets()
    return packet


def test_the_question_is_one() -> None:
    asked = DNSIncoming(question())
    (one,) = asked.questions
    assert asked.valid
    assert (one.name, one.type, one.unicast) == (f"{SERVICE}.", PTR, True)


def test_a_hub_of_our_campus_is_found_and_no_other() -> None:
    assert find_hubs(answer(), CAMPUS) == [("10.1.2.3", 8_443)]
    assert find_hubs(answer("Hub 2"), CAMPUS) == [("10.1.2.3", 8_443)]
    assert find_hubs(answer(campus="c-aaaaaaaaaa"), CAMPUS) == []
    assert find_hubs(answer(), CAMPUS, "_other._tcp.local") == []
    assert find_hubs(question(), CAMPUS) == []


def test_names_that_point_in_circles() -> None:
    header = struct.pack(">6H", 0, RESPONSE, 0, 1, 0, 0)
    assert find_hubs(header + b"\xc0\x0c" + struct.pack(">2HIH", SRV, IN, 120, 0), CAMPUS) == []
    many = header[:6] + struct.pack(">3H", 0xFFFF, 0xFFFF, 0xFFFF)
    assert find_hubs(many, CAMPUS) == []


@settings(max_examples=2_000, deadline=None)
@given(st.binary(max_size=ANSWER_BYTES_MAX + 10))
def test_any_bytes(data: bytes) -> None:
    assert find_hubs(data, CAMPUS) == []


@settings(max_examples=2_000, deadline=None)
@given(st.integers(0, 400), st.integers(0, 255), st.integers(0, 400))
def test_any_damage(place: int, byte: int, length: int) -> None:
    whole = answer()
    damaged = (whole[:place] + bytes([byte]) + whole[place + 1 :])[: max(length, len(whole) - 40)]
    for host, port in find_hubs(damaged, CAMPUS):
        socket.inet_aton(host)
        assert 0 <= port <= 65_535
