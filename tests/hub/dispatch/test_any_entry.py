"""`apply` is total: any entry on any campus, and what should be can still be computed."""

from typing import Any, Literal, get_args, get_origin

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus, copy, restore, snapshot
from hub.dispatch.fold import CHANGES, apply
from hub.dispatch.rules import next_deadline_ms
from hub.dispatch.wanted import alerts, lights
from tests.hub.dispatch.duty import Duty, replay
from tests.hub.dispatch.strategies import ANY_ENTRY, RAISED_OR_CLOSED

ONLY_READ = {"PinSet", "LinkMade", "TokenMade", "KeyGiven", "StrangersRefused", "SealedViewed"}


def furnished() -> Campus:
    duty = Duty()
    duty.guard("li"), duty.guard("wang")
    duty.pager("p-desk")
    return duty.campus


FURNISHED = snapshot(furnished())


@settings(max_examples=300)
@given(st.booleans(), st.lists(ANY_ENTRY, max_size=60))
def test_no_entry_raises_and_what_should_be_can_be_computed(is_furnished: bool, entries: list[e.Entry]) -> None:
    campus = restore(FURNISHED) if is_furnished else Campus()
    durable = copy(campus)
    for entry in entries:
        apply(campus, entry)
        alerts(campus)
        next_deadline_ms(campus)
        lights(campus, durable)
        lights(durable, campus)
    assert restore(snapshot(campus)) == campus


@settings(max_examples=200)
@given(st.lists(RAISED_OR_CLOSED, max_size=30))
def test_each_terminal_has_its_incidents_and_no_others(entries: list[e.Entry]) -> None:
    """Whatever is enrolled anew, revoked or closed in any order, and from a snapshot at any time."""
    campus = restore(FURNISHED)
    for entry in entries:
        apply(campus, entry)
        campus = copy(campus)
        expected: dict[str, list[str]] = {}
        for incident in campus.incidents.values():
            expected.setdefault(incident.terminal, []).append(incident.incident)
        assert campus.terminal_incidents == expected


@settings(max_examples=200)
@given(st.lists(ANY_ENTRY, max_size=60))
def test_the_same_entries_make_the_same_campus(entries: list[e.Entry]) -> None:
    """Through the bytes of the ledger, and from a snapshot in the middle."""
    campus = Campus()
    for entry in entries:
        apply(campus, entry)
    assert snapshot(replay(entries)) == snapshot(campus)
    half = len(entries) // 2
    resumed = restore(snapshot(replay(entries[:half])))
    for entry in entries[half:]:
        apply(resumed, entry)
    assert snapshot(resumed) == snapshot(campus)


@given(ANY_ENTRY)
def test_the_bytes_of_an_entry_are_the_entry(entry: e.Entry) -> None:
    assert e.decode(e.encode(entry)) == entry


def made(kind: type[e.Entry], **known: str) -> e.Entry:
    """An entry of this kind about things that nobody has heard of, but for what is `known`."""
    plain: dict[Any, Any] = {str: "x-unknown", int: 7, bool: True, e.Deadlines: e.Deadlines()}
    said = {}
    for field in msgspec.structs.fields(kind):
        options = get_args(field.type)
        if get_origin(field.type) is Literal:
            said[field.name] = options[0]
        elif type(None) in options:
            said[field.name] = None
        elif get_origin(field.type) in (tuple, dict):
            said[field.name] = get_origin(field.type)()
        else:
            said[field.name] = plain[field.type]
    return kind(**{**said, **{name: value for name, value in known.items() if name in said}})


BEGIN = (e.LogBegan, e.CampusFounded, e.RunStarted, e.UtcSet, e.ZoneSet, e.AccountAdded, e.PagerMade, e.TroubleBegan)
ABOUT_OTHERS = tuple(kind for kind in e.KINDS if kind not in BEGIN)


def busy() -> tuple[Campus, dict[str, str]]:
    """A campus with somebody called and somebody gone, and what is there to be named."""
    duty = Duty()
    duty.guard("li"), duty.guard("wang")
    incident = duty.press()
    duty.command("decline", incident, "a-wang")
    known = {"incident": incident.incident, "terminal": "t-wall", "zone": "z-east", "pager": "p-li", "guard": "a-li"}
    return duty.campus, known


def unchanged(campus: Campus, entry: e.Entry) -> bool:
    before = copy(campus)
    apply(campus, entry)
    campus.at_ms, campus.commands = before.at_ms, before.commands
    return campus == before


@pytest.mark.parametrize("kind", ABOUT_OTHERS, ids=lambda kind: kind.__name__)
def test_an_entry_about_something_unknown_changes_nothing(kind: type[e.Entry]) -> None:
    campus, known = busy()
    assert unchanged(Campus(), made(kind))
    assert unchanged(campus, made(kind))
    if "zone" in kind.__struct_fields__ and "terminal" in kind.__struct_fields__:
        assert unchanged(campus, made(kind, terminal=known["terminal"]))
        assert kind is e.TerminalEnrolled or unchanged(campus, made(kind, zone=known["zone"]))
    if "guard" in kind.__struct_fields__ and kind not in (e.Accepted, e.Resolved):
        assert unchanged(campus, made(kind, incident=known["incident"], pager=known["pager"]))
        assert unchanged(campus, made(kind, guard=known["guard"]))


@pytest.mark.parametrize("kind", [e.PageProgressed, e.PageLapsed, e.Arrived, e.Asked, e.SignGiven, e.Reopened])
def test_a_step_that_does_not_fit_changes_nothing(kind: type[e.Entry]) -> None:
    """Somebody who declined has no page any more; what is not resolved is not reopened."""
    campus, known = busy()
    assert unchanged(campus, made(kind, **{**known, "guard": "a-wang"}))


@pytest.mark.parametrize("kind", [e.TierRaised, e.Accepted, e.Declined, e.Released, e.GuardDown, e.Arrived])
def test_what_is_resolved_stays_resolved(kind: type[e.Entry]) -> None:
    campus, known = busy()
    apply(campus, made(e.Resolved, **known))
    apply(campus, made(kind, **known))
    (incident,) = campus.incidents.values()
    assert (incident.state, incident.calling) == ("resolved", False)


def test_an_incident_is_raised_once() -> None:
    campus, known = busy()
    assert unchanged(campus, made(e.IncidentRaised, **known))


def test_a_call_of_somebody_who_responds_leaves_them_responding() -> None:
    duty = Duty()
    duty.guard("li")
    incident = duty.accepted("a-li")
    call = e.TierRaised(
        at_ms=0,
        incident=incident.incident,
        tier=0,
        because="again",
        paged=(e.Paged(guard="a-li", due_ms=None),),
        everyone=False,
        repeat_ms=None,
    )
    apply(duty.campus, call)
    assert incident.assignments["a-li"].state == "accepted"


@pytest.mark.parametrize("kind", e.KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_changes_something_or_is_known_to_be_only_read(kind: type[e.Entry]) -> None:
    assert (kind in CHANGES) != (kind.__name__ in ONLY_READ)
