"""What raises attention waits for no disk; what promises waits for it (DESIGN, "Alert now, promise later")."""

import asyncio
from pathlib import Path

from firstbell.jws import digest_of

from tests.links.hub_process import HubProcess
from tests.links.inner_hub import InnerHub
from tests.links.raw_terminal import event_frame, receipt_of
from tests.links.real_terminals import lights, of_each_kind, receipts, start_terminal
from tests.terminal.disk import fill, small_disk

HOLD_S = 3.0
NO_PROMISE = {"none", "heard", "not_delivered"}
DISK_KB = 12_288
PRESSES_TO_FILL_MAX = 4_000


def incident_of(digest: str) -> str:
    return f"i-{digest[:20]}"


@of_each_kind
async def test_a_disk_that_stands_still_for_three_seconds(algorithm: str, inner_hub: InnerHub, tmp_path: Path) -> None:
    hub, loop = inner_hub, asyncio.get_running_loop()
    wall = await start_terminal(hub, tmp_path / "wall", await hub.enrol(algorithm=algorithm))
    bell = await hub.raw_terminal(await hub.enrol("值班室", role="bell")).link()
    pager = await hub.pager(await hub.guard("王建国"))
    await pager.ready()
    bell.keep_alive()
    pager.line.keep_alive()

    hub.writer.hold()
    released = loop.create_future()
    loop.call_later(HOLD_S, lambda: released.set_result(hub.writer.release()))
    since = len(bell.frames)
    begun_s = loop.time()
    first = await wall.press()
    incident = incident_of(first)
    await pager.until_page(incident, ring="alarm")
    await bell.until(lambda frame: frame["type"] == "snapshot" and frame["ring"] == "alarm", since)
    paged_s = loop.time() - begun_s
    # A real person may answer at once. It quiets what rings, and is promised to nobody.
    accept = await pager.tap("accept", incident)
    await pager.until_page(incident, ring="none", mine="accepted", light="none")
    second = await wall.press()
    await pager.until_page(incident, presses=2, ring="alert")
    assert not released.done(), f"the pages took {loop.time() - begun_s:.1f} s"
    print(f"page and bell {1000 * paged_s:.0f} ms after the press was made, with the disk standing still")

    gathered = await released
    assert gathered > 0
    assert set(lights(wall)) <= NO_PROMISE
    assert "heard" in lights(wall)
    assert not receipts(wall) & {first, second}
    assert not [frame for frame in pager.line.frames if frame["type"] == "receipt"]
    assert not [entry for entry in hub.entries("event_recorded") if entry["what"] == "panic"]

    await wall.until(lambda state: state["light"] == "coming" and state["pending"] == 0)
    assert {first, second} <= receipts(wall)
    assert (await pager.answer(accept))["type"] == "receipt"
    recorded = [entry["digest"] for entry in hub.entries("event_recorded") if entry["what"] == "panic"]
    assert recorded == [first, second]
    await wall.end()
    assert (await hub.verify()).ok


async def test_a_disk_that_is_full(tmp_path: Path) -> None:
    with small_disk(tmp_path, DISK_KB) as disk:
        async with HubProcess(disk / "hub") as hub:
            wall = await start_terminal(hub, tmp_path / "wall", await hub.enrol())
            bell = await hub.raw_terminal(await hub.enrol("值班室", role="bell")).link()
            other = hub.raw_terminal(await hub.enrol("别处"))
            elsewhere = await other.link()
            pager = await hub.pager(await hub.guard("王建国"))
            await pager.ready()
            for line in (bell, elsewhere, pager.line):
                line.keep_alive()

            # What SQLite has room for in files that it has already goes on for a while.
            fill(disk / "ballast")
            full = asyncio.create_task(
                hub.until(lambda told: told["what"] == "decided" and told["entry"].get("what") == "disk")
            )
            made: list[str] = []
            while not full.done() and len(made) < PRESSES_TO_FILL_MAX:
                made.append(other.event())
                since = len(pager.line.frames)
                await elsewhere.send(event_frame(made[-1]))
                await pager.until(lambda frame: any(p["presses"] == len(made) for p in frame["pages"]), since)
            await full
            print(f"full after {len(made)} presses")

            await bell.until(lambda frame: frame["type"] == "snapshot" and frame["ring"] == "alarm")
            first = await wall.press()
            await pager.until_page(incident_of(first), ring="alarm")
            board = await hub.get("/control/status")
            assert any(trouble.startswith("disk:") for trouble in board["troubles"])
            # It is not delivered, as long as this lasts, and says so.
            await wall.until(lambda state: state["light"] == "not_delivered")
            assert set(lights(wall)) <= NO_PROMISE
            assert first not in receipts(wall)

            (disk / "ballast").unlink()
            await wall.until(lambda state: state["light"] == "recorded" and state["pending"] == 0)
            assert first in receipts(wall)
            for press in made:
                await elsewhere.until(receipt_of(press))
            await hub.until_entry("trouble_ended", what="disk")
            recorded = [entry["digest"] for entry in hub.entries("event_recorded") if entry["what"] == "panic"]
            assert len(recorded) == len(set(recorded)) == len(made) + 1
            await wall.end()
            await hub.stop()
            assert {complaint.get("word") for complaint in hub.complaints()} == {"full"}
            assert (await hub.verify()).ok


async def test_a_disk_that_cannot_be_read(inner_hub: InnerHub) -> None:
    """Neither what is known nor old receipts can be looked up: an old press rings all the same."""
    hub = inner_hub
    terminal = hub.raw_terminal(await hub.enrol())
    line = (await terminal.link()).keep_alive()
    pager = await hub.pager(await hub.guard("王建国"))
    await pager.ready()
    pager.line.keep_alive()
    await line.send(event_frame(newest := terminal.event(seq=9)))
    await line.until(receipt_of(newest))

    hub.hub.reader.close()
    await line.send(event_frame(newest))
    await line.send(event_frame(old := terminal.event(seq=5)))
    await pager.until_page(incident_of(digest_of(newest)), presses=2)
    await line.until(receipt_of(old))
