"""`python -m tests.bench`: how fast the hub is on this machine, beside the floor and its peers. See README.md."""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import uvloop

from tests.bench import disk, idle, million, node, peers, scale, school, stages, storm, sustained, verify
from tests.bench.bench import Bench, Extent
from tests.bench.figures import Results
from tests.bench.machine import Missing, describe
from tests.bench.report import plot, table, verdicts
from tests.bench.targets import Verdict, judge

ROOT = Path(__file__).resolve().parents[2]
PLOT = Path("build/bench.svg")
"""In the repository."""
CACHE = Path.home() / ".cache/firstbell-bench"

QUESTIONS: dict[str, Callable[[Bench], Awaitable[None]]] = {
    "school": school.ask,
    "scale": scale.ask,
    "disk": disk.ask,
    "node": node.ask,
    "storm": storm.ask,
    "sustained": sustained.ask,
    "idle": idle.ask,
    "verify": verify.ask,
    "million": million.ask,
    "peers": peers.ask,
    "stages": stages.ask,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=QUESTIONS, default=list(QUESTIONS), metavar="NAME", help="some of: %(choices)s"
    )
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32), help="of the order; default: by chance")
    parser.add_argument("--folder", type=Path, help="on the disk to be measured; default: the temporary folder")
    options = parser.parse_args()
    try:
        made = tempfile.TemporaryDirectory(prefix="firstbell-bench-", dir=options.folder)
    except OSError as error:
        parser.error(f"--folder {options.folder}: {error.strerror}. Name a folder that can be written to.")
    try:
        with made as name:
            folder = Path(name)
            print(f"seed {options.seed}", flush=True)
            bench = Bench(folder, CACHE, random.Random(options.seed), Extent(), Results())
            uvloop.run(ask_all(bench, options.only))
            machine = describe(folder)
    except KeyboardInterrupt:
        print("bench: ended before its time: nothing is measured", file=sys.stderr)
        return 1
    found = judge(bench.results, options.only)
    print(told(bench, machine, found), flush=True)
    well = all(verdict.holds for verdict in found) and not bench.results.missing
    return 0 if draw(ROOT / PLOT, bench.results) and well else 1


def draw(picture: Path, results: Results) -> bool:
    """Whether it could be written; the tables are out before."""
    try:
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(plot(results))
    except OSError as error:
        print(f"no picture: {picture}: {error.strerror}. See that it can be written.", file=sys.stderr)
        return False
    print(f"the picture is {PLOT}", file=sys.stderr)
    return True


async def ask_all(bench: Bench, questions: Sequence[str]) -> None:
    """One after the other; what can't be asked here is told, and the bench fails."""
    for question in questions:
        begun_s = time.monotonic()
        try:
            await QUESTIONS[question](bench)
        except Missing as missing:
            bench.results.missing[question] = str(missing)
        print(f"{question}: {time.monotonic() - begun_s:.0f} s", flush=True)


def told(bench: Bench, machine: list[tuple[str, str]], found: Sequence[Verdict]) -> str:
    return table(machine, bench.results, bench.dice) + "\n" + verdicts(found, bench.results.missing)


if __name__ == "__main__":
    sys.exit(main())
