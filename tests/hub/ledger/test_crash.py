"""`kill -9` in the middle of writing: what was told is there, once; what was not told may be; no history forks."""

import json
import os
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path

from hub.database import open_read_only
from hub.dispatch.entries import EventRecorded
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.verify import verify
from tests.hub.ledger.desk import BASE, LOG_KEY, VKEY, make_ledger

SEED = random.randrange(1 << 32)
ROUNDS = 3
LINES_MAX = 60


def run_and_kill(path: Path, run: int, lines: int) -> list[dict[str, list[str] | str]]:
    """Every line that it said before it was killed, which was while it wrote."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.hub.ledger.crashing_hub", str(path), str(SEED), str(run)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        said = [process.stdout.readline() for _ in range(lines)]
        process.kill()
        # It was killed somewhere in a line, perhaps.
        said += [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    assert process.returncode == -9
    return [json.loads(line) for line in said]


def test_what_was_told_before_a_kill_is_there_once(tmp_path: Path) -> None:
    print(f"seed {SEED}")
    dice = random.Random(SEED)
    path, _ = make_ledger(tmp_path, SEED, 60)
    digests: Counter[str] = Counter()
    checkpoints: list[str] = []
    for run in range(2, ROUNDS + 2):
        said = run_and_kill(path, run, dice.randrange(1, LINES_MAX))
        assert not [line for line in said if "error" in line]
        for line in said:
            digests.update(line["digests"])
            checkpoints.append(str(line["checkpoint"]))
        # As the killed process left it, and again as the next one finds it.
        for checkpoint in (checkpoints[0], dice.choice(checkpoints), checkpoints[-1]):
            verdict = verify(path, VKEY, checkpoint)
            assert verdict.ok, verdict
    Store(path, BASE, LOG_KEY).close()
    assert verify(path, VKEY, checkpoints[-1]).ok
    assert set(digests.values()) == {1}
    reader = Reader(open_read_only(path))
    recorded = Counter(
        entry.digest for _, entry in reader.entries(1, 0, reader.head().size) if isinstance(entry, EventRecorded)
    )
    reader.close()
    assert set(recorded.values()) == {1}
    assert digests.keys() <= recorded.keys()
