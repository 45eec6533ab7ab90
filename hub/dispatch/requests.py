"""What the hub is asked or told: the input of `decide`, one frozen class a kind.

Whatever is random or read from a clock (ids, salts, `now_ms` in hub time) comes in with the request. Sealed texts
travel beside it (`hub.ledger.writer.Submission`); the request only names their commitments. `lowers` marks what
lowers attention: it takes effect only after its commit.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal

from hub.dispatch.entries import (
    Algorithm,
    BellRing,
    Deadlines,
    EventKind,
    InputKind,
    InputState,
    LightState,
    Outcome,
    Role,
    TerminalRole,
    TierName,
    UpdateState,
)

Do = Literal["accept", "decline", "release", "on_scene", "sign", "backup", "resolve", "reopen", "close"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    now_ms: int
    lowers: ClassVar[bool] = False

    @property
    def key(self) -> str:
        """What makes two requests the same one: nothing, for most."""
        return ""


class Refused(Exception):
    """A request that changes nothing. `reason` is a word of the catalogue (`refused.<reason>`)."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


# ── the run and the time ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class BeginLog(Request):
    origin: str
    previous_origin: str = ""
    previous_size: int = 0
    previous_root: str = ""
    remembered_size: int = 0
    remembered_root: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundCampus(Request):
    campus: str
    details: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun(Request):
    run: int
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetUtc(Request):
    offset_ms: int
    error_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachDeadline(Request):
    """Time has passed; `decide` looks at what is due by `now_ms`."""


# ── terminals ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiveEvent(Request):
    """A validly signed event."""

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

    @property
    def key(self) -> str:
        return f"event {self.digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkTerminal(Request):
    """A hello."""

    terminal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HearSoftware(Request):
    """What a hello says of the terminal's program. `tried`: the version that a node has gone back on, empty for none;
    None: it takes no programs.
    """

    terminal: str
    software: str
    tried: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderUpdate(Request):
    terminal: str
    version: str
    size: int
    digest: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressUpdate(Request):
    """`digest`: of the program that it is about."""

    terminal: str
    digest: str
    to: UpdateState


@dataclass(frozen=True, slots=True, kw_only=True)
class LoseTerminal(Request):
    terminal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HearTerminal(Request):
    """A terminal's whole status: its light, the ring that its sounder really sounds, its inputs."""

    terminal: str
    light: LightState
    since_ms: int | None
    ring: BellRing
    inputs: dict[str, InputState]


# ── pagers ──────────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class HearPager(Request):
    """A pager's whole state. `have`, `seen`, `ringing` name the incidents it holds, shows in front, sounds for."""

    pager: str
    sound: Literal["unarmed", "running", "suspended"]
    visible: bool
    awake: bool
    battery_percent: int | None
    charging: bool | None
    have: tuple[str, ...]
    seen: tuple[str, ...]
    ringing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LosePager(Request):
    pager: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOn(Request):
    """`zones` empty: the zones of the guard's account."""

    guard: str
    pager: str
    zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SignOff(Request):
    lowers: ClassVar[bool] = True
    pager: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(Request):
    """What a person decides about an incident. `command` is the id its pager made: a second time changes nothing.

    `incident` is an incident's id or the digest of any of its events. `by` is the pager, or the account of a
    dispatcher acting for `guard`. `covers`, `outcome`, `note` (a commitment) go with resolve.
    """

    command: str
    do: Do
    incident: str
    guard: str
    by: str
    covers: tuple[str, ...] = ()
    outcome: Outcome | None = None
    note: str = ""

    @property
    def key(self) -> str:
        return f"command {self.command}"


# ── administration ──────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class SetZone(Request):
    zone: str
    details: str
    by: str
    deadlines: Deadlines = Deadlines()
    tiers: tuple[TierName, ...] = ("zone", "campus", "everyone")


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeToken(Request):
    """`terminal`: the id of the one that will be enrolled with it."""

    terminal: str
    zone: str
    until_ms: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrolTerminal(Request):
    terminal: str
    zone: str
    role: TerminalRole
    algorithm: Algorithm
    key: str
    inputs: dict[str, InputKind]
    silent: bool
    details: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokeTerminal(Request):
    lowers: ClassVar[bool] = True
    terminal: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AddAccount(Request):
    account: str
    roles: tuple[Role, ...]
    zones: tuple[str, ...]
    details: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveAccount(Request):
    lowers: ClassVar[bool] = True
    account: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPin(Request):
    account: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakePager(Request):
    pager: str
    details: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeLink(Request):
    """`owner`: the pager or account that the link is for."""

    owner: str
    until_ms: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveKey(Request):
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePager(Request):
    lowers: ClassVar[bool] = True
    pager: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartDrill(Request):
    lowers: ClassVar[bool] = True
    zone: str
    until_ms: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndDrill(Request):
    zone: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTest(Request):
    lowers: ClassVar[bool] = True
    terminal: str
    until_ms: int
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EndTest(Request):
    terminal: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeeTrouble(Request):
    what: str
    about: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportTrouble(Request):
    """The hub itself finds a fault condition begun or ended (its disk, its clock, its certificate, a fork)."""

    what: str
    about: str
    began: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CountStrangers(Request):
    cause: str
    count: int
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewSealed(Request):
    commitment: str
    by: str
