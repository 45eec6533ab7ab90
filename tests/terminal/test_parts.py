"""Small parts: what the bell plays, what inputs make of edges, texts, addresses."""

import asyncio
import json
import re
import time
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import cast

import msgspec
import pytest
from firstbell.messages import RINGS
from firstbell.press import Happening
from hypothesis import given
from hypothesis import strategies as st

from terminal import bell
from terminal.daemon import REFUSALS
from terminal.find_hub import Address, parse_address
from terminal.finger import Finger
from terminal.inputs import READ_MS, Inputs
from terminal.panel import Edge, Panel
from terminal.problems import Problem
from terminal.words import LANGUAGES, chosen_language, words
from tests.terminal.test_panel import SETTINGS

# ── bell ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_ring_of_the_hub_has_a_sound() -> None:
    assert {*RINGS, bell.LOST} == set(bell.RHYTHMS_MS)
    for rhythm in bell.RHYTHMS_MS.values():
        # On and off in turn, so that the end joins the start.
        assert len(rhythm) % 2 == 0


@pytest.mark.parametrize(
    ("ring", "lost", "sound"),
    [
        ("none", False, "none"),
        ("none", True, "lost"),
        ("alarm", True, "alarm"),
        ("fault", True, "fault"),
        ("drill", True, "drill"),
        ("trouble", True, "lost"),
        ("trouble", False, "trouble"),
    ],
)
def test_an_alarm_rings_on_when_the_hub_is_lost(ring: str, lost: bool, sound: str) -> None:
    assert bell.wanted_sound(ring, lost) == sound


def test_an_unknown_ring_is_a_defect() -> None:
    with pytest.raises(ValueError, match="no such ring"):
        bell.wanted_sound("siren", False)


@given(st.sampled_from(sorted(set(bell.RHYTHMS_MS) - {"none"})), st.integers(0, 10**12), st.integers(0, 10**6))
def test_between_two_changes_nothing_changes(sound: str, since_ms: int, elapsed_ms: int) -> None:
    now_ms = since_ms + elapsed_ms
    change_ms = bell.next_change_ms(sound, since_ms, now_ms)
    assert change_ms is not None
    assert now_ms < change_ms <= now_ms + sum(bell.RHYTHMS_MS[sound])
    on = bell.sounds(sound, since_ms, now_ms)
    assert bell.sounds(sound, since_ms, change_ms - 1) == on
    assert bell.sounds(sound, since_ms, change_ms) != on
    assert bell.sounds(sound, since_ms, since_ms)


# ── inputs ──────────────────────────────────────────────────────────────────────────────────────────────────


class Lines:
    """What the pins would read, and how often they were."""

    def __init__(self, **levels: bool | None) -> None:
        self.levels: dict[str, bool | None] = dict(levels)
        self.reads = 0

    def __call__(self) -> Mapping[str, bool | None]:
        self.reads += 1
        return self.levels


def told(happened: list[tuple[str, Happening]]) -> list[tuple[str, str]]:
    return [(name, repr(happening)) for name, happening in happened]


def test_a_button_held_while_the_terminal_starts_is_pressed() -> None:
    inputs, lines = Inputs(SETTINGS), Lines(panic=True, door=True)
    assert inputs.states() == {"panic": "unknown", "door": "unknown"}
    assert inputs.step(1_000, lines) == []
    assert inputs.next_ms() == 1_030
    assert told(inputs.step(1_030, lines)) == [("panic", "panic@1000")]
    assert inputs.states() == {"panic": "closed", "door": "closed"}


def test_an_edge_that_was_lost_is_found_by_reading() -> None:
    inputs, lines = Inputs(SETTINGS), Lines(panic=False, door=True)
    inputs.step(1_000, lines)
    lines.levels["panic"] = True  # no edge was handed in
    happened = []
    now_ms = 1_000
    while now_ms < 4_000:
        now_ms = inputs.next_ms()
        happened += inputs.step(now_ms, lines)
    assert told(happened) == [("panic", "panic@2000")]


def test_lines_are_read_every_second_and_no_more_often_than_asked() -> None:
    inputs, lines = Inputs(SETTINGS), Lines(panic=False, door=True)
    inputs.step(0, lines)
    assert inputs.next_ms() == READ_MS
    assert inputs.step(READ_MS - 1, lines) == []
    assert lines.reads == 1
    inputs.step(READ_MS, lines)
    assert lines.reads == 2


