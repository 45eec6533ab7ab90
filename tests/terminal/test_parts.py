"""Small parts: texts, addresses, the finger."""

import asyncio
import re
import time
from importlib.resources import files
from pathlib import Path
from typing import cast

import pytest
from firstbell_flash.board import FIRMWARE
from firstbell_linux.problems import Problem
from firstbell_linux.words import LANGUAGES, command_words, texts

from terminal.daemon import REFUSALS
from terminal.find_hub import Address, parse_address
from terminal.finger import Finger
from terminal.panel import Panel
from tests.terminal.test_panel import SETTINGS

# ── texts ───────────────────────────────────────────────────────────────────────────────────────────────────


def catalogue(language: str) -> dict[str, str]:
    return texts("terminal", language)


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
    problems = {key.split(".")[1] for key in english if key.startswith("problem.")}
    source += (FIRMWARE / "flash/board.py").read_text("utf-8")
    # A node says `name: reason`.
    source += "".join(path.read_text("utf-8") for path in (FIRMWARE / "node").glob("*.py"))
    assert [name for name in sorted(problems) if not re.search(f'"{name}(: )?"', source)] == []
    assert set(re.findall(r'Problem\(\s*"(\w+)"', source)) <= problems
    assert {f"refusals.{reason}" for reason in REFUSALS} == {key for key in english if key.startswith("refusals.")}
    said = set(re.findall(r'say\("([\w.]+)"', source))
    assert [key for key in sorted(said) if not command_words("terminal", "en").has(key)] == []


def test_a_problem_is_told_with_its_fields() -> None:
    problem = Problem("key_open", "/home/key", {"mode": "0644"})
    for language in LANGUAGES:
        what, to_do = command_words("terminal", language).problem(problem)
        assert "0644" in what
        assert "chmod 600 /home/key" in to_do


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
