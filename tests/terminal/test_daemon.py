"""The real daemon over real TLS: from a press to its receipt and its light."""

import asyncio
import json
import random
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from firstbell.light import NOT_DELIVERED_MS

from terminal import daemon as daemon_module
from terminal import outbox
from terminal.daemon import Daemon
from terminal.outbox_file import write
from tests.terminal.conftest import Terminals
from tests.terminal.disk import fill, small_disk
from tests.terminal.real_terminal import COMMAND, RealTerminal, make_home
from tests.terminal.small_hub import Campus, Said, SmallHub

HEARD_MS_MAX = 50
SLOW_MS_MAX = 1_000
"""What a busy machine may add, in a test."""
HUB_MS_AHEAD = 1_000_000_000


def quiet(state: dict[str, Any]) -> bool:
    """Linked, and the hub has everything."""
    return bool(state["linked"]) and state["pending"] == 0


def shows(light: str) -> Any:
    return lambda state: state["light"] == light


async def test_a_press_is_heard_recorded_and_answered(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    hub.holds_receipts = True
    digest = await terminal.press()
    heard = await terminal.until(shows("heard"))
    await hub.until(lambda: digest in hub.arrived_ms)
    (event,) = [event for event in hub.events if event.digest == digest]
    assert (event.input, event.what) == ("panic", "panic")
    assert heard["since_mono_ms"] - event.mono_ms <= SLOW_MS_MAX
    # The hub says recorded, but this terminal has no proof of it.
    await hub.say(Said(light="recorded"))
    await hub.until(lambda: hub.statuses and hub.statuses[-1].pending == 1)
    assert terminal.states[-1]["light"] == "heard"
    await hub.release()
    recorded = await terminal.until(shows("recorded"))
    assert recorded["receipts"][-1]["event"] == digest
    assert recorded["pending"] == 0
    for light in ("coming", "here", "none"):
        await hub.say(Said(light=light))
        await terminal.until(shows(light))
    await hub.until(lambda: hub.statuses[-1].light == "none")
    told = [status.light for status in hub.statuses if status.light != "none"]
    assert list(dict.fromkeys(told)) == ["heard", "recorded", "coming", "here"]


async def test_a_press_is_answered_at_once(hub: SmallHub, terminals: Terminals) -> None:
    """Of several on a machine that does other things too, the best shows what the code needs; none is lost in it."""
    terminal = await terminals(hub)
    await terminal.until(quiet)
    hub.holds_receipts = True
    to_light, to_hub = [], []
    for _ in range(8):
        digest = await terminal.press()
        await hub.until(lambda digest=digest: digest in hub.arrived_ms)  # type: ignore[misc]
        pressed_ms = hub.events[-1].mono_ms
        state = await terminal.until(shows("heard"))
        to_light.append(state["since_mono_ms"] - pressed_ms)
        to_hub.append(hub.arrived_ms[digest] - HUB_MS_AHEAD - pressed_ms)
    print(f"first edge to light {to_light} ms, to the hub {to_hub} ms")
    assert 30 <= min(to_light) <= HEARD_MS_MAX
    assert max(to_light) <= SLOW_MS_MAX
    assert max(to_hub) <= SLOW_MS_MAX


async def test_the_time_of_a_press_is_known_within_its_bound(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    digest = await terminal.press()
    await hub.until(lambda: digest in hub.arrived_ms)
    event = hub.events[-1]
    assert event.event_ms is not None
    assert event.error_ms is not None
    assert abs(event.event_ms - (event.mono_ms + HUB_MS_AHEAD)) <= event.error_ms <= 50


async def test_nobody_hears_for_three_seconds_and_then_the_hub_does(campus: Campus, terminals: Terminals) -> None:
    hub = SmallHub(campus)
    terminal = await terminals(hub)
    digest = await terminal.press()
    await terminal.until(shows("heard"))
    late = await terminal.until(shows("not_delivered"))
    assert late["problems"][0]["name"] == "hub_no_answer"
    hub.said = Said(light="recorded")
    await hub.start()
    await hub.until(lambda: digest in hub.arrived_ms)
    back = await terminal.until(shows("recorded"))
    assert back["problems"] == []
    waited_ms = late["since_mono_ms"] - hub.events[1].mono_ms
    assert NOT_DELIVERED_MS <= waited_ms <= NOT_DELIVERED_MS + SLOW_MS_MAX
    # What happened first is offered first.
    assert [event.what for event in hub.events] == ["started", "panic"]
    assert hub.events[1].event_ms is None
    await hub.stop()


async def test_a_silent_terminal_shows_nothing_and_remembers_it(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    await hub.say(Said(silent=True))
    hub.holds_receipts = True
    digest = await terminal.press()
    await hub.until(lambda: digest in hub.arrived_ms)
    assert {state["light"] for state in terminal.states} == {"none"}
    assert (await terminal.ask(do="status"))["silent"]
    await terminal.end()
    await hub.stop()
    again = await RealTerminal(terminal.home).start()
    await again.press()
    assert (await again.ask(do="status"))["pending"] > 0
    assert {state["light"] for state in again.states} == {"none"}
    await again.end()
    await hub.start()


async def test_the_next_boot_knows_what_the_last_one_learnt(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.press()
    await terminal.until(quiet)
    await terminal.end()
    again = await RealTerminal(terminal.home).start()
    await again.until(quiet)
    await again.end()
    assert [hello.boot for hello in hub.hellos] == [1, 2]
    assert [hello.checkpoint.split("\n")[:2] for hello in hub.hellos] == [[""], ["hub.internal/log", "2"]]
    # Both kept events were offered again, and recorded once.
    assert [(event.boot, event.what) for event in hub.events] == [(1, "started"), (1, "panic"), (2, "started")]


async def test_two_presses_at_one_moment_are_two_events(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    digests = await asyncio.gather(terminal.press("panic"), terminal.press("panic_2"))
    await hub.until(lambda: set(digests) <= set(hub.arrived_ms))
    pressed = [event for event in hub.events if event.digest in digests]
    assert sorted(event.input for event in pressed) == ["panic", "panic_2"]
    assert sorted(event.seq for event in pressed) == [2, 3]


async def test_a_loop_is_an_alarm_once_and_is_told_when_it_is_well(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    assert terminal.states[-1]["inputs"] == {"panic": "open", "panic_2": "open", "door": "closed"}
    await terminal.press("door", 200)
    await hub.until(lambda: len(hub.events) == 3)
    assert [event.what for event in hub.events] == ["started", "perimeter", "restored"]
    # No light answers a loop: nobody stands there who would look at it.
    assert {state["light"] for state in terminal.states} == {"none"}
    opened = [status for status in hub.statuses if status.inputs["door"] == "open"]
    assert opened
    await hub.until(lambda: hub.statuses[-1].inputs["door"] == "closed")


async def test_short_and_bouncing_pulses(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    glitch = await terminal.ask(do="edges", input="panic", edges=[[0, True], [10, False]])
    assert glitch == {"ok": True, "events": []}
    bounces = [[0, True], [1, False], [2, True], [4, False], [5, True], [80, False], [81, True], [82, False]]
    bouncing = await terminal.ask(do="edges", input="panic", edges=bounces)
    assert len(bouncing["events"]) == 1
    await hub.until(lambda: len(hub.events) == 2)
    refused = await terminal.ask(do="press", input="window")
    assert refused["problem"]["name"] == "no_such_input"
    long, other = await asyncio.gather(
        terminal.ask(do="press", input="panic", hold_ms=300), terminal.ask(do="press", input="panic")
    )
    assert {long["ok"], other["ok"]} == {True, False}


async def test_kill_9_at_any_moment_loses_nothing_that_was_kept(campus: Campus, tmp_path: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print("seed", seed)
    dice = random.Random(seed)
    hub = SmallHub(campus)
    home, hub.public_keys["t-abcdefghij"] = make_home(tmp_path / "t", campus, f"127.0.0.1:{hub.port}")
    made, kept = [], set()
    for _ in range(6):
        terminal = await RealTerminal(home).start()
        killing = asyncio.ensure_future(asyncio.sleep(dice.uniform(0.0, 0.4)))
        while not killing.done():
            names = dice.sample(["panic", "panic_2"], dice.randint(1, 2))
            pressed = await asyncio.gather(*(terminal.press(name, dice.randint(35, 90)) for name in names))
            made += pressed
            if (await terminal.ask(do="status"))["unstored"] == 0:
                kept |= set(made)
        await terminal.kill()
    await hub.start()
    terminal = await RealTerminal(home).start()
    await terminal.until(quiet)
    await terminal.end()
    await hub.stop()
    assert len(kept) >= 6
    assert kept <= set(hub.arrived_ms)
    identities = [(event.boot, event.seq) for event in hub.events]
    assert len(set(identities)) == len(identities)
    starts = [event.boot for event in hub.events if event.what == "started"]
    assert all(earlier < later for earlier, later in pairwise(starts))
    assert starts[-1] == 7
    assert [hello.boot for hello in hub.hellos] == [7]


async def test_a_full_disk_costs_no_press(campus: Campus, hub: SmallHub, tmp_path: Path) -> None:
    with small_disk(tmp_path, 1_024) as folder:
        home, hub.public_keys["t-abcdefghij"] = make_home(folder / "t", campus, f"127.0.0.1:{hub.port}")
        terminal = await RealTerminal(home).start()
        await terminal.until(quiet)
        fill(folder / "filler")
        for _ in range(40):
            digest = await terminal.press(hold_ms=35)
            await hub.until(lambda digest=digest: digest in hub.arrived_ms)  # type: ignore[misc]
            if any(problem["name"] == "disk_full" for problem in terminal.states[-1]["problems"]):
                break
        full = await terminal.until(lambda state: state["problems"])
        assert [problem["name"] for problem in full["problems"]] == ["disk_full"]
        await terminal.until(quiet)
        (folder / "filler").unlink()
        await terminal.press()
        await terminal.until(lambda state: not state["problems"] and quiet(state))
        assert await terminal.end() == 0


async def test_it_comes_back_by_itself_and_offers_what_it_holds(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    await hub.say(Said(light="recorded"))
    delivered = await terminal.press()
    await terminal.until(shows("recorded"))
    await hub.stop()
    await terminal.until(lambda state: not state["linked"])
    pressed = await terminal.press()
    # A hub that lost its memory gets back what the terminal has seen receipted.
    hub.recorded.clear()
    hub.events.clear()
    hub.arrived_ms.clear()
    await hub.start()
    await hub.until(lambda: {delivered, pressed} <= set(hub.arrived_ms))
    assert [event.seq for event in hub.events] == sorted(event.seq for event in hub.events)
    assert hub.hellos[-1].seq == 3
    assert hub.hellos[-1].checkpoint.startswith("hub.internal/log\n")
    await terminal.until(quiet)


async def test_what_is_over_is_forgotten(hub: SmallHub, terminals: Terminals) -> None:
    """Ten seconds after its receipt, when the hub says that the light is out."""
    terminal = await terminals(hub)
    await terminal.press()
    await terminal.until(quiet)
    assert terminal.states[-1]["kept"] == 2
    await terminal.until(lambda state: state["kept"] == 0)


async def test_sigterm_ends_it_cleanly(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.until(quiet)
    second = await asyncio.create_subprocess_exec(COMMAND, "--home", str(terminal.home.path), "run", stderr=-1)
    _, said = await second.communicate()
    assert (second.returncode, str(terminal.home.path) in said.decode()) == (1, True)
    assert oct(terminal.home.control.stat().st_mode & 0o777) == "0o600"
    assert await terminal.end() == 0
    assert not terminal.home.control.exists()
    assert "Traceback" not in terminal.log
    assert "Task" not in terminal.log
    await hub.until(lambda: not hub.connections)


async def test_nothing_secret_is_logged(hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub)
    await terminal.press()
    await terminal.until(quiet)
    await terminal.end()
    assert terminal.home.key.read_text().strip() not in terminal.log
    assert json.dumps(terminal.states).find(terminal.home.key.read_text().strip()) == -1


@pytest.mark.parametrize("role", ["wall", "bell"])
async def test_a_bell_rings_at_the_hubs_word(role: str, hub: SmallHub, terminals: Terminals) -> None:
    terminal = await terminals(hub, role=role, more="")
    await terminal.until(lambda state: state["linked"])
    for ring in ("alarm", "drill", "trouble", "fault"):
        await hub.say(Said(ring=ring))
        state = await terminal.until(lambda state, ring=ring: state["sound"] == ring)  # type: ignore[misc]
        assert state["ring"] == ring
        await hub.until(lambda ring=ring: hub.statuses[-1].ring == ring)  # type: ignore[misc]
        await hub.say(Said())
        state = await terminal.until(lambda state: state["sound"] == "none")
        assert state["ring"] == "none"
        await hub.until(lambda: hub.statuses[-1].ring == "none")


async def test_a_defect_ends_the_daemon_instead_of_leaving_it_deaf(campus: Campus, tmp_path: Path) -> None:
    """The event loop alone would log it and go on without us."""
    home, _ = make_home(tmp_path / "t", campus)
    daemon = Daemon(home, asyncio.get_running_loop(), asyncio.Event(), lambda: None)

    def fail() -> None:
        raise ZeroDivisionError

    asyncio.get_running_loop().call_soon(daemon.guard, fail)
    with pytest.raises(ZeroDivisionError):
        await daemon.run()
    assert not home.control.exists()


def test_a_disk_that_answers_after_the_end_has_nobody_to_tell(
    campus: Campus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = make_home(tmp_path / "t", campus)
    stalls, answers = threading.Event(), threading.Event()

    def write_late(*what: Any) -> None:
        if stalls.is_set():
            answers.wait()
        write(*what)

    async def live() -> None:
        stopping = asyncio.Event()
        stopping.set()
        daemon = Daemon(home, asyncio.get_running_loop(), stopping, lambda: None)
        stalls.set()
        await daemon.run()

    monkeypatch.setattr(outbox, "write", write_late)
    monkeypatch.setattr(daemon_module, "CLOSE_MS_MAX", 50)
    asyncio.run(live())
    # What it raises in its thread fails the test.
    (disk,) = [thread for thread in threading.enumerate() if thread.name == "outbox"]
    answers.set()
    disk.join()
