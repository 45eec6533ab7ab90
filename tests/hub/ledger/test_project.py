"""What an incident's row says is what the fold says, for any entries in any order, sensible or not."""

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hub.database import migrate
from hub.dispatch import entries as e
from hub.dispatch.campus import Campus
from hub.dispatch.fold import apply
from hub.ledger.project import commitments, project
from tests.simulation.tables import difference

INCIDENTS = st.sampled_from(("i-1", "i-2", "i-unknown"))
GUARDS = st.sampled_from(("a-1", "a-2", "a-3"))
WALLS = st.sampled_from(("t-1", "t-2"))
BY = {"by": st.just("p-1"), "command": st.just("")}
ANSWER = {"at_ms": st.just(5), "incident": INCIDENTS, "guard": GUARDS}


def raised() -> st.SearchStrategy[e.Entry]:
    paged = e.Paged(guard="a-1", due_ms=9)
    return st.builds(
        e.IncidentRaised,
        at_ms=st.integers(0, 99),
        incident=st.sampled_from(("i-1", "i-2")),
        terminal=WALLS,
        zone=st.just("z-1"),
        severity=st.sampled_from(("panic", "perimeter")),
        drill=st.booleans(),
        test=st.booleans(),
        event_ms=st.none(),
        error_ms=st.none(),
        tier=st.just(0),
        paged=st.just((paged,)),
        everyone=st.just(False),
        repeat_ms=st.none(),
    )


def event() -> st.SearchStrategy[e.Entry]:
    return st.builds(
        e.EventRecorded,
        at_ms=st.just(5),
        terminal=WALLS,
        digest=st.text(alphabet="0123456789abcdef", min_size=8, max_size=8),
        jws=st.just("a.b.c"),
        boot=st.just(1),
        seq=st.integers(1, 99),
        input=st.just("panic"),
        what=st.just("panic"),
        event_ms=st.none(),
        error_ms=st.none(),
        mono_ms=st.just(1),
        received_ms=st.just(5),
        incident=st.one_of(INCIDENTS, st.just("")),
        again=st.just(False),
    )


LIFE = st.one_of(
    raised(),
    event(),
    st.builds(e.Accepted, **ANSWER, **BY, lead=st.booleans(), due_ms=st.just(9)),
    st.builds(e.Declined, **ANSWER, **BY),
    st.builds(e.Released, **ANSWER, **BY, lead=st.just("")),
    st.builds(e.GuardDown, **ANSWER, lead=st.just("")),
    st.builds(e.Arrived, **ANSWER, **BY, due_ms=st.just(9)),
    st.builds(
        e.Resolved,
        **ANSWER,
        **BY,
        outcome=st.sampled_from(("genuine", "mistaken")),
        covers=st.just(()),
        note=st.just(""),
        due_ms=st.just(9),
    ),
    st.builds(e.Reopened, at_ms=st.just(5), incident=INCIDENTS, **BY),
    st.builds(e.Closed, at_ms=st.just(5), incident=INCIDENTS, **BY),
    st.builds(
        e.LightShown, at_ms=st.just(5), terminal=WALLS, light=st.sampled_from(("none", "coming")), since_ms=st.none()
    ),
)


@pytest.fixture(scope="module")
def tables() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    yield connection
    connection.close()


