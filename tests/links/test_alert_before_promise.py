"""What raises attention waits for no disk; what promises waits for it (DESIGN, "Alert now, promise later")."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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
STALL_S_MAX = 1.0
"""So long may the event loop stand still on a busy machine; SQLite would keep it for 10 s."""
_HOLD_READ_LOCKS = """
import fcntl, sys
with open(sys.argv[1], "r+b") as index:
    fcntl.lockf(index, fcntl.LOCK_EX, 5, 123)
    print("held", flush=True)
    sys.stdin.read()
"""
"""The five bytes of a write-ahead log's index of which each reader locks one (https://sqlite.org/walformat.html)."""


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

    hub.hub.lookups.reader.close()
    await line.send(event_frame(newest))
    await line.send(event_frame(old := terminal.event(seq=5)))
    await pager.until_page(incident_of(digest_of(newest)), presses=2)
    await line.until(receipt_of(old))


@asynccontextmanager
async def unreadable(database: Path) -> AsyncIterator[None]:
    """Whoever begins to read has to wait: another process has the locks."""
    holder = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _HOLD_READ_LOCKS, f"{database}-shm"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None
        assert await holder.stdout.readline() == b"held\n"
        yield
    finally:
        holder.kill()
        await holder.wait()


@asynccontextmanager
async def never_standing_still() -> AsyncIterator[None]:
    loop, gaps_s = asyncio.get_running_loop(), [0.0]

    async def tick() -> None:
        while True:
            slept_s = loop.time()
            await asyncio.sleep(0.01)
            gaps_s.append(loop.time() - slept_s)

    ticking = asyncio.create_task(tick())
    yield
    ticking.cancel()
    print(f"the event loop stood still for {1000 * max(gaps_s):.0f} ms at most")
    assert max(gaps_s) < STALL_S_MAX


async def test_a_disk_that_takes_long_to_read(inner_hub: InnerHub) -> None:
    """Nobody waits for it but who has to: what is sought there, and whoever reads the log."""
    hub = inner_hub
    terminal, other = hub.raw_terminal(await hub.enrol()), hub.raw_terminal(await hub.enrol())
    line, elsewhere = (await terminal.link()).keep_alive(), (await other.link()).keep_alive()
    pager = await hub.pager(await hub.guard("王建国"))
    await pager.ready()
    pager.line.keep_alive()
    await line.send(event_frame(known := terminal.event(seq=9)))
    await line.until(receipt_of(known))

    since = len(line.frames)
    async with never_standing_still(), unreadable(hub.home.database):
        reading = asyncio.create_task(hub.checkpoint())
        await line.send(event_frame(known))
        await line.send(event_frame(old := terminal.event(seq=5)))
        await elsewhere.send(event_frame(fresh := other.event()))
        await pager.until_page(incident_of(digest_of(fresh)), ring="alarm")
        # It may have been heard long ago, but nobody knows; so it rings.
        await pager.until_page(incident_of(digest_of(known)), presses=2)
        assert not reading.done()
        assert line.frames[since:] == [frame for frame in line.frames[since:] if frame["type"] != "receipt"]
    for press in (known, old):
        await line.until(receipt_of(press), since)
    await elsewhere.until(receipt_of(fresh))
    await reading
    recorded = [entry["digest"] for entry in hub.entries("event_recorded") if entry["what"] == "panic"]
    assert sorted(recorded) == sorted(map(digest_of, (known, old, fresh)))
