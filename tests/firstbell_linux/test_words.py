"""What every command says: both languages the same things, nothing that nobody says."""

import errno
import re
import socket
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from firstbell_linux import install
from firstbell_linux.problems import Phrase, Problem, reason_of
from firstbell_linux.shell import HomeRun
from firstbell_linux.words import LANGUAGES, Words, chosen_language, command_words, texts

from terminal.install import SERVICE

HAN = re.compile(r"[\u4e00-\u9fff]")
FIELD = re.compile(r"\{\w*\}")


def test_both_languages_say_the_same_things() -> None:
    chinese, english = (texts("firstbell_linux", language) for language in ("zh-CN", "en"))
    assert list(chinese) == list(english)
    assert [key for key in english if set(FIELD.findall(chinese[key])) != set(FIELD.findall(english[key]))] == []
    assert [key for key, text in english.items() if HAN.search(text)] == []
    assert [key for key, text in chinese.items() if not HAN.search(text)] == ["list.join"]


def test_every_text_is_said() -> None:
    source = "".join(path.read_text("utf-8") for path in Path(str(files("firstbell_linux"))).glob("*.py"))
    said = set(re.findall(r'(?:say|word)\("([\w.]+)"', source))
    said |= {f"problem.{name}.{part}" for name in re.findall(r'Problem\("(\w+)"', source) for part in ("what", "do")}
    said |= {f"usage.{heading}" for heading in ("options", "commands")}
    said |= {f"install.step.{name}" for name in re.findall(r'Step\("(\w+)"', source)}
    said |= set(helped())
    said -= {"help.home", "usage.no_home"}  # each package's own
    said_of_errors = {
        reason.key for code in errno.errorcode if isinstance(reason := reason_of(OSError(code, "")), Phrase)
    }
    assert said | said_of_errors | {"system.no_text", "system.no_such_name"} == texts("firstbell_linux", "en").keys()


def helped() -> Iterator[str]:
    """What the commands that are built here say of themselves and of their options."""
    said = Words(texts("firstbell_linux", "en") | {"help.home": "", "help.firstbell-terminal": ""})
    for command in install.build(HomeRun(said), SERVICE):
        yield f"help.{command.name}"
        for parameter in command.params:
            if parameter.name not in ("as_json", "help"):
                yield f"help.{command.name}.{parameter.name}"


@pytest.mark.parametrize(("language", "said"), [("en", "panic, supply"), ("zh-CN", "panic、supply")])
def test_a_list_is_one_of_the_language(language: str, said: str) -> None:
    words = command_words("terminal", language)
    assert said in words.problem(Problem("no_such_input", "/", {"input": "x", "inputs": ["panic", "supply"]}))[1]


def test_what_others_named_adds_no_lines() -> None:
    words = command_words("terminal", "en")
    problem = Problem("no_such_input", "a\nb", {"input": "c\n\x1b[31m", "inputs": ["d\n", "e"]})
    assert "\n" not in "".join(words.problem(problem))
    assert "c\\n\\x1b" in words.problem(problem)[0]


def test_what_a_machine_says() -> None:
    assert reason_of(OSError(errno.ENOSPC, "No space left on device")) == Phrase("system.full")
    assert reason_of(ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused")) == Phrase("system.refused")
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    assert reason_of(unknown) == Phrase("system.no_such_name")
    assert reason_of(TimeoutError("timed out")) == Phrase("system.late")
    assert reason_of(OSError(errno.ENAMETOOLONG, "File name too long")) == Phrase("system.long_name")
    assert reason_of(OSError(errno.EIO, "Input/output error")) == "Input/output error"
    assert reason_of(UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")) == Phrase("system.no_text")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "FIRSTBELL_LANG": "en"}, "en"),
        ({"FIRSTBELL_LANG": "zh"}, "zh-CN"),
        ({"FIRSTBELL_LANG": "", "LANG": "zh_TW"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_ALL": "", "LC_MESSAGES": "zh_CN.UTF-8"}, "zh-CN"),
    ],
)
def test_which_language_is_spoken(environment: dict[str, str], language: str) -> None:
    assert chosen_language(environment) == language


@pytest.mark.parametrize("language", [*LANGUAGES, "tlh"])
def test_which_languages_there_are(language: str) -> None:
    if language in LANGUAGES:
        assert texts("firstbell_linux", language)
    else:
        with pytest.raises(ValueError, match="tlh"):
            texts("firstbell_linux", language)
