"""Every command explains itself, in both languages, and says clearly what was typed wrongly."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from firstbell_linux.words import LANGUAGES

from hub.commands.main import build
from hub.commands.shell import Run
from hub.words import words
from tests.hub.commands.typed import SCRIPT, environment, type_in

HAN = re.compile(r"[\u4e00-\u9fff]")


def every(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name, one in command.commands.items():
            yield from every(one, (*path, name))


def commands(language: str) -> dict[tuple[str, ...], click.Command]:
    return dict(every(build(Run(words(language)))))


PATHS = sorted(commands("en"))


def test_all_nouns_are_there() -> None:
    nouns = {path[0] for path in PATHS if path}
    assert nouns >= {"init", "serve", "guard", "pager", "terminal", "zone", "drill", "incident", "verify", "status"}
    assert {path for path in PATHS if path[:1] == ("guard",)} == {
        ("guard",),
        *(("guard", verb) for verb in ("add", "list", "remove", "pin")),
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: " ".join(path) or "firstbell-hub")
def test_help(path: tuple[str, ...], language: str) -> None:
    said = type_in(*path, "--help", language=language)
    assert (said.status, said.err) == (0, "")
    command = commands(language)[path]
    assert command.help
    for word in command.help.split("\n")[0].split()[:3]:
        assert word[:20] in said.out
    for parameter in command.params:
        # What can't be read is said in our words and with our exit code, not with click's.
        assert not getattr(parameter.type, "readable", False), parameter.name
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in said.out
    assert bool(HAN.search(said.out)) is (language == "zh-CN")
    for heading in ("选项:", "命令:", "Usage", "Options", "Commands", "Show this message", "[default", "[required"):
        assert language == "en" or heading not in said.out


@pytest.mark.parametrize("language", LANGUAGES)
def test_only_the_demo_says_that_it_looks_at_no_variable(language: str) -> None:
    homes = {path: type_in(*path, "--help", language=language).out.partition("--home")[2] for path in PATHS}
    own = words(language).say("help.demo.home")
    told = {path: "".join(text.split()).partition("--json")[0] for path, text in homes.items() if text}
    assert [path for path, text in told.items() if text.endswith("".join(own.split()))] == [("demo",)]


@pytest.mark.parametrize("path", [path for path in PATHS if path])
def test_every_command_has_home_and_json(path: tuple[str, ...]) -> None:
    command = commands("en")[path]
    if not isinstance(command, click.Group):
        names = {parameter.name for parameter in command.params}
        assert {"home", "as_json"} <= names


WRONGLY = pytest.mark.parametrize(
    "typed",
    [
        ["nonsense"],
        ["guard", "nonsense"],
        ["guard", "add"],
        ["guard", "add", "--nonsense"],
        ["guard", "add", "A", "--role", "king"],
        ["guard", "add", "A", "B"],
        ["terminal", "enrol", "A", "--zone", "B", "--to", "C", "--role", "king"],
        ["drill", "start", "A", "--minutes", "soon"],
        ["drill", "start", "A", "--minutes", "121"],
        ["terminal", "enrol", "A"],
        ["init", "--port", "70000"],
        ["guard", "list"],
        ["guard"],
        [],
        ["guard", "list", "--json=1"],
    ],
)


@pytest.mark.parametrize("language", LANGUAGES)
@WRONGLY
def test_typed_wrongly(typed: list[str], language: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTBELL_HOME", raising=False)
    said = type_in(*typed, language=language)
    assert said.status == 2
    assert said.out == ""
    assert "--help" in said.err
    assert bool(HAN.search(said.err.splitlines()[-2])) is (language == "zh-CN")
    # click's own words.
    assert not re.search("must be|not one of|not in the range|not a valid|Missing|Got unexpected", said.err)


@WRONGLY
def test_typed_wrongly_as_json(typed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRSTBELL_HOME", raising=False)
    said = type_in(*typed, "--json")
    assert (said.status, said.json["problem"]) == (2, "usage")
    assert said.json["where"].startswith("firstbell-hub")
    assert said.json["what"] in said.err


@pytest.mark.parametrize("locale", ["C", "C.UTF-8"])
def test_bytes_that_are_no_text(locale: str, tmp_path: Path) -> None:
    """What is said is text all the same, whatever the locale makes of it."""
    odd = b"\xff\xfe"
    home = bytes(tmp_path) + b"/" + odd
    for typed, status in (
        ([odd], 2),
        (["verify", "--home", home], 3),
        (["verify", "--home", home, "--vkey", odd], 3),
        (["init", "--home", tmp_path / "hub", "--name", odd], 2),
        (["init", "--home", home, "--name", "Campus"], 0),
        (["incident", "show", odd, "--home", home], 2),
        (["verify", "--home", home, "--vkey", odd], 2),
        (["verify", "--home", home], 0),
    ):
        command = [SCRIPT, *typed, "--json"]
        ran = subprocess.run(command, capture_output=True, env=environment(LC_ALL=locale), check=False)
        out, err = ran.stdout.decode(), ran.stderr.decode()
        assert (ran.returncode, "defect" in err) == (status, False), err
        assert isinstance(json.loads(out), dict)
    assert not (tmp_path / "hub").exists()


def test_a_shell_that_cannot_show_chinese() -> None:
    variables = environment(FIRSTBELL_LANG="zh-CN", PYTHONIOENCODING="latin-1")
    ran = subprocess.run([SCRIPT, "--help"], capture_output=True, env=variables, check=False)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert "\\u7528" in ran.stdout.decode("latin-1")
