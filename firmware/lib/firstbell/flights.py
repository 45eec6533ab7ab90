"""The events that a session knows: on their way, receipted and kept for the light, pressed and not over."""

from firstbell.actions import Event
from firstbell.messages import WINDOW_EVENTS_MAX

FLIGHT_EVENTS_MAX = 2 * WINDOW_EVENTS_MAX
"""Events on their way without a receipt. Kept ones fill half of it: a new press never waits behind old ones."""
RESEND_MS = 30_000
"""An event without a receipt for so long goes again, for instance one that the hub was too busy to take."""
RELEASE_MS = 10_000
"""A receipted event stays at least so long, so that the hub's snapshot can tell that its light is on."""
RETAINED_EVENTS_MAX = 256
"""Receipted events kept until the light is out; above it the oldest goes early."""
PRESSES_MAX = 256
"""Presses that the light looks at."""


class _Flight:
    def __init__(self, event: Event, sent_ms: int) -> None:
        self.event = event
        self.sent_ms = sent_ms
        self.refused = False


class Flights:
    """Times are mono ms. `presses`: by digest, when it was pressed and whether a receipt was verified."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight] = {}
        self._retained: dict[str, int] = {}
        self.presses: dict[str, tuple[int, bool]] = {}

    def lose_link(self) -> None:
        """What was on its way may not have come through, and what was receipted is offered again."""
        self._flights.clear()
        self._retained.clear()

    def room(self) -> int:
        """How many more kept events may go out."""
        waiting = len([flight for flight in self._flights.values() if not flight.refused])
        return max(0, min(WINDOW_EVENTS_MAX - waiting, FLIGHT_EVENTS_MAX - len(self._flights)))

    def note_press(self, event: Event) -> None:
        """Remembers a press for the light."""
        if event.pressed_ms is None or event.digest in self.presses:
            return
        if len(self.presses) >= PRESSES_MAX:
            receipted = [digest for digest, (_, done) in self.presses.items() if done]
            if not receipted:
                return  # so many without a receipt look the same as one more
            del self.presses[receipted[0]]
        self.presses[event.digest] = (event.pressed_ms, event.receipted)

    def take(self, event: Event, now_ms: int) -> bool:
        """Whether to send it now: it has not gone out on this connection, and there is room for a new one."""
        if event.digest in self._flights or event.digest in self._retained:
            return False
        if len(self._flights) >= FLIGHT_EVENTS_MAX:
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
        event.receipted = True
        self._retained[digest] = now_ms
        if event.pressed_ms is not None:
            self.presses[digest] = (event.pressed_ms, True)

    def light_out(self) -> None:
        """The hub's light is out, which it said after its receipts: these presses are over."""
        for digest in [digest for digest, (_, done) in self.presses.items() if done]:
            del self.presses[digest]

    def release(self, light_is_out: bool, now_ms: int) -> "list[str]":
        """The digests that need not be kept any longer."""
        out = [digest for digest, at_ms in self._retained.items() if light_is_out and now_ms - at_ms >= RELEASE_MS]
        if not out and len(self._retained) > RETAINED_EVENTS_MAX:
            out = [min(self._retained, key=lambda digest: self._retained[digest])]
        for digest in out:
            del self._retained[digest]
            self.presses.pop(digest, None)
        return out

    def next_ms(self) -> int | None:
        """When the first event will have to be sent again."""
        sent = [flight.sent_ms for flight in self._flights.values()]
        return min(sent) + RESEND_MS if sent else None
