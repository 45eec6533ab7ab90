"""The pagers: what one says becomes a request, what it should show is its snapshot (PROTOCOL.md, "Pager")."""

import asyncio
import functools
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Literal

import msgspec
from aiohttp import web

from hub.dispatch.asked import Answer
from hub.dispatch.batch import Submission
from hub.dispatch.engine import View
from hub.dispatch.entries import Outcome
from hub.dispatch.requests import Command, HearPager, LosePager, SignOff
from hub.ledger.sealed import SALT_BYTES, seal
from hub.links.outlet import Socket
from hub.links.pace import Pace
from hub.links.pager_frames import pager_body, snapshot_at
from hub.links.pager_states import State, together
from hub.links.screens import COMMAND_CHARS_MAX, Heartbeat, Screen, Screens
from hub.links.supervision import SWEEP_MS
from hub.links.watch import Watch
from hub.names import Names

INCIDENTS_MAX = 64
"""Incidents named in one list of a pager's state."""
NOTE_CHARS_MAX = 2_000
EVIDENCE_EVENTS_MAX = 64
NOT_NOW = ("busy", "hub_fault")
"""Refusals of an event that may be taken when it comes again."""
NOTE_DOMAIN = "firstbell/resolve-note/v1"


PagerDo = Literal["accept", "decline", "release", "on_scene", "sign", "backup", "resolve"]
"""What a guard does at a pager; a dispatcher does more, at a board."""


class Tap(msgspec.Struct, frozen=True, tag_field="type", tag="command"):
    id: str
    do: PagerDo
    incident: str
    covers: tuple[str, ...] = ()
    outcome: Outcome | None = None
    note: str = ""


class Evidence(msgspec.Struct, frozen=True, tag_field="type", tag="evidence"):
    jws: tuple[str, ...]


class Leave(msgspec.Struct, frozen=True, tag_field="type", tag="sign_off"):
    pass


Frame = Heartbeat | State | Tap | Evidence | Leave

_decoder: msgspec.json.Decoder[Frame] = msgspec.json.Decoder(Frame)
_ID_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")


