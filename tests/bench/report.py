"""What a run has found, as Markdown, and as a picture written by hand in SVG."""

import math
import random
from collections.abc import Iterable, Sequence
from html import escape

from tests.bench.figures import FLOOR, READINGS_MIN, Key, Results, Row, interval, percentile_of, ratio_of
from tests.bench.targets import Verdict

WIDTH, ROW, LEFT, RIGHT = 960, 22, 430, 30
"""Of the picture, in pixels: whole, per row, to the left of the scale and to its right."""


def table(machine: Iterable[tuple[str, str]], results: Results, dice: random.Random) -> str:
    lines = ["", "| machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine)]
    for where in dict.fromkeys(where for where, _ in results.rows):
        rows = {what: row for (place, what), row in results.rows.items() if place == where and row.rounds}
        floor = rows.get(FLOOR)
        lines += ["", f"| {where} | p50 | (95 %) | p99 | p99.9 | p50 ÷ D | (95 %) | p99 ÷ D | n |"]
        lines.append(f"|---|{'--:|' * 8}")
        for what, row in rows.items():
            lines.append(f"| {_name(results, (where, what))} | {' | '.join(_cells(row, floor, dice))} |")
    if results.figures:
        lines += ["", "| | | |", "|---|---|--:|"]
        for (where, what), (value, unit) in results.figures.items():
            lines.append(f"| {where} | {_name(results, (where, what))} | {_short(value)} {unit} |")
    lines += ["", *results.notes]
    lines += [f"{question}: not measured: {why}" for question, why in results.missing.items()]
    return "\n".join(lines)


def _name(results: Results, key: Key) -> str:
    return "; ".join(filter(None, (key[1], results.promises.get(key))))


def _cells(row: Row, floor: Row | None, dice: random.Random) -> list[str]:
    rounds = sorted(row.rounds)
    p50, p99, p999 = (f"{row.at(percent):.2f} ms" if row.has(percent) else "–" for percent in READINGS_MIN)
    cells = [p50, "–".join(interval(percentile_of(row, 50), rounds, dice)), p99, p999]
    if floor is None:
        cells += ["", "", ""]
    else:
        both = [number for number in rounds if number in floor.rounds]
        cells.append(f"{row.at(50) / floor.at(50):.2f}")
        cells.append("–".join(interval(ratio_of(row, floor, 50), both, dice)))
        cells.append(f"{row.at(99) / floor.at(99):.2f}" if row.has(99) and floor.has(99) else "–")
    return [*cells, str(len(row.readings))]


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def verdicts(found: Sequence[Verdict], missing: Iterable[str]) -> str:
    lines = ["", "| target | | found | verdict |", "|---|--:|--:|---|"]
    for verdict in found:
        value = "" if verdict.value is None else f"{_short(verdict.value)}{verdict.where and ' · ' + verdict.where}"
        lines.append(f"| {verdict.target.says} | {verdict.target.limit()} | {value} | {verdict.word()} |")
    missed = sum(not verdict.holds for verdict in found)
    last = [f"{len(found) - missed} of {len(found)} targets hold", *(f"{name} not measured" for name in missing)]
    return "\n".join([*lines, "", "; ".join(last)])


def plot(results: Results) -> str:
    """A line per row from p50 over p99 to p99.9, as far as it has them, on a logarithmic scale of milliseconds."""
    rows = [(where, what, row) for (where, what), row in results.rows.items() if row.rounds]
    known = [[row.at(percent) for percent in READINGS_MIN if row.has(percent)] for _, _, row in rows]
    values = [value for each in known for value in each] or [1.0]
    low, high = (math.floor(math.log10(max(min(values), 1e-3))), math.ceil(math.log10(max(values)) + 1e-9))
    scale = (WIDTH - LEFT - RIGHT) / max(high - low, 1)
    height = (len(rows) + 3) * ROW

    def x(value: float) -> float:
        return LEFT + (math.log10(max(value, 10**low)) - low) * scale

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="8" y="{ROW - 6}">p50 ●, p99 ┃, p99.9 │ in ms, logarithmic</text>',
    ]
    for exponent in range(low, high + 1):
        at = x(10.0**exponent)
        parts.append(f'<path d="M{at:.1f} {ROW}V{height - ROW}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{height - 6}" text-anchor="middle">{10.0**exponent:g}</text>')
    for number, ((where, what, _), each) in enumerate(zip(rows, known, strict=True)):
        y = (number + 2) * ROW - 4
        p50, *beyond = (x(value) for value in each)
        colour = "#888" if what == FLOOR else "#06c"
        parts.append(f'<text x="8" y="{y + 4}">{escape(f"{where}: {what}")}</text>')
        parts.append(f'<g stroke="{colour}" fill="{colour}"><path d="M{p50:.1f} {y}H{x(each[-1]):.1f}"/>')
        parts.append(f'<circle cx="{p50:.1f}" cy="{y}" r="4"/>')
        for at, width in zip(beyond, (3, 1), strict=False):
            parts.append(f'<path d="M{at:.1f} {y - 6}v12" stroke-width="{width}"/>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>", ""])
