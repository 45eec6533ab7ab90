"""`python -m tests.simulation`: many seeds, or one retold line by line."""

import argparse
import contextlib
import sys
import time

from tests.simulation.crowd import run_seeds, until_caught
from tests.simulation.mutant import Mutant
from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import prepare
from tests.simulation.world import Outcome, simulate

HOUR_MS = 3_600_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds to run (default: %(default)s)")
    parser.add_argument("--from", type=int, default=1, dest="first", help="the first of them (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="run this one alone")
    parser.add_argument("--trace", action="store_true", help="with --seed: tell everything that happens")
    parser.add_argument("--jobs", type=int, default=0, help="processes (default: one a core)")
    parser.add_argument("--mutants", action="store_true", help="build each bug of the table in; all must be caught")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="with --seed or --seeds: with this bug built in")
    options = parser.parse_args()
    if options.mutants:
        return show_mutants(options.seeds)
    mutant = MUTANTS.get(options.mutant)
    if options.seed is not None:
        return retell(options.seed, options.trace, mutant)
    return run_many(options.first, options.seeds, options.jobs, mutant)


def retell(seed: int, aloud: bool, mutant: Mutant | None) -> int:
    with mutant.built_in() if mutant else contextlib.nullcontext():
        outcome = simulate(seed, prepare, aloud)
    if outcome.broken and not aloud:
        print(*outcome.trace, sep="\n")
    print(describe(outcome))
    return 1 if outcome.broken else 0


def run_many(first: int, count: int, jobs: int, mutant: Mutant | None) -> int:
    """Stops at the first seed that breaks something, and retells its end."""
    started, virtual_ms, done, presses = time.monotonic(), 0, 0, 0
    for outcome in run_seeds(range(first, first + count), jobs, mutant.name if mutant else ""):
        done += 1
        virtual_ms += outcome.virtual_ms
        presses += outcome.presses
        hours = virtual_ms / HOUR_MS
        rate = hours / (time.monotonic() - started)
        show(f"{done}/{count} seeds, {presses} presses, {hours:.1f} simulated hours, {rate:.2f} h/s", done % 25 == 0)
        if outcome.broken:
            show("", True)
            print(*outcome.trace, sep="\n")
            print(describe(outcome))
            return 1
    show("", True)
    print(f"{done} seeds, {presses} presses, {virtual_ms / HOUR_MS:.1f} simulated hours: nothing was broken")
    return 0


def show(line: str, keep: bool) -> None:
    """Progress: one line that changes on a terminal, now and then a line elsewhere."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
    elif keep and line:
        print(line, file=sys.stderr, flush=True)


def describe(outcome: Outcome) -> str:
    told = f"seed {outcome.seed}: {outcome.broken or 'nothing was broken'}"
    return f"{told} ({outcome.virtual_ms / 1000:.0f} s, {outcome.presses} presses, {outcome.entries} entries)"


def show_mutants(seeds: int) -> int:
    """Each deliberate bug, and after how many seeds it was caught."""
    missed = 0
    for name in MUTANTS:
        caught, broken = until_caught(name, seeds)
        missed += not caught
        verdict = f"caught by seed {caught}: {broken[:100]}" if caught else f"NOT CAUGHT in {seeds} seeds"
        print(f"{name:<32} {verdict}", flush=True)
    print(f"{len(MUTANTS)} mutants, {missed} not caught")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
