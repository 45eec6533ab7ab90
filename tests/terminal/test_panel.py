"""The pins, on gpiozero's mock factory: edges with their time, levels, lamp and sounder."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from firstbell.outputs import Outputs
from gpiozero import DigitalOutputDevice, PinInvalidState
from gpiozero.pins.mock import MockFactory, MockPin

from terminal.panel import Edge, Panel, Pins, find_pin_problems
from terminal.problems import PanelError
from terminal.settings import HubSettings, InputSettings, OutputSettings, Settings, SimulatedSettings

SETTINGS = Settings(
    terminal="t-abcdefghij",
    name="x",
    role="wall",
    hub=HubSettings("hub.internal", "c-abcdefghij"),
    inputs={"panic": InputSettings("panic", 17), "door": InputSettings("perimeter", 5)},
    outputs=OutputSettings(light_pin=27, sounder_pin=22),
    simulated=SimulatedSettings(pins=True),
)


class Deaf(MockPin):  # type: ignore[misc]  # gpiozero has no types
    """A pin that fails as one does whose chip is gone."""

    is_gone = False

    def _get_state(self) -> Any:
        if type(self).is_gone:
            raise PinInvalidState("bad GPIO read")
        return super()._get_state()

    def _set_state(self, value: Any) -> None:
        if type(self).is_gone:
            raise PinInvalidState("bad GPIO write")
        super()._set_state(value)


@pytest.fixture
def pins(tmp_path: Path) -> Iterator[Pins]:
    pins = Pins(True, tmp_path)
    pins.factory = MockFactory(pin_class=Deaf)
    Deaf.is_gone = False
    yield pins
    Deaf.is_gone = False


class Seen:
    """Edges as they arrive on the loop."""

    def __init__(self) -> None:
        self.edges: list[tuple[Edge, int]] = []
        self.came = asyncio.Event()

    def edge(self, edge: Edge) -> None:
        self.edges.append((edge, threading.get_ident()))
        self.came.set()


async def test_an_edge_keeps_the_time_at_which_it_was(pins: Pins) -> None:
    """It comes on another thread, and late; its time is the pin's own."""
    seen = Seen()
    panel = Panel(SETTINGS, pins, asyncio.get_running_loop(), seen.edge)
    await seen.came.wait()  # the door's loop, which is closed from the start
    seen.edges.clear()
    seen.came.clear()
    before_ms = time.monotonic_ns() // 1_000_000
    thread = threading.Thread(target=panel.drive, args=("panic", True))
    thread.start()
    thread.join()
    after_ms = time.monotonic_ns() // 1_000_000
    while time.monotonic_ns() // 1_000_000 < after_ms + 50:
        pass  # the loop is busy meanwhile
    await seen.came.wait()
    ((edge, on_thread),) = seen.edges
    assert (edge.input, edge.closed) == ("panic", True)
    assert before_ms - 1 <= edge.at_ms <= after_ms
    assert on_thread == threading.get_ident()
    assert panel.levels() == {"panic": True, "door": True}
    panel.drive("panic", False)
    assert panel.levels() == {"panic": False, "door": True}
    panel.close()


async def test_closing_lets_go_of_the_pins_and_puts_the_lamp_out(pins: Pins) -> None:
    seen = Seen()
    panel = Panel(SETTINGS, pins, asyncio.get_running_loop(), seen.edge)
    lamp = pins.factory.pin(27)
    assert panel.set_light(True)
    assert lamp.state
    panel.close()
    assert lamp.function == "input"
    again = Panel(SETTINGS, pins, asyncio.get_running_loop(), seen.edge)
    again.close()


async def test_a_pin_that_somebody_has_is_named(pins: Pins) -> None:
    other = DigitalOutputDevice(22, pin_factory=pins.factory)
    with pytest.raises(PanelError) as caught:
        Panel(SETTINGS, pins, asyncio.get_running_loop(), Seen().edge)
    assert caught.value.problem.name == "pins_not_claimed"
    assert caught.value.problem.where == "GPIO 22 (outputs.sounder_pin)"
    other.close()


async def test_no_lamp_is_no_light(pins: Pins) -> None:
    bare = msgspec.structs.replace(SETTINGS, outputs=OutputSettings())
    panel = Panel(bare, pins, asyncio.get_running_loop(), Seen().edge)
    assert not panel.set_light(True)
    assert not panel.set_sounder(True)
    panel.close()


async def test_a_line_that_cannot_be_read_is_neither_open_nor_closed(pins: Pins) -> None:
    panel = Panel(SETTINGS, pins, asyncio.get_running_loop(), Seen().edge)
    Deaf.is_gone = True
    assert panel.levels() == {"panic": None, "door": None}
    Deaf.is_gone = False
    panel.close()


