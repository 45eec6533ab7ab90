"""The hub never stands still to look through all that lives because much comes to live."""

import asyncio
import contextlib
import gc
import weakref
from collections.abc import Iterator

import pytest

from hub.garbage import YOUNG_OBJECTS, YOUNG_PASSES, collect_by_clock

OLDEST = 2
"""The generation whose collection looks through all that lives."""
OFTEN_S = 0.01
SELDOM_S = 3_600


class Ring:
    """Refers to itself: nothing but a collection takes it away."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


async def collecting(every_s: float) -> asyncio.Task[None]:
    task = asyncio.create_task(collect_by_clock(every_s))
    await asyncio.sleep(0)
    return task


async def ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def test_what_comes_to_live_calls_for_no_look_through_everything() -> None:
    seen: list[int] = []

    def watch(phase: str, info: dict[str, int]) -> None:
        if phase == "stop":
            seen.append(info["generation"])

    task = await collecting(SELDOM_S)
    gc.callbacks.append(watch)
    try:
        lives = [[number] for number in range(100 * YOUNG_OBJECTS * YOUNG_PASSES)]
    finally:
        gc.callbacks.remove(watch)
    await ended(task)
    assert len(lives) > 0
    assert OLDEST not in seen
    assert seen.count(1) > YOUNG_PASSES, "the young are looked through all the same"


async def test_what_grew_old_and_died_is_taken_away_by_the_clock() -> None:
    ring = Ring()
    gc.collect()  # now it is old
    gone = asyncio.Event()
    weakref.finalize(ring, gone.set)
    del ring
    task = await collecting(OFTEN_S)
    async with asyncio.timeout(10):
        await gone.wait()
    await ended(task)
