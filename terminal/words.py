"""The texts that a person reads, zh-CN and en, and which of the two to use."""

import json
import shlex
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from terminal.problems import Phrase, Problem

LANGUAGES = ("zh-CN", "en")


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

    def what(self, problem: Problem) -> str:
        return self._about(problem, "what", problem.where)

    def to_do(self, problem: Problem) -> str:
        """Where it names what is wrong, it is in a command to be copied."""
        return self._about(problem, "do", shlex.quote(problem.where))

    def _about(self, problem: Problem, part: str, where: str) -> str:
        fields = {
            name: self.say(value.key) if isinstance(value, Phrase) else value for name, value in problem.fields.items()
        }
        return self.say(f"problems.{problem.name}.{part}", where=where, **fields)


@cache
def words(language: str) -> Words:
    """Raises ValueError for a language that isn't there."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language}")
    text = (files("terminal") / "locales" / f"{language}.json").read_text("utf-8")
    return Words(_flat(json.loads(text), ""))


def _flat(texts: Mapping[str, object], above: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in texts.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{above}{name}.")
        else:
            found[above + name] = str(value)
    return found
