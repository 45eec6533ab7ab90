"""A campus on duty behind an engine, and a disk that a test holds in its hand."""

import asyncio
import functools
from collections import deque
from collections.abc import Callable
from typing import Any

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.asked import Answer
from hub.dispatch.batch import Batch, Commit, Receipt, Submission
from hub.dispatch.engine import Engine, View
from tests.hub.dispatch.duty import EAST, START_MS, WALL, Duty, digest_of

GUARD, PAGER = "a-guard", "p-guard"


class HeldWriter:
    """A writer whose disk stands still until `commit` is called. While `slow`, it says what it held only when `answer`
    is called."""

    def __init__(self) -> None:
        self.waiting: list[Batch] = []
        self.written: set[str] = set()
        self.looked_up: list[str] = []
        self.slow = False
        self._answers: deque[Callable[[], None]] = deque()
        self.size = 0
        self.given = asyncio.Event()

    def start(self, on_commit: Callable[[Commit], None], on_error: Callable[[str], None]) -> None:
        """Nothing runs by itself here."""

    def submit(self, batch: Batch) -> None:
        self.waiting.append(batch)
        self.given.set()

    def close(self) -> None:
        """Nothing is held open."""

    def look_up(self, digest: str, told: Callable[[bool], None]) -> None:
        self.looked_up.append(digest)
        self._answers.append(functools.partial(told, digest in self.written))
        if not self.slow:
            self.answer()

    def answer(self) -> bool:
        """The oldest question, if there is any."""
        if self._answers:
            self._answers.popleft()()
        return bool(self._answers)

    def commit(self, count: int | None = None) -> Commit:
        batches = tuple(self.waiting[:count])
        del self.waiting[:count]
        first, receipts = self.size, {}
        for batch in batches:
            for entry, body in zip(batch.entries, batch.bodies, strict=True):
                if isinstance(entry, e.EventRecorded):
                    self.written.add(entry.digest)
                    receipts[self.size] = Receipt(self.size, body.decode(), (), "note")
                self.size += 1
        return Commit(1, first, self.size, batches, "note", receipts)


class Post:
    """A campus on duty behind an engine."""

    def __init__(self) -> None:
        duty = Duty()
        duty.do(r.AddAccount, account=GUARD, roles=("guard",), zones=(EAST,), details="", by="x")
        duty.do(r.MakePager, pager=PAGER, details="", by="x")
        duty.do(r.SignOn, guard=GUARD, pager=PAGER)
        self.now_ms = START_MS
        self.writer = HeldWriter()
        self.engine = Engine(duty.campus, 0, self.writer, self.writer.look_up, lambda: self.now_ms)
        self.entries: list[e.Entry] = []
        self.engine.on_decided = self.entries.extend

    def tell(self, kind: type[r.Request], **said: Any) -> list[Answer]:
        """Submits and steps; what the answer is so far."""
        answers: list[Answer] = []
        self.engine.submit(Submission(kind(now_ms=self.now_ms, **said)), answers.append)
        self.engine.step(self.now_ms)
        return answers

    def press(self, seq: int = 1, boot: int = 1) -> list[Answer]:
        return self.tell(r.ReceiveEvent, **self.event(seq, boot))

    def event(self, seq: int, boot: int = 1) -> dict[str, Any]:
        return {
            "terminal": WALL,
            "digest": digest_of(f"press {boot}/{seq}"),
            "jws": f"jws {boot}/{seq}",
            "boot": boot,
            "seq": seq,
            "input": "panic",
            "what": "panic",
            "event_ms": None,
            "error_ms": None,
            "mono_ms": seq,
        }

    def commit(self, count: int | None = None) -> None:
        self.engine.committed(self.writer.commit(count))
        self.engine.step(self.now_ms)

    def answer(self) -> bool:
        """The disk says what it held when it was asked longest ago; whether there is more that it was asked."""
        more = self.writer.answer()
        self.engine.step(self.now_ms)
        return more

    def command(self, do: r.Do, command: str, **said: Any) -> list[Answer]:
        incident = next(iter(self.engine.decided.incidents))
        return self.tell(r.Command, command=command, do=do, incident=incident, guard=GUARD, by=PAGER, **said)

    @property
    def view(self) -> View:
        return self.engine.view

    @property
    def rings(self) -> list[str]:
        return list(self.view.alerts.pagers[PAGER].values())


class Shown:
    def __init__(self) -> None:
        self.views: list[View] = []

    def refresh(self, view: View) -> None:
        self.views.append(view)
