"""The demo's pager speaks the pager's wire: whatever it says of itself, the hub's own decoder takes."""

import asyncio
from typing import Any

import msgspec
import pytest

from hub.demo import pager
from hub.links import pager_states, pagers, screens


class Kept:
    """The hub's end of the socket: keeps what is sent."""

    closed = False

    def __init__(self) -> None:
        self.frames: list[Any] = []
        self.came = asyncio.Event()

    async def send_json(self, frame: Any) -> None:
        self.frames.append(frame)
        self.came.set()


@pytest.mark.asyncio
async def test_the_hub_takes_what_the_demos_pager_says() -> None:
    kept = Kept()
    demo = pager.SimulatedPager("", None, "", _socket=kept)  # type: ignore[arg-type]
    beating = asyncio.create_task(demo.beat(0.001))
    async with asyncio.timeout(5):
        while len(kept.frames) < 2:
            kept.came.clear()
            await kept.came.wait()
    beating.cancel()
    taken = [msgspec.json.decode(msgspec.json.encode(frame), type=pagers.Frame) for frame in kept.frames]
    assert [type(frame) for frame in taken[:2]] == [screens.Heartbeat, pager_states.State]
