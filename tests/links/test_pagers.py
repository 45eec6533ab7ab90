"""Pagers over real TLS: what they say is on the record and on the board, what they were told stays true."""

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import pytest_asyncio
from firstbell.jws import digest_of
from firstbell.messages import WINDOW_EVENTS_MAX

from hub.links.screens import FRAME_BYTES_MAX
from tests.links.hub_process import HubProcess
from tests.links.line import Frame, Line
from tests.links.raw_pager import RawPager
from tests.links.raw_terminal import RawTerminal, event_frame, receipt_of

PRESSES_MANY = 600
TOO_BIG = (1009, 1006)
"""What has come, and nobody will read, may reset the line before its end is seen."""

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guard(hub: HubProcess) -> str:
    return await hub.guard("王建国")


class Wall:
    """A terminal that is linked; `press` gives the event and its incident."""

    def __init__(self, hub: HubProcess, terminal: RawTerminal, line: Line) -> None:
        self.hub = hub
        self.terminal = terminal
        self.line = line

    async def press(self) -> tuple[str, str]:
        event = self.terminal.event()
        await self.line.send(event_frame(event))
        await self.line.until(receipt_of(event))
        entry = await self.hub.recorded(event)
        return entry["digest"], entry["incident"]


@pytest_asyncio.fixture(loop_scope="module")
async def wall(hub: HubProcess) -> AsyncIterator[Wall]:
    """A new place for each test, so that its presses join no other's."""
    terminal = hub.raw_terminal(await hub.enrol())
    line = await terminal.link()
    yield Wall(hub, terminal, line.keep_alive())
    await line.close()


@pytest_asyncio.fixture(loop_scope="module")
async def pager(hub: HubProcess, guard: str) -> AsyncIterator[RawPager]:
    pager = await hub.pager(guard)
    await pager.ready()
    pager.line.keep_alive()
    yield pager
    await pager.line.close()


def state_of(board: Frame, guard: str) -> tuple[str, list[str]]:
    found = [("ready" if g["ready"] else "not_ready", g["reasons"]) for g in board["guards"] if g["id"] == guard]
    return found[0] if found else ("off", [])


async def board_until(line: Line, wanted: Callable[[Frame], object], since: int = 0) -> Frame:
    return await line.until(lambda frame: frame["type"] == "snapshot" and wanted(frame), since)


async def test_delivered_seen_and_ringing_are_on_the_record(
    hub: HubProcess, wall: Wall, pager: RawPager, guard: str
) -> None:
    board = await hub.board(guard)
    _, incident = await wall.press()
    page = await pager.until_page(incident, ring="alarm", mine="paged")
    assert page["covers"]
    assert page["evidence"]
    for told, to in (
        ({"have": [incident]}, "delivered"),
        ({"seen": [incident]}, "seen"),
        ({"ringing": [incident]}, ""),
    ):
        await pager.say(**told)
        if to:
            await pager.until_page(incident, mine=to)
        progress = await hub.until_entry("page_progressed", incident=incident, to=to or "ringing")
        assert progress["guard"] == guard
    await board_until(
        board,
        lambda frame: any(
            i["incident"] == incident and [c["state"] for c in i["crew"] if c["id"] == guard] == ["ringing"]
            for i in frame["incidents"]
        ),
    )
    # Said again it is nothing new.
    await pager.say()
    since = len(pager.line.frames)
    await pager.line.send({"type": "heartbeat", "t1_ms": 3})
    await pager.line.of_type("heartbeat", since)
    steps = [entry["to"] for entry in hub.entries("page_progressed") if entry["incident"] == incident]
    assert steps == ["delivered", "seen", "ringing"]
    await board.close()


async def test_one_guard_on_two_pagers_goes_quiet_on_both(
    hub: HubProcess, wall: Wall, pager: RawPager, guard: str
) -> None:
    other = await hub.pager(guard)
    await other.ready()
    _, incident = await wall.press()
    for one in (pager, other):
        await one.until_page(incident, ring="alarm")
    since = [len(one.line.frames) for one in (pager, other)]
    accept = await other.tap("accept", incident)
    for one, number in zip((pager, other), since, strict=True):
        page = await one.until_page(incident, number, mine="accepted", ring="none")
        assert page["lead"]
    assert (await other.answer(accept))["type"] == "receipt"
    # It comes back on neither.
    assert all(
        page["ring"] == "none"
        for one in (pager, other)
        for page in one.snapshot["pages"]
        if page["incident"] == incident
    )
    await other.line.close()


