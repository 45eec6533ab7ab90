"""Refusals of strangers are counted, and become one entry per cause and minute; here a minute passes at once."""

from typing import Any

from firstbell.jws import Ed25519Signer, b64url
from firstbell.messages import FRAME_BYTES_MAX, HELLO_MS_MAX, SILENCE_MS_MAX

from hub.links.pace import BURST_MAX, EACH_MS
from hub.links.strangers import SUMMARY_MS
from hub.links.supervision import CONNECTIONS_OF_ONE_MAX
from tests.links.campus import Enrolled
from tests.links.inner_hub import InnerHub
from tests.links.raw_terminal import event_frame, receipt_of

NONCE = b64url(bytes(32))
STRANGER = Ed25519Signer(bytes(range(32)))


async def refused_hello(hub: InnerHub, enrolled: Enrolled, **changes: Any) -> None:
    terminal = hub.raw_terminal(enrolled)
    line = await terminal.open()
    await line.send({"type": "hello", "jws": terminal.hello(**{"nonce": line.frames[0]["nonce"], **changes})})
    await line.closed()


async def refused_first(hub: InnerHub, said: str) -> None:
    line = await hub.terminal_line()
    await line.send(said)
    await line.closed()


async def test_each_cause_is_one_entry_a_minute_and_a_trouble(inner_hub: InnerHub) -> None:
    hub = inner_hub
    enrolled, gone = await hub.enrol(), await hub.enrol("拆走的")
    await hub.delete(f"/api/terminals/{gone.terminal}")
    await refused_hello(hub, enrolled, signer=STRANGER)
    await refused_hello(hub, enrolled, signer=STRANGER)
    await refused_hello(hub, enrolled, nonce=NONCE)
    await refused_hello(hub, enrolled, terminal="t-aaaaaaaaaa")
    await refused_hello(hub, enrolled, header="{}")
    await refused_hello(hub, gone)
    await refused_first(hub, "nonsense")
    await refused_first(hub, '{"type":"heartbeat","t1_ms":1}')
    await refused_first(hub, " " * (FRAME_BYTES_MAX + 1))
    await refused_first(hub, '{"type":"hello","jws":"' + "x" * 1025 + '"}')
    linked = await hub.raw_terminal(enrolled).link()
    await linked.send(event_frame(hub.raw_terminal(enrolled).event(signer=STRANGER)))
    await linked.of_type("refused")
    crowd = [await hub.raw_terminal(enrolled).link() for _ in range(CONNECTIONS_OF_ONE_MAX)]
    assert await linked.closed() == 1008
    pager = await hub.pager(await hub.guard("王建国"))
    forged = hub.raw_terminal(enrolled).event(signer=STRANGER)
    await pager.line.send({"type": "evidence", "jws": [forged, "no jws"]})
    for jws, reason in ((forged, "bad_signature"), ("no jws", "malformed")):
        refusal = {"type": "refused", "command": None, "reason": reason, "jws": jws}
        await pager.line.until(refusal.__eq__)
    assert hub.entries("strangers_refused") == []
    size = hub.core.engine.size
    hub.skip_ms = SUMMARY_MS
    expected = {
        "bad_signature": 3,
        "wrong_nonce": 1,
        "unknown_terminal": 1,
        "wrong_header": 1,
        "revoked": 1,
        "malformed": 1,
        "protocol": 1,
        "oversized": 2,
        "too_many_links": 1,
        "evidence_bad_signature": 1,
        "evidence_malformed": 1,
    }
    for cause, count in expected.items():
        await hub.until_entry("strangers_refused", cause=cause, count=count)
        await hub.until_entry("trouble_began", what="strangers", about=cause)
    assert len(hub.entries("strangers_refused")) == len(expected)
    assert hub.core.engine.size >= size + len(expected)
    # A minute without strangers is no entry, and a second one of the same cause is no second trouble.
    await refused_first(hub, "nonsense")
    hub.skip_ms += SUMMARY_MS
    await hub.until(lambda _: len(hub.entries("strangers_refused")) > len(expected))
    told = [entry["about"] for entry in hub.entries("trouble_began") if entry["what"] == "strangers"]
    assert sorted(told) == sorted(expected)
    assert len(hub.entries("strangers_refused")) == len(expected) + 1
    for line in crowd:
        await line.close()
    assert (await hub.verify()).ok


async def test_a_terminal_that_never_says_hello(inner_hub: InnerHub) -> None:
    line = await inner_hub.terminal_line()
    await line.of_type("challenge")
    inner_hub.skip_ms = HELLO_MS_MAX
    assert (await line.of_type("refused"))["reason"] == "too_slow"
    assert await line.closed() == 1008


async def test_those_who_are_silent_are_lost(inner_hub: InnerHub) -> None:
    """Nine seconds without a frame; who speaks stays."""
    hub = inner_hub
    silent, talking = [hub.raw_terminal(await hub.enrol(name)) for name in ("甲", "乙")]
    lines = [await silent.link(), await talking.link()]
    pagers = [await hub.pager(await hub.guard(name)) for name in ("王建国", "李敏")]
    for pager in pagers:
        await pager.ready()

    hub.skip_ms = SILENCE_MS_MAX // 2
    for line in (lines[1], pagers[1].line):
        await line.send({"type": "heartbeat", "t1_ms": 5})
        await line.of_type("heartbeat")
    hub.skip_ms = SILENCE_MS_MAX
    await hub.until_entry("link_changed", terminal=silent.terminal, linked=False)
    await hub.until_entry("trouble_began", what="lost", about=silent.terminal)
    await hub.until_entry("pager_readiness", reasons=["link"])
    await lines[0].closed()
    await pagers[0].line.closed()
    assert lines[1].code is None
    assert pagers[1].line.code is None
    assert len([entry for entry in hub.entries("pager_readiness") if entry["reasons"] == ["link"]]) == 1


async def test_a_terminal_that_changes_all_the_time_fills_no_record(inner_hub: InnerHub) -> None:
    """What it said last is on the record, and little of what it said before; its presses wait for nothing."""
    terminal = inner_hub.raw_terminal(await inner_hub.enrol())
    line = await terminal.link()
    status = {"type": "status", "since_ms": None, "ring": "none", "inputs": {"panic": "open"}, "pending": 0}
    for _ in range(4 * BURST_MAX):
        for light in ("heard", "none"):
            await line.send({**status, "light": light})
    press = terminal.event()
    await line.send(event_frame(press))
    await line.until(receipt_of(press))
    await line.send({**status, "light": "coming"})
    last = await inner_hub.until_entry("light_shown", light="coming")
    changes = inner_hub.entries("light_shown")
    took_ms = last["at_ms"] - changes[0]["at_ms"]
    assert len(changes) <= BURST_MAX + 1 + took_ms // EACH_MS


async def test_a_terminal_that_names_another_program_in_every_hello_fills_no_record(inner_hub: InnerHub) -> None:
    """What it named last is on the record, and little of what it named before; every hello is answered at once."""
    terminal = inner_hub.raw_terminal(await inner_hub.enrol())
    before = await terminal.link()
    for number in range(3 * BURST_MAX):
        line = await terminal.link(software=f"v{number}")
        await before.close()
        before = line
    last = await inner_hub.until_entry("software_seen", software=f"v{number}")
    seen = inner_hub.entries("software_seen")
    took_ms = last["at_ms"] - seen[0]["at_ms"]
    assert len(seen) <= BURST_MAX + 1 + took_ms // EACH_MS
