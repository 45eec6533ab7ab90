"""A whole terminal without its I/O: what the Pi's daemon, the node's program and the simulator all run.

Whatever happens is handed in; after it, and at the time that it said last, `step` looks at everything anew: what the
inputs say, what the hub should know, what lamp and sounder should do, and when to look again. Times are mono ms.
"""

from firstbell import actions, bell
from firstbell.actions import Event
from firstbell.flights import FLIGHT_EVENTS_MAX
from firstbell.messages import SILENCE_MS_MAX
from firstbell.press import PANIC, Happening
from firstbell.session import LINKED

try:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Protocol

    from firstbell.actions import Action
    from firstbell.inputs import Inputs
    from firstbell.outputs import Outputs
    from firstbell.session import TerminalSession

    class Kept(Protocol):
        """An event in the outbox, `place` its order there. `pressed_ms`: mono time of a press, 0 of an earlier boot."""

        @property
        def place(self) -> int: ...
        @property
        def jws(self) -> str: ...
        @property
        def panic(self) -> bool: ...
        @property
        def receipted(self) -> bool: ...
        @property
        def pressed_ms(self) -> int: ...

    class Outbox(Protocol):
        """Keeps events over a loss of power. Nothing here waits for a disk."""

        @property
        def pending(self) -> int:
            """How many have no receipt."""

        def add(self, digest: str, jws: str, panic: bool, pressed_ms: int) -> object: ...
        def after(self, place: int, count: int) -> "Sequence[Kept]":
            """The next `count` behind `place` (0: from the oldest)."""

        def receipted(self, digest: str) -> None: ...
        def drop(self, digests: "Iterable[str]") -> None: ...
        def remember(self, *, checkpoint: str | None = None, silent: bool | None = None) -> None: ...

    class Shell(Protocol):
        """What does the I/O."""

        def levels(self) -> "Mapping[str, bool | None]":
            """What each input's line reads now, None where it can't be read."""

        def made(self, event: Event, name: str, happening: Happening) -> None:
            """An event was signed; the outbox and the hub get it next."""

        def done(self, action: Action) -> None:
            """An action of the session's. The outbox knows of it already; to Send and to Close are the shell's."""

except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation


class Terminal:
    """`is_bell`: it has to say by itself when nobody could ring it."""

    def __init__(
        self,
        session: "TerminalSession",
        inputs: "Inputs",
        outputs: "Outputs",
        outbox: "Outbox",
        shell: "Shell",
        is_bell: bool,
        now_ms: int,
    ) -> None:
        self._session = session
        self._inputs = inputs
        self._outputs = outputs
        self._outbox = outbox
        self._shell = shell
        self._is_bell = is_bell
        self._heard_ms = now_ms
        self._offered_place = 0

    def start(self, kept: "Iterable[Kept]", now_ms: int) -> None:
        """The first call of all, with what the outbox holds."""
        self.found(kept, now_ms)
        self._happened("", Happening("started", now_ms), now_ms)

    def found(self, kept: "Iterable[Kept]", now_ms: int) -> None:
        """The light answers presses of earlier boots too, those without a receipt first."""
        self._offered_place = 0
        presses = sorted((one for one in kept if one.panic), key=lambda one: one.receipted)
        for one in presses[:FLIGHT_EVENTS_MAX]:
            self._do(self._session.offer_event(_event(one), now_ms))

    def edge(self, name: str, at_ms: int, closed: bool, now_ms: int) -> None:
        """The line of this input is `closed` or open since `at_ms`."""
        for _, happening in self._inputs.edge(name, at_ms, closed):
            self._happened(name, happening, now_ms)

    def connected(self, now_ms: int) -> None:
        self._offered_place = 0
        self._session.connected(now_ms)

    def heard(self, text: str, now_ms: int) -> None:
        """A frame came from the hub."""
        self._heard_ms = now_ms
        self._do(self._session.frame(text, now_ms))

    def lost(self, now_ms: int) -> None:
        """The connection is gone."""
        self._do(self._session.lost(now_ms))

    def step(self, now_ms: int) -> int:
        """Returns when to step again, if nothing happens before."""
        session, outputs = self._session, self._outputs
        for name, happening in self._inputs.step(now_ms, self._shell.levels):
            self._happened(name, happening, now_ms)
        due_ms = session.next_ms()
        if due_ms is not None and due_ms <= now_ms:
            self._do(session.tick(now_ms))
        self._offer_kept(now_ms)
        lost_ms = self._heard_ms + SILENCE_MS_MAX
        lost = self._is_bell and session.state != LINKED and now_ms >= lost_ms
        sound_ms = outputs.play(bell.wanted_sound(session.ring, lost), now_ms)
        self._do(session.status(outputs.ring, self._inputs.states(), self._outbox.pending, now_ms))
        lamp_ms = outputs.show(session.light, session.light_since_ms, now_ms)
        times_ms = [self._inputs.next_ms(), session.next_ms(), sound_ms, lamp_ms]
        if lost_ms > now_ms:
            times_ms.append(lost_ms)
        return min([time_ms for time_ms in times_ms if time_ms is not None])

    def _happened(self, name: str, happening: "Happening", now_ms: int) -> None:
        event = self._session.make_event(name, happening.what, happening.at_ms)
        self._shell.made(event, name, happening)
        # On its way to the disk and to the hub at once; neither waits for the other.
        self._outbox.add(event.digest, event.jws, happening.what == PANIC, happening.at_ms)
        self._do(self._session.add_event(event, now_ms))

    def _offer_kept(self, now_ms: int) -> None:
        while True:
            room = self._session.room()
            kept = self._outbox.after(self._offered_place, room) if room > 0 else ()
            if not kept:
                return
            for one in kept:
                self._do(self._session.offer_event(_event(one), now_ms))
            self._offered_place = kept[-1].place

    def _do(self, wanted: "Iterable[Action]") -> None:
        for action in wanted:
            if isinstance(action, actions.Delivered):
                self._outbox.receipted(action.digest)
            elif isinstance(action, actions.Release):
                self._outbox.drop([action.digest])
            elif isinstance(action, actions.Remember):
                self._outbox.remember(checkpoint=action.checkpoint)
            elif isinstance(action, actions.Snapshot):
                self._outbox.remember(silent=action.silent)
            self._shell.done(action)


def _event(kept: "Kept") -> Event:
    """As the session knows it."""
    return Event(kept.jws, kept.pressed_ms if kept.panic else None, kept.receipted)