@pytest.mark.parametrize(
    ("said", "reasons"),
    [
        ({"sound": "unarmed"}, ["sound"]),
        ({"sound": "suspended"}, ["sound"]),
        ({"visible": False}, ["screen"]),
        ({"awake": False}, ["screen"]),
        ({"battery_percent": 19}, ["battery"]),
        ({"battery_percent": 19, "charging": True}, []),
        ({"battery_percent": None, "charging": None}, []),
        ({"sound": "unarmed", "visible": False, "battery_percent": 1}, ["sound", "screen", "battery"]),
    ],
)
async def test_why_it_is_not_ready_is_on_both_screens(
    hub: HubProcess, said: dict[str, Any], reasons: list[str]
) -> None:
    # Another guard's, whose only pager this is.
    lone = await hub.guard(f"李敏 {len(hub.entries('account_added'))}")
    board = await hub.board(lone)
    pager = await hub.pager(lone)
    await pager.ready()
    await board_until(board, lambda frame: state_of(frame, lone) == ("ready", []))
    await pager.say(**said)
    await pager.until(lambda frame: frame["pager"]["reasons"] == reasons)
    await board_until(board, lambda frame: state_of(frame, lone) == ("not_ready" if reasons else "ready", reasons))
    since = len(board.frames)
    await pager.ready()
    if reasons:
        await board_until(board, lambda frame: state_of(frame, lone) == ("ready", []), since)
    await pager.line.close()
    # Cut off, it is lost, at once where the line says so.
    await board_until(board, lambda frame: state_of(frame, lone) == ("not_ready", ["link"]))
    await board.close()


async def test_a_pager_that_is_cut_off_is_lost(hub: HubProcess) -> None:
    lone = await hub.guard("张伟")
    board = await hub.board(lone)
    pager = await hub.pager(lone)
    await pager.ready()
    await board_until(board, lambda frame: state_of(frame, lone) == ("ready", []))
    since = len(board.frames)
    pager.line.cut()
    await board_until(board, lambda frame: state_of(frame, lone) == ("not_ready", ["link"]), since)
    since = len(board.frames)
    back = await hub.pager(cookie=pager.cookie)
    # Until it has said how it is, nobody believes that it can ring.
    assert state_of(board.frames[-1], lone)[0] == "not_ready"
    await back.ready()
    await board_until(board, lambda frame: state_of(frame, lone) == ("ready", []), since)
    await back.line.close()
    await board.close()


async def test_a_command_said_again_counts_once(hub: HubProcess, wall: Wall, pager: RawPager) -> None:
    _, incident = await wall.press()
    await pager.until_page(incident, ring="alarm")
    accept = await pager.tap("accept", incident)
    await pager.line.send(accept)
    pager.line.cut()
    back = await hub.pager(cookie=pager.cookie)
    await back.line.send(accept)
    assert (await back.answer(accept))["type"] == "receipt"
    again = len(back.line.frames)
    await back.line.send(accept)
    answer = await back.line.until(lambda frame: frame.get("command") == accept["id"], again)
    assert (answer["type"], answer["index"]) == ("receipt", None)
    await hub.until_entry("accepted", incident=incident, command=accept["id"])
    assert [entry["command"] for entry in hub.entries("accepted")].count(accept["id"]) == 1
    await back.line.close()


async def test_a_resolve_that_does_not_cover_a_press_is_refused_and_rings_on(
    hub: HubProcess, wall: Wall, pager: RawPager
) -> None:
    first, incident = await wall.press()
    await pager.until_page(incident, ring="alarm")
    for do in ("accept", "on_scene"):
        assert (await pager.answer(await pager.tap(do, incident)))["type"] == "receipt"
    second, joined = await wall.press()
    assert joined == incident
    await pager.until_page(incident, presses=2, ring="alert")
    early = await pager.tap("resolve", incident, covers=[first], outcome="genuine")
    refusal = await pager.answer(early)
    assert (refusal["type"], refusal["reason"]) == ("refused", "not_covered")
    page = next(page for page in pager.snapshot["pages"] if page["incident"] == incident)
    assert (page["state"], page["ring"], page["light"]) == ("on_scene", "alert", "here")
    assert set(page["covers"]) == {first, second}
    resolve = await pager.tap("resolve", incident, covers=page["covers"], outcome="genuine", note="小王说是误会")
    assert (await pager.answer(resolve))["type"] == "receipt"
    await pager.until_page(incident, state="resolved", ring="none")
    entry = await hub.until_entry("resolved", incident=incident)
    assert len(entry["note"]) == 64
    # The light on the wall goes out.
    await wall.line.until(lambda frame: frame["type"] == "snapshot" and frame["light"] == "none", 3)