def test_a_line_that_cannot_be_read_is_unknown_and_its_edges_still_count() -> None:
    inputs, lines = Inputs(SETTINGS), Lines(panic=False, door=True)
    inputs.step(0, lines)
    lines.levels["panic"] = None
    inputs.step(READ_MS, lines)
    assert inputs.unreadable == {"panic"}
    assert inputs.states() == {"panic": "unknown", "door": "closed"}
    assert inputs.edge(Edge("panic", True, 1_500)) == []
    assert told(inputs.step(1_530, lines)) == [("panic", "panic@1500")]
    lines.levels["panic"] = True
    inputs.step(2_600, lines)
    assert inputs.states()["panic"] == "closed"


def test_the_setting_decides_how_long_a_press_is() -> None:
    patient = msgspec.structs.replace(SETTINGS, press_ms_min=200)
    inputs = Inputs(patient)
    inputs.step(0, Lines(panic=False, door=True))
    inputs.edge(Edge("panic", True, 100))
    assert inputs.edge(Edge("panic", False, 299)) == []
    inputs.edge(Edge("panic", True, 400))
    assert told(inputs.edge(Edge("panic", False, 600))) == [("panic", "panic@400")]


# ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────


def flat(texts: dict[str, object], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in texts.items():
        if isinstance(value, dict):
            found |= flat(value, f"{above}{key}.")
        else:
            assert isinstance(value, str)
            found[above + key] = value
    return found


def catalogue(language: str) -> dict[str, str]:
    return flat(json.loads((files("terminal") / "locales" / f"{language}.json").read_text("utf-8")))


def test_both_languages_say_the_same_things() -> None:
    chinese, english = catalogue("zh-CN"), catalogue("en")
    assert chinese.keys() == english.keys()
    fields = re.compile(r"\{\w*\}")
    for key, text in english.items():
        assert text.strip()
        assert sorted(fields.findall(text)) == sorted(fields.findall(chinese[key])), key
        assert not re.search(r"[\u4e00-\u9fff]", text), key


def test_every_text_is_used_and_every_used_text_is_there() -> None:
    """A problem's name stands in the code as it stands in the catalogue."""
    english = catalogue("en")
    source = "".join(path.read_text("utf-8") for path in Path(str(files("terminal"))).glob("*.py"))
    problems = {key.split(".")[1] for key in english if key.startswith("problems.")}
    assert [name for name in sorted(problems) if f'"{name}"' not in source] == []
    assert set(re.findall(r'Problem\(\s*"(\w+)"', source)) <= problems
    assert {f"refusals.{reason}" for reason in REFUSALS} == {key for key in english if key.startswith("refusals.")}
    said = set(re.findall(r'say\("([\w.]+)"', source))
    assert said <= english.keys()


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "FIRSTBELL_LANG": "en"}, "en"),
        ({"FIRSTBELL_LANG": "zh"}, "zh-CN"),
        ({"FIRSTBELL_LANG": "", "LANG": "zh_TW"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_ALL": "", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh-CN"),
    ],
)
def test_which_language_is_spoken(environment: dict[str, str], language: str) -> None:
    assert chosen_language(environment) == language


def test_a_problem_is_told_with_its_fields() -> None:
    problem = Problem("key_open", "/home/key", {"mode": "0644"})
    for language in LANGUAGES:
        assert "0644" in words(language).what(problem)
        assert "chmod 600 /home/key" in words(language).to_do(problem)
    with pytest.raises(ValueError, match="no such language"):
        words("fr")


# ── addresses ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8443", Address("127.0.0.1", 8443)),
        ("hub.lan:1", Address("hub.lan", 1)),
        ("[fe80::1]:443", Address("fe80::1", 443)),
    ],
)
def test_addresses_are_read_and_written_alike(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


# ── finger ──────────────────────────────────────────────────────────────────────────────────────────────────


class Pins:
    """In the panel's place: when each edge was driven, by the loop's clock."""

    def __init__(self) -> None:
        self.driven: list[tuple[bool, float]] = []

    def drive(self, _name: str, closed: bool) -> None:
        self.driven.append((closed, asyncio.get_running_loop().time()))


async def test_a_finger_that_is_late_stays_as_long_as_it_should() -> None:
    pins = Pins()
    asyncio.get_running_loop().call_soon(time.sleep, 0.2)
    await Finger(SETTINGS, cast(Panel, pins), "").press("panic", 100)
    (first, down_s), (second, up_s) = pins.driven
    assert (first, second) == (True, False)
    assert up_s - down_s >= 0.1
