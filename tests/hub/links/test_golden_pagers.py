"""The golden frames of a pager, sent over a socket in memory: the hub takes each and answers as it stands there.

The engine is a desk clerk who is told what to answer: what is tested is the wire.
"""

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, cast

import msgspec
import pytest
from aiohttp import WSCloseCode, WSMessage, WSMsgType

from hub.dispatch import requests as r
from hub.dispatch.asked import Answer
from hub.dispatch.batch import Sealed, Submission
from hub.dispatch.campus import Account, Assignment, Campus, Incident, Pager, Terminal, Zone
from hub.dispatch.engine import Engine, Outlet, View
from hub.dispatch.entries import Deadlines
from hub.dispatch.wanted import alerts, lights
from hub.ledger.sealed import seal
from hub.links.announce import SERVICE, Announcement
from hub.links.door import Waiting
from hub.links.pagers import PagerLinks
from hub.links.screens import Screens
from hub.links.watch import Watch
from hub.names import DETAILS_DOMAINS, Names
from tests.golden import signing
from tests.golden.pagers import CAMPUS, GUARD, NOW_MS, OTHER_GUARD, OTHER_PAGER, PAGER, PORT, SERVER_NAME, UTC_OFFSET_MS

VECTORS = json.loads((Path(__file__).parents[2] / "golden/pagers.json").read_text("utf-8"))
SNAPSHOT = json.loads(VECTORS["snapshot"])
PAGE = SNAPSHOT["pages"][0]
PROTOCOL = (Path(__file__).parents[3] / "hub/PROTOCOL.md").read_text("utf-8")
ZONE = "z-zone222222"
PRESENTED = ("name", "building", "floor", "place", "way")


def sealed(noun: str, **details: object) -> Sealed:
    return seal(DETAILS_DOMAINS[noun], msgspec.json.encode(details).decode(), bytes(32))


SEALED = {
    CAMPUS: sealed("campus", **{name: SNAPSHOT["campus"][name] for name in ("name", "guard_room_phone")}),
    ZONE: sealed("zone", name=PAGE["zone"]),
    signing.PI: sealed("terminal", name="Corridor", **{name: PAGE[name] for name in PRESENTED[1:]}),
    PAGER: sealed("pager", name=SNAPSHOT["pager"]["name"]),
    **{one["id"]: sealed("account", name=one["name"]) for one in PAGE["crew"]},
}


def campus() -> Campus:
    """One press that calls two guards, the pager of one of them gone."""
    made = Campus(campus=CAMPUS, details=SEALED[CAMPUS].commitment, utc_offset_ms=UTC_OFFSET_MS)
    made.zones[ZONE] = Zone(ZONE, SEALED[ZONE].commitment, Deadlines(), ("zone", "campus", "everyone"))
    wall = SEALED[signing.PI].commitment
    made.terminals[signing.PI] = Terminal(
        signing.PI, ZONE, "wall", "EdDSA", "", {"panic": "panic"}, False, wall, 0, linked=True
    )
    incident = Incident(
        PAGE["incident"], signing.PI, ZONE, "panic", False, False, PAGE["raised_ms"], PAGE["event_ms"], 3
    )
    incident.presses, incident.events, incident.evidence = 1, PAGE["covers"], PAGE["evidence"]
    for guard, pager, ringing in ((GUARD, PAGER, True), (OTHER_GUARD, OTHER_PAGER, False)):
        made.accounts[guard] = Account(guard, ("guard",), (ZONE,), SEALED[guard].commitment)
        details = SEALED[pager].commitment if pager in SEALED else ""
        made.pagers[pager] = Pager(pager, details, guard=guard, zones=(ZONE,), reasons=() if ringing else ("link",))
        state = "delivered" if ringing else "paged"
        incident.assignments[guard] = Assignment(guard, state, PAGE["raised_ms"], None, 0, ringing=ringing)
    made.incidents[incident.incident] = incident
    return made


class Desk:
    """In the engine's place: keeps each request and answers it as it was told."""

    def __init__(self, answer: Answer) -> None:
        self.decided = campus()
        self.requests: list[r.Request] = []
        self._answer = answer

    def submit(self, submission: Submission, done: Callable[[Answer], None] | None = None) -> None:
        self.requests.append(submission.request)
        if done:
            done(self._answer)

    def add_outlet(self, outlet: Outlet) -> None:
        outlet.refresh(
            View(self.decided, self.decided, alerts(self.decided), lights(self.decided, self.decided), False)
        )

    def remove_outlet(self, outlet: Outlet) -> None:
        pass


class Line:
    """A peer that says `texts`, reads the answers and goes."""

    def __init__(self, *texts: str) -> None:
        self._texts = iter(texts)
        self.sent: list[str] = []

    async def receive(self) -> Any:
        raise NotImplementedError

    async def send_str(self, data: str) -> None:
        self.sent.append(data)

    async def close(self, *, code: int = WSCloseCode.OK, message: bytes = b"") -> bool:
        return True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> WSMessage:
        # Whoever writes has its turn.
        for _ in range(5):
            await asyncio.sleep(0)
        for text in self._texts:
            return WSMessage(WSMsgType.TEXT, text, None)
        raise StopAsyncIteration


