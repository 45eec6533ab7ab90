"""The engine with its two folds, driven by hand: alerts at once, promises only for what has committed."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from hub.dispatch import campus as campuses
from hub.dispatch import engine as engines
from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import SEEN_EVENTS_MAX, Campus
from hub.dispatch.engine import FAULT_REST_MS, Answer, Engine, View
from hub.ledger.batch import Batch, Commit, Receipt, Submission
from tests.hub.dispatch.duty import BELL, EAST, START_MS, WALL, Duty, digest_of

GUARD, PAGER = "a-guard", "p-guard"


class HeldWriter:
    """A writer whose disk stands still until `commit` is called."""

    def __init__(self) -> None:
        self.waiting: list[Batch] = []
        self.written: set[str] = set()
        self.looked_up: list[str] = []
        self.size = 0
        self.given = asyncio.Event()

    def start(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        """Nothing runs by itself here."""

    def submit(self, batch: Batch) -> None:
        self.waiting.append(batch)
        self.given.set()

    def close(self) -> None:
        """Nothing is held open."""

    def recorded(self, digest: str) -> bool:
        self.looked_up.append(digest)
        return digest in self.written

    def commit(self, count: int | None = None) -> Commit:
        batches = tuple(self.waiting[:count])
        del self.waiting[:count]
        first, receipts = self.size, {}
        for batch in batches:
            for entry, body in zip(batch.entries, batch.bodies, strict=True):
                if isinstance(entry, e.EventRecorded):
                    self.written.add(entry.digest)
                    receipts[self.size] = Receipt(self.size, body.decode(), (), "note")
                self.size += 1
        return Commit(1, first, self.size, batches, "note", receipts)


class Post:
    """A campus on duty behind an engine."""

    def __init__(self) -> None:
        duty = Duty()
        duty.do(r.AddAccount, account=GUARD, roles=("guard",), zones=(EAST,), details="", by="x")
        duty.do(r.MakePager, pager=PAGER, details="", by="x")
        duty.do(r.SignOn, guard=GUARD, pager=PAGER)
        self.now_ms = START_MS
        self.writer = HeldWriter()
        self.engine = Engine(duty.campus, 0, self.writer, self.writer.recorded, lambda: self.now_ms)
        self.entries: list[e.Entry] = []
        self.engine.on_decided = self.entries.extend

    def tell(self, kind: type[r.Request], **said: Any) -> list[Answer]:
        """Submits and steps; what the answer is so far."""
        answers: list[Answer] = []
        self.engine.submit(Submission(kind(now_ms=self.now_ms, **said)), answers.append)
        self.engine.step(self.now_ms)
        return answers

    def press(self, seq: int = 1, boot: int = 1) -> list[Answer]:
        return self.tell(r.ReceiveEvent, **self.event(seq, boot))

    def event(self, seq: int, boot: int = 1) -> dict[str, Any]:
        return {
            "terminal": WALL,
            "digest": digest_of(f"press {boot}/{seq}"),
            "jws": f"jws {boot}/{seq}",
            "boot": boot,
            "seq": seq,
            "input": "panic",
            "what": "panic",
            "event_ms": None,
            "error_ms": None,
            "mono_ms": seq,
        }

    def commit(self, count: int | None = None) -> None:
        self.engine.committed(self.writer.commit(count))
        self.engine.step(self.now_ms)

    def command(self, do: r.Do, command: str, **said: Any) -> list[Answer]:
        incident = next(iter(self.engine.decided.incidents))
        return self.tell(r.Command, command=command, do=do, incident=incident, guard=GUARD, by=PAGER, **said)

    @property
    def view(self) -> View:
        return self.engine.view

    @property
    def rings(self) -> list[str]:
        return list(self.view.alerts.pagers[PAGER].values())


def test_it_rings_while_the_disk_stands_still() -> None:
    post = Post()
    answers = post.press()
    assert post.rings == ["alarm"]
    assert post.view.alerts.bells[BELL] == "alarm"
    assert answers == []
    assert post.view.lights[WALL] == "none"


def test_promises_come_with_the_commit() -> None:
    post = Post()
    (answers,) = (post.press(),)
    post.commit()
    assert answers[0].receipt is not None
    assert answers[0].receipt.entry.startswith('{"kind":"event_recorded"')
    assert answers[0].receipt.index in answers[0].indices
    assert post.view.lights[WALL] == "recorded"


def test_trap_durable_runs_ahead() -> None:
    """Batch a commits while b is decided: b gets no receipt from a's commit."""
    post = Post()
    first, second = post.press(1), post.press(2)
    post.commit(1)
    assert len(first) == 1
    assert second == []
    assert digest_of("press 1/2") not in post.engine.durable.event_incidents
    post.commit()
    assert second[0].receipt is not None


