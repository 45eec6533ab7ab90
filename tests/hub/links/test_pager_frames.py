"""What a pager is shown when there is more than fits."""

import json

from hub.dispatch.campus import (
    COVERED_EVENTS_MAX,
    EVIDENCE_EVENTS_MAX,
    Account,
    Assignment,
    Campus,
    Incident,
    Pager,
    Terminal,
    Zone,
)
from hub.dispatch.engine import View
from hub.dispatch.entries import Deadlines
from hub.dispatch.wanted import alerts, lights
from hub.links.pager_frames import PAGES_MAX, pager_body, snapshot_at
from hub.names import Names

ZONE, WALL, GUARD, PAGER = "z-aaaaaaaaaa", "t-aaaaaaaaaa", "a-aaaaaaaaaa", "p-aaaaaaaaaa"

PAGER_FRAME_BYTES_MAX = 65_536


def incident(number: int, state: str, mine: str, **fields: object) -> Incident:
    made = Incident(f"i-{number:020}", WALL, ZONE, "panic", False, False, number, None, None, state=state)
    made.assignments[GUARD] = Assignment(GUARD, mine, number, None, 0)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def view(*incidents: Incident) -> View:
    campus = Campus(campus="c-aaaaaaaaaa")
    campus.zones[ZONE] = Zone(ZONE, "", Deadlines(), ("zone", "campus", "everyone"))
    campus.terminals[WALL] = Terminal(WALL, ZONE, "wall", "EdDSA", "", {"panic": "panic"}, False, "", 0)
    campus.accounts[GUARD] = Account(GUARD, ("guard",), (), "")
    campus.pagers[PAGER] = Pager(PAGER, "", guard=GUARD, zones=(ZONE,), reasons=())
    campus.incidents = {one.incident: one for one in incidents}
    return View(campus, campus, alerts(campus), lights(campus, campus), False)


def test_what_rings_is_never_crowded_out() -> None:
    """A guard who answers for more than fits is still shown the newest call, and what is asked."""
    answered = [incident(n, "dispatched", "accepted", calling=False) for n in range(PAGES_MAX + 2)]
    asked = incident(50, "dispatched", "accepted", calling=False)
    asked.assignments[GUARD].asked = "arrival"
    declined = incident(51, "raised", "declined")
    called = incident(52, "raised", "delivered")
    pages = json.loads(pager_body(view(*answered, asked, declined, called), PAGER, Names(), 100))["pages"]
    assert len(pages) == PAGES_MAX
    assert [(page["incident"], page["ring"]) for page in pages[:2]] == [
        (called.incident, "alarm"),
        (asked.incident, "ask"),
    ]


def test_pages_of_many_presses_stay_within_a_frame() -> None:
    """As many as fit, what rings first; the number of the others is told."""
    evidence, covers = ["e" * 1_024] * EVIDENCE_EVENTS_MAX, ["d" * 64] * COVERED_EVENTS_MAX
    full = [incident(n, "raised", "delivered", evidence=evidence, events=covers) for n in range(PAGES_MAX + 2)]
    text = snapshot_at(100, 0, pager_body(view(*full), PAGER, Names(), 100))
    frame = json.loads(text)
    assert len(text.encode()) <= PAGER_FRAME_BYTES_MAX
    assert 1 < len(frame["pages"]) < PAGES_MAX
    assert len(frame["pages"]) + frame["more"] == len(full)
