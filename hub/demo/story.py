"""One press from the button to the closed case, with what each step took: `firstbell-hub demo --once`."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from hub.demo.stage import Stage, StageError
from hub.demo.wall import MICROPYTHON

STORY_S_MAX = 20.0

STEPS = (
    "pressed_ms",
    "received_ms",
    "paged_ms",
    "delivered_ms",
    "recorded_ms",
    "receipt_ms",
    "accepted_ms",
    "help_coming_ms",
    "on_scene_ms",
    "resolved_ms",
)
"""In hub time as UTC, milliseconds since the epoch."""
FOLLOWS = {"receipt_ms": "recorded_ms", "help_coming_ms": "accepted_ms"}
"""A terminal knows hub time to some milliseconds: what it says of itself was not before what it follows from."""


class Story:
    """Listens to the hub and to the terminal, and acts as the guard when it is time."""

    def __init__(self, stage: Stage, board: str) -> None:
        """`board`: of the terminal that is pressed. Raises StageError: there is none such."""
        self._stage = stage
        pressed = [wall for wall in stage.walls if wall.role == "wall" and wall.board == board]
        if not pressed:
            raise StageError(f"{board}: {MICROPYTHON}")
        self._wall = pressed[0]
        self._times: dict[str, int] = {}
        self._event = ""
        self._news = asyncio.Event()
        self._done = asyncio.Event()

    async def tell(self) -> dict[str, int]:
        """Raises TimeoutError when it does not come to its end within STORY_S_MAX."""
        async with asyncio.timeout(STORY_S_MAX), self._stage.watch() as happenings:
            watching = [
                asyncio.create_task(self._watch_hub(happenings)),
                asyncio.create_task(self._watch_wall()),
            ]
            try:
                await self._ready()
                await self._wall.ask(do="press", input="panic")
                await self._done.wait()
            finally:
                for task in watching:
                    task.cancel()
                await asyncio.gather(*watching, return_exceptions=True)
        return in_order(self._times)

    async def _ready(self) -> None:
        """Until the guard's pager is READY; before that a press would go to everybody at once."""
        while True:
            self._news.clear()
            async with self._stage.control.get("http://hub/api/campus") as answer:
                campus = await answer.json()
            if any(pager["guard"] and not pager["reasons"] for pager in campus["pagers"]):
                return
            await self._news.wait()

    def _note(self, step: str, hub_ms: int) -> None:
        self._times.setdefault(step, hub_ms + self._stage.offset_ms)
        if self._times.keys() >= set(STEPS):
            self._done.set()

    async def _watch_hub(self, happenings: AsyncIterator[dict[str, Any]]) -> None:
        async for happening in happenings:
            self._news.set()
            entry = happening.get("entry", {})
            kind = entry.get("kind", happening["what"])
            if happening["what"] == "committed":
                await self._committed(kind, entry, happening["at_ms"])
            elif kind == "page_sent":
                self._note("paged_ms", happening["at_ms"])
            elif kind == "page_progressed" and entry["to"] == "delivered":
                self._note("delivered_ms", entry["at_ms"])

    async def _committed(self, kind: str, entry: dict[str, Any], at_ms: int) -> None:
        if kind == "event_recorded" and entry["what"] == "panic":
            self._event = entry["digest"]
            self._note("pressed_ms", entry["event_ms"])
            self._note("received_ms", entry["received_ms"])
            self._note("recorded_ms", at_ms)
            self._check_receipt()
        elif kind == "light_shown" and entry["light"] == "recorded":
            await self._stage.tap("accept")
        elif kind == "accepted":
            self._note("accepted_ms", entry["at_ms"])
        elif kind == "light_shown" and entry["light"] == "coming":
            self._note("help_coming_ms", entry["since_ms"])
            await self._stage.tap("on_scene")
        elif kind == "arrived":
            self._note("on_scene_ms", entry["at_ms"])
            await self._stage.tap("resolve genuine")
        elif kind == "resolved":
            self._note("resolved_ms", entry["at_ms"])

    async def _watch_wall(self) -> None:
        async for _state in self._wall.watch():
            self._check_receipt()

    def _check_receipt(self) -> None:
        """The hub and the terminal each tell their half; whichever comes last, both are known then."""
        for receipt in self._wall.state.get("receipts", ()):
            if receipt["event"] == self._event:
                self._note("receipt_ms", receipt["at_ms"])


def in_order(times: dict[str, int]) -> dict[str, int]:
    """The steps with their times, no effect before its cause."""
    return {step: max(times[step], times[FOLLOWS.get(step, step)]) for step in STEPS}