def test_an_accept_quiets_at_once_and_lights_after_its_commit() -> None:
    post = Post()
    post.press()
    post.commit()
    post.command("accept", "command-1")
    assert post.rings == []
    assert post.view.lights[WALL] == "recorded"
    post.commit()
    assert post.view.lights[WALL] == "coming"


def test_trap_the_light_lies_the_other_way() -> None:
    """A durable accept, then a release that is only decided: nobody is coming any more."""
    post = Post()
    post.press()
    post.command("accept", "command-1")
    post.commit()
    post.command("release", "command-2")
    assert post.view.lights[WALL] == "recorded"


def test_a_repeat_waits_for_the_first_ones_commit() -> None:
    post = Post()
    first, again = post.press(), post.press()
    assert again == []
    post.commit()
    assert first == again
    assert post.press() == [Answer(repeated=True)]


def test_an_event_that_waits_for_the_disk_is_never_forgotten() -> None:
    """The disk stands still for more events than a campus remembers; then the terminal offers all of them again."""
    post = Post()
    count = SEEN_EVENTS_MAX + 10
    firsts = [post.press(seq) for seq in range(1, count + 1)]
    agains = [post.press(seq) for seq in range(1, count + 1)]
    post.commit()
    recorded = [entry for entry in post.entries if isinstance(entry, e.EventRecorded)]
    assert len(recorded) == len({entry.digest for entry in recorded}) == count
    assert [answers[0].receipt for answers in agains] == [answers[0].receipt for answers in firsts]


def test_an_event_that_is_forgotten_in_between_is_known_all_the_same() -> None:
    """The oldest one that is remembered is offered again, behind fresh ones that push it out of the memory."""
    post = Post()
    for seq in range(1, SEEN_EVENTS_MAX + 1):
        post.press(seq)
    post.commit()
    answers: list[Answer] = []
    for seq in (SEEN_EVENTS_MAX + 1, 1):
        submission = Submission(r.ReceiveEvent(now_ms=post.now_ms, **post.event(seq)))
        post.engine.submit(submission, answers.append)
    post.engine.step(post.now_ms)
    assert answers == [Answer(repeated=True)]
    post.commit()
    assert len(answers) == 2


def test_a_fresh_press_needs_no_look_at_the_disk() -> None:
    post = Post()
    for seq in range(1, 2 * SEEN_EVENTS_MAX):
        post.press(seq)
    post.press(1, boot=2)
    assert post.writer.looked_up == []


def test_old_boots_are_looked_up_in_any_order() -> None:
    """A terminal that was killed again and again offers what all its boots have left; some of it is on the disk."""
    post = Post()
    for boot in range(1, 10):
        for seq in (1, 3):
            post.press(seq, boot)
    for seq in range(1, SEEN_EVENTS_MAX + 1):
        post.press(seq, boot=10)
    post.commit()
    known = len(post.entries)
    for boot in range(1, 10):
        post.press(2, boot)
        assert len(post.entries) > known
        known = len(post.entries)
        assert post.press(3, boot) == [Answer(repeated=True)]
    assert len(post.entries) == known


