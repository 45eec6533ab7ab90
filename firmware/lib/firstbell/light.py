"""What the wall light shows: one white lamp that fills as help comes nearer."""

from firstbell import rhythm

try:
    from collections.abc import Iterable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

NONE = "none"
HEARD = "heard"
RECORDED = "recorded"
COMING = "coming"
HERE = "here"
NOT_DELIVERED = "not_delivered"

NOT_DELIVERED_MS = 3000
"""A press that nobody has a receipt for after this long is shown as not delivered."""

RHYTHMS_MS = {
    NONE: (),
    HEARD: (200, 600),
    RECORDED: (1000, 1000),
    COMING: (1600, 400),
    HERE: (),
    NOT_DELIVERED: (200, 200, 200, 200, 200, 1400),
}
"""Lit, out, lit, out … and again from the start; empty: still. Below three flashes a second everywhere."""


def wanted_light(
    undelivered: "Iterable[int]",
    receipted: bool,
    awaited: bool,
    hub_light: str,
    linked: bool,
    silent: bool,
    now_ms: int,
) -> str:
    """The light's state.

    `undelivered`: when the presses without a receipt were pressed (mono ms). `receipted`: a press is kept here whose
    receipt was verified here. `awaited`: for one of those the hub has not said yet what the light is to be.
    `hub_light`: what it said last (none, recorded, coming, here). `linked`: whether it says so right now.
    """
    if silent:
        return NONE
    late = False
    for pressed_ms in undelivered:
        if now_ms - pressed_ms < NOT_DELIVERED_MS:
            return HEARD  # a new press is answered, whatever else is shown
        late = True
    helping = hub_light in (COMING, HERE)
    if late and not (helping and linked):
        return NOT_DELIVERED
    if helping or (receipted and hub_light == RECORDED):
        return hub_light
    return HEARD if awaited else NONE


def is_lit(state: str, since_ms: int, now_ms: int) -> bool:
    """Whether the lamp is on at `now_ms`, in the rhythm of `state`, which began, lit, at `since_ms`."""
    return state == HERE or rhythm.is_on(RHYTHMS_MS[state], since_ms, now_ms)


def next_change_ms(state: str, since_ms: int, now_ms: int) -> int | None:
    """When, after `now_ms`, the lamp goes on or out next; None while it is still."""
    return rhythm.next_change_ms(RHYTHMS_MS[state], since_ms, now_ms)
