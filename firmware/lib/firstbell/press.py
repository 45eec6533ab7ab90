"""Makes of the raw edges of one line what happened at it.

A line is *active* when it is as it should not stay: a button closed; a loop, a tamper contact or a supply's contact
open. What stays active long enough counts, and is stamped with its first edge. Contacts bounce: an interruption shorter
than BOUNCE_MS is none. So a pulse lasts from its first edge to the edge that ends it for good, and counts when

- it lasts `press_ms_min`, and for PULSE_MS_MIN of that the line did not move: noise, however dense, is no press;
- or it lasts PULSE_MS_MAX, whatever it does meanwhile: a contact that chatters so long is pressed.

Every pulse of 400 ms is found, none below 20 ms, between them the setting decides. Times are the edges' own (mono ms);
when they are handed in does not matter.
"""

BOUNCE_MS = 5
PULSE_MS_MIN = 20
PULSE_MS_MAX = 400
STUCK_MS = 60_000
"""A button held this long hangs."""
LOST_EDGE_MS = 100
"""When the line reads other than its last edge said, that long is waited for the edge before the reading counts."""

PANIC = "panic"
PERIMETER = "perimeter"
TAMPER = "tamper"
SUPPLY = "supply"
STUCK = "stuck"
RESTORED = "restored"

# kind: (active when closed, is told when it is well again, can be stuck)
_KINDS = {
    PANIC: (True, False, True),
    PERIMETER: (False, True, False),
    TAMPER: (False, True, False),
    SUPPLY: (False, True, False),
}


class Happening:
    """`what` happened (panic, perimeter, tamper, supply, stuck, restored), at mono `at_ms`."""

    __slots__ = ("at_ms", "what")

    def __init__(self, what: str, at_ms: int) -> None:
        self.what = what
        self.at_ms = at_ms

    def __repr__(self) -> str:
        return self.what + "@" + str(self.at_ms)


