"""The colours can be read: contrast computed from tokens.css (WCAG 2.2), in both themes."""

import re
from pathlib import Path

import pytest

TOKENS = Path(__file__).resolve().parents[2] / "hub/web/static/parts/tokens.css"
TEXT_MIN = 7.0
SHAPE_MIN = 3.0


def themes() -> dict[str, dict[str, str]]:
    light, dark = TOKENS.read_text("utf-8").split('\n[data-theme="dark"] {')
    found = re.compile(r"--([\w-]+): (#[0-9A-F]{6});")
    by_day = dict(found.findall(light))
    return {"light": by_day, "dark": {**by_day, **dict(found.findall(dark))}}


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(colour[place : place + 2], 16)) for place in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


TEXTS = [
    ("ink", "paper"),
    ("ink", "panel"),
    ("ink-2", "paper"),
    ("ink-2", "panel"),
    ("paper", "ink"),
    ("on-colour", "alarm"),
    ("on-colour", "person"),
    ("on-colour", "drill"),
    ("on-colour", "gone"),
    ("on-gone-2", "gone"),
    ("on-trouble", "trouble"),
    ("trouble", "on-trouble"),
]
SHAPES = [
    ("edge", "paper"),
    ("edge", "panel"),
    ("alarm-mark", "paper"),
    ("alarm-mark", "panel"),
    ("trouble-mark", "paper"),
    ("person-mark", "paper"),
    ("ready-mark", "paper"),
    ("drill-mark", "panel"),
    ("trouble", "gone"),
]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("least", "pairs"), [(TEXT_MIN, TEXTS), (SHAPE_MIN, SHAPES)])
def test_contrast(theme: str, least: float, pairs: list[tuple[str, str]]) -> None:
    tokens = themes()[theme]
    found = {(front, back): contrast(tokens[front], tokens[back]) for front, back in pairs}
    assert {pair: ratio for pair, ratio in found.items() if ratio < least} == {}


def test_contrast_is_the_standards() -> None:
    assert contrast("#FFFFFF", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_no_colour_stands_outside_the_tokens() -> None:
    """White and black for lines between fields are no tokens; the demo's wall has its own paint."""
    colours = re.compile(r"#[0-9A-Fa-f]{3,8}\b|\b(?:rgb|hsl)a?\(")
    strays = {
        path.name: found
        for path in TOKENS.parents[1].rglob("*.css")
        if path != TOKENS and (found := set(colours.findall(path.read_text("utf-8"))) - {"#FFFFFF"})
    }
    assert strays == {}
