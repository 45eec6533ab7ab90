"""Wrong PINs: how they slow down whoever tries them, and nobody else."""

from hypothesis import given
from hypothesis import strategies as st

from hub.people import attempts
from hub.people.attempts import (
    DELAY_MS_MAX,
    DELAY_MS_MIN,
    ENTRIES_MAX,
    FORGET_MS,
    FREE_ATTEMPTS,
    STRANGER,
    Attempts,
    TooSoon,
)

PAGER, GUARD = "p-aaaaaaaaaa", "a-aaaaaaaaaa"


def wait_of(table: Attempts, source: str, account: str, now_ms: int) -> int:
    """0 when a try is allowed (it is then used), else how long to wait."""
    try:
        table.begin(source, account, now_ms)
    except TooSoon as refusal:
        return refusal.wait_ms
    return 0


def fail(table: Attempts, source: str, account: str, now_ms: int, times: int) -> int:
    """Tries as soon as it may, so many times; returns the time of the last."""
    for _ in range(times):
        if wait_ms := wait_of(table, source, account, now_ms):
            now_ms += wait_ms
            wait_of(table, source, account, now_ms)
    return now_ms


def test_the_wait_grows_and_has_an_end() -> None:
    table = Attempts()
    now_ms, waits = 0, []
    for _ in range(FREE_ATTEMPTS + 12):
        assert wait_of(table, PAGER, GUARD, now_ms) == 0
        waits.append(table_wait := _peek(table, now_ms))
        now_ms += table_wait
    assert waits[: FREE_ATTEMPTS - 1] == [0] * (FREE_ATTEMPTS - 1)
    growing = waits[FREE_ATTEMPTS - 1 :]
    assert growing[:4] == [DELAY_MS_MIN, 2 * DELAY_MS_MIN, 4 * DELAY_MS_MIN, 8 * DELAY_MS_MIN]
    assert growing[-1] == DELAY_MS_MAX


def _peek(table: Attempts, now_ms: int) -> int:
    return max(0, table._counts[PAGER, GUARD].free_ms - now_ms)


def test_asking_too_soon_does_not_make_it_longer() -> None:
    table = Attempts()
    now_ms = fail(table, PAGER, GUARD, 0, FREE_ATTEMPTS)
    waits = [wait_of(table, PAGER, GUARD, now_ms) for _ in range(100)]
    assert waits == [DELAY_MS_MIN] * 100
    assert wait_of(table, PAGER, GUARD, now_ms + DELAY_MS_MIN) == 0


def test_the_right_pin_wipes_the_slate() -> None:
    table = Attempts()
    now_ms = fail(table, PAGER, GUARD, 0, FREE_ATTEMPTS + 5)
    table.succeeded(PAGER, GUARD)
    assert wait_of(table, PAGER, GUARD, now_ms) == 0
    assert len(table) == 1


def test_it_is_forgotten_after_a_while() -> None:
    table = Attempts()
    now_ms = fail(table, PAGER, GUARD, 0, FREE_ATTEMPTS + 5)
    assert [wait_of(table, PAGER, GUARD, now_ms + FORGET_MS) for _ in range(FREE_ATTEMPTS)] == [0] * FREE_ATTEMPTS


@given(
    st.lists(
        st.tuples(st.sampled_from([STRANGER, "p-bbbbbbbbbb", "device"]), st.sampled_from([GUARD, "a-bbbbbbbbbb", "?"])),
        max_size=200,
    )
)
def test_nobody_else_slows_down_a_guard_at_a_pager(tries: list[tuple[str, str]]) -> None:
    """Whatever is tried elsewhere, this guard at this pager types as if alone."""
    table = Attempts()
    for now_ms, (source, account) in enumerate(tries):
        wait_of(table, source, account, now_ms)
    assert [wait_of(table, PAGER, GUARD, len(tries)) for _ in range(FREE_ATTEMPTS)] == [0] * FREE_ATTEMPTS


def test_many_at_once_are_no_way_around() -> None:
    """A hundred tries begin before the first is checked: as many get through as one after the other."""
    table = Attempts()
    assert [wait_of(table, STRANGER, GUARD, 0) for _ in range(100)].count(0) == FREE_ATTEMPTS


@given(st.integers(1, 20_000))
def test_a_day_of_guessing_gets_nowhere(seed: int) -> None:
    """However it is spread over a day, a guesser tries few of 10,000 PINs."""
    table = Attempts()
    day_ms, now_ms, tried = 86_400_000, seed, 0
    while now_ms < day_ms:
        wait_ms = wait_of(table, STRANGER, GUARD, now_ms)
        tried += wait_ms == 0
        now_ms += max(wait_ms, seed % 7_200_000 if wait_ms == 0 and seed % 2 else 1)
    assert tried <= FREE_ATTEMPTS * (day_ms // FORGET_MS) + day_ms // DELAY_MS_MAX + 20


def test_the_table_is_bounded_and_gives_up_the_oldest() -> None:
    table = Attempts()
    fail(table, PAGER, GUARD, 0, FREE_ATTEMPTS)
    for number in range(ENTRIES_MAX - 1):
        wait_of(table, STRANGER, f"a-{number}", number)
    assert len(table) == ENTRIES_MAX
    assert wait_of(table, PAGER, GUARD, 1) > 0
    for number in range(10):
        wait_of(table, STRANGER, f"b-{number}", number)
    assert len(table) == ENTRIES_MAX
    assert wait_of(table, PAGER, GUARD, 1) > 0, "it was used lately, so it is not the one that goes"


def test_the_limits_make_sense() -> None:
    assert attempts.FORGET_MS > attempts.DELAY_MS_MAX, "else waiting for the slate to be wiped is quicker"
