"""`python -m tests.faults`: thousands of presses on real processes, through faults; every one of them accounted for."""

import argparse
import asyncio
import random
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.above_zero import above_zero
from tests.faults.faults import FAULTS
from tests.faults.machine import Missing
from tests.faults.power import cut_the_power
from tests.faults.record import table
from tests.faults.soak import Verdict, soak

PRESSES = 10_000


def main() -> int:
    options = read(None)
    faults = [fault for fault in FAULTS if not options.fault or fault.name in options.fault]
    presses = options.presses or PRESSES
    begun_s = time.monotonic()
    many = f"{options.power_cuts} power cuts" if options.power_cuts else f"{presses} presses, {len(faults)} faults"
    print(f"seed {options.seed}, {many}", flush=True)

    def say(text: str) -> None:
        print(f"{time.monotonic() - begun_s:6.0f} s {text}", flush=True)

    async def play(folder: Path) -> Verdict:
        # Whoever ends it leaves nothing running and nothing mounted.
        playing = asyncio.current_task()
        assert playing is not None
        for ending in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(ending, playing.cancel)
        if options.power_cuts:
            return await cut_the_power(folder, options.power_cuts, options.seed, say, lies=options.lying_disk)
        return await soak(folder, faults, presses, options.seed, say)

    try:
        with tempfile.TemporaryDirectory(prefix="firstbell-soak-") as name:
            verdict = asyncio.run(play(Path(name)))
    except Missing as missing:
        print(f"faults: {missing}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        print("faults: ended before its time: nothing is proven", file=sys.stderr)
        return 1
    print(f"\n{table(verdict.rows)}\n")
    for trouble in verdict.troubles:
        print(trouble)
    print("all is well" if verdict.is_well else "NOT well: see the table and what is above")
    return 0 if verdict.is_well else 1


def read(words: Sequence[str] | None) -> argparse.Namespace:
    names = [fault.name for fault in FAULTS]
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--presses", type=above_zero, metavar="N", help=f"at least; default: {PRESSES}")
    parser.add_argument("--fault", action="append", choices=names, help="only this one; may be given again")
    parser.add_argument(
        "--seed", type=int, default=random.randrange(1 << 32), help="of the moments; default: by chance"
    )
    parser.add_argument("--power-cuts", type=above_zero, metavar="N", help="so many instead, of a machine in QEMU")
    parser.add_argument("--lying-disk", action="store_true", help="with them: it never flushes, and the run must fail")
    options = parser.parse_args(words)
    if options.power_cuts and options.presses:
        parser.error("--presses does not go with --power-cuts")
    if options.power_cuts and options.fault:
        parser.error("--fault does not go with --power-cuts")
    if options.lying_disk and not options.power_cuts:
        parser.error("--lying-disk goes with --power-cuts")
    return options


if __name__ == "__main__":
    sys.exit(main())
