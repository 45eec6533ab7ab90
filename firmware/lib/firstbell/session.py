"""A terminal's half of its conversation with the hub, without I/O: frames and time in, actions out.

    state     | what the hub may send                  | what brings it here
    down      | -                                      | the start; `lost`
    opened    | challenge, refused                     | `connected`
    greeted   | snapshot, receipt, heartbeat, refused  | the challenge, answered with the hello
    linked    | the same, and part                     | the first snapshot
    closing   | anything, unread                       | a Close that was given out

Any other frame, and a frame that can't be read, changes nothing and closes. Times are the terminal's mono ms.

The events themselves live in the outbox. After `connected`, whenever `room()` is not 0, hand in the next so many of
what it keeps, oldest first and from the beginning, with `offer_event`; a new one goes through `add_event` at once.
"""

from firstbell import light, messages
from firstbell.actions import (
    Action,
    Close,
    Delivered,
    Event,
    NotProven,
    Part,
    Refused,
    Release,
    Remember,
    Send,
    Snapshot,
)
from firstbell.clock import HubTime
from firstbell.fields import FrameError
from firstbell.flights import RETAINED_EVENTS_MAX, Flights
from firstbell.jws import EVENT_TYP, HELLO_TYP, JwsError, header, sign
from firstbell.note import NoteError, parse_checkpoint
from firstbell.receipt import ReceiptError

try:
    from collections.abc import Callable
    from typing import Any

    from firstbell.jws import Signer
    from firstbell.note import Checkpoint
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

DOWN = "down"
OPENED = "opened"
GREETED = "greeted"
LINKED = "linked"
CLOSING = "closing"

_MAY_COME = {
    OPENED: ("challenge", "refused"),
    GREETED: ("snapshot", "receipt", "heartbeat", "refused"),
    LINKED: ("snapshot", "receipt", "heartbeat", "refused", "part"),
}

HEARTBEATS_MAX = 8
"""Heartbeats without an answer; a hub that sends other frames and never these is not well."""


class SessionError(Exception):
    """The shell called out of turn: a defect of ours, not the hub's."""


