"""The checks bite, and the command line does what it is asked for or says why not."""

import pytest

from tests.simulation import __main__ as command
from tests.simulation import crowd
from tests.simulation.__main__ import main
from tests.simulation.crowd import until_caught
from tests.simulation.truth import CRASHED
from tests.simulation.world import Outcome

QUICK = (
    "a resolve changes no row",
    "an undelivered page waits",
    "deadlines kept outside the state",
    "deadlines not looked at",
    "derived row forgotten",
    "durable := decided",
    "error bound too small",
    "receipt at decide",
)
"""Of the table of mutants some that are caught at once: whoever makes a check blunt learns of it here."""


@pytest.mark.parametrize("mutant", QUICK)
def test_a_bug_is_caught(mutant: str) -> None:
    caught, _ = until_caught(mutant, 3)
    assert caught


def test_a_bug_that_only_crashes_is_not_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    crashed = Outcome(1, f"{CRASHED}a task of the hub: ValueError()", (), 0, 0, 0)
    found = Outcome(2, "an incident is open and nothing rings for it", (), 0, 0, 0)
    monkeypatch.setattr(crowd, "run_seeds", lambda *_: [crashed, found])
    assert until_caught("receipt at decide", 2) == (2, found.broken)
    monkeypatch.setattr(crowd, "run_seeds", lambda *_: [crashed])
    assert until_caught("receipt at decide", 1) == (0, "")


@pytest.mark.parametrize(
    "words",
    ["--seeds 0", "--seeds x", "--jobs 0", "--trace", "--mutants --seed 1", "--mutants --from 2", "--seed 1 --seeds 5"],
)
def test_what_would_be_ignored_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        main(words.split())
    assert exit.value.code == 2
    said = capsys.readouterr().err
    assert words.split(maxsplit=1)[0] in said
    assert "above_zero" not in said


def test_ended_by_hand_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def ended(*_arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run_many", ended)
    assert main([]) == 1
    assert capsys.readouterr().err == "simulation: ended before its time: nothing is proven\n"


def test_the_last_line_says_how_fast_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "2", "--jobs", "1"]) == 0
    assert " h/s: nothing was broken" in capsys.readouterr().out.splitlines()[-1]
