"""The hub's half of its conversation with a terminal, without I/O: frames and time in, actions out.

    state       | what a terminal may send       | what brings it here
    opened      | -                              | the start
    challenged  | hello                          | `challenge`, sent
    linked      | event, status, heartbeat,      | a hello that holds
                | fetch, fetched                 |
    closed      | anything, unread               | a Close that was given out

Any other frame is refused and changes nothing. Before a hello holds, the first refusal closes; after it the
REFUSALS_MAX-th one does. Identity and algorithm come from `lookup`, never from a message: a hello's `terminal` is read
unverified only to know whom to look up, and the header must then be, byte for byte, the one of that key.
Times are hub time. `firstbell.session` is the other half.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from firstbell import messages
from firstbell.fields import FrameError
from firstbell.jws import EVENT_TYP, HELLO_TYP, JwsError, b64url, digest_of, header, open_jws, unverified_payload
from firstbell.messages import HELLO_MS_MAX, REFUSALS_MAX, SILENCE_MS_MAX


@dataclass(frozen=True, slots=True)
class Registered:
    """What the hub knows of a terminal's key. `verify(signature, message)`."""

    terminal: str
    algorithm: str
    verify: Callable[[bytes, bytes], bool]
    revoked: bool = False


@dataclass(frozen=True, slots=True)
class Send:
    """Send this frame."""

    text: str


