"""`verify` and the events of a large ledger, which processes of their own judge: the same is found, and where."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from firstbell.jws import digest_of

from hub.dispatch.batch import Batch
from hub.dispatch.entries import EventRecorded, TerminalEnrolled, decode
from hub.ledger.errors import NoVerdict
from hub.ledger.verify_events import CHUNK_EVENTS, HERE_CHUNKS_MAX, Finding, Judges, Question
from tests.hub.ledger.desk import WALLS, Desk, new_store
from tests.hub.ledger.spoil import SEED, change, found, rows

HERE = CHUNK_EVENTS * HERE_CHUNKS_MAX
EVENTS = HERE + 12 * CHUNK_EVENTS + 1
MIDDLE, LATER, LAST = HERE + 300, HERE + 500, EVENTS - 1
"""Three of the events: judged by a process, each in another chunk; the last is alone in its own."""


@pytest.fixture(scope="module")
def batches() -> list[Batch]:
    """Of a log that ends in so many signed events, one a batch; all of them right."""
    desk = Desk(Random(SEED))
    made = desk.found()
    for number in range(EVENTS):
        desk.now_ms += 1
        batch = desk.ask(desk.event(WALLS[number % 2], "restored"))
        assert batch
        assert len(batch.entries) == 1
        made.append(batch)
    return made


@pytest.fixture(params=["one core", "all cores"])
def cores(request: pytest.FixtureRequest) -> Iterator[None]:
    before = os.sched_getaffinity(0)
    if request.param == "one core":
        os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def forged(batch: Batch) -> Batch:
    """Another signature, and the digest that goes with it."""
    entry = batch.entries[0]
    assert isinstance(entry, EventRecorded)
    at = entry.jws.rindex(".") + 10
    jws = entry.jws[:at] + ("B" if entry.jws[at] == "A" else "A") + entry.jws[at + 1 :]
    body = batch.bodies[0].replace(entry.jws.encode(), jws.encode())
    return Batch(batch.entries, (body.replace(entry.digest.encode(), digest_of(jws).encode()),))


def ledger(folder: Path, batches: list[Batch], *wrong: int) -> tuple[Path, list[int]]:
    """One whose own hub wrote wrong signatures; and the entries' indexes of the wrong ones."""
    first = len(batches) - EVENTS
    made = [forged(batch) if at - first in wrong else batch for at, batch in enumerate(batches)]
    store = new_store(folder)
    commit = store.commit(made)
    store.close()
    return folder / "hub.db", [commit.size - EVENTS + number for number in wrong]


@pytest.mark.usefixtures("cores")
def test_a_large_ledger_passes(tmp_path: Path, batches: list[Batch]) -> None:
    path, _ = ledger(tmp_path, batches)
    verdict = found(path)
    assert verdict.ok, verdict
    assert (verdict.checked.events, verdict.checked.events_unsigned) == (EVENTS, 0)
    assert verdict.checked.entries == verdict.size


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize("wrong", [(0, MIDDLE), (MIDDLE,), (MIDDLE, MIDDLE + 1, LATER), (LAST, LATER), (LAST,)])
def test_the_first_wrong_signature_is_told(tmp_path: Path, batches: list[Batch], wrong: tuple[int, ...]) -> None:
    path, indexes = ledger(tmp_path, batches, *wrong)
    verdict = found(path)
    assert (verdict.first_bad, verdict.why) == (f"entry {min(indexes)}", "signature")


@pytest.mark.usefixtures("cores")
@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        ("UPDATE entries SET leaf = zeroblob(32) WHERE idx = {}", "leaf"),
        ("DELETE FROM entries WHERE idx = {}", "missing"),
        ("UPDATE entries SET body = x'00' WHERE idx = {}", "leaf"),
    ],
)
@pytest.mark.parametrize("after", [-40, 1, 40])
def test_what_comes_first_is_told_first(tmp_path: Path, batches: list[Batch], spoil: str, why: str, after: int) -> None:
    path, (index,) = ledger(tmp_path, batches, MIDDLE)
    assert change(path, spoil.format(index + after)) == 1
    verdict = found(path)
    expected = (index, "signature") if after > 0 else (index + after, why)
    assert (verdict.first_bad, verdict.why) == (f"entry {expected[0]}", expected[1])


