"""The suite itself: nothing that failed, was skipped or took too long can look like a pass."""

import time
from pathlib import Path

import pytest

from tests import suite
from tests.suite import Part

SAMPLE = """
import pytest

def test_right():
    assert True

def test_wrong():
    assert 1 == 2

@pytest.mark.skip
def test_not_now():
    pass
"""


def test_failed_and_skipped_tests_are_counted(tmp_path: Path) -> None:
    (tmp_path / "test_sample.py").write_text(SAMPLE)
    outcome = suite.run_pytest(Part("sample", 60, (str(tmp_path),)))
    assert (outcome.passed, outcome.failed) == (1, 2)
    (trouble,) = outcome.troubles
    assert trouble.startswith("skipped: ")
    assert trouble.endswith("test_sample.test_not_now")


def test_a_run_that_finds_no_test_failed(tmp_path: Path) -> None:
    outcome = suite.run_pytest(Part("sample", 60, (str(tmp_path),)))
    assert (outcome.passed, outcome.failed) == (0, 1)
    assert outcome.troubles == ("pytest ended with status 5",)


def test_a_command_that_hangs_is_ended_and_failed() -> None:
    started = time.monotonic()
    hangs = ("python", "-c", "import time; time.sleep(600)")
    outcome = suite.run_commands(Part("sample", 1, commands=(hangs,)))
    assert time.monotonic() - started < 60
    assert (outcome.passed, outcome.failed) == (0, 2)
    assert outcome.troubles == ("ended after 2 times its budget", "over its time budget")


@pytest.mark.parametrize(("failed", "seconds", "status"), [(0, 10, 0), (1, 10, 1), (0, 10_000, 1)])
def test_the_last_line_sums_up(failed: int, seconds: float, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    outcomes = [suite.Outcome(Part("a", 60), 1.0, 2, 0), suite.Outcome(Part("b", 60), 1.0, 3, failed)]
    assert suite.report(outcomes, seconds) == status
    assert capsys.readouterr().out.splitlines()[-1] == f"5 passed, {status} failed"
