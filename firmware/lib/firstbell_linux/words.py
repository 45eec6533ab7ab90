"""The texts that a person reads, zh-CN and en, and which of the two to use.

Each package's own lie in its `locales`; what every command says is in this package's.
"""

import json
import shlex
from collections.abc import Iterable, Mapping
from importlib.resources import files
from unicodedata import category

from firstbell_linux.problems import Phrase, Problem

LANGUAGES = ("zh-CN", "en")
_NOT_SHOWN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""General categories of Unicode: control and format characters, half characters, separators of lines."""


def chosen_language(environment: Mapping[str, str]) -> str:
    """FIRSTBELL_LANG, else what POSIX asks in this order; whatever is not Chinese is English."""
    named = ("FIRSTBELL_LANG", "LC_ALL", "LC_MESSAGES", "LANG")
    asked = next((environment[name] for name in named if environment.get(name)), "")
    return "zh-CN" if asked.lower().startswith("zh") else "en"


def printable(text: str) -> str:
    """As it can be shown in one line: what would move a screen's cursor or turn its text around becomes its number."""
    return "".join(one.encode("unicode_escape").decode() if category(one) in _NOT_SHOWN else one for one in text)


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
        """The text of `key`, or `otherwise`: for words that come from what a newer program wrote."""
        return self._texts.get(key, otherwise)

    def problem(self, problem: Problem) -> tuple[str, str]:
        """What happened, and what to do: there `where` is in a command to be copied."""
        fields = {name: self._worded(value) for name, value in problem.fields.items()}
        key = f"problem.{problem.name}"
        where = printable(problem.where)
        return (
            self.say(f"{key}.what", where=where, **fields),
            self.say(f"{key}.do", where=shlex.quote(where), **fields),
        )

    def _worded(self, value: str | int | Phrase | list[str]) -> str | int:
        match value:
            case Phrase():
                return self.say(value.key)
            case list():
                return printable(self.listed(value))
            case str():
                return printable(value)
        return value

    def listed(self, values: Iterable[str]) -> str:
        return self.say("list.join").join(values)


def texts(package: str, language: str) -> dict[str, str]:
    """By key. Raises ValueError for a language that isn't there."""
    if language not in LANGUAGES:
        raise ValueError(f"no such language: {language}")
    found: dict[str, str] = json.loads((files(package) / "locales" / f"{language}.json").read_text("utf-8"))
    return found


def command_words(package: str, language: str) -> Words:
    """What every command says, and what those of `package` do. Raises ValueError for a language that isn't there."""
    return Words(texts("firstbell_linux", language) | texts(package, language))
