"""`apply` is total: any entry on any campus, and what should be can still be computed."""

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
from tests.hub.dispatch.strategies import ANY_ENTRY

ONLY_READ = {"PinSet", "LinkMade", "KeyGiven", "StrangersRefused", "SealedViewed"}


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


@given(ANY_ENTRY)
def test_an_entry_about_something_unknown_changes_nothing(entry: e.Entry) -> None:
    campus = Campus()
    begins = (
        e.LogBegan,
        e.CampusFounded,
        e.RunStarted,
        e.UtcSet,
        e.ZoneSet,
        e.AccountAdded,
        e.PagerMade,
        e.TroubleBegan,
    )
    apply(campus, entry)
    if not isinstance(entry, begins):
        campus.at_ms, campus.commands = 0, []
        assert campus == Campus()


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


@pytest.mark.parametrize(
    "step",
    [
        e.Arrived(at_ms=0, incident="", guard="a-li", by="", command="", due_ms=5),
        e.SignGiven(at_ms=0, incident="", guard="a-li", by="", command="", due_ms=5),
        e.Asked(at_ms=0, incident="", guard="a-li", about="arrival", misses=0, due_ms=5),
    ],
)
def test_steps_of_somebody_who_does_not_respond_change_nothing(step: e.Entry) -> None:
    duty = Duty()
    duty.guard("li")
    incident = duty.press()
    before = snapshot(duty.campus)
    apply(duty.campus, msgspec.structs.replace(step, incident=incident.incident))
    assert snapshot(duty.campus) == before


@pytest.mark.parametrize("kind", e.KINDS, ids=lambda kind: kind.__name__)
def test_every_kind_changes_something_or_is_known_to_be_only_read(kind: type[e.Entry]) -> None:
    assert (kind in CHANGES) != (kind.__name__ in ONLY_READ)