async def talk(text: str, answer: Answer) -> tuple[list[r.Request], list[str], list[str]]:
    """What the engine is asked when the pager says `text`, what comes back for evidence, and all that is sent."""
    desk, line, evidence = Desk(answer), Line(text), list[str]()

    def take_evidence(jws: str, done: Callable[[Answer], None]) -> None:
        evidence.append(jws)
        done(answer)

    screens = Screens(cast(Engine, desk), lambda: NOW_MS, Waiting(lambda: None))
    await PagerLinks(screens, Names(SEALED.values()), Watch(), take_evidence).hold(line, PAGER)
    assert isinstance(desk.requests.pop(), r.LosePager)
    return desk.requests, evidence, line.sent


def told(answers: list[str]) -> Answer:
    """What the engine must have said for these."""
    frame = json.loads(answers[0]) if answers else {}
    if frame.get("type") == "refused":
        return Answer(refused=frame["reason"])
    index = frame.get("index")
    return Answer(repeated=True) if index is None else Answer(indices=range(index, index + 1))


def words(request: r.Request, *names: str) -> dict[str, Any]:
    """These fields, as JSON has them."""
    said: dict[str, Any] = json.loads(msgspec.json.encode({name: getattr(request, name) for name in names}))
    return said


def check_request(request: r.Request, frame: dict[str, Any]) -> None:
    """The engine is asked what the frame says; what may be left out is nothing."""
    match frame["type"]:
        case "state":
            assert isinstance(request, r.HearPager)
            said = {"battery_percent": None, "charging": None} | frame
            names = ("sound", "visible", "awake", "battery_percent", "charging", "have", "seen", "ringing")
            assert words(request, *names) | {"type": "state"} == said
        case "command":
            assert isinstance(request, r.Command)
            assert (request.command, request.guard, request.by) == (frame["id"], GUARD, PAGER)
            said = {"covers": [], "outcome": None} | {name: frame[name] for name in frame if name not in ("id", "note")}
            assert words(request, "do", "incident", "covers", "outcome") | {"type": "command"} == said
            # The note's text stays outside the ledger: its commitment goes in.
            assert len(request.note) == (64 if frame.get("note") else 0)
        case _:
            assert isinstance(request, r.SignOff)
            assert (request.pager, request.by) == (PAGER, GUARD)


@pytest.mark.parametrize("case", VECTORS["pager"], ids=range(len(VECTORS["pager"])))
async def test_a_frame_and_its_answers(case: dict[str, Any]) -> None:
    frame = json.loads(case["frame"])
    requests, evidence, sent = await talk(case["frame"], told(case["answers"]))
    assert sent == [VECTORS["snapshot"], *case["answers"]]
    assert evidence == frame.get("jws", [])
    if frame["type"] in ("heartbeat", "evidence"):
        assert requests == []
    else:
        (request,) = requests
        check_request(request, frame)


@pytest.mark.parametrize("case", VECTORS["malformed"], ids=range(len(VECTORS["malformed"])))
async def test_what_is_malformed(case: dict[str, Any]) -> None:
    requests, _, sent = await talk(case["frame"], Answer())
    assert sent == [VECTORS["snapshot"], *case["answers"]]
    assert requests == []


def test_the_words_of_a_pager_are_all_there() -> None:
    """As the page lists them: a dispatcher's `close` and `reopen` are no words of a pager."""
    page = PROTOCOL.partition("## Pager")[2]
    frames = [json.loads(case["frame"]) for case in VECTORS["pager"]]
    answers = [
        json.loads(text) for name in ("pager", "malformed") for case in VECTORS[name] for text in case["answers"]
    ]
    dos = set(re.findall(r"`(\w+)`", page.partition("`do` is one of ")[2].partition("`id` is")[0]))
    again = set(re.findall(r"`(\w+)`", page.partition("or refusal; ")[2].partition(" are no answer")[0]))
    # "(`command` is null …)" stands between.
    last = set(re.findall(r"`(\w+)`", page.partition("Refusals that are answers: ")[2].partition("\n")[0])) - {
        "command"
    }
    assert {frame["do"] for frame in frames if frame["type"] == "command"} == dos
    assert {frame["type"] for frame in frames} == {"state", "heartbeat", "command", "evidence", "sign_off"}
    refused = [frame for frame in answers if frame["type"] == "refused"]
    assert {frame["reason"] for frame in refused if "jws" not in frame} == again | last


def test_the_announcement() -> None:
    announced = VECTORS["announced"]
    info = Announcement(CAMPUS, SERVER_NAME, ["192.168.7.7"], PORT)._info
    assert (SERVICE, info.name, info.port) == (announced["service"], announced["instance"], announced["port"])
    assert info.text.hex() == announced["txt"]
