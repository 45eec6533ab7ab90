"""Many seeds at once, one process a core."""

import functools
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.simulation.mutants import MUTANTS
from tests.simulation.scenario import prepare
from tests.simulation.truth import CRASHED
from tests.simulation.world import Outcome, simulate

CHUNK_SEEDS = 2


def run_seed(mutant: str, seed: int) -> Outcome:
    if not mutant:
        return simulate(seed, prepare)
    with MUTANTS[mutant].built_in():
        return simulate(seed, prepare)


def run_seeds(seeds: Iterable[int], jobs: int | None = None, mutant: str = "") -> Iterator[Outcome]:
    """The outcomes in the order of the seeds. What is not asked for any more is not run to its end."""
    # A fresh process a worker: nothing of pytest's or of another thread's is carried over.
    # Whoever ends it ends the first one, which ends the others.
    quiet = functools.partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    with ProcessPoolExecutor(jobs, get_context("spawn"), quiet) as pool:
        try:
            yield from pool.map(functools.partial(run_seed, mutant), seeds, chunksize=CHUNK_SEEDS)
        finally:
            pool.shutdown(cancel_futures=True)


def until_caught(mutant: str, seeds: int, jobs: int | None = None) -> tuple[int, str]:
    """How many seeds it took to catch this bug, and by what; 0 when none of `seeds` did. A bug that only crashes proves
    nothing of the checks.
    """
    for count, outcome in enumerate(run_seeds(range(1, seeds + 1), jobs, mutant), 1):
        if outcome.broken and not outcome.broken.startswith(CRASHED):
            return count, outcome.broken
    return 0, ""