class PagerLinks:
    """All connected pagers. `take_evidence` gets a signed event that a pager kept; it checks and records it."""

    def __init__(
        self,
        screens: Screens,
        names: Names,
        watch: Watch,
        take_evidence: Callable[[str, Callable[[Answer], None]], None],
    ) -> None:
        self._screens = screens
        self.names = names
        self.watch = watch
        self.take_evidence = take_evidence
        self._said: defaultdict[str, dict[PagerTalk, State]] = defaultdict(dict)
        self._pace: Pace[str] = Pace()

    async def serve(self, request: web.Request, pager: str, holds: Callable[[], bool]) -> web.WebSocketResponse:
        """Holds one browser's connection; `holds` says whether its key is still the pager's."""
        socket = await self._screens.open(request)
        await self.hold(socket, pager, holds)
        return socket

    async def hold(self, socket: Socket, pager: str, holds: Callable[[], bool] = lambda: True) -> None:
        """One pager's connection, from its beginning to its end."""
        talk = PagerTalk(self, self._screens, pager, holds)
        try:
            await self._screens.hold(socket, talk)
        finally:
            self.left(talk)

    def hear(self, talk: "PagerTalk", state: State) -> None:
        self._said[talk.name][talk] = state
        self._report(talk.name)

    def left(self, talk: "PagerTalk") -> None:
        """A connection is over; without any that has said how it is, the pager is lost."""
        self._said[talk.name].pop(talk, None)
        self._report(talk.name)

    def _report(self, pager: str) -> None:
        now_ms = self._screens.now_ms()
        if not self._said[pager]:
            del self._said[pager]
            self._pace.left(pager)
            self._screens.engine.submit(Submission(LosePager(now_ms=now_ms, pager=pager)))
        elif self._pace.comes(pager, pager, now_ms):
            self._tell(pager, now_ms)

    def _tell(self, pager: str, now_ms: int) -> None:
        """Tells the engine of the pager as a whole, in however many tabs it is open."""
        whole = msgspec.structs.asdict(together(self._said[pager].values()))
        self._screens.engine.submit(Submission(HearPager(now_ms=now_ms, pager=pager, **whole)))

    async def supervise(self) -> None:
        """Tells of those who change all the time, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_MS / 1000)
            now_ms = self._screens.now_ms()
            for pager in self._pace.due(now_ms):
                self._tell(pager, now_ms)


class PagerTalk:
    """One browser's half. `holds` is asked before each snapshot and at each frame: a new link ends the old key."""

    def __init__(self, links: PagerLinks, screens: Screens, pager: str, holds: Callable[[], bool]) -> None:
        self._links = links
        self._engine = screens.engine
        self._now_ms = screens.now_ms
        self._holds = holds
        self._shown: tuple[int, bytes] | None = None
        self._paged: set[str] = set()
        self.name = pager

    def decode(self, text: str) -> Frame:
        return _decoder.decode(text)

    def render(self, view: View) -> str | None:
        if not self._holds() or self.name not in view.decided.pagers:
            return None
        now_ms, offset_ms = self._now_ms(), view.decided.utc_offset_ms
        shown = offset_ms, pager_body(view, self.name, self._links.names, now_ms)
        if shown == self._shown:
            return ""
        self._shown = shown
        return snapshot_at(now_ms, *shown)

    def sent(self, view: View) -> None:
        rings = view.alerts.pagers.get(self.name, {})
        for incident in rings.keys() - self._paged:
            self._links.watch.tell("page_sent", incident=incident, pager=self.name, at_ms=self._now_ms())
        self._paged = set(rings)

    def take(self, frame: Frame, screen: Screen) -> None:
        if not self._holds():
            # There is nothing to show any more, which ends the connection.
            screen.refresh()
            return
        match frame:
            case State():
                self._hear(frame, screen)
            case Tap():
                self._tap(frame, screen)
            case Evidence():
                for jws in frame.jws[:EVIDENCE_EVENTS_MAX]:
                    self._links.take_evidence(jws, functools.partial(_kept, screen, jws))
            case Leave():
                self._leave(screen)

    def _guard(self) -> str | None:
        pager = self._engine.decided.pagers.get(self.name)
        return pager.guard if pager else None

    def _hear(self, state: State, screen: Screen) -> None:
        if max(len(state.have), len(state.seen), len(state.ringing)) > INCIDENTS_MAX:
            screen.refuse("malformed")
        else:
            self._links.hear(self, state)

    def _leave(self, screen: Screen) -> None:
        guard = self._guard()
        if guard is None:
            return
        request = SignOff(now_ms=self._now_ms(), pager=self.name, by=guard)
        self._engine.submit(
            Submission(request), lambda answer: screen.refuse(answer.refused) if answer.refused else None
        )

    def _tap(self, tap: Tap, screen: Screen) -> None:
        guard = self._guard()
        if not _well_formed(tap):
            screen.refuse("malformed", tap.id[:COMMAND_CHARS_MAX])
        elif guard is None:
            screen.refuse("not_signed_on", tap.id)
        else:
            note = (seal(NOTE_DOMAIN, tap.note, secrets.token_bytes(SALT_BYTES)),) if tap.note else ()
            request = Command(
                now_ms=self._now_ms(),
                command=tap.id,
                do=tap.do,
                incident=tap.incident,
                guard=guard,
                by=self.name,
                covers=tap.covers,
                outcome=tap.outcome,
                note=note[0].commitment if note else "",
            )
            self._engine.submit(Submission(request, sealed=note), lambda answer: _answered(screen, tap.id, answer))


def _kept(screen: Screen, jws: str, answer: Answer) -> None:
    """The pager keeps what it handed back until it is on the disk, or never will be."""
    if not answer.refused:
        screen.answer({"type": "receipt", "jws": jws})
    elif answer.refused not in NOT_NOW:
        screen.answer({"type": "refused", "command": None, "reason": answer.refused, "jws": jws})


def _answered(screen: Screen, command: str, answer: Answer) -> None:
    if answer.refused:
        screen.refuse(answer.refused, command)
    else:
        index = None if answer.repeated else answer.indices.start
        screen.answer({"type": "receipt", "command": command, "index": index})


def _well_formed(tap: Tap) -> bool:
    return (
        8 <= len(tap.id) <= COMMAND_CHARS_MAX
        and _ID_CHARS.issuperset(tap.id)
        and len(tap.note) <= NOTE_CHARS_MAX
        and len(tap.incident) <= 64
        and all(len(digest) == 64 for digest in tap.covers)
    )
