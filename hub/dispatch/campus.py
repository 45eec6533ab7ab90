"""The campus: everything that should be, as a fold over the entries. Changed by `apply` alone (fold.py).

Plain mutable structs, so that `apply` costs a tenth of a microsecond, a copy is an encode and a decode, and the
snapshot kept in the database is these bytes. People and places are ids here; their names are sealed texts that the
campus never holds. Every collection has a limit.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from hub.dispatch.entries import (
    Algorithm,
    BellRing,
    Deadlines,
    Entry,
    InputKind,
    InputState,
    LightState,
    Outcome,
    Reason,
    Role,
    TerminalRole,
    TierName,
    UpdateState,
)

SEEN_EVENTS_MAX = 256
"""Digests remembered per terminal."""
SEEN_COMMANDS_MAX = 512
"""Command ids remembered per campus."""
EVIDENCE_EVENTS_MAX = 8
"""Signed events kept in memory, and sent with a page, per incident."""
COVERED_EVENTS_MAX = 64
"""Event digests listed per incident: the first, which names it, and the newest. A pager's snapshot carries them and its
resolve brings them back, both in frames with a limit."""

OPEN = ("paged", "delivered", "seen")
"""States of an assignment that waits for its guard's answer."""
RESPONDING = ("accepted", "on_scene")
LEFT = ("declined", "released", "lost")
"""Guards who answered and don't come: not called again for this incident, unless it is reopened."""


class Zone(msgspec.Struct):
    zone: str
    details: str
    deadlines: Deadlines
    tiers: tuple[TierName, ...]
    drill_until_ms: int | None = None


class Update(msgspec.Struct):
    """The program that a node is to run. `attempts`: how often it began to fetch it."""

    version: str
    size: int
    digest: str
    state: UpdateState = "ordered"
    attempts: int = 0


class Terminal(msgspec.Struct):
    """`seen`: digest → "boot:seq", in order of arrival, at most SEEN_EVENTS_MAX. `newest`: the greatest (boot, sequence
    number) heard. `linked`: None = not known in this run; from `waited_from_ms` on it is waited for. `software`: the
    program that it runs, empty = it has never said hello; `updatable`: it takes another one over the link.
    """

    terminal: str
    zone: str
    role: TerminalRole
    algorithm: Algorithm
    key: str
    input_kinds: dict[str, InputKind]
    silent: bool
    details: str
    waited_from_ms: int
    revoked: bool = False
    linked: bool | None = None
    inputs: dict[str, InputState] = {}
    light: LightState = "none"
    ring: BellRing = "none"
    test_until_ms: int | None = None
    seen: dict[str, str] = {}
    newest: tuple[int, int] = (0, 0)
    software: str = ""
    updatable: bool = False
    update: Update | None = None


class Account(msgspec.Struct):
    account: str
    roles: tuple[Role, ...]
    zones: tuple[str, ...]
    details: str


class Pager(msgspec.Struct):
    """`guard`: who is signed on here, for `zones`. `reasons`: why it is NOT READY; empty = READY."""

    pager: str
    details: str
    guard: str | None = None
    zones: tuple[str, ...] = ()
    reasons: tuple[Reason, ...] = ("link",)


class Assignment(msgspec.Struct):
    """The life of a page. `due_ms`: the deadline of the present step (None: nothing is waited for).

    `state`: paged → delivered → seen → accepted → on_scene → cleared; exits declined, released, lost (guard down).
    """

    guard: str
    state: str
    since_ms: int
    due_ms: int | None
    tier: int
    ringing: bool = False
    asked: str = ""
    misses: int = 0


class Incident(msgspec.Struct):
    """`state`: raised → dispatched → on_scene → resolved → closed. `calling`: guards are called and not yet answered:
    from the raising, and from each further tier, to the next accept. `alert_until_ms`: responders are alerted again.
    Resolved without `close_due_ms`: the lead was told that closing it is overdue.
    """

    incident: str
    terminal: str
    zone: str
    severity: str
    drill: bool
    test: bool
    raised_ms: int
    event_ms: int | None
    error_ms: int | None
    state: str = "raised"
    tier: int = 0
    calling: bool = True
    everyone: bool = False
    presses: int = 0
    last_press_ms: int = 0
    events: list[str] = []
    evidence: list[str] = []
    assignments: dict[str, Assignment] = {}
    lead: str = ""
    repeat_ms: int | None = None
    alert_until_ms: int | None = None
    close_due_ms: int | None = None
    outcome: Outcome | None = None


def incident_id(digest: str) -> str:
    """What an incident is called, by the digest of its first event."""
    return f"i-{digest[:20]}"


def responders(incident: Incident) -> list[Assignment]:
    """Who accepted and has not left, in the order of the calls."""
    return [a for a in incident.assignments.values() if a.state in RESPONDING]


class Trouble(msgspec.Struct):
    what: str
    about: str
    since_ms: int
    seen_by: str = ""


class Campus(msgspec.Struct):
    """`incidents` holds those not yet closed, `terminal_incidents` their names by terminal, oldest first; `troubles` is
    keyed "what:about"; `event_incidents` digest → incident.
    """

    campus: str = ""
    details: str = ""
    origin: str = ""
    run: int = 0
    run_ms: int = 0
    at_ms: int = 0
    utc_offset_ms: int = 0
    utc_error_ms: int | None = None
    zones: dict[str, Zone] = {}
    terminals: dict[str, Terminal] = {}
    accounts: dict[str, Account] = {}
    pagers: dict[str, Pager] = {}
    incidents: dict[str, Incident] = {}
    terminal_incidents: dict[str, list[str]] = {}
    event_incidents: dict[str, str] = {}
    troubles: dict[str, Trouble] = {}
    commands: list[str] = []


def incidents_at(campus: Campus, terminal: str) -> list[Incident]:
    """A terminal's incidents that are not yet closed, oldest first."""
    return [campus.incidents[name] for name in campus.terminal_incidents.get(terminal, ())]


Changes = dict[type[Entry], Callable[[Campus, Any], None]]
"""A table of the fold: entry kind → what it changes in the campus."""

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Campus)


def snapshot(campus: Campus) -> bytes:
    """The campus as MessagePack bytes; equal campuses that saw the same entries have equal bytes."""
    return _encoder.encode(campus)


def restore(data: bytes) -> Campus:
    """The campus of these bytes; raises `msgspec.DecodeError` or `msgspec.ValidationError`."""
    return _decoder.decode(data)


def copy(campus: Campus) -> Campus:
    return restore(snapshot(campus))
