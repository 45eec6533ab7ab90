"""A short cut of the soak, once through every fault: no press is lost, none counts twice, none goes unpaged."""

import shlex
import tempfile
from pathlib import Path
from random import SystemRandom

import pytest

from tests.faults.__main__ import read
from tests.faults.faults import FAULTS
from tests.faults.record import table
from tests.faults.soak import soak


@pytest.mark.parametrize(
    "words",
    [
        "--power-cuts 0",
        "--power-cuts -1",
        "--presses 0",
        "--presses many",
        "--lying-disk",
        "--presses 5 --power-cuts 1",
        "--fault 'disk full' --power-cuts 1",
    ],
)
def test_what_would_be_ignored_is_refused(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        read(shlex.split(words))
    assert exit.value.code == 2
    assert words.split(maxsplit=1)[0] in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.timeout(600)
async def test_no_press_is_lost_doubled_or_unpaged() -> None:
    seed = SystemRandom().randrange(1 << 32)
    print("seed", seed)
    # Of pytest's own folder the path is too long for a socket's name.
    with tempfile.TemporaryDirectory(prefix="firstbell-soak-") as name:
        verdict = await soak(Path(name), FAULTS, 0, seed, print)
    print(table(verdict.rows))
    assert [row.fault for row in verdict.rows] == [*(fault.name for fault in FAULTS), "all"]
    assert min(row.pressed for row in verdict.rows) >= 1
    assert verdict.is_well, "\n".join([table(verdict.rows), *verdict.troubles])
