"""Lamp and sounder: drives the pins in the rhythm that light and bell ask for, and knows what really sounds."""

from firstbell import light

from terminal import bell
from terminal.panel import Panel
from terminal.problems import PanelError, Problem

RUNG = ("alarm", "drill", "trouble", "fault")
"""What the hub can ask a bell to sound."""


class Outputs:
    """Times are mono ms. `problem`: why a pin can't be driven; `sound`: what the sounder should play."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._lit = False
        self._sounding = False
        self._sounder_driven = False
        self._sound_since_ms = 0
        self._problems: dict[str, Problem] = {}
        self.sound = "none"

    @property
    def ring(self) -> str:
        """The hub's ring that really sounds: its rhythm runs and the pin has followed it. Else "none"."""
        return self.sound if self.sound in RUNG and self._sounder_driven else "none"

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems.values())

    def play(self, sound: str, now_ms: int) -> int | None:
        """Keep the sounder in the rhythm of `sound`; returns when to be called again."""
        if sound != self.sound:
            self.sound, self._sound_since_ms = sound, now_ms
        on = bell.sounds(sound, self._sound_since_ms, now_ms)
        if on != self._sounding or "sounder" in self._problems:
            self._sounding = on
            self._sounder_driven = self._drive("sounder", on)
        return bell.next_change_ms(sound, self._sound_since_ms, now_ms)

    def show(self, state: str, since_ms: int, now_ms: int) -> int | None:
        """Keep the lamp in the rhythm of `state`, which began at `since_ms`; returns when to be called again."""
        lit = light.is_lit(state, since_ms, now_ms)
        if lit != self._lit or "light" in self._problems:
            self._lit = lit
            self._drive("light", lit)
        return light.next_change_ms(state, since_ms, now_ms)

    def _drive(self, name: str, on: bool) -> bool:
        set_pin = self._panel.set_sounder if name == "sounder" else self._panel.set_light
        try:
            driven = set_pin(on)
        except PanelError as error:
            self._problems[name] = error.problem
            return False
        self._problems.pop(name, None)
        return driven
