"""Frames and what is signed, both ways, on CPython and MicroPython."""

from firstbell import messages
from firstbell.fields import FrameError, is_ipv4_address
from firstbell.messages import (
    FRAME_BYTES_MAX,
    parse_event,
    parse_hello,
    parse_hub_frame,
    parse_terminal_frame,
)

try:
    from collections.abc import Callable
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass

TERMINAL = "t-abcdefgh27"
DIGEST = "0123456789abcdef" * 4
NONCE = "A" * 43
HASH = "A" * 43 + "="

HUB = [
    '{"type":"challenge","protocol":1,"nonce":"' + NONCE + '","hub_ms":5}',
    '{"type":"snapshot","hub_ms":5,"light":"none","ring":"drill","silent":true}',
    '{"type":"receipt","event":"'
    + DIGEST
    + '","index":3,"entry":"{\\"a\\":1}","proof":["'
    + HASH
    + '"],"checkpoint":"x\\n\\u2014"}',
    '{"type":"heartbeat","t1_ms":1,"t2_ms":2,"t3_ms":3}',
    '{"type":"refused","reason":"busy","event":"' + DIGEST + '"}',
    '{"type":"refused","reason":"too_many"}',
]
TERMINALS = [
    '{"type":"hello","jws":"a.b.c"}',
    '{"type":"event","jws":"a.b.c"}',
    '{"type":"status","light":"heard","since_ms":7,"ring":"none","inputs":{"a":"open","b_2":"stuck"},"pending":2}',
    '{"type":"status","light":"none","since_ms":null,"ring":"drill","inputs":{},"pending":0}',
    '{"type":"heartbeat","t1_ms":0}',
]
HELLO = (
    '{"terminal":"'
    + TERMINAL
    + '","nonce":"'
    + NONCE
    + '","boot":1,"seq":0,"mono_ms":9,"software":"0.1.0","checkpoint":""}'
)
EVENT = (
    '{"terminal":"'
    + TERMINAL
    + '","boot":1,"seq":2,"input":"panic","what":"panic","mono_ms":9,"event_ms":8,"error_ms":3}'
)


def refusal(read: "Callable[[Any], object]", text: "str | bytes") -> str:
    try:
        read(text)
    except FrameError as error:
        assert error.detail
        return error.reason
    return ""


def test_what_is_written_is_read() -> None:
    written = [
        messages.challenge_frame(NONCE, 5),
        messages.snapshot_frame(5, "none", "drill", True),
        messages.receipt_frame(DIGEST, 3, '{"a":1}', [HASH], "x\n\u2014"),
        messages.heartbeat_answer(1, 2, 3),
        messages.refused_frame("busy", DIGEST),
        messages.refused_frame("too_many"),
    ]
    assert written == HUB
    written = [
        messages.hello_frame("a.b.c"),
        messages.event_frame("a.b.c"),
        messages.status_frame("heard", 7, "none", {"b_2": "stuck", "a": "open"}, 2),
        messages.status_frame("none", None, "drill", {}, 0),
        messages.heartbeat_frame(0),
    ]
    assert written == TERMINALS
    assert parse_hub_frame(HUB[2])["checkpoint"] == "x\n\u2014"
    assert parse_hub_frame(HUB[4]) == {"type": "refused", "reason": "busy", "event": DIGEST}
    assert "event" not in parse_hub_frame(HUB[5])
    assert parse_terminal_frame(TERMINALS[2])["inputs"] == {"a": "open", "b_2": "stuck"}


def test_payloads() -> None:
    assert messages.hello_payload(TERMINAL, NONCE, 1, 0, 9, "0.1.0", "") == HELLO.encode()
    assert messages.event_payload(TERMINAL, 1, 2, "panic", "panic", 9, (8, 3)) == EVENT.encode()
    untimed = EVENT.replace('"event_ms":8,"error_ms":3', '"event_ms":null,"error_ms":null')
    assert messages.event_payload(TERMINAL, 1, 2, "panic", "panic", 9, None) == untimed.encode()
    assert parse_hello(HELLO.encode())["nonce"] == NONCE
    assert parse_event(EVENT.encode())["event_ms"] == 8
    assert parse_event(untimed.encode())["event_ms"] is None


def test_a_frame_belongs_to_one_side() -> None:
    for text in HUB:
        assert refusal(parse_hub_frame, text) == ""
        if "heartbeat" not in text:
            assert refusal(parse_terminal_frame, text) == "malformed"
    for text in TERMINALS:
        assert refusal(parse_terminal_frame, text) == ""
        assert refusal(parse_hub_frame, text) == "malformed"


def test_what_is_not_known_is_passed_over() -> None:
    for texts, parse in ((HUB, parse_hub_frame), (TERMINALS, parse_terminal_frame)):
        for text in texts:
            more = text[:-1] + ',"later":{"deep":[1,[0.5]]},"type2":"x"}'
            assert parse(more) == parse(text)
    assert parse_event(EVENT[:-1].encode() + b',"later":1}') == parse_event(EVENT.encode())