class PressFilter:
    """One input. Hand in every edge in the order of time; `tick` when `next_ms` is reached; `read` to compare with the
    line itself, instead of a tick where the line can be read (a late edge then can't be mistaken for a long pulse).

    Before the first edge or reading the line is unknown. A line that is active from the start counts: a button held
    while the terminal starts is pressed. Raises ValueError for an unknown kind or a setting out of bounds.
    """

    def __init__(self, kind: str, press_ms_min: int = 30) -> None:
        if kind not in _KINDS:
            raise ValueError("no such kind of input: " + kind)
        if not PULSE_MS_MIN <= press_ms_min <= PULSE_MS_MAX:
            raise ValueError("press_ms_min is from 20 to 400")
        self.kind = kind
        self._active_closed, self._restores, self._sticks = _KINDS[kind]
        self._press_ms_min = press_ms_min
        self._active: bool | None = None
        self._since_ms = 0
        """Since when the line has not moved."""
        self._seen_ms = 0
        """Until when it is known not to have moved."""
        self._in_pulse = False
        self._first_ms = 0
        """First edge of the pulse."""
        self._still_ms = 0
        """The longest that the line has been active without moving, within this pulse."""
        self._counted = False
        self._doubt_ms: int | None = None
        """Since when the line reads otherwise, without an edge."""
        self._settled: bool | None = None
        self._stuck = False

    def state(self) -> str:
        """open, closed, stuck or unknown; without the bounces."""
        if self._stuck:
            return "stuck"
        if self._settled is None:
            return "unknown"
        return "closed" if self._settled == self._active_closed else "open"

    def edge(self, mono_ms: int, closed: bool) -> "list[Happening]":
        """The line is `closed` or open since `mono_ms`. An edge that repeats the last one tells that the one between
        them was lost: the line has moved and is back."""
        active = closed == self._active_closed
        happened: list[Happening] = []
        if self._doubt_ms is not None and mono_ms > self._doubt_ms + BOUNCE_MS:
            # Too late to be the one that the reading waited for: that one is lost.
            happened = self._believe(self._doubt_ms)
        if active != self._active:
            self._doubt_ms = None
        mono_ms = max(mono_ms, self._since_ms)
        unseen_ms = mono_ms - self._seen_ms
        happened += self._advance(mono_ms)
        if active and self._active and self._counted and unseen_ms >= BOUNCE_MS:
            # It may have been released for long: rather one press too many.
            self._in_pulse = False
        self._move(mono_ms, mono_ms, active)
        return happened

    def tick(self, mono_ms: int) -> "list[Happening]":
        """Time has passed: no edge up to `mono_ms` is still to come."""
        return [] if self._doubt_ms is not None else self._advance(mono_ms)

    def read(self, mono_ms: int, closed: bool) -> "list[Happening]":
        """The line was read at `mono_ms`."""
        active = closed == self._active_closed
        if self._active is None:
            self._move(mono_ms, mono_ms, active)
            return []
        if active == self._active:
            self._doubt_ms = None
            return self._advance(mono_ms)
        if self._doubt_ms is None:
            self._doubt_ms = mono_ms
        if mono_ms - self._doubt_ms < LOST_EDGE_MS:
            return []
        return self._believe(self._doubt_ms) + self._advance(mono_ms)

    def next_ms(self) -> int | None:
        """When `tick` or `read` is wanted; None: not before the next edge."""
        if self._doubt_ms is not None:
            return self._doubt_ms + LOST_EDGE_MS
        if not self._active:
            return self._since_ms + self._press_ms_min if self._settled else None
        if not self._counted:
            return self._counts_ms()
        return self._first_ms + STUCK_MS if self._sticks and not self._stuck else None

    def _believe(self, doubt_ms: int) -> "list[Happening]":
        """The line has moved without an edge, somewhere between when it was last known and `doubt_ms`, when it read
        otherwise. A pulse gets no longer by a guess."""
        until_ms = self._seen_ms if self._active else doubt_ms
        happened = self._advance(until_ms)
        self._move(until_ms, doubt_ms, not self._active)
        self._doubt_ms = None
        return happened

    def _move(self, until_ms: int, from_ms: int, active: bool) -> None:
        """The line is as it was until `until_ms`, and as it is now from `from_ms`."""
        if self._active:
            self._still_ms = max(self._still_ms, until_ms - self._since_ms)
        if active and not self._in_pulse:
            self._in_pulse = True
            self._first_ms = from_ms
            self._still_ms = 0
            self._counted = False
        if not active and self._settled is None:
            self._settled = False
        self._active = active
        self._since_ms = self._seen_ms = from_ms

    def _counts_ms(self) -> int:
        """When the pulse under way will count, if the line does not move."""
        counts_ms = self._first_ms + self._press_ms_min
        if self._still_ms < PULSE_MS_MIN:
            counts_ms = max(counts_ms, self._since_ms + PULSE_MS_MIN)
        return min(counts_ms, self._first_ms + PULSE_MS_MAX)

    def _advance(self, mono_ms: int) -> "list[Happening]":
        """What happens until `mono_ms`, if the line does not move before."""
        happened: list[Happening] = []
        self._seen_ms = max(self._seen_ms, mono_ms)
        if self._active:
            self._advance_active(mono_ms, happened)
        elif self._active is not None:
            self._advance_well(mono_ms, happened)
        return happened

    def _advance_active(self, mono_ms: int, happened: "list[Happening]") -> None:
        if not self._counted and mono_ms >= self._counts_ms():
            self._counted = True
            # A loop that flutters is one alarm until it is well again; a button pressed again is a press again.
            if not (self._restores and self._settled):
                happened.append(Happening(self.kind, self._first_ms))
            self._settled = True
        stuck_ms = self._first_ms + STUCK_MS
        if self._counted and self._sticks and not self._stuck and mono_ms >= stuck_ms:
            self._stuck = True
            happened.append(Happening(STUCK, stuck_ms))

    def _advance_well(self, mono_ms: int, happened: "list[Happening]") -> None:
        well_ms = mono_ms - self._since_ms
        if well_ms >= BOUNCE_MS:
            self._in_pulse = False
        if self._settled and well_ms >= self._press_ms_min:
            if self._restores or self._stuck:
                happened.append(Happening(RESTORED, self._since_ms))
            self._settled = self._stuck = False