def test_an_accept_overtakes_a_sign_off() -> None:
    """The sign-off waits for the disk, and meanwhile its guard accepts: the guard stays at the pager, and is asked."""
    post = Post()
    post.press()
    post.tell(r.SignOff, pager=PAGER, by=GUARD)
    post.command("accept", "command-1")
    post.commit()
    assert post.engine.durable.pagers[PAGER].guard == post.engine.decided.pagers[PAGER].guard == GUARD
    post.now_ms += 120_000
    post.engine.step(post.now_ms)
    assert post.rings == ["ask"]


def test_what_lowers_attention_waits_for_its_commit() -> None:
    post = Post()
    post.tell(r.StartDrill, zone=EAST, until_ms=START_MS + 60_000, by="x")
    assert post.engine.decided.zones[EAST].drill_until_ms is None
    post.press(1)
    assert not next(iter(post.engine.decided.incidents.values())).drill
    post.commit(1)
    assert post.engine.decided.zones[EAST].drill_until_ms == START_MS + 60_000
    assert len(post.engine.decided.incidents) == 1
    post.commit()
    assert campuses.snapshot(post.engine.decided) == campuses.snapshot(post.engine.durable)


def test_a_refusal_is_answered_and_changes_nothing() -> None:
    post = Post()
    before = campuses.snapshot(post.engine.decided)
    answers = post.tell(r.RevokePager, pager="p-nobody", by="x")
    assert answers == [Answer(refused="unknown_pager")]
    assert campuses.snapshot(post.engine.decided) == before
    assert post.writer.waiting == []


def test_a_deadline_passes_without_a_request() -> None:
    post = Post()
    post.press()
    due_ms = post.engine.due_ms
    assert due_ms is not None
    post.now_ms = due_ms
    post.engine.step(post.now_ms)
    kinds = {type(entry) for batch in post.writer.waiting for entry in batch.entries}
    assert e.TierRaised in kinds


def test_trap_memory_while_the_disk_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    """Above the limit only what changes what rings is decided; the rest stays with its sender."""
    monkeypatch.setattr(engines, "PENDING_ENTRIES_MAX", 4)
    post = Post()
    for seq in range(1, 6):
        post.press(seq)
    said: dict[str, Any] = {"terminal": WALL, "light": "heard", "since_ms": None, "ringing": False, "inputs": {}}
    assert post.tell(r.HearTerminal, **said) == [Answer(refused="busy")]
    assert post.command("accept", "command-1") == []
    assert "alarm" not in post.rings
    post.commit()
    assert post.tell(r.HearTerminal, **said) == []


def test_trap_a_crash_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """A defect in what should be must ring everything, and keep the last campus."""

    def broken(_campus: Campus) -> None:
        raise ZeroDivisionError

    post = Post()
    monkeypatch.setattr(engines, "alerts", broken)
    post.press()
    assert post.view.fault
    assert post.rings == ["alarm"]
    assert post.view.alerts.bells[BELL] == "fault"
    post.commit()
    assert len(post.engine.durable.incidents) == 1


@pytest.mark.parametrize("where", ["decide", "apply"])
def test_a_defect_of_ours_rings_and_keeps_the_last_campus(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    post = Post()
    before = campuses.snapshot(post.engine.decided)
    bell = Shown()
    post.engine.add_outlet(bell, BELL)
    monkeypatch.setattr(engines, where, broken)
    assert post.press() == [Answer(refused="hub_fault")]
    assert campuses.snapshot(post.engine.decided) == before
    assert bell.views[-1] is post.view
    assert post.view.fault
    assert post.view.alerts.bells[BELL] == "fault"


def test_a_log_that_begins_anew_is_folded_though_nobody_decided_it() -> None:
    post = Post()
    post.press()
    began = e.LogBegan(at_ms=START_MS, origin="firstbell.invalid/c-x/2")
    batch = Batch(entries=(began,), bodies=(e.encode(began),))
    (pending,) = post.writer.waiting
    post.engine.committed(Commit(2, 0, 1 + len(pending.entries), (batch, pending), "note", {}))
    post.engine.step(START_MS)
    assert post.engine.durable.origin == post.engine.decided.origin == "firstbell.invalid/c-x/2"
    assert len(post.engine.durable.incidents) == 1


def test_every_thousand_entries_the_campus_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "SNAPSHOT_ENTRIES", 4)
    post = Post()
    for seq in (1, 2):
        post.press(seq)
        post.commit()
    post.press(3)
    (kept,) = [batch.snapshot for batch in post.writer.waiting if batch.snapshot]
    assert campuses.restore(kept.campus).event_incidents.keys() == {digest_of(f"press 1/{n}") for n in (1, 2)}