def test_pins_are_looked_at_without_keeping_them(pins: Pins, tmp_path: Path) -> None:
    assert find_pin_problems(SETTINGS, tmp_path) == []
    real = msgspec.structs.replace(SETTINGS, simulated=SimulatedSettings())
    (problem,) = find_pin_problems(real, tmp_path)
    assert problem.name in ("pins_no_lgpio", "pins_no_chip")


Change = tuple[int, bool, bool]


# ── lamp and sounder ────────────────────────────────────────────────────────────────────────────────────────


def run(
    outputs: Outputs, sound: str, light: str, from_ms: int, until_ms: int, pins: Pins
) -> list[tuple[int, bool, bool]]:
    """Call as the daemon does, whenever it is asked for; every change of a pin: ms since the start, lamp, sounder."""
    lamp, sounder = pins.factory.pin(27), pins.factory.pin(22)
    changes: list[Change] = []
    now_ms: int | None = from_ms
    while now_ms is not None and now_ms < until_ms:
        due = [outputs.play(sound, now_ms), outputs.show(light, from_ms, now_ms)]
        state = (bool(lamp.state), bool(sounder.state))
        if not changes or changes[-1][1:] != state:
            changes.append((now_ms - from_ms, *state))
        now_ms = min((at_ms for at_ms in due if at_ms is not None), default=None)
    return changes


async def test_the_lamp_follows_its_rhythm(pins: Pins) -> None:
    panel = Panel(SETTINGS, pins, asyncio.get_running_loop(), Seen().edge)
    outputs = Outputs(panel.set_light, panel.set_sounder)
    shown = run(outputs, "none", "not_delivered", 10_000, 14_000, pins)
    assert [(at_ms, lit) for at_ms, lit, _ in shown] == [
        (0, True), (200, False), (400, True), (600, False), (800, True), (1000, False),
        (2400, True), (2600, False), (2800, True), (3000, False), (3200, True), (3400, False),
    ]  # fmt: skip
    assert run(outputs, "none", "here", 20_000, 30_000, pins) == [(0, True, False)]
    assert run(outputs, "none", "none", 30_000, 40_000, pins) == [(0, False, False)]
    panel.close()


async def test_the_sounder_plays_the_burst_until_it_is_told_to_stop(pins: Pins) -> None:
    panel = Panel(SETTINGS, pins, asyncio.get_running_loop(), Seen().edge)
    outputs = Outputs(panel.set_light, panel.set_sounder)
    played = run(outputs, "alarm", "none", 1_000, 7_000, pins)
    starts = [at_ms for at_ms, _, on in played if on]
    assert starts == [0, 250, 500, 1000, 1250, 1900, 2150, 2400, 2900, 3150, 5800]
    assert all(end - start == 150 for start, (end, _, _) in zip(starts, played[1::2], strict=False))
    assert outputs.ring == "alarm"
    assert run(outputs, "none", "none", 7_000, 8_000, pins) == [(0, False, False)]
    assert outputs.ring == "none"
    lost = run(outputs, "lost", "none", 8_000, 39_000, pins)
    assert [at_ms for at_ms, _, on in lost if on] == [
        0,
        400,
        800,
        30_000,
        30_400,
        30_800,
    ]
    assert outputs.ring == "none"
    panel.close()


async def test_ringing_is_said_only_while_the_pin_follows(pins: Pins) -> None:
    panel = Panel(SETTINGS, pins, asyncio.get_running_loop(), Seen().edge)
    outputs = Outputs(panel.set_light, panel.set_sounder)
    Deaf.is_gone = True
    outputs.play("alarm", 0)
    outputs.show("here", 0, 0)
    assert outputs.ring == "none"
    assert {problem.name for problem in panel.problems} == {"pins_not_driven"}
    Deaf.is_gone = False
    # At the next look it is tried again, though the rhythm has not changed.
    outputs.play("alarm", 10)
    outputs.show("here", 0, 10)
    assert outputs.ring == "alarm"
    assert panel.problems == ()
    assert pins.factory.pin(27).state
    panel.close()


async def test_without_a_sounder_nothing_rings(pins: Pins) -> None:
    bare = msgspec.structs.replace(SETTINGS, outputs=OutputSettings())
    panel = Panel(bare, pins, asyncio.get_running_loop(), Seen().edge)
    outputs = Outputs(panel.set_light, panel.set_sounder)
    outputs.play("alarm", 0)
    assert (outputs.sound, outputs.ring) == ("alarm", "none")
    panel.close()
