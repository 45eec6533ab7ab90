"""The events that a session knows: on their way, receipted and kept for the light, pressed and not over."""

from firstbell.actions import Event
from firstbell.messages import WINDOW_EVENTS_MAX

NEW_EVENTS_MAX = 16
"""Events whose receipt is waited for beyond the window of kept ones: these leave some room for new ones."""
FLIGHT_EVENTS_MAX = WINDOW_EVENTS_MAX + NEW_EVENTS_MAX
RESEND_MS = 30_000
"""An event without a receipt for so long goes again, for instance one that the hub was too busy to take."""
RELEASE_MS = 10_000
"""A receipted event stays at least so long, so that the hub's snapshot can tell that its light is on."""
RETAINED_EVENTS_MAX = 1024
"""Receipted events kept until the light is out; above it the oldest goes early."""


class _Flight:
    def __init__(self, event: Event, sent_ms: int) -> None:
        self.event = event
        self.sent_ms = sent_ms
        self.refused = False


class Flights:
    """Times are mono ms. How many events the memory has room for: `retained_max` receipted ones, and `window_max` kept
    ones on their way."""

    def __init__(self, retained_max: int, window_max: int) -> None:
        self._retained_max = retained_max
        self._window_max = window_max
        self._flights: dict[str, _Flight] = {}
        self._retained: dict[str, int] = {}
        self._undelivered: dict[str, int] = {}
        self._receipted: set[str] = set()
        self._awaited: set[str] = set()

    def lose_link(self) -> None:
        """What was on its way may not have come through, and what was receipted is offered again."""
        self._flights.clear()
        self._retained.clear()

    def room(self) -> int:
        """How many more kept events may go out."""
        waiting = len([flight for flight in self._flights.values() if not flight.refused])
        return max(0, self._window_max - max(waiting, len(self._flights) - NEW_EVENTS_MAX))

    def note_press(self, event: Event, up: bool) -> None:
        """Remembers a press for the light. `up`: the hub has already said what the light is to be."""
        if event.pressed_ms is None:
            return
        if not event.receipted:
            # The light looks at as many as can be on their way; one more would change nothing.
            if len(self._undelivered) < self._window_max + NEW_EVENTS_MAX:
                # What the outbox hands in again may not know any more when it was.
                self._undelivered.setdefault(event.digest, event.pressed_ms)
        elif len(self._receipted) < self._retained_max:
            self._receipted.add(event.digest)
            if not up:
                self._awaited.add(event.digest)

    def undelivered(self) -> "list[int]":
        """When the presses without a receipt were pressed."""
        return list(self._undelivered.values())

    def is_receipted(self) -> bool:
        """Whether a press is kept here that has a receipt."""
        return bool(self._receipted)

    def is_awaited(self) -> bool:
        """Whether for one of them the hub has not said, since its receipt, what the light is to be."""
        return bool(self._awaited)

    def take(self, event: Event, now_ms: int) -> bool:
        """Whether to send it now: it has not gone out on this connection, and there is room for a new one."""
        if event.digest in self._flights or event.digest in self._retained:
            return False
        if len(self._flights) >= self._window_max + NEW_EVENTS_MAX:
            return False
        self._flights[event.digest] = _Flight(event, now_ms)
        return True

    def waiting(self, digest: str) -> Event | None:
        """The event of this digest, if it is on its way."""
        flight = self._flights.get(digest)
        return None if flight is None else flight.event

    def refuse(self, digest: str) -> bool:
        """The hub did not take it now. False: it was not on its way."""
        if digest not in self._flights:
            return False
        self._flights[digest].refused = True
        return True

    def again(self, now_ms: int) -> "list[Event]":
        """The events that have to be sent once more."""
        due = [flight for flight in self._flights.values() if now_ms - flight.sent_ms >= RESEND_MS]
        for flight in due:
            flight.sent_ms = now_ms
            flight.refused = False
        return [flight.event for flight in due]

    def deliver(self, digest: str, now_ms: int) -> None:
        """Its receipt was verified."""
        event = self._flights.pop(digest).event
        # For one that had a receipt before, the hub has said what there is to say.
        up = event.receipted
        event.receipted = True
        self._retained[digest] = now_ms
        self._undelivered.pop(digest, None)
        self.note_press(event, up)

    def light_out(self) -> None:
        """The hub's light is out, which it said after its receipts: the presses that have one are over."""
        self._awaited.clear()

    def release(self, light_is_out: bool, now_ms: int) -> "list[str]":
        """The digests that need not be kept any longer."""
        out = []
        if light_is_out:
            out = [digest for digest, at_ms in self._retained.items() if now_ms - at_ms >= RELEASE_MS]
        if not out and len(self._retained) > self._retained_max:
            out = [min(self._retained, key=lambda digest: self._retained[digest])]
        for digest in out:
            del self._retained[digest]
            self._receipted.discard(digest)
            self._awaited.discard(digest)
        return out

    def next_ms(self) -> int | None:
        """When the first event will have to be sent again."""
        sent = [flight.sent_ms for flight in self._flights.values()]
        return min(sent) + RESEND_MS if sent else None
