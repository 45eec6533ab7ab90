"""Lamp and sounder: drives them in the rhythm that light and bell ask for, and knows what really sounds."""

from firstbell import bell, light, rhythm

try:
    from collections.abc import Callable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation


class Outputs:
    """`set_light` and `set_sounder` return whether the pin is as it should be now; one that is not is tried again at
    each call. Times are mono ms. `sound`: what the sounder should play."""

    def __init__(self, set_light: "Callable[[bool], bool]", set_sounder: "Callable[[bool], bool]") -> None:
        self._lamp = _Pin(set_light)
        self._sounder = _Pin(set_sounder)
        self._sound_since_ms = 0
        self.sound = "none"

    @property
    def ring(self) -> str:
        """The hub's ring that really sounds: its rhythm runs and the pin has followed it. Else "none"."""
        return self.sound if self.sound in bell.RUNG and self._sounder.driven else "none"

    def play(self, sound: str, now_ms: int) -> int | None:
        """Keep the sounder in the rhythm of `sound`; returns when to be called again."""
        if sound != self.sound:
            self.sound, self._sound_since_ms = sound, now_ms
        rhythm_ms = bell.RHYTHMS_MS[sound]
        self._sounder.drive(rhythm.is_on(rhythm_ms, self._sound_since_ms, now_ms))
        return rhythm.next_change_ms(rhythm_ms, self._sound_since_ms, now_ms)

    def show(self, state: str, since_ms: int, now_ms: int) -> int | None:
        """Keep the lamp in the rhythm of `state`, which began at `since_ms`; returns when to be called again."""
        self._lamp.drive(light.is_lit(state, since_ms, now_ms))
        return light.next_change_ms(state, since_ms, now_ms)


class _Pin:
    def __init__(self, set_pin: "Callable[[bool], bool]") -> None:
        self._set_pin = set_pin
        self._on = False
        self.driven = True

    def drive(self, on: bool) -> None:
        if on != self._on or not self.driven:
            self._on = on
            self.driven = self._set_pin(on)
