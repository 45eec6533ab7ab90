"""The texts of the commands: both languages say the same things, and nothing is said that isn't there."""

import ast
import re
from pathlib import Path
from typing import get_args

import pytest
from firstbell_linux.problems import Phrase, Problem
from firstbell_linux.words import LANGUAGES

from hub.dispatch import entries as e
from hub.words import SHARED, refused, words

ROOT = Path(__file__).resolve().parents[2]
LOCALES = ROOT / "hub/commands/locales"
CATALOGUES = [
    ROOT / folder / "locales/zh-CN.json"
    for folder in ("hub/commands", "hub/web", "hub/demo", "terminal", "firmware/flash", "firmware/lib/firstbell_linux")
]
FIELD = re.compile(r"\{\w*\}")


def own(language: str) -> dict[str, str]:
    found = ast.literal_eval((LOCALES / f"{language}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def screens(language: str) -> dict[str, str]:
    found = ast.literal_eval((ROOT / f"hub/web/locales/{language}.json").read_text("utf-8"))
    assert isinstance(found, dict)
    return found


def test_both_languages_say_the_same_things() -> None:
    chinese, english = own("zh-CN"), own("en")
    assert list(chinese) == list(english)
    assert [key for key in chinese if not chinese[key].strip() or not english[key].strip()] == []
    differ = [key for key in chinese if set(FIELD.findall(chinese[key])) != set(FIELD.findall(english[key]))]
    assert differ == []
    han = re.compile(r"[\u4e00-\u9fff]")
    assert [key for key, text in english.items() if han.search(text)] == []
    plain = [key for key, text in chinese.items() if not han.search(text)]
    assert plain == [
        "list.name",
        "status.about",
        "incident.heading",
        "entry.page_progressed",
        "column.pin",
    ]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_command_to_copy_holds_a_folder_with_blanks_together(language: str) -> None:
    for where, copied in (("/my hub", "--home '/my hub'"), ("/hub", "--home /hub")):
        what_to_do = words(language).problem(Problem("hub_not_running", where))[1]
        assert what_to_do.endswith(copied)


def test_one_thing_has_one_word() -> None:
    """What the screens word is not worded again; and words that were given up do not come back."""
    assert [key for key in own("en") if key.startswith(SHARED) and key in screens("en")] == []
    given_up = re.compile('保安|密码|校区(?!")|校验密钥|作废|停用|硬盘|警报|上岗|下岗|试按|呼不到')
    for path in CATALOGUES:
        lines = path.read_text("utf-8").splitlines()
        assert [line for line in lines if given_up.search(line)] == [], path


def test_no_key_stands_twice() -> None:
    for language in LANGUAGES:
        keys = re.findall(r'^ +"([^"]+)":', (LOCALES / f"{language}.json").read_text("utf-8"), re.MULTILINE)
        assert len(keys) == len(set(keys)) == len(own(language))


def test_what_the_code_says_is_in_the_catalogue() -> None:
    """Keys written out; those put together from parts are held by the tests of what says them."""
    said = set()
    for path in (ROOT / "hub").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "say":
                said |= {
                    first.value
                    for first in node.args[:1]
                    if isinstance(first, ast.Constant) and isinstance(first.value, str)
                }
    assert len(said) > 50
    assert sorted(key for key in said if not words("en").has(key)) == []


def problems_raised() -> set[str]:
    found = set()
    for path in (ROOT / "hub").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Problem":
                first = node.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str):
                    found.add(first.value)
    return found


def test_every_problem_has_its_two_sentences() -> None:
    raised = problems_raised() | {f"unknown_{kind}" for kind in ("zone", "account", "pager", "terminal")}
    told = {key.split(".")[1] for key in own("en") if key.startswith("problem.")}
    raised |= {"settings_unknown_key", "settings_missing_key", "known_name", "bad_text"}
    assert raised == told
    assert {key for key in own("en") if key.startswith("problem.") and key.count(".") == 2} == {
        f"problem.{name}.{part}" for name in raised for part in ("what", "do")
    }


def refusals() -> set[str]:
    found = set()
    for path in (ROOT / "hub").rglob("*.py"):
        text = path.read_text("utf-8")
        found |= set(re.findall(r'\bRefused\("([a-z_]+)"\)', text))
        found |= set(re.findall(r'\bProblem\(\d+, "([a-z_]+)"\)', text))
        found |= set(re.findall(r'\brefused="([a-z_]+)"', text))
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_refusal_has_its_words(language: str) -> None:
    found = refusals()
    assert len(found) > 25
    assert sorted(reason for reason in found if not words(language).has(f"refused.{reason}")) == []
    assert "http_418" in refused(words(language), "http_418")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_word_of_the_ledger_that_is_shown_has_its_text(language: str) -> None:
    said = words(language)
    kinds = {kind.__struct_config__.tag for kind in e.KINDS if "incident" in kind.__struct_fields__}
    needed = {f"entry.{kind}" for kind in kinds} | {"entry.light_shown"}
    needed |= {f"event.{what}" for what in get_args(e.EventKind)}
    needed |= {f"light.{light}" for light in get_args(e.LightState)}
    needed |= {f"page.{to}" for to in get_args(e.Progress)}
    needed |= {f"outcome.{outcome}" for outcome in get_args(e.Outcome)}
    needed |= {f"role.{role}" for role in (*get_args(e.Role), *get_args(e.TerminalRole))}
    needed |= {f"reason.{reason}" for reason in get_args(e.Reason)}
    assert sorted(key for key in needed if not said.has(key)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_trouble_and_every_fault_of_a_ledger_has_its_text(language: str) -> None:
    said = words(language)
    troubles, faults = set(), set()
    for path in (ROOT / "hub").rglob("*.py"):
        text = path.read_text("utf-8")
        troubles |= set(re.findall(r'\b(?:began|ended)\(campus, "([a-z_]+)"', text))
        troubles |= set(re.findall(r'ReportTrouble\([^)]*what="([a-z_]+)"', text))
        if path.parent.name == "ledger" and path.name.startswith("verify"):
            faults |= set(re.findall(r'Bad\([^\n]*, "([a-z_]+)"', text))
    assert len(troubles) > 5
    assert len(faults) > 8
    assert sorted(what for what in troubles if not said.has(f"trouble.{what}")) == []
    assert sorted(why for why in faults if not said.has(f"verify.why.{why}")) == []


def test_fields_of_a_problem_may_be_texts_themselves() -> None:
    problem = Problem("settings_wrong_value", "f", {"key": "names", "expected": Phrase("expected.names")})
    assert words("en").say("expected.names") in words("en").problem(problem)[1]


def test_another_language_is_not_there() -> None:
    with pytest.raises(ValueError, match="tlh"):
        words("tlh")
