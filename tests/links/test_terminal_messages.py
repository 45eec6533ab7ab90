"""Messages that no honest terminal would send, and some that an honest one might: each is handled as PROTOCOL.md
says, over real TLS, by a hub in a process of its own that goes on serving and never logs an error.
"""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from firstbell.jws import Ed25519Signer, b64url, digest_of
from firstbell.messages import FRAME_BYTES_MAX, REFUSALS_MAX

from hub.links.supervision import CONNECTIONS_OF_ONE_MAX
from tests.links.campus import Enrolled
from tests.links.hub_process import HubProcess
from tests.links.line import Line
from tests.links.raw_terminal import RawTerminal, event_frame, receipt_of

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLICY_VIOLATION = 1008
TOO_BIG = (1009, 1006)
"""The hub closes with 1009; what has come by then, and nobody will read, may reset the line before that is seen."""
INVALID_TEXT = 1007
NONCE = b64url(bytes(32))
STRANGER = Ed25519Signer(bytes(range(32)))


@pytest_asyncio.fixture(loop_scope="module")
async def enrolled(hub: HubProcess) -> Enrolled:
    return await hub.enrol()


@pytest_asyncio.fixture(loop_scope="module")
async def terminal(hub: HubProcess, enrolled: Enrolled) -> AsyncIterator[RawTerminal]:
    """One of its own for each test; afterwards another is served as if nothing had been, and there is no complaint."""
    terminal = hub.raw_terminal(enrolled)
    yield terminal
    honest = hub.raw_terminal(await hub.enrol())
    line = await honest.link()
    press = honest.event()
    await line.send(event_frame(press))
    await line.until(receipt_of(press))
    await line.close()
    assert hub.complaints() == []
    assert hub.process.returncode is None


async def refused(line: Line, reason: str, since: int = 0) -> dict[str, Any]:
    frame = await line.of_type("refused", since)
    assert frame["reason"] == reason, frame
    return frame


# ── before a hello holds: one refusal, and the line is closed ───────────────────────────────────────────────


def header(enrolled: Enrolled, **changes: str) -> str:
    fields = {"alg": "EdDSA", "kid": enrolled.terminal, "typ": "firstbell-hello"}
    return json.dumps({**fields, **changes}, separators=(",", ":"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"signer": STRANGER}, "bad_signature"),
        ({"nonce": NONCE}, "wrong_nonce"),
        ({"terminal": "t-aaaaaaaaaa"}, "unknown_terminal"),
        ({"terminal": "t-AAAAAAAAAA"}, "malformed"),
        ({"boot": -1}, "malformed"),
        ({"alg": "HS256"}, "wrong_header"),
        ({"alg": "none"}, "wrong_header"),
        ({"kid": "t-aaaaaaaaaa"}, "wrong_header"),
        ({"typ": "firstbell-event"}, "wrong_header"),
        ({"software": "x" * 1024}, "oversized"),
    ],
)
async def test_a_hello_that_does_not_hold(
    hub: HubProcess, enrolled: Enrolled, terminal: RawTerminal, changes: dict[str, Any], reason: str
) -> None:
    line = await terminal.open()
    if changes.keys() & {"alg", "kid", "typ"}:
        changes = {"header": header(enrolled, **changes)}
    signed = terminal.hello(**{"nonce": line.frames[0]["nonce"], **changes})
    await line.send({"type": "hello", "jws": signed})
    assert "event" not in await refused(line, reason)
    assert await line.closed() == POLICY_VIOLATION


async def test_a_hello_without_a_signature(terminal: RawTerminal) -> None:
    line = await terminal.open()
    unsigned = terminal.hello(line.frames[0]["nonce"]).rpartition(".")[0] + "."
    await line.send({"type": "hello", "jws": unsigned})
    await refused(line, "bad_signature")
    assert await line.closed() == POLICY_VIOLATION


async def test_a_hello_that_was_heard_before(terminal: RawTerminal) -> None:
    first = await terminal.open()
    signed = terminal.hello(first.frames[0]["nonce"])
    await first.send({"type": "hello", "jws": signed})
    await first.of_type("snapshot")
    second = await terminal.open()
    await second.send({"type": "hello", "jws": signed})
    await refused(second, "wrong_nonce")
    assert await second.closed() == POLICY_VIOLATION
    assert first.code is None
    await first.close()


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"type": "heartbeat", "t1_ms": 1}, "protocol"),
        ({"type": "event", "jws": "a.b.c"}, "protocol"),
        ({"type": "hello"}, "malformed"),
        ({"type": "hello", "jws": "no jws"}, "malformed"),
        ({"type": "hello", "jws": "é.b.c"}, "malformed"),
        ({"type": "hello", "jws": "x" * 1025}, "oversized"),
        ({"type": "snapshot"}, "malformed"),
        ({}, "malformed"),
        ("", "malformed"),
        ("[]", "malformed"),
        ("{", "malformed"),
        ("[" * 4000, "malformed"),
        ('{"type":"heartbeat","t1_ms":1,"t1_ms":2}', "malformed"),
        ('{"type":"heartbeat","t1_ms":' + "9" * 4000 + "}", "malformed"),
        ('{"type":"\\ud800"}', "malformed"),
        (b'{"type":"heartbeat","t1_ms":1}', "malformed"),
        ('{"type":"heartbeat","t1_ms":1' + " " * FRAME_BYTES_MAX + "}", None),
    ],
)
async def test_a_first_frame_that_is_no_hello(
    terminal: RawTerminal, said: dict[str, Any] | str | bytes, reason: str | None
) -> None:
    line = await terminal.open()
    await line.send(said)
    if reason is None:
        # Nobody reads so much: the WebSocket itself ends.
        assert await line.closed() in TOO_BIG
    else:
        await refused(line, reason)
        assert await line.closed() == POLICY_VIOLATION


