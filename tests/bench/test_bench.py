"""That the bench measures what it says; how long things take is no test's business."""

import re
from pathlib import Path

from tests.bench.__main__ import ROWS, report
from tests.bench.machine import describe
from tests.bench.measure import measure, percentile

PRESSES = 3
SEED = 7


def test_a_percentile_is_one_of_the_readings() -> None:
    readings = [float(number) for number in range(200, 0, -1)]
    assert percentile(readings, 50) == 100.0
    assert percentile(readings, 99) == 198.0
    assert percentile([4.0], 99) == 4.0


def test_the_disk_is_the_mount_that_the_folder_is_on(tmp_path: Path) -> None:
    told = dict(describe(Path("/proc/self")))
    assert told["disk"] == "proc on proc"
    assert all(value for _, value in describe(tmp_path))


async def test_some_presses_are_measured_and_told(tmp_path: Path) -> None:
    measured = await measure(PRESSES, SEED, tmp_path)
    for name in ("floor", "receipt", "page", "dom"):
        readings = getattr(measured, name)
        assert len(readings) == PRESSES, name
        # The browser's clock is compared with ours, with a bound.
        least_ms = -measured.clock_error_ms if name == "dom" else 0
        assert min(readings) > least_ms, name
    told = report(measured, describe(tmp_path))
    for title, _ in ROWS:
        assert re.search(
            rf"^\| {re.escape(title)} \| [\d.]+ ms \| [\d.]+ ms \| [\d.]+ \| [\d.]+ \|$", told, re.MULTILINE
        )
    assert "| floor D |" in told
