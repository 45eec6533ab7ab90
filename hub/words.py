"""The texts that a person reads in a shell, zh-CN and en, and which of the two to use.

The commands' own texts lie beside them; what the hub refuses is worded once, in the screens' catalogue.
"""

import json
import shlex
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from hub.problems import Phrase, Problem

LANGUAGES = ("zh-CN", "en")
SHARED = ("refused.", "outcome.", "reason.", "role.", "light.")
"""Beginnings of the keys that are taken from the screens' catalogue."""


def chosen_language(environment: Mapping[str, str]) -> str:
    """FIRSTBELL_LANG, else what POSIX asks in this order; whatever is not Chinese is English."""
    named = ("FIRSTBELL_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    asked = next((environment[name] for name in named if environment.get(name)), "")
    return "zh-CN" if asked.lower().startswith("zh") else "en"


class Words:
    """One language."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def say(self, key: str, /, **fields: object) -> str:
        """The text of `key`, its fields filled in. Raises KeyError: the catalogue lacks it."""
        return self._texts[key].format(**fields)

    def has(self, key: str) -> bool:
        return key in self._texts

    def word(self, key: str, otherwise: str) -> str:
        """The text of `key`, or `otherwise`: for words that come from a ledger written by a newer program."""
        return self._texts.get(key, otherwise)

    def refused(self, code: str) -> str:
        """Why the hub did not do it. Codes of refusals stand in the screens' catalogue, with the screens' words."""
        if self.has(f"refused.{code}"):
            return self.say(f"refused.{code}")
        return self.say("refused.other", code=code)

    def problem(self, problem: Problem) -> tuple[str, str]:
        """What happened, and what to do."""
        fields = {
            name: self.say(value.key) if isinstance(value, Phrase) else value for name, value in problem.fields.items()
        }
        key = f"problem.{problem.name}"
        return (
            self.say(f"{key}.what", where=problem.where, **fields),
            self.say(f"{key}.do", where=shlex.quote(problem.where), **fields),
        )


@cache
def words(language: str) -> Words:
    """Raises ValueError for a language that isn't there."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language}")
    own = _load("hub.commands", language)
    shared = {key: text for key, text in _load("hub.web", language).items() if key.startswith(SHARED)}
    return Words({**shared, **own})


def _load(package: str, language: str) -> dict[str, str]:
    text = (files(package) / "locales" / f"{language}.json").read_text("utf-8")
    found: dict[str, str] = json.loads(text)
    return found
