"""What the wall light shows: one white lamp that fills as help comes nearer."""

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


def wanted_light(presses: "Iterable[tuple[int, bool]]", hub_light: str, linked: bool, silent: bool, now_ms: int) -> str:
    """The light's state.

    `presses`: of every press that is not over, when it was pressed (mono ms) and whether its receipt was verified
    here. `hub_light`: what the hub said last (none, recorded, coming, here). `linked`: whether it says so right now.
    """
    if silent:
        return NONE
    fresh = undelivered = receipted = False
    for pressed_ms, has_receipt in presses:
        if has_receipt:
            receipted = True
        elif now_ms - pressed_ms < NOT_DELIVERED_MS:
            fresh = True
        else:
            undelivered = True
    # A new press is answered, whatever else is shown.
    if fresh:
        return HEARD
    helping = hub_light in (COMING, HERE)
    if undelivered and not (helping and linked):
        return NOT_DELIVERED
    if helping:
        return hub_light
    if not receipted:
        return NONE
    # The hub's word follows its receipt; until then nothing better than heard is true.
    return RECORDED if hub_light == RECORDED else HEARD


def is_lit(state: str, since_ms: int, now_ms: int) -> bool:
    """Whether the lamp is on at `now_ms`, in the rhythm of `state`, which began, lit, at `since_ms`."""
    rhythm = RHYTHMS_MS[state]
    if not rhythm:
        return state == HERE
    return _place(rhythm, since_ms, now_ms)[0] % 2 == 0


def next_change_ms(state: str, since_ms: int, now_ms: int) -> int | None:
    """When, after `now_ms`, the lamp goes on or out next; None while it is still."""
    rhythm = RHYTHMS_MS[state]
    if not rhythm:
        return None
    return now_ms + _place(rhythm, since_ms, now_ms)[1]


def _place(rhythm: "tuple[int, ...]", since_ms: int, now_ms: int) -> "tuple[int, int]":
    """Which part of the rhythm `now_ms` is in, and how long that part still lasts."""
    within_ms = (now_ms - since_ms) % sum(rhythm)
    part = 0
    while within_ms >= rhythm[part]:
        within_ms -= rhythm[part]
        part += 1
    return part, rhythm[part] - within_ms
