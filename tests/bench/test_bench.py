"""That the bench measures what it says; how long things take is no test's business."""

import asyncio
import random
import re
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.bench import __main__ as bench_command
from tests.bench.__main__ import QUESTIONS, ask_all, draw, told
from tests.bench.bench import Bench, Extent
from tests.bench.disk import SLOW_MS
from tests.bench.figures import (
    FLOOR,
    PAGE,
    READINGS_MIN,
    RECEIPT,
    Results,
    Row,
    interleave,
    interval,
    percentile,
    ratio_of,
)
from tests.bench.machine import Missing, PartOfACore, cpu_s, describe
from tests.bench.peers import promise
from tests.bench.report import plot, table, verdicts
from tests.bench.targets import ACKNOWLEDGED, NATS, PER_SECOND, QUICK, SCALE, SLOW, TARGETS, judge

SEED = 7
SMALL = Extent(
    rounds=2,
    long_rounds=2,
    presses=2,
    counts=(1, 3),
    crowd=6,
    storms=1,
    starts=1,
    seconds=0.3,
    school=(3, 2),
    entries=(60, 700),
    verified=200,
    publishers=3,
)
PART_OF_A_CORE = pytest.mark.part_of_a_core
ASKED = (
    pytest.param("school", marks=PART_OF_A_CORE),
    "scale",
    "node",
    "storm",
    "sustained",
    "idle",
    "verify",
    "million",
    "stages",
)
"""Peers are no dependency: they are measured by `make bench` alone."""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, tmp_path / "cache", random.Random(SEED), SMALL, Results())


def test_a_percentile_is_one_of_the_readings() -> None:
    readings = [float(number) for number in range(200, 0, -1)]
    assert percentile(readings, 50) == 100.0
    assert percentile(readings, 99) == 198.0
    assert percentile(readings, 99.9) == 200.0
    assert percentile([4.0], 99) == 4.0


def test_an_interval_holds_the_ratio_and_is_wider_where_rounds_differ() -> None:
    steady, wild, floor = Row(), Row(), Row()
    for number in range(12):
        steady.add(number, 2.0, 2.0, 2.1)
        wild.add(number, 1.0 + number, 1.0 + number)
        floor.add(number, 1.0)
    low, high = (float(end) for end in interval(ratio_of(steady, floor, 50), range(12), random.Random(SEED)))
    assert low == high == 2.0
    low, high = (float(end) for end in interval(ratio_of(wild, floor, 50), range(12), random.Random(SEED)))
    assert low < 6 < high


async def test_every_round_has_every_turn_once_in_an_order_of_its_own() -> None:
    turns: list[tuple[int, str]] = []

    async def first(number: int) -> None:
        turns.append((number, "first"))

    async def second(number: int) -> None:
        turns.append((number, "second"))

    await interleave({"first": first, "second": second}, 20, random.Random(SEED))
    assert sorted(turns) == [(number, name) for number in range(20) for name in ("first", "second")]
    assert {name for _, name in turns[::2]} == {"first", "second"}


def test_a_target_that_nothing_was_measured_for_does_not_hold() -> None:
    found = judge(Results(), list(QUESTIONS))
    assert len(found) == len([target for target in TARGETS if target.question in QUESTIONS])
    assert not any(verdict.holds for verdict in found)
    assert f"0 of {len(found)} targets hold" in verdicts(found, [])
    assert "**not measured**" in verdicts(found, [])


def test_a_percentile_of_too_few_readings_is_left_out() -> None:
    results = Results()
    where = f"{SCALE} 1, busy"
    for what in (FLOOR, RECEIPT):
        results.row(where, what).add(0, *[1.0] * 99)
    said, drawn = table([], results, random.Random(SEED)), ElementTree.fromstring(plot(results))  # noqa: S314  # our own
    assert f"| {RECEIPT} | 1.00 ms | 1.00–1.00 | – | – | 1.00 | 1.00–1.00 | – | 99 |" in said
    assert len(drawn.findall(".//{*}g/{*}path")) == 2
    assert [verdict.value for verdict in judge(results, ["scale"])] == [None, 1, None]
    for what in (FLOOR, RECEIPT):
        results.row(where, what).add(1, 1.0)
    assert f"| {RECEIPT} | 1.00 ms | 1.00–1.00 | 1.00 ms | – | 1.00 | 1.00–1.00 | 1.00 | 100 |" in table(
        [], results, random.Random(SEED)
    )
    assert [verdict.value for verdict in judge(results, ["scale"])] == [None, 1, 1]
    results.row(where, RECEIPT).add(2, *[1.0] * 900)
    assert f"| {RECEIPT} | 1.00 ms | 1.00–1.00 | 1.00 ms | 1.00 ms |" in table([], results, random.Random(SEED))


def test_what_is_read_is_enough_for_what_is_said_of_it() -> None:
    whole = Extent()
    assert whole.rounds * whole.presses >= READINGS_MIN[99]
    assert whole.long_rounds * whole.presses >= READINGS_MIN[99.9]
    assert whole.crowd >= READINGS_MIN[99.9]


