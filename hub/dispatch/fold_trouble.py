"""Trouble, folded."""

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus, Changes, Trouble


def _began(campus: Campus, entry: e.TroubleBegan) -> None:
    campus.troubles.setdefault(f"{entry.what}:{entry.about}", Trouble(entry.what, entry.about, entry.at_ms))


def _ended(campus: Campus, entry: e.TroubleEnded) -> None:
    campus.troubles.pop(f"{entry.what}:{entry.about}", None)


def _seen(campus: Campus, entry: e.TroubleSeen) -> None:
    trouble = campus.troubles.get(f"{entry.what}:{entry.about}")
    if trouble:
        trouble.seen_by = entry.by


CHANGES: Changes = {e.TroubleBegan: _began, e.TroubleEnded: _ended, e.TroubleSeen: _seen}
