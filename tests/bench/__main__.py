"""`python -m tests.bench`: how long a press takes on this machine, beside the floor measured in the same run."""

import argparse
import asyncio
import random
import tempfile
from pathlib import Path

from tests.bench.machine import describe
from tests.bench.measure import Measured, measure, percentile

PRESSES = 200
ROWS = (
    ("floor D", "floor"),
    ("press → page on the pager's socket", "page"),
    ("press → receipt", "receipt"),
    ("press → the browser's DOM", "dom"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--presses", type=int, default=PRESSES, metavar="N", help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the order; default: by chance")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: the temporary folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="firstbell-bench-", dir=options.folder) as name:
        folder = Path(name)
        print(f"seed {options.seed}, {options.presses} presses and as many frames of the floor, in random order")
        measured = asyncio.run(measure(options.presses, options.seed, folder))
        print(report(measured, describe(folder)))


def report(measured: Measured, machine: list[tuple[str, str]]) -> str:
    """Two tables, in Markdown."""
    lines = ["", "| machine | |", "|---|---|", *(f"| {name} | {value} |" for name, value in machine)]
    lines += ["", "| | p50 | p99 | p50 ÷ D | p99 ÷ D |", "|---|--:|--:|--:|--:|"]
    floor = {percent: percentile(measured.floor, percent) for percent in (50, 99)}
    for title, name in ROWS:
        took = {percent: percentile(getattr(measured, name), percent) for percent in (50, 99)}
        ratios = [f"{took[percent] / floor[percent]:.1f}" for percent in (50, 99)]
        lines.append(f"| {title} | {took[50]:.2f} ms | {took[99]:.2f} ms | {' | '.join(ratios)} |")
    lines += [
        "",
        f"The browser's clock is known to ±{measured.clock_error_ms:.1f} ms; the largest snapshot had "
        f"{measured.snapshot_bytes_max} bytes.",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