def test_what_an_acknowledgement_stands_for_is_said_in_its_row() -> None:
    results = Results()
    results.row(NATS, ACKNOWLEDGED).add(0, 1.0)
    results.figure(NATS, PER_SECOND, 591, "/s")
    promise(results, NATS, False, "19 of 20, by strace")
    said = table([], results, random.Random(SEED))
    word = "durable before: no (19 of 20, by strace)"
    assert f"| {ACKNOWLEDGED}; {word} | 1.00 ms |" in said
    assert f"| {NATS} | {PER_SECOND}; {word} | 591 /s |" in said
    promise(results, NATS, True, "by strace")
    assert "durable before: yes" in table([], results, random.Random(SEED))


@pytest.mark.parametrize(("page_ms", "holds"), [(0.6, True), (0.61, False)])
def test_the_worst_circumstance_decides(page_ms: float, holds: bool) -> None:
    results = Results()
    for count, reading_ms in (("1", 0.2), ("10", page_ms)):
        results.row(f"terminals {count}, busy", FLOOR).add(0, 1.0)
        results.row(f"terminals {count}, busy", PAGE).add(0, reading_ms)
    verdict = judge(results, ["scale"])[0]
    assert verdict.value == page_ms
    assert verdict.where == "terminals 10, busy"
    assert verdict.holds == holds


@pytest.mark.parametrize(
    ("why", "status", "last"),
    [("", 0, "0 of 0 targets hold"), ("install it", 1, "0 of 0 targets hold; school not measured")],
)
def test_a_question_that_cannot_be_asked_here_is_told_and_fails(
    why: str,
    status: int,
    last: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also one that no target is about."""

    async def ask(_bench: Bench) -> None:
        if why:
            raise Missing(why)

    monkeypatch.setitem(QUESTIONS, "school", ask)
    monkeypatch.setattr(bench_command, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["bench", "--only", "school"])
    assert bench_command.main() == status
    said = capsys.readouterr().out
    assert said.splitlines()[-1] == last
    assert ("school: not measured: install it" in said) == bool(why)


def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "nowhere"
    monkeypatch.setattr("sys.argv", ["bench", "--only", "idle", "--folder", str(folder)])
    with pytest.raises(SystemExit) as exit:
        bench_command.main()
    assert exit.value.code == 2
    assert f"--folder {folder}: No such file" in capsys.readouterr().err


def test_ended_by_hand_it_says_so(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    async def ended(*_arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sys.argv", ["bench"])
    monkeypatch.setattr(bench_command, "ask_all", ended)
    assert bench_command.main() == 1
    assert capsys.readouterr().err == "bench: ended before its time: nothing is measured\n"


def test_a_picture_that_cannot_be_written_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    in_the_way = tmp_path / "build"
    in_the_way.write_text("")
    assert not draw(in_the_way / "bench.svg", Results())
    assert str(in_the_way) in capsys.readouterr().err


def test_the_disk_is_the_mount_that_the_folder_is_on(tmp_path: Path) -> None:
    said = dict(describe(Path("/proc/self")))
    assert said["disk"] == "proc on proc"
    assert all(value for _, value in describe(tmp_path))


def test_where_no_core_can_be_divided_it_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.bench.machine.CGROUP", tmp_path / "none")
    with pytest.raises(Missing, match="the right to make a cgroup"), PartOfACore(0.5):
        pass


@PART_OF_A_CORE
async def test_a_process_gets_no_more_than_its_part_of_a_core() -> None:
    busy = await asyncio.create_subprocess_exec(sys.executable, "-c", "while True: pass")
    try:
        with PartOfACore(0.05) as core:
            core.give(busy.pid)
            begun_s, before_s = time.monotonic(), cpu_s(busy.pid)
            # Time is what is measured here.
            await asyncio.sleep(1)
            used = (cpu_s(busy.pid) - before_s) / (time.monotonic() - begun_s)
    finally:
        busy.kill()
        await busy.wait()
    assert used < 0.1


async def test_the_slow_disk_is_slow_for_the_hub_and_for_nobody_else(bench: Bench) -> None:
    await ask_all(bench, ["disk"])
    assert not bench.results.missing
    assert min(bench.results.rows[SLOW, RECEIPT].readings) >= SLOW_MS
    assert bench.results.rows[QUICK, RECEIPT].at(50) < SLOW_MS
    assert bench.results.rows[SLOW, FLOOR].at(50) < SLOW_MS


@pytest.mark.parametrize("question", ASKED)
async def test_a_question_is_asked_and_told(question: str, bench: Bench) -> None:
    await ask_all(bench, [question])
    found = judge(bench.results, [question])
    assert not bench.results.missing
    # Of so few readings there is no p99.
    assert all(verdict.value is not None or "p99" in verdict.target.says for verdict in found)
    for row in bench.results.rows.values():
        # A browser's clock is compared with ours, with a bound.
        assert min(row.readings) > -1
    said = told(bench, describe(bench.folder), found)
    for _, what in bench.results.rows:
        assert re.search(rf"^\| {re.escape(what)} \| [\d.]+ ms \| [\d.]+–[\d.]+ \|", said, re.MULTILINE)
    picture = ElementTree.fromstring(plot(bench.results))  # noqa: S314  # our own
    assert len(picture.findall(".//{*}circle")) == len(bench.results.rows)
