"""Whatever comes again, in any order, however little the campus remembers: every event is recorded, and once."""

from unittest import mock

from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch import entries as e
from hub.dispatch import fold_call
from tests.hub.dispatch.post import Post

REMEMBERED = 3
COMMIT = None

heard = st.tuples(st.integers(1, 4), st.integers(1, 5))
steps = st.lists(st.one_of(st.just(COMMIT), heard), max_size=80)


@given(steps)
def test_every_event_is_recorded_once(steps: list[tuple[int, int] | None]) -> None:
    with mock.patch.object(fold_call, "SEEN_EVENTS_MAX", REMEMBERED):
        post = Post()
        for step in steps:
            if step is COMMIT:
                post.commit()
            else:
                boot, seq = step
                post.press(seq, boot)
    recorded = [(entry.boot, entry.seq) for entry in post.entries if isinstance(entry, e.EventRecorded)]
    assert len(recorded) == len(set(recorded))
    assert set(recorded) == {step for step in steps if step is not COMMIT}
