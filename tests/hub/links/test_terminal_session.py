"""The hub's half of the conversation with a terminal: what is taken, what is refused, and why."""

import json

import pytest
from firstbell import jws, messages
from firstbell.jws import (
    EVENT_TYP,
    HELLO_TYP,
    Ed25519Signer,
    Ed25519Verifier,
    Hs256Key,
    b64url,
    digest_of,
    header,
    sign,
)
from firstbell.messages import HELLO_MS_MAX, REFUSALS_MAX, SILENCE_MS_MAX

from hub.links.terminal_session import (
    Action,
    Close,
    HubSession,
    Linked,
    Refusal,
    Registered,
    Send,
    SignedEvent,
    Status,
)

PI = "t-pipipipipi"
NODE = "t-nodenodeno"
STOLEN = "t-stolenstol"
PI_KEY = Ed25519Signer(bytes(32))
NODE_KEY = Hs256Key(bytes(range(32)))
STOLEN_KEY = Hs256Key(bytes(range(1, 33)))
NONCE = bytes(range(32, 64))

REGISTERED = {
    PI: Registered(PI, "EdDSA", Ed25519Verifier(PI_KEY.public_key()).verify),
    NODE: Registered(NODE, "HS256", NODE_KEY.verify),
    STOLEN: Registered(STOLEN, "HS256", STOLEN_KEY.verify, revoked=True),
}
KEYS: dict[str, Ed25519Signer | Hs256Key] = {PI: PI_KEY, NODE: NODE_KEY, STOLEN: STOLEN_KEY}


def hello(terminal: str, nonce: bytes = NONCE, **changes: object) -> str:
    said = json.loads(messages.hello_payload(terminal, b64url(nonce), 3, 9, 1234, "0.1.0", "a note")) | changes
    return signed(terminal, HELLO_TYP, json.dumps(said))


def signed(terminal: str, typ: str, payload: str) -> str:
    key = KEYS[terminal]
    return sign(payload.encode(), header(key.algorithm, terminal, typ), key)


def event(terminal: str, seq: int = 1) -> str:
    payload = messages.event_payload(terminal, 3, seq, "panic", "panic", 1240, (5000, 3))
    return signed(terminal, EVENT_TYP, payload.decode())


def challenged() -> HubSession:
    session = HubSession(REGISTERED.get)
    assert session.challenge(1000, NONCE) == [Send(messages.challenge_frame(b64url(NONCE), 1000))]
    return session


def linked(terminal: str = PI) -> HubSession:
    session = challenged()
    told = session.frame(messages.hello_frame(hello(terminal)), 1001)
    assert told == [Linked(terminal, 3, 9, 1234, "0.1.0", "a note", None)]
    return session


def refused(reason: str, event: str = "", close: str = "") -> list[Action]:
    told: list[Action] = [Refusal(reason), Send(messages.refused_frame(reason, event))]
    return [*told, Close(close)] if close else told


@pytest.mark.parametrize("terminal", [PI, NODE])
def test_a_hello_that_holds_links(terminal: str) -> None:
    session = challenged()
    assert session.terminal == ""
    session.frame(messages.hello_frame(hello(terminal)), 1001)
    assert session.terminal == terminal


def forged(terminal: str, typ: str, key: Hs256Key | Ed25519Signer, segment: str = "") -> str:
    payload = messages.hello_payload(terminal, b64url(NONCE), 3, 9, 1234, "0.1.0", "")
    return sign(payload, segment or header(key.algorithm, terminal, typ), key)


HELLOS = {
    "an unknown terminal": (forged("t-unknownunk", HELLO_TYP, NODE_KEY), "unknown_terminal"),
    "a revoked one": (hello(STOLEN), "revoked"),
    "a revoked one's name with another key": (forged(STOLEN, HELLO_TYP, NODE_KEY), "bad_signature"),
    "another nonce": (hello(PI, bytes(32)), "wrong_nonce"),
    "another key": (forged(NODE, HELLO_TYP, STOLEN_KEY), "bad_signature"),
    "another algorithm": (forged(PI, HELLO_TYP, Hs256Key(PI_KEY.public_key())), "wrong_header"),
    "no algorithm": (forged(PI, HELLO_TYP, NODE_KEY, header("none", PI, HELLO_TYP)), "wrong_header"),
    "somebody else's header": (forged(PI, HELLO_TYP, NODE_KEY, header("HS256", NODE, HELLO_TYP)), "wrong_header"),
    "an event": (event(PI), "malformed"),
    "an event's type": (forged(PI, EVENT_TYP, PI_KEY), "wrong_header"),
    "no payload": (signed(PI, HELLO_TYP, "[]"), "malformed"),
    "a field too few": (hello(PI, boot=None), "malformed"),
    "no JWS": ("a.b", "malformed"),
    "no base64url": ("a.b=.c", "malformed"),
}


@pytest.mark.parametrize("name", HELLOS)
def test_a_hello_that_does_not_hold_closes(name: str) -> None:
    text, reason = HELLOS[name]
    session = challenged()
    assert session.frame(messages.hello_frame(text), 1001) == refused(reason, close=reason)
    assert session.terminal == ""
    assert session.frame(messages.hello_frame(hello(PI)), 1002) == [], "nothing more is read"
    assert session.tick(100_000) == []
    assert session.next_ms() is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("{", "malformed"),
        (b"{}", "malformed"),
        ('{"type":"challenge"}', "malformed"),
        ("x" * 4097, "oversized"),
        ('{"type":"hello","jws":"' + "x" * 1025 + '"}', "oversized"),
        (messages.heartbeat_frame(5), "protocol"),
        (messages.event_frame(event(PI)), "protocol"),
        (messages.status_frame("none", None, "none", {}, 0), "protocol"),
    ],
)
def test_nothing_else_may_come_first(data: str | bytes, reason: str) -> None:
    assert challenged().frame(data, 1001) == refused(reason, close=reason)


