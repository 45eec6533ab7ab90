"""The entries of the ledger: what happened, in the words of the design, one class a kind.

An entry carries decided values (whom, which tier, when it is due), so that folding it needs no setting and no
clock. Nothing personal and no free text goes in: people and places are opaque ids, and a text is named by its
commitment (64 hex digits; `hub.ledger.sealed`). A kind's meaning never changes once it has been written: a new
meaning gets a new kind. Times are hub time in integer milliseconds.
"""

import functools
import operator
import re
from typing import Literal

import msgspec

Role = Literal["guard", "dispatcher", "leader", "maintainer", "admin"]
TerminalRole = Literal["wall", "bell"]
Algorithm = Literal["EdDSA", "HS256"]
InputKind = Literal["panic", "perimeter", "tamper", "supply"]
InputState = Literal["open", "closed", "stuck", "unknown"]
EventKind = Literal["panic", "perimeter", "tamper", "supply", "stuck", "restored", "started", "unknown"]
TierName = Literal["zone", "campus", "everyone"]
LightState = Literal["none", "heard", "recorded", "coming", "here", "not_delivered"]
Progress = Literal["delivered", "seen", "ringing"]
BellRing = Literal["none", "alarm", "drill", "trouble", "fault"]
UpdateState = Literal[
    "ordered",
    "fetching",
    "written",
    "done",
    "gone_back",
    "given_up",
    "lost",
    "wrong_mac",
    "wrong_digest",
    "not_understood",
    "older_protocol",
    "too_large",
    "full",
    "flash_failed",
]
"""How far a node is with the program that it is to get. `gone_back`: it tried it and runs the old one again;
`given_up`: begun too often; `lost`: the hub has the program no more; the others: why it is not on the node's flash."""
CALLING_RINGS: tuple[BellRing, ...] = ("alarm", "drill", "fault")
"""Those that call people."""
Outcome = Literal["genuine", "mistaken", "malicious", "fault", "drill", "unfounded"]
Reason = Literal["link", "sound", "screen", "battery"]
TierBecause = Literal[
    "not_delivered",
    "not_accepted",
    "not_on_scene",
    "declined",
    "released",
    "backup",
    "guard_down",
    "reopened",
    "signed_on",
    "signed_off",
    "lost",
    "again",
]


def _kind(class_name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", class_name).lower()


class Entry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=_kind):
    """What every entry has: `at_ms`, the hub time of the decision."""

    at_ms: int