def test_a_deadline_that_can_not_be_decided_is_told_once_and_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """It stays due: without a rest the loop would never sleep, and fill the disk with its log."""

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    post = Post()
    post.press()
    monkeypatch.setattr(engines, "decide", broken)
    post.now_ms += 60_000
    with capture_logs() as logs:
        post.engine.step(post.now_ms)
        post.engine.step(post.now_ms)
    assert [line["where"] for line in logs] == ["decide"]
    assert post.view.fault
    assert post.engine.rest_ms() == FAULT_REST_MS


class Shown:
    def __init__(self) -> None:
        self.views: list[View] = []

    def refresh(self, view: View) -> None:
        self.views.append(view)


def test_outlets_are_shown_each_change_until_they_leave() -> None:
    post, shown = Post(), Shown()
    post.engine.add_outlet(shown)
    post.press()
    assert len(shown.views) == 2
    assert shown.views[-1] is post.view
    post.engine.remove_outlet(shown)
    post.commit()
    assert len(shown.views) == 2


def test_who_shows_one_terminal_is_asked_when_that_one_is_concerned() -> None:
    post = Post()
    wall, bell = Shown(), Shown()
    post.engine.add_outlet(wall, WALL)
    post.engine.add_outlet(bell, BELL)
    post.press()
    assert (len(wall.views), len(bell.views)) == (2, 2), "the light, and the bell that rings"
    post.commit()
    assert len(wall.views) == 3
    assert wall.views[-1].lights[WALL] == "recorded"
    post.tell(r.HearTerminal, terminal=BELL, light="none", since_ms=None, ringing=True, inputs={})
    post.commit()
    assert (len(wall.views), len(bell.views)) == (3, 4)
    post.command("accept", "c-0000001")
    post.commit()
    assert wall.views[-1].lights[WALL] == "coming"
    shown = len(wall.views)
    post.engine.remove_outlet(wall, WALL)
    post.press(2)
    post.commit()
    assert len(wall.views) == shown


async def test_whoever_has_more_to_say_waits_for_its_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "REQUESTS_PER_STEP_MAX", 1)
    post = Post()
    for seq in (1, 2):
        post.engine.submit(Submission(r.ReceiveEvent(now_ms=START_MS, **post.event(seq))))
    waiting = asyncio.create_task(post.engine.taken())
    done = []
    for _ in (1, 2):
        for _ in range(3):
            await asyncio.sleep(0)
        done.append(waiting.done())
        post.engine.step(START_MS)
    assert done == [False, False]
    await waiting
    await post.engine.taken()


async def test_the_loop_answers_and_refuses() -> None:
    post = Post()
    running = asyncio.create_task(post.engine.run())
    asking = asyncio.create_task(
        post.engine.ask(Submission(r.StartDrill(now_ms=START_MS, zone=EAST, until_ms=START_MS + 1, by="x")))
    )
    await post.writer.given.wait()
    post.engine.committed(post.writer.commit())
    assert len((await asking).indices) == 1
    with pytest.raises(r.Refused, match="unknown_zone"):
        await post.engine.ask(Submission(r.EndDrill(now_ms=START_MS, zone="z-none", by="x")))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
