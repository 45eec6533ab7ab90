"""Silence is told once, our own standing still is nobody's silence, and the newest connection gets in."""

from hub.links.supervision import CONNECTIONS_OF_ONE_MAX, PAUSE_MS, SILENCE_MS_MAX, SWEEP_MS, Newest, Supervision


def swept(supervision: Supervision[str], from_ms: int, to_ms: int) -> dict[str, int]:
    """Who was found silent, and when, sweeping as the links do."""
    found: dict[str, int] = {}
    for now_ms in range(from_ms, to_ms + 1, SWEEP_MS):
        for peer in supervision.sweep(now_ms):
            supervision.left(peer)
            found[peer] = now_ms
    return found


def test_who_is_silent_is_found_in_time() -> None:
    supervision: Supervision[str] = Supervision()
    supervision.heard("t-1", 0)
    assert swept(supervision, 0, 20_000) == {"t-1": SILENCE_MS_MAX}


def test_who_is_heard_is_kept() -> None:
    supervision: Supervision[str] = Supervision()
    for now_ms in range(0, 60_000, SWEEP_MS):
        if now_ms % 3_000 == 0:
            supervision.heard("t-1", now_ms)
        assert supervision.sweep(now_ms) == []


def test_trap_everybody_lost_after_a_pause() -> None:
    """The loop stood still for 10 s: whoever wrote meanwhile is read before anybody is judged."""
    supervision: Supervision[str] = Supervision()
    supervision.heard("t-1", 0)
    supervision.heard("t-2", 0)
    assert supervision.sweep(0) == []
    after_ms = SILENCE_MS_MAX + PAUSE_MS
    assert supervision.sweep(after_ms) == []
    supervision.heard("t-1", after_ms)
    assert supervision.sweep(after_ms + SWEEP_MS) == ["t-2"]


def test_trap_everybody_lost_by_the_first_sweep() -> None:
    """The loop stood still from just after the start: there was no sweep before."""
    supervision: Supervision[str] = Supervision()
    supervision.heard("t-1", 0)
    supervision.heard("t-2", 0)
    assert supervision.sweep(SILENCE_MS_MAX) == []
    supervision.heard("t-1", SILENCE_MS_MAX)
    assert supervision.sweep(SILENCE_MS_MAX + SWEEP_MS) == ["t-2"]


def test_who_has_left_is_not_judged() -> None:
    supervision: Supervision[str] = Supervision()
    supervision.heard("t-1", 0)
    supervision.left("t-1")
    supervision.left("t-1")
    assert swept(supervision, 0, 20_000) == {}


def test_one_too_many_ends_the_oldest_of_its_own() -> None:
    newest: Newest[int] = Newest()
    assert newest.came("t-2", -1) is None
    assert [newest.came("t-1", number) for number in range(CONNECTIONS_OF_ONE_MAX)] == [None] * CONNECTIONS_OF_ONE_MAX
    assert newest.came("t-1", 100) == 0
    newest.left("t-1", 5)
    assert newest.came("t-1", 101) is None
    assert newest.came("t-1", 102) == 1