def test_a_hello_has_its_time() -> None:
    session = challenged()
    assert session.next_ms() == 1000 + HELLO_MS_MAX
    assert session.tick(1000 + HELLO_MS_MAX - 1) == []
    assert session.tick(1000 + HELLO_MS_MAX) == refused("too_slow", close="too_slow")


def test_before_the_challenge_nothing_is_due() -> None:
    session = HubSession(REGISTERED.get)
    assert session.next_ms() is None
    assert session.tick(100_000) == []
    assert session.frame(messages.hello_frame(hello(PI)), 1) == refused("protocol", close="protocol")


def test_silence_closes() -> None:
    session = linked()
    assert session.next_ms() == 1001 + SILENCE_MS_MAX
    session.frame(messages.heartbeat_frame(5), 5000)
    assert session.tick(5000 + SILENCE_MS_MAX - 1) == []
    assert session.tick(5000 + SILENCE_MS_MAX) == [Close("silence")]
    assert session.frame(messages.heartbeat_frame(6), 14_001) == []


def test_heartbeats_are_answered() -> None:
    assert linked().frame(messages.heartbeat_frame(77), 2000) == [Send(messages.heartbeat_answer(77, 2000, 2000))]


def test_a_status_is_handed_on() -> None:
    frame = messages.status_frame("heard", 5, "alarm", {"panic": "stuck"}, 4)
    assert linked().frame(frame, 2000) == [Status("heard", 5, "alarm", {"panic": "stuck"}, 4)]


@pytest.mark.parametrize("terminal", [PI, NODE])
def test_an_event_is_handed_on_whole(terminal: str) -> None:
    text = event(terminal)
    assert linked(terminal).frame(messages.event_frame(text), 2000) == [
        SignedEvent(terminal, digest_of(text), text, 3, 1, "panic", "panic", 1240, 5000, 3)
    ]


def test_a_validly_signed_event_is_never_refused() -> None:
    for payload, boot, seq in (
        ("", 0, 0),
        ("[]", 0, 0),
        ("{", 0, 0),
        ("\x00", 0, 0),
        ('{"what":"smoke","boot":4,"seq":2}', 4, 2),
        ('{"boot":-1}', 0, 0),
    ):
        text = signed(PI, EVENT_TYP, payload)
        assert linked().frame(messages.event_frame(text), 2000) == [
            SignedEvent(PI, digest_of(text), text, boot, seq, "", "unknown", 0, None, None)
        ]


EVENTS = {
    "another terminal's": (event(NODE), "wrong_header"),
    "a hello": (hello(PI), "wrong_header"),
    "another key": (forged(PI, EVENT_TYP, Ed25519Signer(bytes(range(32)))), "bad_signature"),
    "no signature": (event(PI).rpartition(".")[0] + ".", "bad_signature"),
    "no JWS": ("x", "malformed"),
    "padded": (event(PI) + "=", "malformed"),
    "not ASCII": ("\u4e2d.\u4e2d.\u4e2d", "wrong_header"),
}


@pytest.mark.parametrize("name", EVENTS)
def test_an_event_that_is_not_its_own_is_refused_by_name(name: str) -> None:
    text, reason = EVENTS[name]
    session = linked()
    assert session.frame(messages.event_frame(text), 2000) == refused(reason, digest_of(text))
    assert len(session.frame(messages.event_frame(event(PI)), 2001)) == 1, "the connection goes on"


def test_a_second_hello_changes_nothing() -> None:
    session = linked(PI)
    assert session.frame(messages.hello_frame(hello(NODE)), 2000) == refused("protocol")
    assert session.terminal == PI


def test_too_many_refusals_close() -> None:
    session = linked()
    for _ in range(REFUSALS_MAX - 1):
        assert session.frame("{", 2000) == refused("malformed")
    told = session.frame("{", 2000)
    assert told == refused("malformed") + refused("too_many", close="too_many")
    assert session.frame(messages.event_frame(event(PI)), 2001) == []


@pytest.mark.parametrize("now", [None, REGISTERED[STOLEN]])
def test_a_revoked_terminal_is_cut_off_with_its_next_event(now: Registered | None) -> None:
    registered: dict[str, Registered | None] = {PI: REGISTERED[PI]}
    session = HubSession(registered.get)
    session.challenge(1000, NONCE)
    session.frame(messages.hello_frame(hello(PI)), 1001)
    registered[PI] = now
    text = event(PI)
    assert session.frame(messages.event_frame(text), 2000) == refused("revoked", digest_of(text), "revoked")
    assert session.frame(messages.event_frame(text), 2001) == []


def test_a_captured_hello_is_no_use_later() -> None:
    captured = messages.hello_frame(hello(PI))
    session = HubSession(REGISTERED.get)
    session.challenge(1000, bytes(32))
    assert session.frame(captured, 1001) == refused("wrong_nonce", close="wrong_nonce")


def test_every_reason_can_be_said() -> None:
    for reason in [*(reason for _, reason in (*HELLOS.values(), *EVENTS.values())), "too_slow", "too_many", "protocol"]:
        assert messages.parse_hub_frame(messages.refused_frame(reason))["reason"] == reason
    assert jws.JWS_BYTES_MAX < messages.FRAME_BYTES_MAX
