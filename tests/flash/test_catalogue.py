"""What can go wrong has its words."""

import re

import pytest
from firstbell_flash.main import words
from firstbell_linux.words import LANGUAGES, texts

from tests.house.imports import source_files

FIELD = re.compile(r"\{\w*\}")
HAN = re.compile(r"[\u4e00-\u9fff]")
NAMED = re.compile(r'Problem\(\s*"(\w+)"')


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_problem_is_worded(language: str) -> None:
    named = {name for path in source_files("firmware/flash") for name in NAMED.findall(path.read_text("utf-8"))}
    assert len(named) > 40
    assert [name for name in sorted(named) if not words(language).has(f"problem.{name}.what")] == []
    assert [name for name in sorted(named) if not words(language).has(f"problem.{name}.do")] == []


def test_both_languages_say_the_same_things() -> None:
    chinese, english = (texts("firstbell_flash", language) for language in LANGUAGES)
    assert list(chinese) == list(english)
    differ = [key for key in chinese if set(FIELD.findall(chinese[key])) != set(FIELD.findall(english[key]))]
    assert differ == []
    assert [key for key, text in english.items() if HAN.search(text)] == []
    plain = {key for key, text in chinese.items() if not HAN.search(text)}
    commands = {f"problem.{name}.do" for name in ("wifi_open", "no_fontconfig", "no_font")}
    assert plain == {"doctor.python"} | commands