class Deadlines(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long each step may take in a zone, in milliseconds (DESIGN, "Dispatch")."""

    delivered_ms: int = 3_000
    accepted_ms: int = 15_000
    on_scene_ms: int = 120_000
    asked_ms: int = 15_000
    roll_call_ms: int = 300_000
    closed_ms: int = 86_400_000


# ── the log, the run, the time ──────────────────────────────────────────────────────────────────────────────


class LogBegan(Entry, frozen=True, kw_only=True):
    """First entry of a log. A log begun after a restore names the head it can't go on from."""

    origin: str
    previous_origin: str = ""
    previous_size: int = 0
    previous_root: str = ""
    remembered_size: int = 0
    remembered_root: str = ""


class CampusFounded(Entry, frozen=True, kw_only=True):
    campus: str
    details: str


class RunStarted(Entry, frozen=True, kw_only=True):
    """First entry of every run of the hub: nothing that was believed about links and pagers holds any more.

    `due_ms`: when each step that waits for a person is due now.
    """

    run: int
    version: str
    due_ms: int


class UtcSet(Entry, frozen=True, kw_only=True):
    """UTC = hub time + `offset_ms`, give or take `error_ms` (None: nobody has disciplined this clock)."""

    offset_ms: int
    error_ms: int | None


# ── places ──────────────────────────────────────────────────────────────────────────────────────────────────


class ZoneSet(Entry, frozen=True, kw_only=True):
    zone: str
    details: str
    deadlines: Deadlines
    tiers: tuple[TierName, ...]
    by: str


class TokenMade(Entry, frozen=True, kw_only=True):
    """A one-time token was made; whoever uses it until `until_ms` enrols `terminal`."""

    terminal: str
    zone: str
    until_ms: int
    by: str


class TerminalEnrolled(Entry, frozen=True, kw_only=True):
    """`key` is the public key (base64url, 32 bytes) of an EdDSA terminal; an HS256 key stays outside the ledger."""

    terminal: str
    zone: str
    role: TerminalRole
    algorithm: Algorithm
    key: str
    inputs: dict[str, InputKind]
    silent: bool
    details: str
    by: str


class TerminalRevoked(Entry, frozen=True, kw_only=True):
    terminal: str
    by: str


class SoftwareSeen(Entry, frozen=True, kw_only=True):
    """Which program a terminal runs, as its hello says. `updatable`: it takes another one over the link."""

    terminal: str
    software: str
    updatable: bool


class UpdateOrdered(Entry, frozen=True, kw_only=True):
    """A node is to run this program, which lies beside the ledger. `digest`: its SHA-256 (hex)."""

    terminal: str
    version: str
    size: int
    digest: str
    by: str


class UpdateProgressed(Entry, frozen=True, kw_only=True):
    terminal: str
    to: UpdateState


class TestStarted(Entry, frozen=True, kw_only=True):
    terminal: str
    until_ms: int
    by: str


class TestEnded(Entry, frozen=True, kw_only=True):
    terminal: str
    by: str


class DrillStarted(Entry, frozen=True, kw_only=True):
    zone: str
    until_ms: int
    by: str


class DrillEnded(Entry, frozen=True, kw_only=True):
    zone: str
    by: str


class LinkChanged(Entry, frozen=True, kw_only=True):
    terminal: str
    linked: bool


class InputsRead(Entry, frozen=True, kw_only=True):
    terminal: str
    inputs: dict[str, InputState]


class LightShown(Entry, frozen=True, kw_only=True):
    """The terminal says what its light shows, and since when by its own estimate of hub time (None: it has none)."""

    terminal: str
    light: LightState
    since_ms: int | None


class BellSounded(Entry, frozen=True, kw_only=True):
    """The terminal says which ring its sounder really sounds from now on."""

    terminal: str
    ring: BellRing


# ── people and pagers ───────────────────────────────────────────────────────────────────────────────────────


class AccountAdded(Entry, frozen=True, kw_only=True):
    account: str
    roles: tuple[Role, ...]
    zones: tuple[str, ...]
    details: str
    by: str


class AccountRemoved(Entry, frozen=True, kw_only=True):
    account: str
    by: str


class PinSet(Entry, frozen=True, kw_only=True):
    account: str
    by: str


class PagerMade(Entry, frozen=True, kw_only=True):
    pager: str
    details: str
    by: str


class PagerRevoked(Entry, frozen=True, kw_only=True):
    pager: str
    by: str


class LinkMade(Entry, frozen=True, kw_only=True):
    """A one-time link was made; whoever opens it first gets what `owner`, a pager or an account, is due."""

    owner: str
    until_ms: int
    by: str


class KeyGiven(Entry, frozen=True, kw_only=True):
    """The one-time link of `owner` was opened, and is used up."""

    owner: str


class SignedOn(Entry, frozen=True, kw_only=True):
    guard: str
    pager: str
    zones: tuple[str, ...]


class SignedOff(Entry, frozen=True, kw_only=True):
    guard: str
    pager: str
    by: str


class PagerReadiness(Entry, frozen=True, kw_only=True):
    """READY (no reasons) or NOT READY and why. Written at each change only."""

    pager: str
    reasons: tuple[Reason, ...]


# ── incidents ───────────────────────────────────────────────────────────────────────────────────────────────


class Paged(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One guard called, on all pagers where this guard is signed on; not delivered by `due_ms`: the next tier.

    None in the last tier, which is called again as a whole.
    """

    guard: str
    due_ms: int | None


class EventRecorded(Entry, frozen=True, kw_only=True):
    """A signed event, whole, and what the hub made of it.

    `digest` is SHA-256 of the JWS text (hex). `event_ms` and `error_ms` are the terminal's estimate of hub time at
    the first edge and its bound (None: the terminal has never heard the hub's time). `incident` is empty where the
    event concerns none; `again` marks a second digest at one (terminal, boot, seq).
    """

    terminal: str
    digest: str
    jws: str
    boot: int
    seq: int
    input: str
    what: EventKind
    event_ms: int | None
    error_ms: int | None
    mono_ms: int
    received_ms: int
    incident: str
    again: bool


class IncidentRaised(Entry, frozen=True, kw_only=True):
    """`everyone`: every pager and bell rings. The event that raised it follows; its times are the terminal's."""

    incident: str
    terminal: str
    zone: str
    severity: Literal["panic", "perimeter"]
    drill: bool
    test: bool
    event_ms: int | None
    error_ms: int | None
    tier: int
    paged: tuple[Paged, ...]
    everyone: bool
    repeat_ms: int | None


class PressRepeated(Entry, frozen=True, kw_only=True):
    """Another event of the same place joined; whoever answers for the incident is alerted again until `due_ms`."""

    incident: str
    digest: str
    due_ms: int


class AlertEnded(Entry, frozen=True, kw_only=True):
    """The responders have been alerted long enough."""

    incident: str


class TierRaised(Entry, frozen=True, kw_only=True):
    """The next tier is called (or the last one again). `repeat_ms`: the last tier is called again then."""

    incident: str
    tier: int
    because: TierBecause
    paged: tuple[Paged, ...]
    everyone: bool
    repeat_ms: int | None


class PageProgressed(Entry, frozen=True, kw_only=True):
    """`due_ms`: at the first delivery, until when this guard may accept before the next tier is called."""

    incident: str
    guard: str
    pager: str
    to: Progress
    due_ms: int | None


class PageLapsed(Entry, frozen=True, kw_only=True):
    """A page was not delivered, or delivered and not accepted, by its time; the guard stays called."""

    incident: str
    guard: str


class Accepted(Entry, frozen=True, kw_only=True):
    """`by` is the pager, or the account of the dispatcher who acted for the guard by radio."""

    incident: str
    guard: str
    by: str
    command: str
    lead: bool
    due_ms: int


class Declined(Entry, frozen=True, kw_only=True):
    incident: str
    guard: str
    by: str
    command: str


class Released(Entry, frozen=True, kw_only=True):
    """`lead`: who leads now (empty: nobody responds any more)."""

    incident: str
    guard: str
    by: str
    command: str
    lead: str


class Arrived(Entry, frozen=True, kw_only=True):
    incident: str
    guard: str
    by: str
    command: str
    due_ms: int


class Asked(Entry, frozen=True, kw_only=True):
    """The responder is asked for a sign: on the way too long, or on scene and silent (`misses` so far)."""

    incident: str
    guard: str
    about: Literal["arrival", "roll_call"]
    misses: int
    due_ms: int


class SignGiven(Entry, frozen=True, kw_only=True):
    """The responder answered the question; the next is due at `due_ms`."""

    incident: str
    guard: str
    by: str
    command: str
    due_ms: int


class GuardDown(Entry, frozen=True, kw_only=True):
    """A responder on scene gave no sign, twice. `lead`: who leads now (empty: nobody responds any more)."""

    incident: str
    guard: str
    lead: str


class Resolved(Entry, frozen=True, kw_only=True):
    """`covers`: the digests of the events that the screen showed. `note`: commitment of the sealed note, or empty."""

    incident: str
    guard: str
    by: str
    command: str
    outcome: Outcome
    covers: tuple[str, ...]
    note: str
    due_ms: int


class Reopened(Entry, frozen=True, kw_only=True):
    incident: str
    by: str
    command: str


class CloseOverdue(Entry, frozen=True, kw_only=True):
    """A task for the lead, told once: resolved, and not closed by `due_ms`."""

    incident: str
    lead: str
    due_ms: int


class Closed(Entry, frozen=True, kw_only=True):
    incident: str
    by: str
    command: str


# ── trouble, strangers, sealed things ───────────────────────────────────────────────────────────────────────


class TroubleBegan(Entry, frozen=True, kw_only=True):
    """A fault condition. One per (`what`, `about`) at a time; the tables of `what` stand in rules_trouble.py."""

    what: str
    about: str


class TroubleEnded(Entry, frozen=True, kw_only=True):
    what: str
    about: str


class TroubleSeen(Entry, frozen=True, kw_only=True):
    what: str
    about: str
    by: str


class StrangersRefused(Entry, frozen=True, kw_only=True):
    """How often messages of nobody we know were refused for one cause within one minute."""

    cause: str
    count: int
    since_ms: int


class SealedViewed(Entry, frozen=True, kw_only=True):
    commitment: str
    by: str


KINDS: tuple[type[Entry], ...] = tuple(Entry.__subclasses__())

_encoder = msgspec.json.Encoder()
_decoder: "msgspec.json.Decoder[Entry]" = msgspec.json.Decoder(functools.reduce(operator.or_, KINDS))


def encode(entry: Entry) -> bytes:
    """The bytes that go into the ledger: UTF-8 JSON, fields in the order of the class, `kind` first."""
    return _encoder.encode(entry)


def decode(body: bytes) -> Entry:
    """The entry of these bytes; raises `msgspec.ValidationError` or `msgspec.DecodeError`."""
    return _decoder.decode(body)
