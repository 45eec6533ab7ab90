"""Every text that a screen asks for is in the catalogue, and the catalogue has no text that nobody asks for."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from hub.dispatch import entries, rules_trouble
from hub.words import SHARED

WEB = Path(__file__).resolve().parents[2] / "hub/web"
CATALOGUE: dict[str, str] = json.loads((WEB / "locales/zh-CN.json").read_text("utf-8"))
SOURCES = [path for path in sorted(WEB.rglob("*")) if path.suffix in (".js", ".html") and path.name != "words.js"]

LITERAL = re.compile(r"""\b(tn?)\(\s*["']([a-z_.]+)["']\s*[,)]""")
SPOKEN = re.compile(r"""["']([a-z_]+(?:\.[a-z_]+)+)["']""")
PATTERN = re.compile(r"\b(tn?)\(\s*`([^`]+)`")
JINJA = re.compile(r"""\bt\("([a-z_.]+)" ~ \w+ ~ "([a-z_.]+)"\)""")


def literals() -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for path in SOURCES:
        for call, key in LITERAL.findall(path.read_text("utf-8")):
            found |= {(path.name, f"{key}.{n}") for n in ("one", "many")} if call == "tn" else {(path.name, key)}
    return found


def patterns() -> set[str]:
    """Keys put together at run time, as regular expressions: `crew.${state}.lead` → crew\\.\\w+\\.lead"""
    found: set[str] = set()
    for path in SOURCES:
        for call, key in PATTERN.findall(path.read_text("utf-8")):
            wanted = r"[\w]+".join(re.escape(part) for part in re.split(r"\$\{[^}]+\}", key))
            found.add(wanted + (r"\.(one|many)" if call == "tn" else ""))
        found |= {rf"{re.escape(begin)}\w+{re.escape(end)}" for begin, end in JINJA.findall(path.read_text("utf-8"))}
    return found


def test_every_key_that_is_named_is_there() -> None:
    assert len(literals()) > 50
    assert sorted((name, key) for name, key in literals() if key not in CATALOGUE) == []


def test_every_key_that_is_put_together_is_there_for_something() -> None:
    assert [wanted for wanted in patterns() if not any(re.fullmatch(wanted, key) for key in CATALOGUE)] == []


@pytest.mark.parametrize(
    ("kind", "key"),
    [
        (entries.Outcome, "outcome.{}"),
        (entries.Outcome, "outcome.{}.sub"),
        (entries.Reason, "reason.{}"),
        (entries.Reason, "window.{}"),
        (entries.LightState, "light.{}"),
        (entries.Role, "role.{}"),
        (entries.TierBecause, "because.{}"),
    ],
)
def test_every_word_of_the_ledger_that_is_shown_has_its_text(kind: object, key: str) -> None:
    assert [word for word in get_args(kind) if key.format(word) not in CATALOGUE] == []


def test_every_trouble_has_its_words_and_what_to_do() -> None:
    """As the table in rules_trouble.py names them."""
    rows = re.findall(r"^\| ([a-z_, ]+) \|", str(rules_trouble.__doc__), re.MULTILINE)
    kinds = [kind for row in rows for kind in row.split(", ") if kind != "what"]
    assert len(kinds) > 10
    assert [kind for kind in kinds if not {f"trouble.{kind}", f"trouble.{kind}.do"} <= CATALOGUE.keys()] == []


def test_every_refusal_has_its_words() -> None:
    raised = re.compile(r'(?:Refused|\.refuse|_refuse)\(\s*"([a-z_]+)"')
    codes = {code for path in (WEB.parent).rglob("*.py") for code in raised.findall(path.read_text("utf-8"))}
    terminals_only = {"too_slow", "wrong_nonce", "protocol", "wrong_header", "bad_signature", "oversized", "too_many"}
    assert len(codes) > 20
    assert sorted(code for code in codes - terminals_only if f"refused.{code}" not in CATALOGUE) == []


def test_nothing_is_in_the_catalogue_that_nobody_says() -> None:
    """The commands say some of it, too: what begins like hub.words.SHARED."""
    said = {key for _, key in literals()}
    said |= {key for path in SOURCES for key in SPOKEN.findall(path.read_text("utf-8"))}
    composed = patterns()
    unsaid = [
        key
        for key in CATALOGUE
        if key not in said
        and not key.startswith(SHARED)
        and re.sub(r"\.(one|many)$", "", key) not in said
        and not any(re.fullmatch(wanted, key) for wanted in composed)
    ]
    assert unsaid == []


SENTENCE_HAN_MAX = 14
SENTENCE_WORDS_MAX = 8
SENTENCES = ("pager.ready.say", "pager.not_ready.say", "gone.", "cause.", "fault.", "page.asked", "sign_on.why")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_sentence_on_the_pager_is_short(language: str) -> None:
    texts: dict[str, str] = json.loads((WEB / f"locales/{language}.json").read_text("utf-8"))
    long = []
    for key, text in texts.items():
        if not key.startswith(SENTENCES):
            continue
        for sentence in re.split(r"[。.，,；？?]", re.sub(r"\{\w+\}", "", text)):
            han = len(re.findall(r"[\u4e00-\u9fff]", sentence))
            words = len(sentence.split()) if language == "en" else 0
            if han > SENTENCE_HAN_MAX or words > SENTENCE_WORDS_MAX:
                long.append((key, sentence))
    assert long == []


def test_english_has_no_curly_apostrophe() -> None:
    """It is as wide as a Chinese character in the fonts of these screens."""
    english: dict[str, str] = json.loads((WEB / "locales/en.json").read_text("utf-8"))
    assert [key for key, text in english.items() if "’" in text or "‘" in text] == []
