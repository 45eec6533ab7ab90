"""Whatever comes again, in any order, however little the campus remembers: every event is recorded, and once."""

from typing import Literal
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.dispatch import entries as e
from hub.dispatch import fold_call
from tests.hub.dispatch.post import Post

REMEMBERED = 3

Step = Literal["commit", "answer"] | tuple[int, int]
heard = st.tuples(st.integers(1, 2), st.integers(1, 5))
steps = st.lists(st.one_of(st.just("commit"), st.just("answer"), heard, heard, heard), min_size=20, max_size=80)


@settings(max_examples=300)
@given(steps, st.booleans())
def test_every_event_is_recorded_once(steps: list[Step], slow: bool) -> None:
    with mock.patch.object(fold_call, "SEEN_EVENTS_MAX", REMEMBERED):
        post = Post()
        post.writer.slow = slow
        for step in steps:
            if step == "commit":
                post.commit()
            elif step == "answer":
                post.answer()
            else:
                boot, seq = step
                post.press(seq, boot)
        while post.answer():
            pass
    recorded = [(entry.boot, entry.seq) for entry in post.entries if isinstance(entry, e.EventRecorded)]
    assert len(recorded) == len(set(recorded))
    assert set(recorded) == {step for step in steps if isinstance(step, tuple)}