class TerminalSession:
    """See above. `boot` is this start's number; `checkpoint` the note remembered from before, or empty.

    `verify_receipt(frame, jws)` returns the Checkpoint or raises ReceiptError: `receipt.check_receipt` with the log's
    key. `retained_max`, `window_max`: see Flights; a node has less memory. `tried`: see `messages.hello_payload`.
    `light` and `light_since_ms` say what the lamp shows, and since when (mono): read them after every call.
    """

    def __init__(
        self,
        terminal: str,
        key: "Signer",
        boot: int,
        software: str,
        verify_receipt: "Callable[[dict[str, Any], str], Checkpoint]",
        checkpoint: str = "",
        silent: bool = False,
        retained_max: int = RETAINED_EVENTS_MAX,
        window_max: int = messages.WINDOW_EVENTS_MAX,
        tried: str | None = None,
    ) -> None:
        self._terminal = terminal
        self._key = key
        self._boot = boot
        self._software = software
        self._verify_receipt = verify_receipt
        self._checkpoint, self._remembered = _recall(checkpoint)
        self._flights = Flights(retained_max, window_max)
        self._tried = tried
        self._pressed_again = False
        self._light_due_ms: int | None = None
        self._heard_ms = 0
        self._heartbeats: list[int] = []
        self._heartbeats_quick = 0
        self._next_heartbeat_ms = 0
        self._rung = "none"
        self._inputs: dict[str, str] = {}
        self._pending = 0
        self._reported: tuple[object, ...] | None = None
        self._reported_pending = 0
        self._reported_ms = 0
        self.state = DOWN
        self.seq = 0
        self.hub_time = HubTime()
        self.hub_light = light.NONE
        self.ring = "none"
        self.silent = silent
        self.light = light.NONE
        self.light_since_ms = 0

    # ── events ───────────────────────────────────────────────────────────────────────────────────────────────

    def make_event(self, name: str, what: str, mono_ms: int) -> Event:
        """Signs what happened at the input `name` (empty for `started`) at its first edge, mono `mono_ms`.

        Each call uses up a sequence number. Put the event into the outbox, and `add_event` it.
        """
        self.seq += 1
        estimate = self._estimate(mono_ms)
        payload = messages.event_payload(self._terminal, self._boot, self.seq, name, what, mono_ms, estimate)
        jws = sign(payload, header(self._key.algorithm, self._terminal, EVENT_TYP), self._key)
        return Event(jws, mono_ms if what == "panic" else None)

    def add_event(self, event: Event, now_ms: int) -> "list[Action]":
        """A new event: it goes at once, if there is a hub to hear it.

        However many wait for their receipts: a hub whose disk stands still must hear a press all the same. One that is
        not waited for goes again when it is its turn in the outbox.
        """
        self._pressed_again = event.pressed_ms is not None
        out = self._take(event, now_ms)
        if self._is_up() and not out:
            out = [Send(messages.event_frame(event.jws))]
        return self._settle(now_ms, out)

    def offer_event(self, event: Event, now_ms: int) -> "list[Action]":
        """An event that the outbox keeps, while there is `room`. Without a connection only the light looks at it."""
        return self._settle(now_ms, self._take(event, now_ms))

    def room(self) -> int:
        """How many more kept events are wanted now."""
        return self._flights.room() if self._is_up() else 0

    def _take(self, event: Event, now_ms: int) -> "list[Action]":
        self._flights.note_press(event, self._is_up())
        if self._is_up() and self._flights.take(event, now_ms):
            return [Send(messages.event_frame(event.jws))]
        return []

    def _is_up(self) -> bool:
        return self.state in (GREETED, LINKED)

    def _estimate(self, mono_ms: int) -> "tuple[int, int] | None":
        estimate = self.hub_time.estimate(mono_ms)
        if estimate is None or estimate[0] >= 0:
            return estimate
        # Before the hub began to count: its zero is as near as the wire can say.
        return 0, estimate[1] - estimate[0]

    # ── the connection ───────────────────────────────────────────────────────────────────────────────────────

    def connected(self, now_ms: int) -> None:
        """A connection stands; the hub speaks first."""
        if self.state != DOWN:
            raise SessionError("connected twice")
        self.state = OPENED
        self._heard_ms = now_ms

    def lost(self, now_ms: int) -> "list[Action]":
        """The connection is gone. What was on its way is still in the outbox."""
        self.state = DOWN
        self._flights.lose_link()
        self._heartbeats.clear()
        self._reported = None
        return self._settle(now_ms, [])

    def frame(self, text: str, now_ms: int) -> "list[Action]":
        """A text frame has come."""
        if self.state == DOWN:
            raise SessionError("a frame without a connection")
        out: list[Action] = []
        if self.state == CLOSING:
            return out
        try:
            frame = messages.parse_hub_frame(text)
        except FrameError as error:
            return self._close(error.reason, now_ms)
        if frame["type"] not in _MAY_COME[self.state]:
            return self._close("protocol", now_ms)
        self._heard_ms = now_ms
        frame["text"] = text
        _HANDLERS[frame["type"]](self, frame, now_ms, out)
        return self._settle(now_ms, out)

    def tick(self, now_ms: int) -> "list[Action]":
        """Time has passed; see `next_ms`."""
        out: list[Action] = []
        silent = now_ms - self._heard_ms >= messages.SILENCE_MS_MAX or len(self._heartbeats) > HEARTBEATS_MAX
        if silent and self.state not in (DOWN, CLOSING):
            return self._close("silence", now_ms)
        if self._is_up():
            if now_ms >= self._next_heartbeat_ms:
                self._send_heartbeat(now_ms, out)
            out += [Send(messages.event_frame(event.jws)) for event in self._flights.again(now_ms)]
        return self._settle(now_ms, out)

    def next_ms(self) -> int | None:
        """When `tick` is wanted; None: not before something else happens."""
        times = [self._light_due_ms]
        if self.state not in (DOWN, CLOSING):
            times.append(self._heard_ms + messages.SILENCE_MS_MAX)
        if self._is_up():
            times += [self._next_heartbeat_ms, self._flights.next_ms()]
        due = [time_ms for time_ms in times if time_ms is not None]
        return min(due) if due else None

    def _close(self, reason: str, now_ms: int) -> "list[Action]":
        self.state = CLOSING
        return self._settle(now_ms, [Close(reason)])

    def _send_heartbeat(self, now_ms: int, out: "list[Action]") -> None:
        self._heartbeats.append(now_ms)
        out.append(Send(messages.heartbeat_frame(now_ms)))
        quick = self._heartbeats_quick > 0
        self._heartbeats_quick -= quick
        self._next_heartbeat_ms = now_ms + (messages.HEARTBEAT_QUICK_MS if quick else messages.HEARTBEAT_MS)

    # ── what the hub says ────────────────────────────────────────────────────────────────────────────────────

    def _on_challenge(self, frame: "dict[str, Any]", now_ms: int, out: "list[Action]") -> None:
        if frame["protocol"] != messages.PROTOCOL:
            self.state = CLOSING
            out.append(Close("protocol"))
            return
        self.state = GREETED
        self.hub_time.new_link()
        out.append(Send(messages.hello_frame(self._sign_hello(frame["nonce"], now_ms))))
        self._heartbeats_quick = messages.HEARTBEATS_QUICK - 1
        self._send_heartbeat(now_ms, out)

    def _sign_hello(self, nonce: str, now_ms: int) -> str:
        try:
            return self._sign_hello_with(self._checkpoint, nonce, now_ms)
        except JwsError:
            # Too long a note: better a hello without it than none.
            return self._sign_hello_with("", nonce, now_ms)

    def _sign_hello_with(self, checkpoint: str, nonce: str, now_ms: int) -> str:
        payload = messages.hello_payload(
            self._terminal, nonce, self._boot, self.seq, now_ms, self._software, checkpoint, self._tried
        )
        return sign(payload, header(self._key.algorithm, self._terminal, HELLO_TYP), self._key)

    def _on_snapshot(self, frame: "dict[str, Any]", now_ms: int, out: "list[Action]") -> None:
        self.state = LINKED
        self.hub_light = frame["light"]
        self.ring = frame["ring"]
        self.silent = frame["silent"]
        if self.hub_light == light.NONE:
            self._flights.light_out()
        out.append(Snapshot(self.hub_light, self.ring, self.silent, frame.get("update")))

    def _on_part(self, frame: "dict[str, Any]", now_ms: int, out: "list[Action]") -> None:
        out.append(Part(frame["digest"], frame["offset"], frame["data"]))

    def _on_receipt(self, frame: "dict[str, Any]", now_ms: int, out: "list[Action]") -> None:
        event = self._flights.waiting(frame["event"])
        if event is None:
            return  # a second one, for an event that went twice
        try:
            checkpoint = self._verify_receipt(frame, event.jws)
            self._remember(checkpoint, frame["checkpoint"], out)
        except ReceiptError as error:
            out.append(NotProven(event.digest, str(error)))
            return
        self._flights.deliver(event.digest, now_ms)
        out.append(Delivered(event.digest, frame["text"]))

    def _remember(self, checkpoint: "Checkpoint", signed: str, out: "list[Action]") -> None:
        known = self._remembered
        if known is not None and known.origin == checkpoint.origin:
            if known.size == checkpoint.size and known.root != checkpoint.root:
                raise ReceiptError("the log has signed two trees of one size")
            if known.size >= checkpoint.size:
                return
        self._remembered = checkpoint
        self._checkpoint = signed
        out.append(Remember(signed))

    def _on_heartbeat(self, frame: "dict[str, Any]", now_ms: int, out: "list[Action]") -> None:
        if frame["t1_ms"] not in self._heartbeats:
            self.state = CLOSING
            out.append(Close("protocol"))
            return
        self._heartbeats.remove(frame["t1_ms"])
        self.hub_time.exchange(frame["t1_ms"], frame["t2_ms"], frame["t3_ms"], now_ms)

    def _on_refused(self, frame: "dict[str, Any]", now_ms: int, out: "list[Action]") -> None:
        digest = frame.get("event", "")
        out.append(Refused(frame["reason"], digest))
        if not self._flights.refuse(digest) and not digest and self.state != LINKED:
            self.state = CLOSING
            out.append(Close("refused"))
            if frame["reason"] == "revoked":
                # Nobody will ever say to it that this is over.
                self.ring = "none"

    # ── what follows from it ─────────────────────────────────────────────────────────────────────────────────

    def status(self, rung: str, inputs: "dict[str, str]", pending: int, now_ms: int) -> "list[Action]":
        """What the terminal knows of itself: the ring that its sounder really sounds, its inputs (open, closed,
        stuck, unknown), how many events in its outbox have no receipt. Call it whenever any of it may have changed."""
        self._rung = rung
        self._inputs = dict(inputs)
        self._pending = pending
        return self._settle(now_ms, [])

    def _settle(self, now_ms: int, out: "list[Action]") -> "list[Action]":
        """After every call: what the light should be, what may be forgotten, what the hub should know."""
        linked = self.state == LINKED
        if linked:
            light_is_out = self.hub_light == light.NONE
            out += [Release(digest) for digest in self._flights.release(light_is_out, now_ms)]
        undelivered = self._flights.undelivered()
        wanted = light.wanted_light(
            undelivered,
            self._flights.is_receipted(),
            self._flights.is_awaited(),
            self.hub_light,
            linked,
            self.silent,
            now_ms,
        )
        if wanted != self.light or (self._pressed_again and wanted == light.HEARD):
            # A press is answered by a lamp that goes on, so the rhythm starts anew.
            self.light = wanted
            self.light_since_ms = now_ms
        self._pressed_again = False
        late_ms = [pressed_ms + light.NOT_DELIVERED_MS for pressed_ms in undelivered]
        late_ms = [due_ms for due_ms in late_ms if due_ms > now_ms]
        self._light_due_ms = min(late_ms) if late_ms else None
        if linked:
            self._report(now_ms, out)
        return out

    def _report(self, now_ms: int, out: "list[Action]") -> None:
        state = (self.light, self.light_since_ms, self._rung, self._inputs)
        # A backlog that drains changes its count a thousand times: that alone is told at a heartbeat's pace.
        late = now_ms - self._reported_ms >= messages.HEARTBEAT_MS
        if state == self._reported and (self._pending == self._reported_pending or not late):
            return
        since = self._estimate(self.light_since_ms)
        since_ms = None if since is None else since[0]
        out.append(Send(messages.status_frame(self.light, since_ms, self._rung, self._inputs, self._pending)))
        self._reported = state
        self._reported_pending = self._pending
        self._reported_ms = now_ms


_HANDLERS = {
    "challenge": TerminalSession._on_challenge,
    "snapshot": TerminalSession._on_snapshot,
    "part": TerminalSession._on_part,
    "receipt": TerminalSession._on_receipt,
    "heartbeat": TerminalSession._on_heartbeat,
    "refused": TerminalSession._on_refused,
}


def _recall(signed: str) -> "tuple[str, Checkpoint | None]":
    """The note remembered from before and what it says; nothing, when it can't be read any more."""
    if len(signed) <= messages.CHECKPOINT_CHARS_MAX:
        try:
            return signed, parse_checkpoint(signed[: signed.rfind("\n\n") + 1])
        except NoteError:
            pass
    return "", None
