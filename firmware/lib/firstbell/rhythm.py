"""Rhythms of a lamp or a buzzer: on, off, on, off … in ms, and again from the start; an empty one is never on."""


def is_on(rhythm_ms: "tuple[int, ...]", since_ms: int, now_ms: int) -> bool:
    """At `now_ms`, in a rhythm that began, on, at `since_ms`."""
    return bool(rhythm_ms) and _place(rhythm_ms, since_ms, now_ms)[0] % 2 == 0


def next_change_ms(rhythm_ms: "tuple[int, ...]", since_ms: int, now_ms: int) -> int | None:
    """When, after `now_ms`, it goes on or off next; None for an empty one."""
    return now_ms + _place(rhythm_ms, since_ms, now_ms)[1] if rhythm_ms else None


def _place(rhythm_ms: "tuple[int, ...]", since_ms: int, now_ms: int) -> "tuple[int, int]":
    """Which part of the rhythm `now_ms` is in, and how long that part still lasts."""
    within_ms = (now_ms - since_ms) % sum(rhythm_ms)
    part = 0
    while within_ms >= rhythm_ms[part]:
        within_ms -= rhythm_ms[part]
        part += 1
    return part, rhythm_ms[part] - within_ms
