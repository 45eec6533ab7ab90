"""The golden texts in a whole conversation: what the hub's half answers to each."""

import json
from pathlib import Path
from typing import Any

import pytest
from firstbell import jws
from firstbell.jws import Ed25519Verifier, Hs256Key

from hub.links.terminal_session import HubSession, Linked, Registered, Send, SignedEvent
from tests.golden.signing import NODE, NONCE, PI

GOLDEN = Path(__file__).parents[2] / "golden"
NOW_MS = 90_812_345


def load(name: str) -> dict[str, Any]:
    vectors: dict[str, Any] = json.loads((GOLDEN / name).read_text("utf-8"))
    return vectors


SIGNED = load("signed.json")
LIMITS = load("limits.json")
VERDICTS = load("verdicts.json")["cases"]
HELLOS = [case for case in SIGNED["signed"] if case["typ"] == jws.HELLO_TYP]


def registered() -> dict[str, Registered]:
    pi, node = SIGNED["keys"][PI], SIGNED["keys"][NODE]
    return {
        PI: Registered(PI, "EdDSA", Ed25519Verifier(bytes.fromhex(pi["public"])).verify),
        NODE: Registered(NODE, "HS256", Hs256Key(bytes.fromhex(node["secret"])).verify),
    }


def linked(terminal: str) -> HubSession:
    session = HubSession(registered().get)
    session.challenge(NOW_MS, NONCE)
    hello = next(case["jws"] for case in HELLOS if case["terminal"] == terminal)
    actions = session.frame(json.dumps({"type": "hello", "jws": hello}), NOW_MS)
    assert [type(action) for action in actions] == [Linked]
    return session


def refused(session: HubSession, data: str | bytes) -> dict[str, Any]:
    """The refusal that answers `data`; empty where it was taken."""
    frames = [json.loads(action.text) for action in session.frame(data, NOW_MS) if isinstance(action, Send)]
    return next((frame for frame in frames if frame["type"] == "refused"), {})


@pytest.mark.parametrize("case", HELLOS, ids=lambda case: case["terminal"])
def test_each_hello_holds(case: dict[str, str]) -> None:
    session = HubSession(registered().get)
    session.challenge(NOW_MS, NONCE)
    (action,) = session.frame(json.dumps({"type": "hello", "jws": case["jws"]}), NOW_MS)
    assert isinstance(action, Linked)
    assert action.checkpoint == json.loads(case["payload"])["checkpoint"]


@pytest.mark.parametrize("case", LIMITS["terminal"], ids=lambda case: case["case"])
def test_a_frame_at_its_limits(case: dict[str, str]) -> None:
    assert refused(linked(PI), case["text"]).get("reason", "") == case["refused"]


@pytest.mark.parametrize("case", LIMITS["binary"], ids=lambda case: case["case"])
def test_a_binary_frame(case: dict[str, str]) -> None:
    assert refused(linked(PI), bytes.fromhex(case["hex"]))["reason"] == case["refused"]


@pytest.mark.parametrize("case", VERDICTS, ids=lambda case: case["case"])
def test_the_verdict_on_a_signed_text(case: dict[str, str]) -> None:
    refusal = refused(linked(case["terminal"]), json.dumps({"type": "event", "jws": case["jws"]}))
    assert refusal.get("reason", "") == case["refused"]
    # A text that is too long is not hashed.
    digest = jws.digest_of(case["jws"]) if case["refused"] not in ("", "oversized") else None
    assert refusal.get("event") == digest


@pytest.mark.parametrize("case", SIGNED["signed"], ids=lambda case: case["digest"][:8])
def test_each_event_is_taken(case: dict[str, str]) -> None:
    if case["typ"] == jws.EVENT_TYP:
        (action,) = linked(case["terminal"]).frame(json.dumps({"type": "event", "jws": case["jws"]}), NOW_MS)
        assert isinstance(action, SignedEvent)
        assert action.digest == case["digest"]