def once_each(entries: list[e.Entry]) -> list[e.Entry]:
    """An incident is raised once and an event recorded once, for their ids come from digests."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for entry in entries:
        name = {e.IncidentRaised: "incident", e.EventRecorded: "digest"}.get(type(entry), "")
        key = (name, getattr(entry, name, ""))
        if not name or key not in seen:
            seen.add(key)
            kept.append(entry)
    return kept


DECLINED_AFTER_ACCEPT: list[e.Entry] = [
    e.IncidentRaised(
        at_ms=0,
        incident="i-1",
        terminal="t-1",
        zone="z-1",
        severity="panic",
        drill=False,
        test=False,
        event_ms=None,
        error_ms=None,
        tier=0,
        paged=(e.Paged(guard="a-1", due_ms=9),),
        everyone=False,
        repeat_ms=None,
    ),
    e.Accepted(at_ms=5, incident="i-1", guard="a-1", by="p-1", command="", lead=True, due_ms=9),
    e.Declined(at_ms=5, incident="i-1", guard="a-1", by="p-1", command=""),
]


@example(DECLINED_AFTER_ACCEPT)
@given(st.lists(LIFE, max_size=30).map(once_each))
def test_rows_equal_the_fold(tables: sqlite3.Connection, entries: list[e.Entry]) -> None:
    campus = places()
    tables.execute("BEGIN")
    try:
        for index, entry in enumerate(entries):
            apply(campus, entry)
            project(tables, 1, index, entry)
            assert difference(tables, campus) == ""
    finally:
        tables.execute("ROLLBACK")


def places() -> Campus:
    campus = Campus()
    apply(campus, e.ZoneSet(at_ms=1, zone="z-1", details="", deadlines=e.Deadlines(), tiers=("zone",), by="c"))
    for wall in ("t-1", "t-2"):
        enrolled = e.TerminalEnrolled(
            at_ms=1,
            terminal=wall,
            zone="z-1",
            role="wall",
            algorithm="HS256",
            key="",
            inputs={},
            silent=False,
            details="",
            by="c",
        )
        apply(campus, enrolled)
    return campus


@given(st.lists(LIFE, max_size=30).map(once_each))
def test_entries_belong_to_the_incidents_that_they_name(tables: sqlite3.Connection, entries: list[e.Entry]) -> None:
    tables.execute("BEGIN")
    try:
        for index, entry in enumerate(entries):
            project(tables, 1, index, entry)
        for index, entry in enumerate(entries):
            found = tables.execute("SELECT incident FROM incident_entries WHERE idx = ?", (index,)).fetchall()
            if isinstance(entry, e.LightShown):
                walls = "SELECT DISTINCT terminal FROM incidents JOIN incident_entries USING (incident) WHERE "
                walls += "incident_entries.idx = ?"
                assert set(tables.execute(walls, (index,)).fetchall()) <= {(entry.terminal,)}
            else:
                assert found == ([(entry.incident,)] if entry.incident else [])  # type: ignore[attr-defined]
    finally:
        tables.execute("ROLLBACK")


def test_a_light_belongs_to_the_open_incidents_or_the_last_resolved(tables: sqlite3.Connection) -> None:
    def wall(number: int) -> e.Entry:
        return e.IncidentRaised(
            at_ms=number,
            incident=f"i-{number}",
            terminal="t-1",
            zone="z-1",
            severity="panic",
            drill=False,
            test=False,
            event_ms=None,
            error_ms=None,
            tier=0,
            paged=(),
            everyone=True,
            repeat_ms=None,
        )

    def resolved(number: int) -> e.Entry:
        return e.Resolved(
            at_ms=9,
            incident=f"i-{number}",
            guard="a-1",
            by="p-1",
            command="",
            outcome="genuine",
            covers=(),
            note="",
            due_ms=9,
        )

    light = e.LightShown(at_ms=9, terminal="t-1", light="none", since_ms=None)
    tables.execute("BEGIN")
    try:
        story = [wall(1), wall(2), light, resolved(1), light, resolved(2), light]
        for index, entry in enumerate(story):
            project(tables, 1, index, entry)
        rows = tables.execute("SELECT idx, incident FROM incident_entries WHERE idx IN (2, 4, 6)").fetchall()
    finally:
        tables.execute("ROLLBACK")
    assert sorted(rows) == [(2, "i-1"), (2, "i-2"), (4, "i-2"), (6, "i-2")]


def test_which_sealed_texts_an_entry_brings() -> None:
    zone = e.ZoneSet(at_ms=1, zone="z-1", details="ab", deadlines=e.Deadlines(), tiers=("zone",), by="c")
    assert commitments(zone) == ("ab",)
    viewed = e.SealedViewed(at_ms=1, commitment="ab", by="a-1")
    assert commitments(viewed) == ()
