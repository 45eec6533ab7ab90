"""Request, answer and token; and the key that a node and its hub agree on without telling it."""

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from firstbell.jws import b64url
from firstbell_linux.enrolment import (
    ANSWER_BYTES_MAX,
    REQUEST_BYTES_MAX,
    EnrolAnswer,
    EnrolmentError,
    EnrolRequest,
    Token,
    agree_at_hub,
    agree_at_node,
    decode,
    encode,
    is_address,
    key_bytes,
    parse_token,
)
from hypothesis import example, given
from hypothesis import strategies as st

from hub.dispatch.requests import Refused
from hub.places.enrolment import agree

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[2] / "golden/enrolments.json").read_text("utf-8"))
HALVES = st.binary(min_size=32, max_size=32)
KEY = b64url(bytes(32))


def half(secret: bytes) -> X25519PrivateKey:
    return X25519PrivateKey.from_private_bytes(secret)


def public(own: X25519PrivateKey) -> bytes:
    return own.public_key().public_bytes_raw()


@given(HALVES, HALVES)
def test_both_sides_have_the_same_key(node_secret: bytes, hub_secret: bytes) -> None:
    node, hub = half(node_secret), half(hub_secret)
    at_node, at_hub = agree_at_node(node, public(hub)), agree_at_hub(hub, public(node))
    assert at_node == at_hub
    assert len(at_node) == 32


@given(HALVES)
def test_another_hub_gives_another_key(node_secret: bytes) -> None:
    node = half(node_secret)
    one, other = (agree_at_node(node, public(X25519PrivateKey.generate())) for _ in range(2))
    assert one != other


@pytest.mark.parametrize("refused", [*GOLDEN["refused_keys"], "01" + "00" * 30 + "80"])
def test_a_key_that_gives_what_everybody_knows_is_refused(refused: str) -> None:
    """At both sides, and with the bit that does not count."""
    point, own = bytes.fromhex(refused), X25519PrivateKey.generate()
    for side in (agree_at_node, agree_at_hub):
        with pytest.raises(EnrolmentError, match="bad_key"):
            side(own, point)
    with pytest.raises(Refused, match="bad_key"):
        agree(EnrolRequest("pico", b64url(point)))


@pytest.mark.parametrize("text", ["", "A" * 42, "A" * 44, "A" * 42 + "!", "A" * 42 + "B", "é" * 43])
def test_a_key_that_is_none(text: str) -> None:
    with pytest.raises(EnrolmentError, match="bad_key"):
        key_bytes(text)


@pytest.mark.parametrize("golden", GOLDEN["enrolments"], ids=lambda golden: golden["terminal"])
def test_golden_requests_and_answers(golden: dict[str, str]) -> None:
    request, answer = decode(golden["request"].encode(), EnrolRequest), decode(golden["answer"].encode(), EnrolAnswer)
    assert encode(request).decode() == golden["request"]
    assert json.loads(encode(answer)) == json.loads(golden["answer"])
    assert answer.key == request.key
    secret, key = bytes.fromhex(golden["secret"]), golden["key"]
    if answer.hub_key is None:
        assert agree(request)[0].told == request.key
        assert key == secret.hex()
        return
    hub = half(bytes.fromhex(GOLDEN["hub_secret"]))
    assert key_bytes(request.key) == public(half(secret))
    assert key_bytes(answer.hub_key) == public(hub)
    assert agree_at_node(half(secret), key_bytes(answer.hub_key)).hex() == key
    assert agree_at_hub(hub, key_bytes(request.key)).hex() == key


def test_the_golden_token() -> None:
    said = GOLDEN["token"]
    token = parse_token(f" {said['text']}\n")
    assert (token.address, token.fingerprint.hex(), token.text()) == (
        said["address"],
        said["fingerprint"],
        said["text"],
    )
    assert token.secret == b64url(bytes.fromhex(said["secret"]))
    assert token.secret not in repr(token)


@given(st.text(max_size=120))
@example("")
@example("localhost:1/" + "A" * 43 + "/" + "A" * 21)
@example("localhost:1/" + "A" * 43 + "/" + "A" * 21 + "B")
@example("localhost/" + "A" * 43 + "/" + "A" * 22)
@example("localhost:1/" + "A" * 42 + "/" + "A" * 22)
@example("localhost:1/" + "A" * 43 + "/" + "A" * 22 + "/")
@example("x" * 500 + ":1/" + "A" * 43 + "/" + "A" * 22)
def test_what_is_no_token(text: str) -> None:
    with pytest.raises(EnrolmentError, match="malformed"):
        parse_token(text)


@pytest.mark.parametrize(
    ("address", "host"), [("hub.lan:8443", "hub.lan"), ("[fd00::1]:1", "fd00::1"), ("10.0.0.1:65535", "10.0.0.1")]
)
def test_where_a_token_leads(address: str, host: str) -> None:
    token = parse_token(Token(address, bytes(32), b64url(bytes(16))).text())
    assert token.host == (host, int(address.rpartition(":")[2]))


@pytest.mark.parametrize("text", ["", "hub.lan", ":1", "hub.lan:0", "hub.lan:65536", "fd00::1:1", "hub lan:1", "a:1\n"])
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "malformed"),
        (b"{}", "malformed"),
        (b"\xff", "malformed"),
        (b'{"board":"fridge","key":"' + KEY.encode() + b'"}', "malformed"),
        (b'{"board":"pi","key":"short"}', "malformed"),
        (b'{"board":"pi","key":"' + KEY.encode() + b'","more":1}', "malformed"),
        (b'{"board":"pi","key":"' + KEY.encode() + b'"}' + b" " * REQUEST_BYTES_MAX, "oversized"),
    ],
)
def test_what_is_no_request(data: bytes, reason: str) -> None:
    with pytest.raises(EnrolmentError, match=reason):
        decode(data, EnrolRequest)


def test_an_answer_has_its_own_limit() -> None:
    whole = encode(EnrolAnswer(KEY, "x" * (REQUEST_BYTES_MAX + 1), "", "", None))
    assert decode(whole, EnrolAnswer).key == KEY
    with pytest.raises(EnrolmentError, match="oversized"):
        decode(whole + b" " * ANSWER_BYTES_MAX, EnrolAnswer)
