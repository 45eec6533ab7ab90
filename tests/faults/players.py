"""Who goes on while hub and terminals are killed: fingers on buttons, a terminal by hand, a guard with a pager.

Each of them remembers what it was promised.
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from random import Random

import aiohttp
from firstbell.jws import digest_of

from tests.faults.machine import now_ms
from tests.links.line import Frame, Line, LineEnded
from tests.links.raw_pager import READY
from tests.links.raw_terminal import RawTerminal, event_frame
from tests.terminal.real_terminal import RealTerminal

GONE = (OSError, LineEnded, aiohttp.ClientError)
"""What a peer notices when the hub is killed."""
RESPONDING = ("accepted", "on_scene")
EVIDENCE_AT_ONCE_MAX = 24
"""Events in one frame: a hub takes 16 KiB."""


class Power:
    """Whether something runs. Whoever needs it waits for `on`; `cuts` counts how often it was taken away."""

    def __init__(self) -> None:
        self.on = asyncio.Event()
        self.on.set()
        self.cuts = 0

    def cut(self) -> None:
        self.on.clear()
        self.cuts += 1


class Finger:
    """Presses one real terminal again and again. `pressed`: what the terminal says it has heard; `kept`: what the same
    process says is on its own disk, too; `pulse` is told of each press.
    """

    def __init__(self, terminal: RealTerminal, power: Power, dice: Random, pulse: asyncio.Condition) -> None:
        self.terminal = terminal
        self.power = power
        self.pressed: list[str] = []
        self.kept: set[str] = set()
        self._dice = dice
        self._pulse = pulse

    async def play(self) -> None:
        while True:
            await self.power.on.wait()
            cuts = self.power.cuts
            try:
                event = await self.terminal.press(hold_ms=self._dice.randint(35, 70))
                self.pressed.append(event)
                # What a killed process had only heard, its successor knows nothing of.
                if (await self.terminal.ask(do="status"))["unstored"] == 0 and self.power.cuts == cuts:
                    self.kept.add(event)
            except (OSError, ValueError):
                # It was killed before it could answer: what became of this press is open.
                continue
            async with self._pulse:
                self._pulse.notify_all()


class Hand:
    """A terminal by hand: offers each event until it has the receipt. `receipts`: digest → frame."""

    def __init__(self, terminal: RawTerminal, power: Power) -> None:
        self._terminal = terminal
        self._power = power
        self.events: dict[str, str] = {}
        self.receipts: dict[str, Frame] = {}
        self.ending = False

    async def play(self) -> None:
        """Until `ending` is set and everything has its receipt."""
        while not (self.ending and len(self.receipts) == len(self.events)):
            await self._power.on.wait()
            try:
                await self._talk(await self._terminal.link())
            except GONE:
                continue

    async def _talk(self, line: Line) -> None:
        seen = 0
        line.keep_alive()
        try:
            while True:
                waiting = [text for digest, text in self.events.items() if digest not in self.receipts]
                if not waiting and self.ending:
                    return
                for text in waiting or [self._make()]:
                    await line.send(event_frame(text))
                while len(self.receipts) < len(self.events):
                    frame = await line.of_type("receipt", seen)
                    seen = line.frames.index(frame) + 1
                    self.receipts[frame["event"]] = frame
        finally:
            await line.close()

    def _make(self) -> str:
        text = self._terminal.event()
        self.events[digest_of(text)] = text
        return text


class Guard:
    """Accepts and resolves whatever rings, on a pager that keeps a command until its answer, and an event until the hub
    says that it is on its disk.

    `connect`: to the hub, once there is `power`. `shown`: incidents that were ever on the pager. `shown_ms`: press →
    when it first stood there, CLOCK_MONOTONIC. `receipted`: commands that were promised to be on the record.
    """

    def __init__(self, connect: Callable[[], Awaitable[Line]], power: Power) -> None:
        self._connect = connect
        self._power = power
        self._commands: dict[str, Frame] = {}
        self._asked: set[tuple[str, str, int]] = set()
        self._evidence: dict[str, list[str]] = {}
        self._handed: set[str] = set()
        self._have: list[str] | None = None
        self._pages: dict[str, Frame] = {}
        self.shown: set[str] = set()
        self.shown_ms: dict[str, int] = {}
        self.receipted: set[str] = set()

    async def play(self) -> None:
        while True:
            await self._power.on.wait()
            try:
                await self._talk(await self._connect())
            except GONE:
                await self._rest()

    async def _rest(self) -> None:
        """Before it tries again."""

    async def _talk(self, line: Line) -> None:
        line.keep_alive()
        self._handed.clear()
        self._have = None
        try:
            for command in tuple(self._commands.values()):
                await line.send(command)
            while True:
                frame = await line.until(lambda _frame: True)
                # Of what has been dealt with nothing is kept: a game has many thousand snapshots.
                line.frames.pop(0)
                if frame["type"] == "snapshot":
                    await self._look(line, frame)
                elif "jws" in frame:
                    self._let_go(frame["jws"])
                elif frame.get("command") in self._commands:
                    await self._answered(line, frame)
        finally:
            await line.close()

    async def _look(self, line: Line, snapshot: Frame) -> None:
        self._pages = pages = {page["incident"]: page for page in snapshot["pages"]}
        self.shown |= pages.keys()
        for incident, page in pages.items():
            for press in page["covers"]:
                self._stands(press)
            self._evidence[incident] = list(dict.fromkeys([*self._evidence.get(incident, []), *page["evidence"]]))
        have = list(pages)
        # Only when it changes: a state is an event for the hub, and everybody gets a snapshot for it.
        if have != self._have:
            self._have = have
            await line.send({"type": "state", **READY, "have": have, "seen": have, "ringing": []})
        told = {jws for page in pages.values() for jws in page["evidence"]} | self._handed
        await self._hand_back(line, [jws for held in self._evidence.values() for jws in held if jws not in told])
        for page in pages.values():
            await self._tap(line, page)

    def _stands(self, press: str) -> None:
        self.shown_ms.setdefault(press, now_ms())

    async def _hand_back(self, line: Line, events: list[str]) -> None:
        self._handed.update(events)
        for first in range(0, len(events), EVIDENCE_AT_ONCE_MAX):
            await line.send({"type": "evidence", "jws": events[first : first + EVIDENCE_AT_ONCE_MAX]})

    def _let_go(self, jws: str) -> None:
        # Should a page bring it once more, it is handed back once more.
        self._handed.discard(jws)
        held = {incident: [one for one in events if one != jws] for incident, events in self._evidence.items()}
        self._evidence = {incident: events for incident, events in held.items() if events}

    async def _tap(self, line: Line, page: Frame) -> None:
        """What is to be done next about this page, unless it has been asked for."""
        incident, do = page["incident"], "resolve" if page["mine"] in RESPONDING else "accept"
        asked = (incident, do, page["presses"])
        if page["state"] == "resolved" or asked in self._asked:
            return
        self._asked.add(asked)
        command = {
            "type": "command",
            "id": uuid.uuid4().hex,
            "do": do,
            "incident": incident,
            "covers": page["covers"] if do == "resolve" else [],
            "outcome": "genuine" if do == "resolve" else None,
            "note": "",
        }
        self._commands[command["id"]] = command
        await line.send(command)

    async def _answered(self, line: Line, frame: Frame) -> None:
        command = self._commands[frame["command"]]
        incident = command["incident"]
        if frame["type"] == "receipt":
            self.receipted.add(command["id"])
        elif frame["reason"] == "unknown_incident":
            # No answer: the hub has lost what it had not yet on its disk. It gets it back, and the command again.
            await self._hand_back(line, self._evidence.get(incident, []))
            await line.send(command)
            return
        else:
            # Refused: another press has joined. Asked for anew, by what the screen shows now.
            self._asked = {asked for asked in self._asked if asked[0] != incident}
            if incident in self._pages:
                await self._tap(line, self._pages[incident])
        del self._commands[command["id"]]
