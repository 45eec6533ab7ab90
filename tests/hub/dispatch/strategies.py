"""Random entries: of every kind, about things that are there and things that are not."""

from typing import Any, get_args

import msgspec
from hypothesis import strategies as st

from hub.dispatch import entries as e

GUARDS = ("a-li", "a-wang", "a-chief", "a-nobody")
PAGERS = ("p-li", "p-wang", "p-desk", "p-nowhere")
TERMINALS = ("t-wall", "t-other", "t-bell", "t-nobody")
ZONES = ("z-east", "z-west", "z-nowhere")
INCIDENTS = ("i-one", "i-two", "i-nothing", "")
DIGESTS = tuple(letter * 64 for letter in "abcd")

_TIME = st.integers(0, 10**7)
_COUNT = st.integers(0, 2**53)
_NAMED: dict[str, st.SearchStrategy[Any]] = {
    "at_ms": _TIME,
    "due_ms": _TIME,
    "until_ms": _TIME,
    "repeat_ms": st.none() | _TIME,
    "zone": st.sampled_from(ZONES),
    "zones": st.lists(st.sampled_from(ZONES), max_size=2).map(tuple),
    "terminal": st.sampled_from(TERMINALS),
    "account": st.sampled_from(GUARDS),
    "guard": st.sampled_from(GUARDS),
    "lead": st.sampled_from((*GUARDS, "")),
    "pager": st.sampled_from(PAGERS),
    "incident": st.sampled_from(INCIDENTS),
    "digest": st.sampled_from(DIGESTS),
    "command": st.sampled_from(("tap-1", "tap-2", "tap-3")),
    "deadlines": st.builds(e.Deadlines, closed_ms=_TIME),
    "tier": st.integers(0, 4),
    "tiers": st.lists(st.sampled_from(get_args(e.TierName)), min_size=1, max_size=3).map(tuple),
    "inputs": st.dictionaries(st.sampled_from(("panic", "loop")), st.sampled_from(("panic", "tamper")), max_size=2),
}


def _field(kind: type[e.Entry], field: msgspec.structs.FieldInfo) -> st.SearchStrategy[Any]:
    if kind is e.InputsRead and field.name == "inputs":
        states = st.sampled_from(get_args(e.InputState))
        return st.dictionaries(st.sampled_from(("panic", "loop")), states, max_size=2)
    if field.name == "paged":
        page = st.builds(e.Paged, guard=_NAMED["guard"], due_ms=st.none() | _TIME)
        return st.lists(page, max_size=3).map(tuple)
    if field.type in (int, int | None) and field.name not in _NAMED:
        return _COUNT if field.type is int else st.none() | _COUNT
    if kind is e.PageProgressed and field.name == "due_ms":
        return st.none() | _TIME
    return _NAMED[field.name] if field.name in _NAMED and field.type is not bool else st.from_type(field.type)


def _of_kind(kind: type[e.Entry], **known: st.SearchStrategy[Any]) -> st.SearchStrategy[e.Entry]:
    fields = {field.name: _field(kind, field) for field in msgspec.structs.fields(kind)}
    return st.builds(kind, **{**fields, **known})


ANY_ENTRY: st.SearchStrategy[e.Entry] = st.sampled_from(e.KINDS).flatmap(_of_kind)
_AROUND: tuple[type[e.Entry], ...] = (e.Resolved, e.TerminalEnrolled, e.TerminalRevoked, e.RunStarted)
RAISED_OR_CLOSED: st.SearchStrategy[e.Entry] = st.one_of(
    _of_kind(e.IncidentRaised, zone=st.just("z-east"), terminal=st.sampled_from(("t-wall", "t-nobody"))),
    _of_kind(e.Closed),
    *(_of_kind(kind) for kind in _AROUND),
)
"""Mostly at one terminal, which is known, and at one that may come to be."""
