"""The link: who is let in, what ends it, and how it comes back."""

import asyncio
import binascii
import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from firstbell import messages
from firstbell.messages import SILENCE_MS_MAX
from firstbell.note import base64_text

from hub.ledger.note import Signer
from hub.links.announce import Announcement
from hub.places.authority import Authority, issue, make_authority
from tests.terminal.conftest import Terminals
from tests.terminal.small_hub import NAME, ORIGIN, Campus, Said, SmallHub
from tests.terminal.test_daemon import quiet, shows


def problem(name: str) -> Callable[[dict[str, Any]], bool]:
    return lambda state: name in [one["name"] for one in state["problems"]]


def server_of(authority: Authority, folder: Path, now: datetime, names: tuple[str, ...] = (NAME,)) -> ssl.SSLContext:
    """A TLS server whose certificate this authority issued at `now`."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = folder / "chain.pem"
    certificate = issue(authority, key.public_key(), names, [], now)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    chain.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority("c-abcdefghij", datetime.now(UTC))


async def put_in(hub: SmallHub, context: ssl.SSLContext) -> None:
    await hub.stop()
    await hub.start(context)


async def test_a_hub_of_another_campus_is_refused(
    hub: SmallHub, terminals: Terminals, authority: Authority, tmp_path: Path
) -> None:
    await put_in(hub, server_of(authority, tmp_path, datetime.now(UTC)))
    terminal = await terminals(hub)
    state = await terminal.until(problem("hub_untrusted"))
    assert not state["linked"]
    assert hub.connections == []
    await put_in(hub, hub.campus.context())
    await terminal.until(quiet)


async def test_our_campus_under_another_name_is_refused(hub: SmallHub, terminals: Terminals) -> None:
    """The name is the hub's in the settings, whatever the address is."""
    terminal = await terminals(hub, server_name="other.internal")
    state = await terminal.until(problem("hub_wrong_name"))
    assert state["problems"][0]["fields"]["name"] == "other.internal"
    assert hub.connections == []


async def test_an_expired_certificate_is_refused_and_one_of_the_future_is_not(
    hub: SmallHub, terminals: Terminals, authority: Authority, tmp_path: Path
) -> None:
    """Years without power: the clock is behind, and a press must get out all the same."""
    now = datetime.now(UTC)
    await put_in(hub, server_of(authority, tmp_path, now - timedelta(days=3 * 365)))
    terminal = await terminals(hub, authority=authority)
    state = await terminal.until(problem("hub_wrong_time"))
    assert not state["linked"]
    await put_in(hub, server_of(authority, tmp_path, now + timedelta(days=365)))
    state = await terminal.until(lambda state: state["linked"])
    assert [one["name"] for one in state["problems"]] == ["clock_behind"]
    await put_in(hub, server_of(authority, tmp_path, now))
    await terminal.until(lambda state: state["linked"] and state["problems"] == [])


async def test_a_clock_that_is_behind_lets_nobody_else_in(
    hub: SmallHub, terminals: Terminals, authority: Authority, tmp_path: Path
) -> None:
    await put_in(hub, server_of(authority, tmp_path, datetime.now(UTC) + timedelta(days=365), ("other.internal",)))
    terminal = await terminals(hub, authority=authority)
    await terminal.until(problem("hub_wrong_name"))
    assert hub.connections == []


async def test_a_revoked_terminal_says_so_and_does_not_storm_the_hub(hub: SmallHub, terminals: Terminals) -> None:
    hub.revoked.add("t-abcdefghij")
    terminal = await terminals(hub)
    state = await terminal.until(problem("hub_refused"))
    assert state["problems"][0]["fields"] == {"reason": {"phrase": "refusals.revoked"}}
    await hub.until(lambda: len(hub.opened_ms) >= 3)
    pauses = [later - earlier for earlier, later in zip(hub.opened_ms, hub.opened_ms[1:], strict=False)]
    assert pauses[0] >= 125
    assert pauses[1] >= 250
    await terminal.press()
    await terminal.until(shows("not_delivered"))
    hub.revoked.clear()
    await terminal.until(quiet)


