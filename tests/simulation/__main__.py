"""`python -m tests.simulation`: many seeds, or one retold line by line."""

import argparse
import contextlib
import sys
import time
from collections.abc import Sequence
from typing import Any

from tests.above_zero import above_zero
from tests.simulation.crowd import run_seeds, until_caught
from tests.simulation.mutant import Mutant
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import prepare
from tests.simulation.world import Outcome, simulate

HOUR_MS = 3_600_000
PROGRESS_S = 10
"""Between two lines of progress where no terminal shows it."""
SEEDS = 200
TOGETHER = {"seed": {"trace", "mutant"}, "mutants": {"seeds", "jobs"}}
"""What goes with each of these."""


def main(words: Sequence[str] | None = None) -> int:
    options = read(words)
    try:
        return do(options)
    except KeyboardInterrupt:
        print("simulation: ended before its time: nothing is proven", file=sys.stderr)
        return 1


def do(options: dict[str, Any]) -> int:
    seeds, mutant = options["seeds"] or SEEDS, MUTANTS.get(options["mutant"])
    if options["mutants"]:
        return show_mutants(seeds, options["jobs"])
    if options["seed"] is not None:
        return retell(options["seed"], options["trace"], mutant)
    return run_many(1 if options["from"] is None else options["from"], seeds, options["jobs"], mutant)


def read(words: Sequence[str] | None) -> dict[str, Any]:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=above_zero, help=f"how many seeds to run (default: {SEEDS})")
    parser.add_argument("--from", type=int, help="the first of them (default: 1)")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell everything that happens")
    parser.add_argument("--jobs", type=above_zero, help="processes (default: one a core)")
    parser.add_argument("--mutants", action="store_true", help="build each bug of the table in; all must be caught")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="with --seed or --seeds: with this bug built in")
    options = vars(parser.parse_args(words))
    given = {name for name, value in options.items() if value not in (None, False)}
    for name in TOGETHER.keys() & given:
        for other in sorted(given - {name} - TOGETHER[name]):
            parser.error(f"--{other} does not go with --{name}")
    if options["trace"] and options["seed"] is None:
        parser.error("--trace tells of one seed: give it with --seed")
    return options


def retell(seed: int, aloud: bool, mutant: Mutant | None) -> int:
    with mutant.built_in() if mutant else contextlib.nullcontext():
        outcome = simulate(seed, prepare, aloud)
    if outcome.broken and not aloud:
        print(*outcome.trace, sep="\n")
    print(describe(outcome))
    return 1 if outcome.broken else 0


def run_many(first: int, count: int, jobs: int | None, mutant: Mutant | None) -> int:
    """Stops at the first seed that breaks something, and retells its end."""
    progress, virtual_ms, presses = Progress(), 0, 0
    done = ""
    for number, outcome in enumerate(run_seeds(range(first, first + count), jobs, mutant.name if mutant else ""), 1):
        virtual_ms += outcome.virtual_ms
        presses += outcome.presses
        hours = virtual_ms / HOUR_MS
        rate = hours / (time.monotonic() - progress.started_s)
        done = f"{presses} presses, {hours:.1f} simulated hours, {rate:.2f} h/s"
        progress.show(f"{number}/{count} seeds, {done}")
        if outcome.broken:
            progress.clear()
            print(*outcome.trace, sep="\n")
            print(describe(outcome))
            return 1
    progress.clear()
    print(f"{count} seeds, {done}: nothing was broken")
    return 0


class Progress:
    """One line that changes on a terminal, every few seconds a line elsewhere."""

    def __init__(self) -> None:
        self.started_s = self._shown_s = time.monotonic()

    def show(self, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self._shown_s + PROGRESS_S:
            self._shown_s = time.monotonic()
            print(line, file=sys.stderr, flush=True)

    def clear(self) -> None:
        if sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def describe(outcome: Outcome) -> str:
    told = f"seed {outcome.seed}: {outcome.broken or 'nothing was broken'}"
    return f"{told} ({outcome.virtual_ms / 1000:.0f} s, {outcome.presses} presses, {outcome.entries} entries)"


def show_mutants(seeds: int, jobs: int | None) -> int:
    """Each deliberate bug, and after how many seeds it was caught."""
    missed = 0
    for name in MUTANTS:
        caught, broken = until_caught(name, seeds, jobs)
        missed += not caught
        verdict = f"caught by seed {caught}: {broken[:100]}" if caught else f"NOT CAUGHT in {seeds} seeds"
        print(f"{name:<32} {verdict}", flush=True)
    print(f"{len(MUTANTS)} mutants, {missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
