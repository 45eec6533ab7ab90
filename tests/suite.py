"""The whole suite, part after part, each with a time budget: what `make test` runs.

A part fails when one of its commands fails, when one of its tests is skipped, or when it needs more time than
its budget. The last line says `N passed, N failed`, over every part; the exit status is 1 if anything failed.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SUITE_BUDGET_S = 1_500
# A part this far over its budget hangs: it is ended.
OVERRUN_MAX = 2
LANES = 2
"""Parts that run at one time: most of them wait for clocks and peers, not for a core."""

COVERAGE = ("--cov", "--cov-report=term-missing:skip-covered")


@dataclass(frozen=True, slots=True)
class Part:
    """Either `commands`, each of them one check, or a pytest run over `folders`."""

    name: str
    budget_s: int
    folders: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()


# Budgets are what a part may take while another runs beside it, some three times what it takes alone on a desk.
# The long ones come first, so that both lanes end at about the same time.
PARTS = (
    Part("unit", 600, ("tests/house", "tests/firstbell", "tests/firstbell_linux", "tests/hub"), COVERAGE),
    Part("simulation", 480, commands=(("python", "-m", "tests.simulation", "--seeds", "300"),)),
    Part("browser", 360, ("tests/browser",)),
    Part("terminal", 360, ("tests/terminal",)),
    Part("faults", 720, ("tests/faults",)),
    Part("bench", 240, ("tests/bench",)),
    Part("fuzz", 240, ("tests/fuzz",)),
    Part("lint", 180, commands=(("ruff", "check", "."), ("ruff", "format", "--check", "."), ("mypy",))),
    Part("links", 420, ("tests/links",)),
    Part("flash", 240, ("tests/flash",)),
    Part("card", 120, ("tests/card",)),
    Part("mutants", 120, ("tests/simulation",)),
    Part("demo", 120, ("tests/demo",)),
    Part("installed", 240, ("tests/installed",)),
    Part("micropython", 60, ("tests/firmware", "tests/node")),
)


APART = ("tests/rp2",)
"""Folders of tests that need what no repository has: they have a target of their own, which fails without it."""


@dataclass(slots=True)
class Outcome:
    part: Part
    seconds: float = 0.0
    passed: int = 0
    failed: int = 0
    troubles: tuple[str, ...] = ()
    output: str = ""


def main() -> int:
    # pytest would say it too, but only when the part's turn comes.
    missing = [folder for part in PARTS for folder in part.folders if not (ROOT / folder).is_dir()]
    if missing:
        print(f"suite: named in tests/suite.py but not there: {', '.join(missing)}")
        return 1
    started = time.monotonic()
    outcomes = []
    with ThreadPoolExecutor(LANES) as lanes:
        for done in as_completed([lanes.submit(run_part, part) for part in PARTS]):
            outcome = done.result()
            print(f"\n== {outcome.part.name}\n{outcome.output}", flush=True)
            outcomes.append(outcome)
    return report(outcomes, time.monotonic() - started)


def run_part(part: Part) -> Outcome:
    return run_commands(part) if part.commands else run_pytest(part)


def run_commands(part: Part) -> Outcome:
    outcome = Outcome(part)
    for command in part.commands:
        outcome.output += f"$ {' '.join(command)}\n"
        if run(outcome, (str(BIN / command[0]), *command[1:])) == 0:
            outcome.passed += 1
        else:
            outcome.failed += 1
    return judge_time(outcome)


def run_pytest(part: Part) -> Outcome:
    outcome = Outcome(part)
    with tempfile.TemporaryDirectory(prefix="firstbell-suite-") as folder:
        results = Path(folder) / "results.xml"
        command = (
            sys.executable,
            "-m",
            "pytest",
            "--quiet",
            f"--junitxml={results}",
            *part.options,
            *part.folders,
        )
        status = run(outcome, command)
        if results.exists():
            count(outcome, results)
    if status != 0 and outcome.failed == 0:
        outcome.failed += 1
        outcome.troubles += (f"pytest ended with status {status}",)
    return judge_time(outcome)


def run(outcome: Outcome, command: tuple[str, ...]) -> int:
    """Run `command` in a process group of its own; add the seconds it took to `outcome`."""
    started = time.monotonic()
    budget_left_s = OVERRUN_MAX * outcome.part.budget_s - outcome.seconds
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
        try:
            return process.wait(timeout=max(budget_left_s, 1))
        except subprocess.TimeoutExpired:
            outcome.troubles += (f"ended after {OVERRUN_MAX} times its budget",)
            return 1
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            outcome.seconds += time.monotonic() - started
            output.seek(0)
            outcome.output += output.read().decode(errors="replace")


def count(outcome: Outcome, results: Path) -> None:
    # Written by our own pytest a moment ago.
    for case in ElementTree.parse(results).iter("testcase"):  # noqa: S314
        verdicts = {child.tag for child in case} & {"failure", "error", "skipped"}
        if "skipped" in verdicts:
            outcome.troubles += (f"skipped: {case.get('classname')}.{case.get('name')}",)
        if verdicts:
            outcome.failed += 1
        else:
            outcome.passed += 1


def judge_time(outcome: Outcome) -> Outcome:
    if outcome.seconds > outcome.part.budget_s:
        outcome.failed += 1
        outcome.troubles += ("over its time budget",)
    return outcome


def report(outcomes: list[Outcome], seconds: float) -> int:
    print(f"\n{'part':<14}{'seconds':>8}{'budget':>8}{'passed':>8}{'failed':>8}")
    for outcome in outcomes:
        part = outcome.part
        print(
            f"{part.name:<14}{outcome.seconds:>8.1f}{part.budget_s:>8}{outcome.passed:>8}{outcome.failed:>8}"
            f"  {'failed' if outcome.failed else 'ok'}"
        )
        for trouble in outcome.troubles:
            print(f"{'':<14}  {trouble}")
    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{'suite':<14}{seconds:>8.1f}{SUITE_BUDGET_S:>8}")
    if seconds > SUITE_BUDGET_S:
        print("the suite is over its time budget")
        failed += 1
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
