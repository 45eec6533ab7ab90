"""The engine with its two folds, driven by hand: alerts at once, promises only for what has committed."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from hub.dispatch import campus as campuses
from hub.dispatch import engine as engines
from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.asked import Answer
from hub.dispatch.batch import Batch, Commit, Submission
from hub.dispatch.campus import SEEN_EVENTS_MAX, Campus
from hub.dispatch.engine import FAULT_REST_MS
from tests.hub.dispatch.duty import BELL, EAST, START_MS, WALL, digest_of
from tests.hub.dispatch.post import GUARD, PAGER, Post, Shown


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
    said: dict[str, Any] = {"terminal": WALL, "light": "heard", "since_ms": None, "ring": "none", "inputs": {}}
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
    assert post.view.lights[WALL] == "recorded", "its terminal would let go of the press"


def test_a_defect_in_the_lights_promises_nothing_and_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_campuses: Campus) -> None:
        raise ZeroDivisionError

    post = Post()
    monkeypatch.setattr(engines, "lights", broken)
    post.press()
    assert (post.view.fault, post.view.alerts.bells[BELL]) == (True, "fault")
    post.commit()
    assert post.view.lights[WALL] == "none"


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


def test_every_so_many_entries_the_campus_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "SNAPSHOT_ENTRIES", 4)
    post = Post()
    for seq in (1, 2):
        post.press(seq)
        post.commit()
    post.press(3)
    (kept,) = [batch.snapshot for batch in post.writer.waiting if batch.snapshot]
    assert campuses.restore(kept.campus).event_incidents.keys() == {digest_of(f"press 1/{n}") for n in (1, 2)}


def test_a_hub_that_is_begun_anew_before_so_many_keeps_the_campus_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or each start would fold more than the one before it."""
    post = Post()
    post.press(1)
    post.commit()
    monkeypatch.setattr(engines, "SNAPSHOT_ENTRIES", post.engine.size + 1)
    campus, size = post.engine.durable, post.engine.size
    post.engine = engines.Engine(campus, size, post.writer, post.writer.look_up, lambda: post.now_ms)
    post.press(2)
    post.commit()
    post.press(3)
    assert [batch.snapshot.size for batch in post.writer.waiting if batch.snapshot] == [post.engine.size]


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