async def test_hundreds_of_presses_are_one_case_that_can_be_resolved(
    hub: HubProcess, wall: Wall, pager: RawPager
) -> None:
    """Within the limits of both directions: 64 KiB out, 16 KiB in."""
    _, incident = await wall.press()
    await pager.until_page(incident, ring="alarm")
    assert (await pager.answer(await pager.tap("accept", incident)))["type"] == "receipt"
    for _ in range(PRESSES_MANY // WINDOW_EVENTS_MAX):
        events = [wall.terminal.event() for _ in range(WINDOW_EVENTS_MAX)]
        for event in events:
            await wall.line.send(event_frame(event))
        for event in events:
            await wall.line.until(receipt_of(event))
    page = await pager.until_page(incident, presses=1 + PRESSES_MANY // WINDOW_EVENTS_MAX * WINDOW_EVENTS_MAX)
    assert max(len(json.dumps(frame, ensure_ascii=False).encode()) for frame in pager.line.frames) <= 65_536
    resolve = await pager.tap("resolve", incident, covers=page["covers"], outcome="mistaken")
    assert (await pager.answer(resolve))["type"] == "receipt"
    await pager.until_page(incident, state="resolved")


async def test_an_incident_that_the_hub_does_not_know_comes_back_with_its_evidence(
    hub: HubProcess, wall: Wall, pager: RawPager
) -> None:
    """As after a lost memory: the event was signed, the hub has never had it, and the pager has it."""
    event = wall.terminal.event()
    incident = f"i-{digest_of(event)[:20]}"
    early = await pager.tap("accept", incident)
    assert (await pager.answer(early))["reason"] == "unknown_incident"
    await pager.line.send({"type": "evidence", "jws": [event]})
    page = await pager.until_page(incident, ring="alarm")
    assert page["evidence"] == [event]
    since = len(pager.line.frames)
    await pager.line.send(early)
    answer = await pager.line.until(lambda frame: frame.get("command") == early["id"], since)
    assert answer["type"] == "receipt"
    # And the terminal, which offers it too, gets its receipt; it is recorded once.
    await wall.line.send(event_frame(event))
    await wall.line.until(receipt_of(event))
    assert [entry["digest"] for entry in hub.entries("event_recorded")].count(digest_of(event)) == 1


async def test_a_guard_signs_off(hub: HubProcess) -> None:
    lone = await hub.guard("赵敏")
    pager = await hub.pager(lone)
    await pager.ready()
    await pager.line.send({"type": "sign_off"})
    await pager.until(lambda frame: frame["guard"] is None)
    tap = await pager.tap("accept", "i-" + "0" * 20)
    assert (await pager.answer(tap))["reason"] == "not_signed_on"
    await pager.line.close()


@pytest.mark.parametrize(
    "said",
    [
        "",
        "[]",
        "{}",
        '{"type":"dance"}',
        '{"type":"heartbeat","t1_ms":"now"}',
        '{"type":"heartbeat","t1_ms":1e400}',
        '{"type":"state"}',
        '{"type":"evidence","jws":"a.b.c"}',
        '{"type":"command","id":"short","do":"accept","incident":"i-1"}',
        '{"type":"command","id":"longenough","do":"close","incident":"i-1"}',
        b"\x00",
    ],
)
async def test_a_frame_that_is_none_is_refused_and_the_pager_stays(
    hub: HubProcess, pager: RawPager, said: str | bytes
) -> None:
    await pager.line.send(said)
    refusal = await pager.line.of_type("refused")
    assert refusal["reason"] in ("malformed", "unknown_incident")
    assert pager.line.code is None
    assert hub.complaints() == []


async def test_a_command_that_cannot_be_read_is_answered_by_its_id(hub: HubProcess, pager: RawPager) -> None:
    """A newer pager may ask what this hub does not know: it must not wait for an answer for ever."""
    command = await pager.tap("fly", "i-none")
    assert (await pager.answer(command))["reason"] == "malformed"


async def test_sixteen_malformed_frames_end_it(pager: RawPager) -> None:
    for _ in range(16):
        await pager.line.send("nonsense")
    assert await pager.line.closed() == 1008


async def test_a_frame_of_one_byte_too_many(pager: RawPager) -> None:
    frame = '{"type":"heartbeat","t1_ms":1}'
    await pager.line.send(frame + " " * (FRAME_BYTES_MAX - len(frame)))
    await pager.line.of_type("heartbeat")
    await pager.line.send(frame + " " * (FRAME_BYTES_MAX + 1 - len(frame)))
    assert await pager.line.closed() in TOO_BIG


async def test_who_may_not_connect(hub: HubProcess, pager: RawPager) -> None:
    for headers in (
        {"Cookie": pager.cookie},
        {"Origin": "https://elsewhere.invalid", "Cookie": pager.cookie},
        {"Origin": hub.url},
        {"Origin": hub.url, "Cookie": pager.cookie[:-2] + "AA"},
    ):
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await Line.open(hub.browser, f"{hub.url}/ws/pager", **headers)
        assert refused.value.status in (401, 403)


async def test_the_record_is_sound_after_all_this(hub: HubProcess) -> None:
    verdict = await hub.verify()
    assert verdict.ok, verdict
