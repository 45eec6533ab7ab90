"""What the guard-room sounder plays: on and off, for a buzzer has one tone."""

ALARM = (150, 100, 150, 100, 150, 350, 150, 100, 150, 500, 150, 100, 150, 100, 150, 350, 150, 100, 150, 2500)
"""The high-priority burst of IEC 60601-1-8: three pulses and two, twice, then silence; until a person answers."""
TROUBLE = (200, 200, 200, 200, 200, 29_000)
"""The medium-priority burst: three pulses, every 30 s."""

RUNG = ("alarm", "drill", "trouble", "fault")
"""What the hub can ask a bell to sound."""
LOST = "lost"
"""The hub is gone: nobody would ring this bell."""

RHYTHMS_MS = {
    "none": (),
    "alarm": ALARM,
    # A drill is marked where there is something to read, and sounds as the real thing does.
    "drill": ALARM,
    "fault": ALARM,
    "trouble": TROUBLE,
    LOST: TROUBLE,
}
"""Sounding, silent, sounding …"""


def wanted_sound(ring: str, lost: bool) -> str:
    """`ring`: the hub's last word. While it is gone an alarm rings on, for nobody has said that it was answered."""
    if ring not in RHYTHMS_MS:
        raise ValueError("no such ring: " + ring)
    return LOST if lost and ring in ("none", "trouble") else ring
