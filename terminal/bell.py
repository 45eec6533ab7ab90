"""What the guard-room sounder plays: on and off, for a buzzer has one tone. Decides only; the daemon drives the pin."""

ALARM = (150, 100, 150, 100, 150, 350, 150, 100, 150, 500, 150, 100, 150, 100, 150, 350, 150, 100, 150, 2500)
"""The high-priority burst of IEC 60601-1-8: three pulses and two, twice, then silence; until a person answers."""
TROUBLE = (200, 200, 200, 200, 200, 29_000)
"""The medium-priority burst: three pulses, every 30 s."""

LOST = "lost"
"""The hub is gone: nobody would ring this bell."""

RHYTHMS_MS: dict[str, tuple[int, ...]] = {
    "none": (),
    "alarm": ALARM,
    # A drill is marked where there is something to read, and sounds as the real thing does.
    "drill": ALARM,
    "fault": ALARM,
    "trouble": TROUBLE,
    LOST: TROUBLE,
}
"""Sounding, silent, sounding … in ms, and again from the start."""


def wanted_sound(ring: str, lost: bool) -> str:
    """`ring`: the hub's last word. While it is gone an alarm rings on, for nobody has said that it was answered."""
    if ring not in RHYTHMS_MS:
        raise ValueError(f"no such ring: {ring}")
    return LOST if lost and ring in ("none", "trouble") else ring


def sounds(sound: str, since_ms: int, now_ms: int) -> bool:
    """Whether the buzzer is on at `now_ms`, in a rhythm that began at `since_ms`."""
    rhythm = RHYTHMS_MS[sound]
    return bool(rhythm) and _place(rhythm, now_ms - since_ms)[0] % 2 == 0


def next_change_ms(sound: str, since_ms: int, now_ms: int) -> int | None:
    """When, after `now_ms`, the buzzer goes on or off next; None while it is silent."""
    rhythm = RHYTHMS_MS[sound]
    return now_ms + _place(rhythm, now_ms - since_ms)[1] if rhythm else None


def _place(rhythm: tuple[int, ...], elapsed_ms: int) -> tuple[int, int]:
    """The part of the rhythm, and how long it still lasts."""
    left_ms = elapsed_ms % sum(rhythm)
    for part, length_ms in enumerate(rhythm):
        if left_ms < length_ms:
            return part, length_ms - left_ms
        left_ms -= length_ms
    raise AssertionError("a remainder is below its divisor")
