"""A node against a real hub over real TLS: a low supply, whoever says nothing, and the memory that it takes."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.serialization import Encoding
from firstbell.jws import EVENT_TYP, Hs256Key, digest_of, header, sign, unb64url
from firstbell.messages import FRAME_BYTES_MAX, event_payload
from firstbell.supply import LOW_MV, VSYS_GPIO, WELL_MV
from node.outbox import EVENTS_MAX, Outbox

from hub.places.authority import LEAF_BACKDATED_DAYS, make_authority
from tests.faults.machine import WallClock
from tests.faults.proxy import Proxy
from tests.links.hub_process import HubProcess
from tests.links.node import PANIC_PIN, RealNode, write_node

pytestmark = pytest.mark.asyncio(loop_scope="module")

DAY_S = 86_400
MINUTE_S = 60
PRESSES = 1_000
RECONNECTS = 10
SECOND_CALL_S_MAX = 30
KEPT = EVENTS_MAX - 1
"""And one for its start."""
TENTH = 100
PIECE_BYTES_MIN = 2 * FRAME_BYTES_MAX
"""There is always a piece of memory of this size, beside what TLS takes."""
PRESSED_AT_THE_FIRST_RECORD = f"""
_feed = Loader.feed
def _press(loader):
    Loader.feed = _feed
    machine.drive({PANIC_PIN}, 0)
    time.sleep_ms(80)
    machine.drive({PANIC_PIN}, 1)
Loader.feed = _press
"""
"""Behind the loader, which feeds the watchdog at each."""
GROWTH_BYTES_MAX = 2_048
"""What the heap may differ by, for how far the collector gets is not the same each time."""


@pytest_asyncio.fixture(loop_scope="module")
async def wire(hub: HubProcess) -> AsyncIterator[Proxy]:
    async with Proxy(hub.port) as wire:
        yield wire


@pytest_asyncio.fixture(loop_scope="module")
async def node(hub: HubProcess, wire: Proxy, tmp_path: Path) -> AsyncIterator[RealNode]:
    write_node(hub, tmp_path / "node", await hub.enrol(algorithm="HS256"), wire.port)
    node = await RealNode(tmp_path / "node").start()
    yield node
    await node.end()
    assert hub.complaints() == []


async def test_a_low_supply_is_trouble_until_it_is_well_again(hub: HubProcess, node: RealNode) -> None:
    assert (await node.until_state(linked=True))["supply_mv"] > WELL_MV
    terminal = json.loads((node.folder / "settings.json").read_text())["terminal"]
    about = {"what": "supply", "about": f"{terminal}/supply"}
    await node.say(pin=VSYS_GPIO, levels=[[0, LOW_MV - 50]])
    await hub.until_entry("trouble_began", **about)
    low = await node.until_state(inputs={"panic": "open", "supply": "open"})
    assert low["supply_mv"] < LOW_MV
    await node.receipt(await node.press())
    await node.say(pin=VSYS_GPIO, levels=[[0, WELL_MV + 50]])
    await hub.until_entry("trouble_ended", **about)


async def test_whoever_accepts_and_says_nothing_is_left_for_another_attempt(hub: HubProcess, tmp_path: Path) -> None:
    calls: asyncio.Queue[None] = asyncio.Queue()

    async def swallow(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        calls.put_nowait(None)
        while await reader.read(4_096):
            pass
        writer.close()

    async with await asyncio.start_server(swallow, "127.0.0.1", 0) as mute:
        port = mute.sockets[0].getsockname()[1]
        write_node(hub, tmp_path / "node", await hub.enrol(algorithm="HS256"), port)
        node = await RealNode(tmp_path / "node").start()
        async with asyncio.timeout(SECOND_CALL_S_MAX):
            for _ in range(2):
                await calls.get()
        await node.press()
        await node.until(lambda told: "hub_no_answer" in told.get("state", {}).get("problems", ()))
        await node.end()


def untrusted(told: dict[str, Any]) -> bool:
    return "hub_untrusted" in str(told.get("state", {}).get("problems"))


@pytest.mark.parametrize("wrong", ["ca", "name"])
async def test_a_hub_that_cannot_prove_itself_is_none(hub: HubProcess, wire: Proxy, tmp_path: Path, wrong: str) -> None:
    folder = tmp_path / "node"
    write_node(hub, folder, await hub.enrol(algorithm="HS256"), wire.port)
    if wrong == "ca":
        another = make_authority("c-another", datetime.now(UTC)).certificate
        (folder / "ca.der").write_bytes(another.public_bytes(Encoding.DER))
    else:
        settings = json.loads((folder / "settings.json").read_text())
        settings["hub"]["server_name"] = "evil.test"
        (folder / "settings.json").write_text(json.dumps(settings))
    node = await RealNode(folder).start()
    for _ in range(2):
        # However often it tries.
        await node.until(untrusted, len(node.told))
        await node.press()
    assert not [told for told in node.told if told.get("state", {}).get("linked")]
    await node.end()


async def test_a_clock_that_stands_in_the_past_goes_on_until_the_certificate_holds(
    hub: HubProcess, tmp_path: Path
) -> None:
    """As after a year in a drawer: the board's clock begins at 2021, and it was flashed before the certificate."""
    clock = WallClock(tmp_path / "time")
    begun_s = datetime(2021, 1, 1, tzinfo=UTC).timestamp()
    clock.step(int(begun_s - time.time()))
    folder = tmp_path / "node"
    write_node(hub, folder, await hub.enrol(algorithm="HS256"), hub.port)
    settings = json.loads((folder / "settings.json").read_text())
    settings["flashed_s"] -= (LEAF_BACKDATED_DAYS + 45) * DAY_S
    (folder / "settings.json").write_text(json.dumps(settings))
    node = await RealNode(folder, {**clock.environment, "FAKETIME_NO_CACHE": "1"}).start()
    await node.until(lambda told: "future" in str(told.get("state", {}).get("problems")))
    await node.until_state(linked=True)
    await node.receipt(await node.press())
    assert abs(int((tmp_path / "time").read_text())) < MINUTE_S, "the hub's answer has set it"
    await node.end()