async def test_a_frame_of_one_byte_too_many(terminal: RawTerminal) -> None:
    line = await terminal.link()
    frame = '{"type":"heartbeat","t1_ms":1}'
    await line.send(frame + " " * (FRAME_BYTES_MAX - len(frame)))
    await line.of_type("heartbeat")
    await line.send(frame + " " * (FRAME_BYTES_MAX + 1 - len(frame)))
    assert await line.closed() in TOO_BIG


async def test_a_frame_that_is_no_text(terminal: RawTerminal) -> None:
    line = await terminal.link()
    assert line.socket._writer is not None
    await line.socket._writer.send_frame(b'{"type":"\xff\xfe"}', 1)
    assert await line.closed() == INVALID_TEXT


async def test_a_line_that_breaks_in_the_middle_of_a_frame(terminal: RawTerminal) -> None:
    line = await terminal.link()
    connection = line.socket._response.connection
    assert connection is not None
    assert connection.transport is not None
    connection.transport.write(b"\x81\xfe\x0f")
    line.cut()
    await line.closed()


async def test_a_revoked_terminal(hub: HubProcess, enrolled: Enrolled, terminal: RawTerminal) -> None:
    line = await terminal.link()
    press = terminal.event()
    await hub.delete(f"/api/terminals/{enrolled.terminal}")
    assert await line.closed() == POLICY_VIOLATION
    again = await terminal.open()
    await again.send({"type": "hello", "jws": terminal.hello(again.frames[0]["nonce"])})
    await refused(again, "revoked")
    assert await again.closed() == POLICY_VIOLATION
    assert not [entry for entry in hub.entries("event_recorded") if entry["digest"] == digest_of(press)]


# ── afterwards: a refusal, counted; sixteen close ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("reason", ["bad_signature", "wrong_header", "malformed", "oversized"])
async def test_an_event_that_is_not_the_terminals(hub: HubProcess, terminal: RawTerminal, reason: str) -> None:
    other = hub.raw_terminal(await hub.enrol())
    forged = {
        "bad_signature": terminal.event(signer=STRANGER),
        # Truly signed, by another one.
        "wrong_header": other.event(),
        "malformed": "a.b",
        "oversized": terminal.event(input="x" * 900),
    }[reason]
    line = await terminal.link()
    await line.send(event_frame(forged))
    frame = await refused(line, reason)
    if reason != "oversized":
        assert frame["event"] == digest_of(forged)
    # It has cost nothing but this: the line goes on.
    press = terminal.event()
    await line.send(event_frame(press))
    await line.until(receipt_of(press))
    assert not [entry for entry in hub.entries("event_recorded") if entry["digest"] == digest_of(forged)]
    await line.close()


async def test_an_event_with_its_last_byte_changed(terminal: RawTerminal) -> None:
    line = await terminal.link()
    press = terminal.event()
    for changed in (press[:-2] + ("AA" if press[-2:] != "AA" else "QQ"), press + "A", press[1:], press + "\n"):
        since = len(line.frames)
        await line.send(event_frame(changed))
        frame = await line.of_type("refused", since)
        assert frame["reason"] in ("bad_signature", "malformed", "wrong_header"), (changed, frame)
    await line.send(event_frame(press))
    await line.until(receipt_of(press))
    await line.close()


async def test_a_second_hello(terminal: RawTerminal) -> None:
    line = await terminal.link()
    await line.send({"type": "hello", "jws": terminal.hello(line.frames[0]["nonce"])})
    await refused(line, "protocol")
    assert line.code is None
    await line.close()


async def test_sixteen_refusals_close(terminal: RawTerminal) -> None:
    line = await terminal.link()
    for _ in range(REFUSALS_MAX):
        await line.send("nonsense")
    assert await line.closed() == POLICY_VIOLATION
    reasons = [frame["reason"] for frame in line.frames if frame["type"] == "refused"]
    assert reasons == ["malformed"] * REFUSALS_MAX + ["too_many"]


# ── what an honest terminal may do ──────────────────────────────────────────────────────────────────────────


