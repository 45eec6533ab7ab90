"""What a session tells its shell to do. An event is what the outbox keeps and the session sends."""

from firstbell.jws import digest_of

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation


class Event:
    """A signed event. `digest` is its identity.

    `pressed_ms`: mono time of a press; 0 for one of an earlier boot; None for what no light answers.
    `receipted`: a receipt has been verified for it, at any time.
    """

    def __init__(self, jws: str, pressed_ms: int | None, receipted: bool = False) -> None:
        self.jws = jws
        self.digest = digest_of(jws)
        self.pressed_ms = pressed_ms
        self.receipted = receipted


class Action:
    """To be done in the order given."""


class Send(Action):
    """Send this frame."""

    def __init__(self, text: str) -> None:
        self.text = text


class Close(Action):
    """Close the connection, then call `lost`. `reason`: silence, protocol, malformed, oversized or refused."""

    def __init__(self, reason: str) -> None:
        self.reason = reason


class Delivered(Action):
    """The receipt for this event was verified; `frame` is its text, worth keeping. The event itself stays in the
    outbox until its Release."""

    def __init__(self, digest: str, frame: str) -> None:
        self.digest = digest
        self.frame = frame


class NotProven(Action):
    """A receipt for this event that proves nothing: `reason`, for a log. The event stays as it is."""

    def __init__(self, digest: str, reason: str) -> None:
        self.digest = digest
        self.reason = reason


class Release(Action):
    """The hub has this event and its light is out: the outbox may forget it."""

    def __init__(self, digest: str) -> None:
        self.digest = digest


class Remember(Action):
    """Keep this checkpoint (a signed note) on the disk in place of the last one: it is the largest verified."""

    def __init__(self, checkpoint: str) -> None:
        self.checkpoint = checkpoint


class Snapshot(Action):
    """The hub's word on what concerns this terminal. Keep `silent` over a restart; `ring` is for a bell, `update`
    (messages.UPDATE, or None) for a node."""

    def __init__(self, hub_light: str, ring: str, silent: bool, update: "dict[str, Any] | None") -> None:
        self.hub_light = hub_light
        self.ring = ring
        self.silent = silent
        self.update = update


class Part(Action):
    """What stands at `offset` of the program that was asked for; `data` in base64."""

    def __init__(self, digest: str, offset: int, data: str) -> None:
        self.digest = digest
        self.offset = offset
        self.data = data


class Refused(Action):
    """The hub did not take something; for a log. `digest`: the event it concerns, or empty."""

    def __init__(self, reason: str, digest: str) -> None:
        self.reason = reason
        self.digest = digest
