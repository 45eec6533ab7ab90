"""`firstbell-terminal`: the command that a maintainer types.

Exit codes: 0 all right, 1 something is wrong, 2 used wrongly, 3 not found, 4 a pin or this machine, 5 no hub.
Texts come from the catalogue, in the language of FIRSTBELL_LANG or LANG; with `--json`, one object on stdout.
"""

import os
import sys
from typing import Any

import click
import structlog
from firstbell_linux import install, shell
from firstbell_linux.problems import FAILED, OK, Problem
from firstbell_linux.shell import HomeRun, command, root
from firstbell_linux.words import chosen_language, command_words

from terminal import process
from terminal.control import ANSWER_S_MAX, HOLD_MS_MAX, ask, parse_problem, problem_fields
from terminal.doctor import Finding, examine
from terminal.install import SERVICE
from terminal.problems import ControlError
from terminal.settings import Home, check_home, load_settings


class Run(HomeRun):
    """One run of `firstbell-terminal`."""

    name = "firstbell-terminal"

    @property
    def home(self) -> Home:
        """Raises click.UsageError when none was given."""
        return Home(self.given_folder)

    @property
    def checked_home(self) -> Home:
        """Raises click.UsageError, TerminalError."""
        home = self.home
        check_home(home)
        return home


def main() -> None:
    """The entry point: ends the process with the exit code."""
    # What a command has to say it says itself; the daemon's log is made where it is run.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    sys.exit(shell.main(Run(command_words("terminal", chosen_language(os.environ))), build, sys.argv[1:]))


def build(run: Run) -> click.Group:
    hold_ms = click.Option(["--hold-ms"], type=click.IntRange(0, HOLD_MS_MAX), default=100, show_default=True)
    return root(
        run,
        (
            command(run, "run", run_daemon),
            command(run, "press", press, click.Argument(["name"], metavar="INPUT"), hold_ms),
            command(run, "status", show_status),
            command(run, "doctor", show_findings),
            *install.build(run, SERVICE),
        ),
    )


def run_daemon(run: Run) -> None:
    process.run(run.checked_home, as_json=run.as_json)


def press(run: Run, name: str, hold_ms: int) -> int:
    home = run.checked_home
    settings = load_settings(home.settings)
    if not settings.simulated.pins:
        raise ControlError(Problem("not_simulated", str(home.path)))
    request = {"do": "press", "input": name, "hold_ms": hold_ms}
    events = ask(home.control, request, ANSWER_S_MAX + hold_ms / 1000)["events"]
    lines = (
        run.say("press.counted", input=name, what=run.say(f"event.{event['what']}"), event=event["event"])
        for event in events
    )
    run.tell({"ok": bool(events), "events": events}, *lines)
    if not events:
        run.note(run.say("press.too_short", hold_ms=hold_ms, press_ms_min=settings.press_ms_min))
    return OK if events else FAILED


def show_status(run: Run) -> int:
    status = ask(run.checked_home.control, {"do": "status"})
    rows = ((run.say(f"status.{key}"), value) for key, value in _status_lines(run, status))
    run.fields(status, rows, *(run.sentence(parse_problem(fields)) for fields in status["problems"]))
    return FAILED if status["problems"] else OK


def _status_lines(run: Run, status: dict[str, Any]) -> list[tuple[str, str]]:
    states = [f"{name} {run.say(f'input.{state}')}" for name, state in status["inputs"].items()]
    linked = run.say("status.linked_yes", address=status["address"])
    supply_mv = status.get("supply_mv")
    error_ms = status["clock_error_ms"]
    clock = run.say("status.no_clock") if error_ms is None else run.say("status.clock_ms", error_ms=error_ms)
    return [
        ("name", status["name"]),
        ("terminal", status["terminal"]),
        ("role", run.say(f"role.{status['role']}")),
        ("linked", linked if status["linked"] else run.say("status.linked_no")),
        ("light", run.say(f"light.{status['light']}")),
        ("sound", run.say(f"sound.{status['sound']}")),
        ("inputs", run.words.listed(states) or run.say("status.none")),
        *([("supply", run.say("status.supply_v", volt=f"{supply_mv / 1000:.2f}"))] if supply_mv else []),
        ("pending", str(status["pending"])),
        ("kept", str(status["kept"])),
        ("clock", clock),
        ("boot", str(status["boot"])),
    ]


def show_findings(run: Run) -> int:
    findings = examine(run.home)
    wrong = [finding for finding in findings if not finding.ok]
    all_well = "doctor.well_but_stopped" if any(finding.stopped for finding in findings) else "doctor.all_well"
    run.fields(
        {"ok": not wrong, "findings": [_finding_fields(run, finding) for finding in findings]},
        ((run.say(f"doctor.{finding.part}"), _verdict(run, finding), _detail(run, finding)) for finding in findings),
        run.say("doctor.found", count=len(wrong)) if wrong else run.say(all_well),
    )
    return FAILED if wrong else OK


def _verdict(run: Run, finding: Finding) -> str:
    return run.say("doctor.stopped" if finding.stopped else "doctor.ok" if finding.ok else "doctor.wrong")


def _detail(run: Run, finding: Finding) -> str:
    return finding.detail if finding.problem is None else run.sentence(finding.problem)


def _finding_fields(run: Run, finding: Finding) -> dict[str, Any]:
    fields: dict[str, Any] = {"part": finding.part, "ok": finding.ok, "detail": finding.detail}
    if finding.problem is not None:
        what, to_do = run.words.problem(finding.problem)
        fields["problem"] = problem_fields(finding.problem) | {"what": what, "do": to_do}
    return fields