async def test_a_receipt_that_proves_nothing_delivers_nothing(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    await hub.say(Said(light="recorded"))
    stranger = Signer(ORIGIN, Ed25519PrivateKey.generate())
    other = hub.events[0].digest

    def spoil_signature(fields: dict[str, Any]) -> dict[str, Any]:
        """The right key's name and number, and another signature."""
        above, _, blob = fields["checkpoint"].strip().rpartition(" ")
        signature = bytearray(binascii.a2b_base64(blob))
        signature[-1] ^= 1
        return fields | {"checkpoint": f"{above} {base64_text(bytes(signature))}\n"}

    forgeries: list[Callable[[dict[str, Any]], dict[str, Any]]] = [
        lambda fields: fields | {"checkpoint": stranger.sign_note(fields["checkpoint"].split("\n\n")[0] + "\n")},
        spoil_signature,
        lambda fields: fields | {"proof": fields["proof"][:-1]},
        lambda fields: fields | {"index": fields["index"] - 1},
        lambda fields: fields | {"entry": fields["entry"].replace('"seq":', '"seq": ')},
        lambda fields: fields | {"entry": hub.recorded[other][1], "index": hub.recorded[other][0]},
    ]
    for forge in forgeries:
        hub.forge = forge
        digest = await terminal.press()
        await hub.until(lambda digest=digest: digest in hub.arrived_ms)  # type: ignore[misc]
    assert (await terminal.until(shows("not_delivered")))["pending"] == len(forgeries)
    assert terminal.log.count("receipt proves nothing") == len(forgeries)
    hub.forge = lambda fields: fields
    hub.drop()
    await terminal.until(lambda state: quiet(state) and state["light"] == "recorded")


@pytest.mark.parametrize(
    "junk",
    ["{", '{"type":"reboot"}', '{"type":"snapshot","hub_ms":1}', "[]", "x" * (messages.FRAME_BYTES_MAX + 1), "é"],
)
async def test_a_hub_that_talks_nonsense_is_left_and_tried_again(
    junk: str, hub: SmallHub, terminals: Terminals
) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    await hub.send(junk)
    await hub.until(lambda: len(hub.hellos) == 2)
    await terminal.until(quiet)
    assert any(problem("hub_not_ours")(state) or problem("hub_no_answer")(state) for state in terminal.states)
    assert "Traceback" not in terminal.log


async def test_what_is_not_a_hub_at_all(hub: SmallHub, terminals: Terminals) -> None:
    """Plain TCP that hangs up, and a port where nobody is."""

    async def hang_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    await hub.stop()
    server = await asyncio.start_server(hang_up, "127.0.0.1", hub.port)
    terminal = await terminals(hub)
    await terminal.until(lambda state: problem("hub_not_ours")(state) or problem("hub_no_answer")(state))
    server.close()
    await server.wait_closed()
    await terminal.until(problem("hub_no_answer"))
    await hub.start()
    await terminal.until(quiet)


async def test_a_hub_that_falls_silent_is_lost_and_a_bell_says_so(hub: SmallHub, terminals: Terminals) -> None:
    bell = await terminals(hub, role="bell", terminal="t-bbbbbbbbbb")
    wall = await terminals(hub)
    await bell.until(quiet)
    await wall.until(quiet)
    hub.is_mute = True
    quiet_since_ms = hub.now_ms()
    lost = await bell.until(lambda state: state["sound"] == "lost")
    waited_ms = hub.now_ms() - quiet_since_ms
    assert SILENCE_MS_MAX - 3_100 <= waited_ms <= SILENCE_MS_MAX + 1_000
    assert not lost["linked"]
    assert lost["ring"] == "none"
    assert problem("hub_lost")(lost)
    await wall.until(problem("hub_lost"))
    assert {state["sound"] for state in wall.states} == {"none"}
    hub.is_mute = False
    await bell.until(lambda state: state["linked"] and state["sound"] == "none")


async def test_a_bell_rings_on_while_the_hub_is_gone(hub: SmallHub, terminals: Terminals) -> None:
    """Nobody has said that the alarm was answered."""
    bell = await terminals(hub, role="bell")
    await bell.until(quiet)
    await hub.say(Said(ring="alarm"))
    await bell.until(lambda state: state["ring"] == "alarm")
    await hub.stop()
    gone = await bell.until(lambda state: not state["linked"])
    assert gone["sound"] == "alarm"
    hub.said = Said()
    await hub.start()
    await bell.until(lambda state: state["linked"] and state["sound"] == "none")


async def test_a_cut_cable(hub: SmallHub, terminals: Terminals) -> None:
    """Both sides find out by silence; a press meanwhile is answered, and goes out when the cable is back."""
    terminal = await terminals(hub)
    await terminal.until(quiet)
    assert await terminal.ask(do="cut", on=True) == {"ok": True}
    # Not heard: it would put the light out.
    await hub.say(Said(silent=True))
    hub.said = Said()
    digest = await terminal.press()
    await terminal.until(shows("not_delivered"))
    await terminal.until(lambda state: not state["linked"])
    assert digest not in hub.arrived_ms
    assert len(hub.hellos) == 1
    # And one that is short: what was said meanwhile is missing, so it begins anew.
    await terminal.ask(do="cut", on=False)
    await terminal.until(quiet)
    assert digest in hub.arrived_ms
    await terminal.ask(do="cut", on=True)
    later = await terminal.press()
    await terminal.ask(do="cut", on=False)
    await hub.until(lambda: later in hub.arrived_ms)
    assert len(hub.hellos) == 3


async def test_the_hub_is_found_on_the_lan(campus: Campus, hub: SmallHub, terminals: Terminals) -> None:
    announcement = Announcement("c-abcdefghij", NAME, ["127.0.0.1"], hub.port)
    await announcement.start()
    terminal = await terminals(hub, address="")
    await terminal.until(quiet)
    # A fixed address that is wrong falls back on what answers.
    other = await terminals(hub, address="127.0.0.1:1", terminal="t-bbbbbbbbbb")
    await other.until(quiet)
    # And then it stays with what worked.
    told = len(other.states)
    hub.drop()
    await hub.until(lambda: len(hub.hellos) == 4)
    await other.until(quiet)
    assert "127.0.0.1:1" not in [one["where"] for state in other.states[told:] for one in state["problems"]]
    await announcement.stop()