@dataclass(frozen=True, slots=True)
class Close:
    """Close with code 1008; the session takes nothing any more. `reason`: for a log."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refusal:
    """Something was refused: for the counts. The frame that says so comes as a Send of its own."""

    reason: str


@dataclass(frozen=True, slots=True)
class Linked:
    """The hello holds: from now on the connection is this terminal's. `checkpoint`: a signed note, yet unchecked, or
    empty. `tried`: the version that a node has gone back on, or empty; None: it takes no programs."""

    terminal: str
    boot: int
    seq: int
    mono_ms: int
    software: str
    checkpoint: str
    tried: str | None


@dataclass(frozen=True, slots=True)
class SignedEvent:
    """A validly signed event. What could not be understood of it is 0, None, empty or `unknown`."""

    terminal: str
    digest: str
    jws: str
    boot: int
    seq: int
    input: str
    what: str
    mono_ms: int
    event_ms: int | None
    error_ms: int | None


@dataclass(frozen=True, slots=True)
class Status:
    """The whole status of the terminal. `since_ms`: hub time by its own estimate."""

    light: str
    since_ms: int | None
    ring: str
    inputs: dict[str, str]
    pending: int


@dataclass(frozen=True, slots=True)
class Fetch:
    """The node asks for what stands at `offset` of the program of this digest."""

    digest: str
    offset: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """What became of the program of this digest: one of `messages.RESULTS`."""

    digest: str
    result: str


Action = Send | Close | Refusal | Linked | SignedEvent | Status | Fetch | Fetched


class _Refused(Exception):
    """`event`: the digest that it concerns, or empty. `final`: nothing more is wanted from this peer."""

    def __init__(self, reason: str, event: str = "", final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.event = event
        self.final = final


class HubSession:
    """One connection. `lookup(terminal)` gives the key registered now; it is asked again for each event."""

    def __init__(self, lookup: Callable[[str], Registered | None]) -> None:
        self._lookup = lookup
        self._state = "opened"
        self._nonce = ""
        self._opened_ms = 0
        self._heard_ms = 0
        self._refusals = 0
        self._linked = ""

    @property
    def terminal(self) -> str:
        """Whose connection it is; empty before its hello."""
        return self._linked

    def challenge(self, now_ms: int, nonce: bytes) -> list[Action]:
        """The first frame. `nonce`: 32 random bytes, never used before."""
        self._state = "challenged"
        self._nonce = b64url(nonce)
        self._opened_ms = self._heard_ms = now_ms
        return [Send(messages.challenge_frame(self._nonce, now_ms))]

    def frame(self, data: str | bytes, now_ms: int) -> list[Action]:
        """A message has come; a binary one (bytes) is malformed."""
        if self._state == "closed":
            return []
        self._heard_ms = now_ms
        try:
            return self._handle(data, now_ms)
        except _Refused as refused:
            return self._refuse(refused)

    def tick(self, now_ms: int) -> list[Action]:
        """Time has passed; see `next_ms`. Only after everything that came before `now_ms` was handed in."""
        if self._state == "challenged" and now_ms - self._opened_ms >= HELLO_MS_MAX:
            return self._refuse(_Refused("too_slow"))
        if self._state == "linked" and now_ms - self._heard_ms >= SILENCE_MS_MAX:
            self._state = "closed"
            return [Close("silence")]
        return []

    def next_ms(self) -> int | None:
        """When `tick` is wanted."""
        if self._state == "challenged":
            return self._opened_ms + HELLO_MS_MAX
        return self._heard_ms + SILENCE_MS_MAX if self._state == "linked" else None

    def _refuse(self, refused: _Refused) -> list[Action]:
        self._refusals += 1
        actions: list[Action] = [
            Refusal(refused.reason),
            Send(messages.refused_frame(refused.reason, refused.event)),
        ]
        if refused.final or self._state != "linked":
            self._state = "closed"
            actions.append(Close(refused.reason))
        elif self._refusals >= REFUSALS_MAX:
            self._state = "closed"
            actions += [Refusal("too_many"), Send(messages.refused_frame("too_many")), Close("too_many")]
        return actions

    def _handle(self, data: str | bytes, now_ms: int) -> list[Action]:
        if isinstance(data, bytes):
            raise _Refused("malformed")
        try:
            frame = messages.parse_terminal_frame(data)
        except FrameError as error:
            raise _Refused(error.reason) from error
        handler = _TABLE.get((self._state, frame["type"]))
        if handler is None:
            raise _Refused("protocol")
        return handler(self, frame, now_ms)

    def _hello(self, frame: dict[str, Any], _now_ms: int) -> list[Action]:
        try:
            hello = messages.parse_hello(unverified_payload(frame["jws"]))
        except (JwsError, FrameError) as error:
            raise _Refused(error.reason) from error
        registered = self._lookup(hello["terminal"])
        if registered is None:
            raise _Refused("unknown_terminal")
        _open(frame["jws"], registered, HELLO_TYP)
        if registered.revoked:
            raise _Refused("revoked")
        if hello["nonce"] != self._nonce:
            raise _Refused("wrong_nonce")
        self._state = "linked"
        self._linked = registered.terminal
        fields = ("terminal", "boot", "seq", "mono_ms", "software", "checkpoint")
        return [Linked(**{name: hello[name] for name in fields}, tried=hello.get("tried"))]

    def _event(self, frame: dict[str, Any], _now_ms: int) -> list[Action]:
        jws = frame["jws"]
        digest = digest_of(jws)
        registered = self._lookup(self._linked)
        if registered is None or registered.revoked:
            raise _Refused("revoked", digest, final=True)
        try:
            payload = _open(jws, registered, EVENT_TYP)
        except _Refused as refused:
            raise _Refused(refused.reason, digest) from refused
        return [SignedEvent(digest=digest, jws=jws, **messages.understand_event(payload, registered.terminal))]

    def _status(self, frame: dict[str, Any], _now_ms: int) -> list[Action]:
        return [Status(**{name: frame[name] for name in ("light", "since_ms", "ring", "inputs", "pending")})]

    def _fetch(self, frame: dict[str, Any], _now_ms: int) -> list[Action]:
        return [Fetch(frame["digest"], frame["offset"])]

    def _fetched(self, frame: dict[str, Any], _now_ms: int) -> list[Action]:
        return [Fetched(frame["digest"], frame["result"])]

    def _heartbeat(self, frame: dict[str, Any], now_ms: int) -> list[Action]:
        return [Send(messages.heartbeat_answer(frame["t1_ms"], now_ms, now_ms))]


def _open(jws: str, registered: Registered, typ: str) -> bytes:
    try:
        return open_jws(jws, header(registered.algorithm, registered.terminal, typ), registered.verify)
    except JwsError as error:
        raise _Refused(error.reason) from error


_TABLE: dict[tuple[str, str], Callable[[HubSession, dict[str, Any], int], list[Action]]] = {
    ("challenged", "hello"): HubSession._hello,
    ("linked", "event"): HubSession._event,
    ("linked", "status"): HubSession._status,
    ("linked", "heartbeat"): HubSession._heartbeat,
    ("linked", "fetch"): HubSession._fetch,
    ("linked", "fetched"): HubSession._fetched,
}
