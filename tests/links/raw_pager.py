"""A pager by hand: it says of itself what a test wants."""

import uuid
from collections.abc import Callable
from typing import Any

from tests.links.line import Frame, Line

READY = {"sound": "running", "visible": True, "awake": True, "battery_percent": 90, "charging": False}


class RawPager:
    """`state` is what it last said of itself."""

    def __init__(self, line: Line, cookie: str) -> None:
        self.line = line
        self.cookie = cookie
        self.state: dict[str, Any] = {**READY, "have": [], "seen": [], "ringing": []}

    @property
    def snapshot(self) -> Frame:
        """The newest; there is one from the first `ready` on."""
        return next(frame for frame in reversed(self.line.frames) if frame["type"] == "snapshot")

    async def say(self, **changes: Any) -> None:
        """Its whole state, changed by this."""
        self.state |= changes
        await self.line.send({"type": "state", **self.state})

    async def until(self, wanted: Callable[[Frame], object], since: int = 0) -> Frame:
        """The first snapshot that is wanted."""
        return await self.line.until(lambda frame: frame["type"] == "snapshot" and wanted(frame), since)

    async def until_page(self, incident: str, since: int = 0, **fields: object) -> Frame:
        """The first page of this incident with these fields."""

        def fits(page: Frame) -> bool:
            return page["incident"] == incident and all(page[name] == value for name, value in fields.items())

        snapshot = await self.until(lambda frame: any(fits(page) for page in frame["pages"]), since)
        return next(page for page in snapshot["pages"] if fits(page))

    async def ready(self) -> None:
        """Says that it is, and waits until the hub has it."""
        since = len(self.line.frames)
        await self.say(**READY)
        if self.snapshot_reasons() != []:
            await self.until(lambda frame: frame["pager"]["reasons"] == [], since)

    def snapshot_reasons(self) -> list[str] | None:
        """As the hub has told it last; None: it has told nothing yet."""
        told = [frame["pager"]["reasons"] for frame in self.line.frames if frame["type"] == "snapshot"]
        return told[-1] if told else None

    async def tap(self, do: str, incident: str, **fields: Any) -> dict[str, Any]:
        """Sends a command, which is returned."""
        command = {
            "type": "command",
            "id": uuid.uuid4().hex,
            "do": do,
            "incident": incident,
            "covers": [],
            "outcome": None,
            "note": "",
            **fields,
        }
        await self.line.send(command)
        return command

    async def answer(self, command: dict[str, Any]) -> Frame:
        """The receipt or refusal of a command."""
        return await self.line.until(
            lambda frame: frame["type"] in ("receipt", "refused") and frame.get("command") == command["id"]
        )
