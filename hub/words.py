"""The texts that a person reads in a shell.

The commands' own texts lie beside them; what the hub refuses is worded once, in the screens' catalogue.
"""

from functools import cache

from firstbell_linux.words import Words, texts

SHARED = ("refused.", "outcome.", "reason.", "role.", "light.")
"""Beginnings of the keys that are taken from the screens' catalogue."""


@cache
def words(language: str) -> Words:
    """Raises ValueError for a language that isn't there."""
    screens = {key: text for key, text in texts("hub.web", language).items() if key.startswith(SHARED)}
    return Words(texts("firstbell_linux", language) | screens | texts("hub.commands", language))


def refused(said: Words, code: str) -> str:
    """Why the hub did not do it. Codes of refusals stand in the screens' catalogue, with the screens' words."""
    if said.has(f"refused.{code}"):
        return said.say(f"refused.{code}")
    return said.say("refused.other", code=code)
