"""Fills a hub's ledger while it does not run, as the hub would: the real engine on the real store, in its own time.

What happens is one story again and again: a press, the guard's pager has it, shows it and sounds, the guard accepts,
arrives and resolves, the light follows, the leader closes.
"""

import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator

from firstbell import messages
from firstbell.jws import EVENT_TYP, Ed25519Signer, digest_of, header, sign, unb64url

from hub.database import open_read_only
from hub.dispatch.asked import Answer
from hub.dispatch.batch import Batch, Submission
from hub.dispatch.campus import incident_id
from hub.dispatch.engine import Engine
from hub.dispatch.entries import LightState
from hub.dispatch.requests import Command, HearPager, HearTerminal, LinkTerminal, ReceiveEvent, Request, StartRun
from hub.home import Home
from hub.ledger.origin import split_origin
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.places.log_keys import load_log_key, load_vkey
from tests.links.campus import Enrolled

STEP_REQUESTS = 250
STORY_MS = 60_000


class Filler:
    """The writer of an engine without a loop: what it decides is committed at once. Use `close` at the end."""

    def __init__(self, home: Home) -> None:
        self._store = Store(home.database, split_origin(load_vkey(home.vkey).name)[0], load_log_key(home.log_key))
        self._waiting: deque[Batch] = deque()
        reader = Reader(open_read_only(home.database))
        campus = reader.load_campus()
        reader.close()
        self.now_ms = campus.at_ms + 1_000
        self._run = campus.run + 1
        self.engine = Engine(campus, self.size, self, lambda _digest, told: told(False), lambda: self.now_ms)

    @property
    def size(self) -> int:
        return self._store.head.size

    def submit(self, batch: Batch) -> None:
        self._waiting.append(batch)

    def start(self, on_commit: object, on_error: object) -> None:
        """Nothing runs by itself here."""

    def close(self) -> None:
        self._store.close()

    def until(self, size: int, requests: Iterator[Request]) -> None:
        """Takes requests until the ledger has so many entries, or some more."""
        self._take([StartRun(now_ms=self.now_ms, run=self._run, version="bench")])
        while self.size < size:
            self._take(list(itertools.islice(requests, STEP_REQUESTS)))

    def _take(self, requests: list[Request]) -> None:
        for request in requests:
            self.engine.submit(Submission(request), _not_refused)
        self.engine.step(self.now_ms)
        while self._waiting:
            self.engine.committed(self._store.commit([self._waiting.popleft()]))
            self.engine.step(self.now_ms)
        assert not self.engine.view.fault


def _not_refused(answer: Answer) -> None:
    assert not answer.refused, answer.refused


class Story:
    """Whose it is: a wall terminal (Ed25519), the pager of a guard, a leader."""

    def __init__(self, filler: Filler, enrolled: Enrolled) -> None:
        campus = filler.engine.decided
        self._filler = filler
        self._terminal = enrolled.terminal
        self._key = Ed25519Signer(unb64url(enrolled.key.kept))
        self._pager = next(pager.pager for pager in campus.pagers.values() if pager.guard)
        self._guard = campus.pagers[self._pager].guard or ""
        self._leader = next(a.account for a in campus.accounts.values() if "leader" in a.roles)
        self._boot = time.time_ns() // 1_000_000_000
        self._numbers = itertools.count(1)

    def whole(self) -> Iterator[Request]:
        yield from self._present()
        while True:
            event = self._event("panic")
            incident = incident_id(event.digest)
            yield event
            yield self._has(incident)
            yield self._command("accept", incident)
            yield self._light("coming")
            yield self._command("on_scene", incident)
            yield self._light("here")
            yield self._command("resolve", incident, (event.digest,))
            yield self._has()
            yield self._light("none")
            yield self._command("close", incident)
            self._filler.now_ms += STORY_MS

    def events(self) -> Iterator[Request]:
        """As many signatures as a ledger can have: signed events that nothing follows from."""
        yield from self._present()
        while True:
            yield self._event("restored")

    def lights(self) -> Iterator[Request]:
        """No signature at all."""
        yield from self._present()
        while True:
            for light in ("recorded", "none"):
                self._filler.now_ms += 1
                yield self._light(light)

    def _present(self) -> Iterator[Request]:
        yield LinkTerminal(now_ms=self._filler.now_ms, terminal=self._terminal)
        yield self._has()

    def _event(self, what: str) -> ReceiveEvent:
        number, now_ms = next(self._numbers), self._filler.now_ms
        payload = messages.event_payload(self._terminal, self._boot, number, "panic", what, number, (now_ms, 5))
        jws = sign(payload, header(self._key.algorithm, self._terminal, EVENT_TYP), self._key)
        said = messages.understand_event(payload, self._terminal)
        return ReceiveEvent(now_ms=now_ms, digest=digest_of(jws), jws=jws, **said)

    def _has(self, *incidents: str) -> HearPager:
        return HearPager(
            now_ms=self._filler.now_ms,
            pager=self._pager,
            sound="running",
            visible=True,
            awake=True,
            battery_percent=None,
            charging=None,
            have=incidents,
            seen=incidents,
            ringing=incidents,
        )

    def _command(self, do: str, incident: str, covers: tuple[str, ...] = ()) -> Command:
        closes = do == "close"
        return Command(
            now_ms=self._filler.now_ms,
            command=f"bench-{next(self._numbers)}-{self._boot}",
            do=do,  # type: ignore[arg-type]  # one of four words above
            incident=incident,
            guard="" if closes else self._guard,
            by=self._leader if closes else self._pager,
            covers=covers,
            outcome="fault" if do == "resolve" else None,
        )

    def _light(self, light: LightState) -> HearTerminal:
        return HearTerminal(
            now_ms=self._filler.now_ms,
            terminal=self._terminal,
            light=light,
            since_ms=self._filler.now_ms,
            ring="none",
            inputs={},
        )


def fill(home: Home, enrolled: Enrolled, size: int, tell: Callable[[Story], Iterator[Request]]) -> None:
    """Until the ledger of `home`, whose hub does not run, has `size` entries."""
    filler = Filler(home)
    try:
        filler.until(size, tell(Story(filler, enrolled)))
    finally:
        filler.close()