# ── the processes themselves ────────────────────────────────────────────────────────────────────────────────────


def questions(folder: Path, batches: list[Batch], *wrong: int) -> list[Question]:
    """One for each event; `wrong` ones are of a terminal that was never enrolled."""
    path, _ = ledger(folder, batches)
    enrolled: dict[str, TerminalEnrolled] = {}
    asked: list[Question] = []
    for index, body in rows(path, "SELECT idx, body FROM entries ORDER BY idx"):
        entry = decode(body)
        if isinstance(entry, TerminalEnrolled):
            enrolled[entry.terminal] = entry
        elif isinstance(entry, EventRecorded):
            asked.append(Question(index, body, None if len(asked) in wrong else enrolled[entry.terminal]))
    return asked


def judged(judges: Judges, asked: list[Question]) -> list[Finding]:
    for question in asked:
        judges.ask(question)
    return list(judges.findings())


def signal_all(processes: set[int], number: signal.Signals) -> None:
    for pid in processes:
        os.kill(pid, number)


def killed_while_asked(judges: Judges, asked: list[Question], processes: set[int]) -> None:
    for question in asked:
        judges.ask(question)
    signal_all(processes, signal.SIGKILL)
    list(judges.findings())


def children() -> set[int]:
    return {int(pid) for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()}


def test_two_processes_find_what_is_wrong_and_leave_nothing(tmp_path: Path, batches: list[Batch]) -> None:
    asked = questions(tmp_path, batches, MIDDLE, LAST)
    before = children()
    judges = Judges(2)
    wrong = [finding for finding in judged(judges, asked) if finding.why]
    assert len(children() - before) == 2
    assert sorted(finding.index for finding in wrong) == [asked[MIDDLE].index, asked[LAST].index]
    assert {finding.why for finding in wrong} == {"terminal"}
    assert judged(judges, []) == []
    judges.close()
    assert children() <= before


def test_a_few_events_need_no_process(tmp_path: Path, batches: list[Batch]) -> None:
    before = children()
    findings = judged(Judges(2), questions(tmp_path, batches)[: HERE - 1])
    assert findings == [Finding(0)] * HERE_CHUNKS_MAX
    assert children() <= before


@pytest.mark.parametrize("first", [signal.SIGKILL, signal.SIGSTOP])
def test_a_process_that_is_killed_is_told(tmp_path: Path, batches: list[Batch], first: signal.Signals) -> None:
    """Before it is asked again, or while it has what it was asked."""
    before = children()
    judges = Judges(2)
    # Without an enrolment: then a chunk fits a pipe that nobody reads.
    asked = questions(tmp_path, batches, *range(EVENTS))
    judged(judges, asked[: HERE + 2 * CHUNK_EVENTS])
    processes = children() - before
    signal_all(processes, first)
    asking = asked[-2 * CHUNK_EVENTS :] if first == signal.SIGSTOP else asked
    with pytest.raises(NoVerdict, match="-9"):
        killed_while_asked(judges, asking, processes)
    judges.close()
    assert children() <= before


@pytest.mark.parametrize("asked", [b"", len(b"\x90").to_bytes(4) + b"\x90"])
def test_a_process_ends_with_who_started_it(asked: bytes) -> None:
    """Quietly, also when the answer to no questions can't be told any more."""
    command = (sys.executable, "-P", "-m", "hub.ledger.verify_events")
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe)
    assert process.stdout is not None
    process.stdout.close()
    _, complaint = process.communicate(asked)
    assert (complaint, process.returncode) == (b"", 0)
