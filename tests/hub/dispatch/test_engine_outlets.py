"""Who is shown what, who waits, and the engine's loop."""

import asyncio

import pytest

from hub.dispatch import engine as engines
from hub.dispatch import requests as r
from hub.dispatch.batch import Submission
from hub.dispatch.engine import View
from tests.hub.dispatch.duty import BELL, EAST, START_MS, WALL
from tests.hub.dispatch.post import Post, Shown


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
    post.tell(r.HearTerminal, terminal=BELL, light="none", since_ms=None, ring="alarm", inputs={})
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


async def test_what_rings_is_written_before_the_writer_has_anything_to_do() -> None:
    post = Post()
    rings = asyncio.Event()

    class Pager:
        def refresh(self, view: View) -> None:
            if any(view.alerts.pagers.values()):
                rings.set()

    async def write() -> bool:
        """Whether the writer's thread wants Python already."""
        await rings.wait()
        return post.writer.given.is_set()

    post.engine.add_outlet(Pager())
    running, writing = asyncio.create_task(post.engine.run()), asyncio.create_task(write())
    await asyncio.sleep(0)
    post.engine.submit(Submission(r.ReceiveEvent(now_ms=START_MS, **post.event(1))))
    assert not await writing
    await post.writer.given.wait()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