async def test_an_event_sent_again_is_recorded_once(hub: HubProcess, terminal: RawTerminal) -> None:
    press = terminal.event()
    for _ in range(2):
        line = await terminal.link()
        for _ in range(3):
            since = len(line.frames)
            await line.send(event_frame(press))
            await line.until(receipt_of(press), since)
        await line.close()
    await hub.recorded(press)
    last = terminal.event()
    line = await terminal.link()
    await line.send(event_frame(last))
    await hub.recorded(last)
    recorded = [entry["digest"] for entry in hub.entries("event_recorded")]
    assert recorded.count(digest_of(press)) == 1
    assert [entry["digest"] for entry in hub.entries("press_repeated")].count(digest_of(press)) == 0
    await line.close()


async def test_events_out_of_order_are_all_recorded(hub: HubProcess, terminal: RawTerminal) -> None:
    line = await terminal.link(seq=5)
    presses = [terminal.event(seq=sequence) for sequence in (5, 3, 900, 4)]
    for press in presses:
        await line.send(event_frame(press))
    for press in presses:
        await line.until(receipt_of(press))
    for press in presses:
        await hub.recorded(press)
    mine = [entry for entry in hub.entries("event_recorded") if entry["terminal"] == terminal.terminal]
    # One that was overtaken is looked up first, and so may be overtaken once more.
    assert sorted(entry["seq"] for entry in mine) == [3, 4, 5, 900]
    assert not any(entry["again"] for entry in mine)
    assert len({entry["incident"] for entry in mine}) == 1
    await line.close()


@pytest.mark.parametrize(
    "odd",
    [
        {"what": "earthquake"},
        {"input": "no_such_input"},
        {"seq": "first"},
        {"seq": -1},
        {"boot": None},
        {"event_ms": "now"},
        {"terminal": "t-aaaaaaaaaa"},
    ],
)
async def test_a_signed_event_is_never_turned_away(hub: HubProcess, terminal: RawTerminal, odd: dict[str, Any]) -> None:
    line = await terminal.link()
    press = terminal.event(**odd)
    await line.send(event_frame(press))
    await line.until(receipt_of(press))
    entry = await hub.recorded(press)
    if odd.keys() & {"what", "terminal"}:
        assert entry["what"] == "unknown"
        await hub.until_entry("trouble_began", what="not_understood", about=terminal.terminal)
    else:
        assert entry["what"] == "panic"
        assert entry["incident"]
    await line.close()


async def test_two_of_one_identity_both_ring_and_are_trouble(hub: HubProcess, terminal: RawTerminal) -> None:
    """A cloned card: the second event at one boot and sequence is a press all the same."""
    real, clone = await terminal.link(), await terminal.link()
    first = terminal.event(seq=1, mono_ms=1_000)
    second = terminal.event(seq=1, mono_ms=2_000)
    await real.send(event_frame(first))
    await real.until(receipt_of(first))
    await clone.send(event_frame(second))
    await clone.until(receipt_of(second))
    mine = [await hub.recorded(press) for press in (first, second)]
    assert [(entry["seq"], entry["again"]) for entry in mine] == [(1, False), (1, True)]
    repeated = await hub.until_entry("press_repeated", digest=digest_of(second))
    assert repeated["incident"] == mine[0]["incident"] == mine[1]["incident"]
    told = [(entry["what"], entry["about"]) for entry in hub.entries("trouble_began")]
    assert ("cloned", terminal.terminal) in told
    # Neither can silence the other.
    for line in (real, clone):
        since = len(line.frames)
        await line.send({"type": "heartbeat", "t1_ms": 7})
        assert (await line.of_type("heartbeat", since))["t1_ms"] == 7
    await clone.close()
    since = len(real.frames)
    third = terminal.event(seq=2)
    await real.send(event_frame(third))
    await real.until(receipt_of(third), since)
    assert not [1 for e in hub.entries("link_changed") if (e["terminal"], e["linked"]) == (terminal.terminal, False)]
    await real.close()


async def test_the_newest_of_one_identity_gets_in(hub: HubProcess) -> None:
    """Whoever holds a stolen key keeps neither its owner nor anybody else out."""
    terminal = hub.raw_terminal(await hub.enrol())
    lines = [(await terminal.link()).keep_alive() for _ in range(CONNECTIONS_OF_ONE_MAX + 1)]
    assert await lines[0].closed() == 1008
    newest = lines[-1]
    press = terminal.event()
    await newest.send(event_frame(press))
    await newest.until(receipt_of(press))
    assert [line.code for line in lines[1:]] == [None] * CONNECTIONS_OF_ONE_MAX
    for line in lines[1:]:
        await line.close()


async def test_a_nodes_messages(hub: HubProcess, terminal: RawTerminal) -> None:
    """HS256: its own header holds, EdDSA's does not, and neither does a MAC with a public value as its key."""
    node = hub.raw_terminal(await hub.enrol(algorithm="HS256"))
    line = await node.link()
    press = node.event()
    await line.send(event_frame(press))
    await line.until(receipt_of(press))
    as_eddsa = node.event(header=f'{{"alg":"EdDSA","kid":"{node.terminal}","typ":"firstbell-event"}}')
    await line.send(event_frame(as_eddsa))
    await refused(line, "wrong_header")
    await line.close()


async def test_the_record_is_sound_after_all_this(hub: HubProcess) -> None:
    verdict = await hub.verify()
    assert verdict.ok, verdict