async def test_without_memory_for_a_receipt_it_starts_anew(hub: HubProcess, tmp_path: Path) -> None:
    write_node(hub, tmp_path / "node", await hub.enrol(algorithm="HS256"), hub.port)
    node = await RealNode(tmp_path / "node").start()
    await node.until_state(linked=True)
    await node.say(hoard=True)
    await node.say(pin=PANIC_PIN, levels=[[20, 0], [80, 1]])
    await node.reset()
    said = "".join(node.log)
    assert "MemoryError" in said
    assert "wasn't retrieved" not in said
    await node.until_state(linked=True, pending=0)
    await node.end()


async def test_who_presses_while_its_flash_is_read_is_heard(hub: HubProcess, tmp_path: Path) -> None:
    folder = tmp_path / "node"
    write_node(hub, folder, await hub.enrol(algorithm="HS256"), hub.port)
    Outbox(str(folder / "outbox")).open(os.urandom, lambda: None)
    with (folder / "main.py").open("a") as loader:
        loader.write(PRESSED_AT_THE_FIRST_RECORD)
    node = await RealNode(folder).start()
    press = await node.until(lambda told: told.get("made", {}).get("what") == "panic")
    await node.receipt(press["made"]["event"])
    await node.end()


async def memory(node: RealNode) -> dict[str, int]:
    since = len(node.told)
    await node.say(memory=True)
    told: dict[str, int] = (await node.until(lambda told: "memory" in told, since))["memory"]
    return told


@pytest.mark.timeout(300)
async def test_its_memory_does_not_grow(hub: HubProcess, wire: Proxy, node: RealNode) -> None:
    """Through connecting, a thousand presses and ten reconnects."""
    await node.until_state(len(node.told) - 1, linked=True)
    wire.cut()
    await node.until_state(len(node.told) - 1, linked=False)
    print("without a link", await memory(node))
    await wire.mend()
    told = []
    for _ in range(RECONNECTS):
        await node.until_state(len(node.told) - 1, linked=True)
        digests = [await node.press(40) for _ in range(PRESSES // RECONNECTS)]
        await node.receipt(digests[-1])
        await node.until_state(pending=0, since=len(node.told) - 1)
        told.append(await memory(node))
        since = len(node.told)
        wire.break_all()
        await node.until_state(since, linked=False)
    print(*told, sep="\n")
    used = [one["used"] for one in told]
    assert max(used[1:]) - used[1] <= GROWTH_BYTES_MAX, told
    assert min(one["piece"] for one in told) >= PIECE_BYTES_MIN, told


@pytest.mark.timeout(180)
async def test_as_many_as_it_keeps_go_out_after_a_day_without_a_hub(hub: HubProcess, tmp_path: Path) -> None:
    folder = tmp_path / "node"
    enrolled = await hub.enrol(algorithm="HS256")
    write_node(hub, folder, enrolled, hub.port)
    terminal = json.loads((folder / "settings.json").read_text())["terminal"]
    key = Hs256Key(unb64url((folder / "key").read_text().strip()))
    box = Outbox(str(folder / "outbox"))
    boot = box.open(os.urandom, lambda: None).boot
    for seq in range(1, KEPT + 1):
        payload = event_payload(terminal, boot, seq, "panic", "panic", 1_000 * seq, None)
        jws = sign(payload, header("HS256", terminal, EVENT_TYP), key)
        box.add(digest_of(jws), jws, panic=True, pressed_ms=0)
        box.store(0)
    node = await RealNode(folder).start()
    assert (await node.until_state(linked=True))["pending"] > KEPT // 2
    # However long it takes: what is waited for each time is the next tenth.
    for left in range(KEPT // TENTH, -1, -1):
        await node.until(lambda told, left=left: told.get("state", {"pending": KEPT})["pending"] <= left * TENTH)  # type: ignore[misc]
    await node.receipt(await node.press())
    assert (await memory(node))["piece"] >= PIECE_BYTES_MIN
    assert node.log == []
    await node.end()