def test_no_field_can_be_left_out() -> None:
    for texts, parse in ((HUB, parse_hub_frame), (TERMINALS, parse_terminal_frame)):
        for text in texts:
            frame = parse(text)
            for name in frame:
                without = text.replace('"' + name + '":', '"not_' + name + '":')
                optional = (frame["type"], name) in messages.OPTIONAL
                assert refusal(parse, without) == ("" if optional else "malformed"), (name, text)


def test_what_a_field_may_not_hold() -> None:
    odd = (
        "null",
        "true",
        "-1",
        "9007199254740992",
        "1.5",
        '"x"',
        "[]",
        "{}",
        '[""]',
        '{"a":1}',
        '"' + "x" * 2100 + '"',
    )
    takes_null = ("since_ms",)
    takes_text = ("jws", "entry", "checkpoint", "reason")
    for texts, parse in ((HUB, parse_hub_frame), (TERMINALS, parse_terminal_frame)):
        for text in texts:
            for name in parse(text):
                start = text.index('"' + name + '":') + len(name) + 3
                for value in odd:
                    changed = text[:start] + value + ',"rest":' + text[start:]
                    fits = (
                        (value == "null" and name in takes_null)
                        or (value == '"x"' and name in takes_text)
                        or (value == "[]" and name == "proof")
                        or (value == "{}" and name == "inputs")
                        or (value == "true" and name == "silent")
                    )
                    assert (refusal(parse, changed) == "") == fits, (name, value)


def with_field(text: str, name: str, value: str) -> str:
    start = text.index('"' + name + '":') + len(name) + 3
    return text[:start] + value + ',"rest":' + text[start:]


NO_TERMINALS = [
    '"t-abcdefgh2"',
    '"t-abcdefgh271"',
    '"T-abcdefgh27"',
    '"t-abcdefgh20"',
    '"z-abcdefgh27"',
    '"t-\\u4e2dbcdefgh2"',
    "7",
]
NO_COUNTS = ["-1", "true", '"1"', "[]", "9007199254740992"]
NO_NONCES = ['"' + "A" * 42 + '"', '"' + "A" * 44 + '"', '"' + "A" * 42 + 'B"', '"' + "A" * 42 + '="', "1"]
NO_INPUTS = ['""', '"Panic"', '"a-b"', '"' + "a" * 17 + '"', "null", "1"]
ODD_FIELDS: "list[tuple[Callable[[bytes], object], str, str, list[str]]]" = [
    (parse_hello, HELLO, "terminal", NO_TERMINALS),
    (parse_hello, HELLO, "nonce", NO_NONCES),
    (parse_hello, HELLO, "boot", NO_COUNTS + ["null"]),
    (parse_hello, HELLO, "seq", NO_COUNTS + ["null"]),
    (parse_hello, HELLO, "mono_ms", NO_COUNTS + ["null"]),
    (parse_hello, HELLO, "software", ['"' + "x" * 33 + '"', "1"]),
    (parse_hello, HELLO, "checkpoint", ['"' + "x" * 385 + '"', "null"]),
    (parse_event, EVENT, "terminal", NO_TERMINALS),
    (parse_event, EVENT, "boot", NO_COUNTS + ["null"]),
    (parse_event, EVENT, "seq", NO_COUNTS + ["null", "0"]),
    (parse_event, EVENT, "input", NO_INPUTS),
    (parse_event, EVENT, "what", ['"unknown"', '"started"', "null", "[]"]),
    (parse_event, EVENT, "mono_ms", NO_COUNTS + ["null"]),
    # The one is null exactly when the other is.
    (parse_event, EVENT, "event_ms", NO_COUNTS + ["null"]),
    (parse_event, EVENT, "error_ms", NO_COUNTS + ["null"]),
]


def test_what_a_payload_may_not_hold() -> None:
    for parse, text, name, values in ODD_FIELDS:
        for value in values:
            assert refusal(parse, with_field(text, name, value).encode()) == "malformed", (name, value)
    started = EVENT.replace('"panic"', '""', 1).replace('"panic"', '"started"')
    assert parse_event(started.encode())["input"] == ""


def test_what_is_no_payload() -> None:
    for payload in (b"", b"[]", b"null", b"{", b"\xff", b'{"a":"\xe4\xb8\xad"}', b'"x"'):
        assert refusal(parse_event, payload) == "malformed"
        assert refusal(parse_hello, payload) == "malformed"


