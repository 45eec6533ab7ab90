"""How the repository must be: what is locked, what is declared, how long a file is, which texts exist."""

import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests import suite
from tests.house.imports import ROOT, imports_of, source_files

PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKED = (ROOT / "requirements.txt").read_text()

LINES_MAX = 400
# Longer files, each with a reason that a reader would agree with.
LONGER = {
    "hub/dispatch/entries.py": "the vocabulary of the ledger, a class per kind of entry: one list to read",
}


def name_of(requirement: str) -> str:
    """The normalised distribution name (PEP 503) of a requirement line."""
    name = re.split(r"[\s\[<>=;!~]", requirement, maxsplit=1)[0]
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_names() -> set[str]:
    return {name_of(line) for line in LOCKED.splitlines() if re.match(r"[a-z0-9]", line)}


def test_every_locked_line_is_pinned_and_hashed() -> None:
    requirements = re.findall(r"^(?![ #])(?:.*\\\n)*.*", LOCKED, re.MULTILINE)
    requirements = [text for text in requirements if text.strip()]
    assert len(requirements) == len(locked_names()) > 40
    pinned = re.compile(r"[a-z0-9.-]+(\[[a-z,]+\])?==\S+( ; [^\\]+)? \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n)?)+")
    assert [text.split("\n")[0] for text in requirements if not pinned.fullmatch(text)] == []


def test_everything_declared_is_locked() -> None:
    declared = list(PYPROJECT["build-system"]["requires"])
    for extra in PYPROJECT["project"]["optional-dependencies"].values():
        declared += extra
    tools = (ROOT / "requirements.in").read_text().splitlines()
    declared += [line for line in tools if not line.startswith("#")]
    assert {name_of(line) for line in declared} - locked_names() == set()


def third_party_in(folder: str) -> set[str]:
    """Distributions that the files of `folder` import."""
    tops = {item.top for path in source_files(folder) for item in imports_of(path, folder)}
    tops -= {*sys.stdlib_module_names, "hub", "terminal", "firstbell", "firstbell_flash", "firstbell_linux"}
    distributions = packages_distributions()
    return {name_of(distributions.get(top, [top])[0]) for top in tops}


@pytest.mark.parametrize(("extra", "folder"), [("hub", "hub"), ("terminal", "terminal"), ("flash", "firmware/flash")])
def test_an_extra_declares_what_its_package_imports(extra: str, folder: str) -> None:
    """Nothing is missing, and nothing is there before it is used. What lies in firmware/lib is part of all."""
    declared = {name_of(line) for line in PYPROJECT["project"]["optional-dependencies"][extra]}
    assert third_party_in(folder) | third_party_in("firmware/lib") == declared


def test_no_folder_of_tests_is_left_out_of_the_suite() -> None:
    named = [ROOT / folder for part in suite.PARTS for folder in part.folders]
    named += [ROOT / folder for folder in suite.APART]
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    forgotten = [path for path in files if not any(path.is_relative_to(folder) for folder in named)]
    assert not forgotten, [str(path.relative_to(ROOT)) for path in forgotten]


def test_budgets_of_the_parts_fit_the_suite() -> None:
    assert sum(part.budget_s for part in suite.PARTS) <= 3 * suite.SUITE_BUDGET_S
    assert len({part.name for part in suite.PARTS}) == len(suite.PARTS)


def test_no_file_is_longer_than_a_reader_likes() -> None:
    folders = ("hub", "terminal", "firmware", "tests")
    kinds = {".py", ".js", ".css", ".sh"}
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for folder in folders
        for path in sorted((ROOT / folder).rglob("*"))
        if path.suffix in kinds
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > LINES_MAX and name not in LONGER}
    assert too_long == {}
    assert [name for name in LONGER if lengths.get(name, 0) <= LINES_MAX] == []


def flat(texts: dict[str, object], above: str = "") -> dict[str, str]:
    found: dict[str, str] = {}
    for key, value in texts.items():
        if isinstance(value, dict):
            found |= flat(value, f"{above}{key}.")
        else:
            assert isinstance(value, str), f"{above}{key} is no text"
            found[f"{above}{key}"] = value
    return found


def catalogue(path: Path) -> dict[str, str]:
    def no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
        texts = dict(pairs)
        assert len(texts) == len(pairs), f"a key twice in {path.name}"
        return texts

    return flat(json.loads(path.read_text("utf-8"), object_pairs_hook=no_key_twice))


def test_both_languages_say_the_same_things() -> None:
    locales = ROOT / "hub/web/locales"
    chinese, english = catalogue(locales / "zh-CN.json"), catalogue(locales / "en.json")
    assert chinese.keys() == english.keys()
    assert [key for key in chinese if not chinese[key].strip() or not english[key].strip()] == []
    fields = re.compile(r"\{\w*\}")
    differ = [key for key in chinese if sorted(fields.findall(chinese[key])) != sorted(fields.findall(english[key]))]
    assert differ == []
    han = re.compile(r"[\u4e00-\u9fff]")
    assert [key for key, text in english.items() if han.search(text) and not key.startswith("language")] == []
