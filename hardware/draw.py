"""Draws the wiring of a terminal from pins.toml: `python hardware/draw.py` makes wiring-*.svg anew.

The resistors are worked out here; the drawings show what parts.csv lists.
"""

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

HERE = Path(__file__).resolve().parent
E12 = (10, 12, 15, 18, 22, 27, 33, 39, 47, 56, 68, 82)
TITLES = {"pi": "Raspberry Pi", "pico": "Raspberry Pi Pico W"}

SUPPLY_V, LOGIC_V = 5.0, 3.3
LED_V, LED_MA = 3.1, 15.0
SATURATED_V, BASE_V = 0.2, 0.7
BASE_MA = 1.2
"""The sounder's 30 mA and the lamp's 13 mA with a gain of 25, and the transistor has 100."""

Table = Mapping[str, Mapping[str, Any]]


def series_ohm(supply_v: float, drops_v: float, milliampere: float) -> int:
    """The next larger resistor of the E12 series that lets no more than this current flow."""
    least = (supply_v - drops_v) / milliampere * 1_000
    return min(step * 10**decade for decade in range(7) for step in E12 if step * 10**decade >= least)


LIGHT_OHM = series_ohm(SUPPLY_V, LED_V + SATURATED_V, LED_MA)
BASE_OHM = series_ohm(LOGIC_V, BASE_V, BASE_MA)


def load() -> dict[str, Table]:
    """The boards of pins.toml."""
    boards: dict[str, Table] = tomllib.loads((HERE / "pins.toml").read_text("utf-8"))
    return boards


def draw(board: str, pins: Table) -> str:
    """One drawing as SVG."""
    rows = ("logic", "panic", "ground", "power", "light", "sounder")
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 900 460" font-family="sans-serif" font-size="14">',
        "<style>line,path,rect,circle{fill:none;stroke:#1a1a1a;stroke-width:2}text{fill:#1a1a1a}.dot{fill:#1a1a1a}</style>",
        f"<title>{escape(TITLES[board])}: a button, a light, a sounder</title>",
        '<rect x="20" y="40" width="230" height="400" rx="8"/>',
        f'<text x="135" y="28" text-anchor="middle" font-weight="bold">{escape(TITLES[board])}</text>',
    ]
    for place, name in enumerate(rows):
        y = 80 + 64 * place
        wire = pins[name]
        says = f"GPIO {wire['gpio']}" if "gpio" in wire else str(wire["supply"])
        lines.append(f'<text x="40" y="{y + 5}">{escape(name)}</text>')
        lines.append(f'<text x="238" y="{y + 5}" text-anchor="end">{escape(says)} · pin {wire["pin"]}</text>')
        lines.append(f'<circle class="dot" cx="250" cy="{y}" r="4"/>')
    return "\n".join([*lines, *_button(), *_loads(), "</svg>"]) + "\n"


def _button() -> Iterable[str]:
    """Pull-up from 3.3 V, series resistor, capacitor, and the contact to ground."""
    logic, panic, ground = 80, 144, 208
    yield from _line(250, logic, 400, logic)
    yield from _resistor(400, logic, 400, panic, "4.7 kΩ")
    yield from _line(250, panic, 300, panic)
    yield from _resistor(300, panic, 400, panic, "1 kΩ")
    yield from _line(400, panic, 560, panic)
    yield f'<line x1="280" y1="{panic}" x2="280" y2="{panic + 29}"/>'
    yield f'<path d="M270 {panic + 29}h20M270 {panic + 35}h20"/>'
    yield f'<line x1="280" y1="{panic + 35}" x2="280" y2="{ground}"/>'
    yield f'<text x="298" y="{panic + 37}">100 nF</text>'
    yield f'<circle cx="560" cy="{panic}" r="4"/><circle cx="560" cy="{ground}" r="4"/>'
    yield f'<line x1="560" y1="{panic + 4}" x2="582" y2="{ground - 10}"/>'
    yield f'<text x="596" y="{(panic + ground) // 2 + 5}">button</text>'
    yield from _line(250, ground, 560, ground)


def _loads() -> Iterable[str]:
    """Lamp and sounder, each from 5 V through its load and a transistor to ground."""
    power = 272
    yield from _line(250, power, 640, power)
    for y, x, name, load in (
        (336, 470, f"{LIGHT_OHM} Ω + LED", "light"),
        (400, 640, "buzzer, diode across it", "sounder"),
    ):
        yield from _line(250, y, 300, y)
        yield from _resistor(300, y, 400, y, _ohm(BASE_OHM))
        yield from _line(400, y, x - 14, y)
        yield f'<circle cx="{x}" cy="{y}" r="14"/>'
        yield f'<text x="{x}" y="{y + 4}" text-anchor="middle" font-size="10">NPN</text>'
        yield from _resistor(x, power, x, y - 14, name)
        yield f'<line x1="{x}" y1="{y + 14}" x2="{x}" y2="{y + 26}"/><path d="M{x - 10} {y + 26}h20"/>'
        yield f'<text x="{x + 18}" y="{y + 28}">{escape(load)}: to ground</text>'


def _ohm(ohm: int) -> str:
    return f"{ohm / 1_000:g} kΩ" if ohm >= 1_000 else f"{ohm} Ω"


def _line(x1: int, y1: int, x2: int, y2: int) -> Iterable[str]:
    yield f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def _resistor(x1: int, y1: int, x2: int, y2: int, label: str) -> Iterable[str]:
    """A box in the middle of the line, with its label beside it."""
    x, y, across = (x1 + x2) // 2, (y1 + y2) // 2, y1 == y2
    width, height = (36, 14) if across else (14, 36)
    yield f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'
    yield f'<rect x="{x - width // 2}" y="{y - height // 2}" width="{width}" height="{height}" style="fill:#fff"/>'
    yield f'<text x="{x if across else x + 14}" y="{y - 12 if across else y + 5}" ' + (
        f'text-anchor="middle">{escape(label)}</text>' if across else f">{escape(label)}</text>"
    )


if __name__ == "__main__":
    for name, table in load().items():
        (HERE / f"wiring-{name}.svg").write_text(draw(name, table), "utf-8")