def test_what_is_no_frame() -> None:
    for text in (
        "",
        "{}",
        "[]",
        "null",
        '"heartbeat"',
        '{"type":null}',
        '{"type":["heartbeat"],"t1_ms":1}',
        '{"type":"unheard_of"}',
        '{"type":"heartbeat","t1_ms":1,"t1_ms":1}',
        '{"type":"heartbeat","t1_ms":NaN}',
        '{"type":"heartbeat","t1_ms":1,"more":NaN}',
        '{"type":"heartbeat","t1_ms":1.0}',
        '{"type":"heartbeat","t1_ms":1}x',
        '{"type":"heartbeat","t1_ms":1,"more":' + "[" * 2000,
        '{"type":"heartbeat","t1_ms":' + "9" * 2000 + "}",
    ):
        assert refusal(parse_hub_frame, text) == "malformed", text
        assert refusal(parse_terminal_frame, text) == "malformed", text


def test_limits_of_length() -> None:
    frame = '{"type":"heartbeat","t1_ms":1,"pad":"'
    pad = FRAME_BYTES_MAX - len(frame) - 2
    assert refusal(parse_terminal_frame, frame + "x" * pad + '"}') == ""
    assert refusal(parse_terminal_frame, frame + "x" * (pad + 1) + '"}') == "oversized"
    assert refusal(parse_hub_frame, "x" * (FRAME_BYTES_MAX + 1)) == "oversized"
    for make in (messages.hello_frame, messages.event_frame):
        assert refusal(parse_terminal_frame, make("x" * 1024)) == ""
        assert refusal(make, "x" * 1025) == "oversized"
    assert refusal(parse_terminal_frame, '{"type":"event","jws":"' + "x" * 1025 + '"}') == "oversized"


def test_a_receipt_of_the_largest_ledger_fits() -> None:
    entry = '"' * 60 + "x" * 1500
    proof = [HASH] * 40
    text = messages.receipt_frame(DIGEST, (1 << 40) - 1, entry, proof, "x\n" * 120)
    assert len(text) <= FRAME_BYTES_MAX
    assert parse_hub_frame(text)["proof"] == proof
    assert refusal(lambda _: messages.receipt_frame(DIGEST, 1, "x" * 2048, [HASH] * 63, ""), "") == "oversized"
    assert refusal(lambda _: messages.receipt_frame(DIGEST, 1, "x", [HASH] * 64, ""), "") == "malformed"
    assert refusal(lambda _: messages.receipt_frame(DIGEST, 1, "x", [HASH[:-1] + "A"], ""), "") == "malformed"
    assert refusal(lambda _: messages.receipt_frame(DIGEST, 1, "x", ["A" * 42 + "B="], ""), "") == "malformed"
    assert refusal(lambda _: messages.receipt_frame(DIGEST, 1, "x", ["A"], ""), "") == "malformed"


def test_inputs_have_limits() -> None:
    many = {"input_" + str(number): "open" for number in range(16)}
    assert refusal(parse_terminal_frame, messages.status_frame("none", None, "none", many, 0)) == ""
    names = ("A", "", "a" * 17, "a.b")
    wrong: list[dict[str, Any]] = [{name: "open"} for name in names]
    wrong += [many | {"more": "open"}, {"a": "ajar"}, {"a": None}]
    for inputs in wrong:
        assert refusal(lambda _: messages.status_frame("none", None, "none", inputs, 0), "") == "malformed"  # noqa: B023


def test_we_write_nothing_that_we_would_not_take() -> None:
    for call in (
        lambda: messages.challenge_frame("", 5),
        lambda: messages.snapshot_frame(-1, "none", "none", False),
        lambda: messages.snapshot_frame(1, "heard", "none", False),
        lambda: messages.refused_frame("x" * 33),
        lambda: messages.refused_frame("busy", "x"),
        lambda: messages.event_payload("x", 1, 1, "a", "panic", 1, None),
        lambda: messages.event_payload(TERMINAL, 1, 1, "", "panic", 1, None),
        lambda: messages.event_payload(TERMINAL, 1, 1, "a", "started", 1, None),
        lambda: messages.event_payload(TERMINAL, 1, 1, "a", "panic", 1, (-1, 1)),
    ):
        try:
            call()
        except FrameError as error:
            assert error.reason == "malformed"
        else:
            raise AssertionError("written")


def test_an_address_is_four_numbers_and_a_port() -> None:
    for address in ("10.0.0.7:8443", "192.168.255.255:1", "0.0.0.0:65535"):
        assert is_ipv4_address(address), address
    none = "hub.local:8443 10.0.0:8443 10.0.0.7.1:8443 10.0.0.256:8443 10.0.0.007:8443 10.0.0.:8443 10.0.0.+7:8443"
    none += " 10.0.0.7 10.0.0.7: 10.0.0.7:0 10.0.0.7:65536 10.0.0.7:08443 [fd00::1]:8443 10.0.0.\u0667:8443"
    for address in ["", "10.0.0.7:8443\n", " 10.0.0.7:8443", "10.0.0.7 :8443"] + none.split():
        assert not is_ipv4_address(address), address
