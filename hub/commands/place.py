"""A place in the ledger that a verification names (`hub.ledger.verdict`), in the reader's language."""

import re

from hub.words import Words

_LOG = r"(?P<log> of log \d+)?"
_FORMS = {
    "cut_log": r"cut: a checkpoint of log (?P<number>\d+) given, the ledger has none such",
    "cut": rf"cut: checkpoint of (?P<given>\d+) entries{_LOG} given, the ledger has (?P<there>\d+)",
    "fork": rf"fork: checkpoint of (?P<given>\d+) entries{_LOG} given, the ledger's first \d+ are others",
    "entry": rf"entry (?P<index>\d+){_LOG}",
    "entries": rf"entries (?P<first>\d+)–(?P<last>\d+){_LOG}",
    "tile": rf"tile (?P<tile>\d+/\d+){_LOG}",
    "checkpoint": rf"checkpoint{_LOG}",
    "snapshot": rf"snapshot at (?P<size>\d+) entries{_LOG}",
    "log": r"log (?P<number>\d+)",
    "database": "database",
    "schema": "schema",
    "table": r"table (?P<name>[^,]+)",
    "sealed": r"sealed (?P<name>[^,]+)",
    "event": r"event (?P<name>[^,]+)",
    "incident": r"incident (?P<name>[^,]+)",
}
"""What is a word of the catalogue, `verify.place.<word>`, and how a verification writes it."""


def tell_place(words: Words, place: str) -> str:
    """What is no such place stays as it is."""
    return _tell(words, place) or words.say("list.join").join(_tell(words, part) or part for part in place.split(", "))


def readable(text: str) -> str:
    """What a damaged file holds, as something that can be shown: bytes that are no text become their numbers."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _tell(words: Words, part: str) -> str:
    for word, form in _FORMS.items():
        found = re.fullmatch(form, part)
        if found:
            fields = found.groupdict()
            log = fields.pop("log", None)
            of_log = words.say("verify.place.of_log", number=log.rpartition(" ")[2]) if log else ""
            return words.say(f"verify.place.{word}", of_log=of_log, **fields)
    return ""
