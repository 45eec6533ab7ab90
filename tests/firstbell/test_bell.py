"""What the sounder plays, on CPython and MicroPython."""

from firstbell import bell
from firstbell.bell import LOST, RHYTHMS_MS, RUNG, wanted_sound
from firstbell.messages import RINGS
from firstbell.rhythm import is_on, next_change_ms

# the hub's last word, lost: what is played
WANTED = (
    ("none", False, "none"),
    ("none", True, LOST),
    ("alarm", True, "alarm"),
    ("fault", True, "fault"),
    ("drill", True, "drill"),
    ("trouble", True, LOST),
    ("trouble", False, "trouble"),
)


def test_every_ring_of_the_hub_has_a_sound() -> None:
    assert set(RINGS) | {LOST} == set(RHYTHMS_MS)
    assert set(RINGS) == set(RUNG) | {"none"}
    for rhythm_ms in RHYTHMS_MS.values():
        # On and off in turn, so that the end joins the start.
        assert len(rhythm_ms) % 2 == 0


def test_an_alarm_rings_on_when_the_hub_is_lost() -> None:
    for ring, lost, sound in WANTED:
        assert wanted_sound(ring, lost) == sound, (ring, lost)


def test_an_unknown_ring_is_a_defect() -> None:
    try:
        wanted_sound("siren", False)
    except ValueError:
        return
    raise AssertionError("it was taken")


def test_a_rhythm_begins_on_and_comes_again() -> None:
    since_ms = 1 << 40
    for rhythm_ms in (bell.ALARM, bell.TROUBLE):
        for round_ms in (0, 3 * sum(rhythm_ms)):
            at_ms = since_ms + round_ms
            for part, length_ms in enumerate(rhythm_ms):
                assert is_on(rhythm_ms, since_ms, at_ms) == (part % 2 == 0)
                assert is_on(rhythm_ms, since_ms, at_ms + length_ms - 1) == (part % 2 == 0)
                assert next_change_ms(rhythm_ms, since_ms, at_ms) == at_ms + length_ms
                assert next_change_ms(rhythm_ms, since_ms, at_ms + length_ms - 1) == at_ms + length_ms
                at_ms += length_ms
    assert not is_on((), 0, 5)
    assert next_change_ms((), 0, 5) is None
