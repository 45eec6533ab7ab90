"""Both folds as the engine keeps them, without its queues: what is decided, what is committed, what is between them."""

from dataclasses import dataclass
from typing import Any

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Campus, copy, snapshot
from hub.dispatch.fold import apply
from hub.dispatch.rules import decide, next_deadline_ms
from hub.dispatch.wanted import RINGING_KINDS, alerts
from tests.hub.dispatch.duty import Duty

ROUNDS_MAX = 4
"""Passes over due deadlines in one step; the engine allows 16."""


@dataclass(frozen=True)
class Pending:
    entries: tuple[e.Entry, ...]
    lowers: bool


class TwoFolds:
    """`decided` has everything decided but for what lowers attention and is not committed; `durable` is `ledger`."""

    def __init__(self, duty: Duty) -> None:
        self.now_ms = duty.now_ms
        self.decided = duty.campus
        self.durable = copy(duty.campus)
        self.ledger = list(duty.ledger)
        self.pending: list[Pending] = []

    def ask(self, kind: type[r.Request], **said: Any) -> tuple[e.Entry, ...] | None:
        """What a request leads to, None if it was refused; then everything that is due."""
        entries = self._decide(kind(now_ms=self.now_ms, **said))
        self.reach()
        return entries

    def _decide(self, request: r.Request) -> tuple[e.Entry, ...] | None:
        before = snapshot(self.decided)
        ringing, before_pagers = self._ringing(), set(self.decided.pagers)
        try:
            entries = decide(self.decided, request)
        except r.Refused:
            assert snapshot(self.decided) == before
            return None
        assert snapshot(self.decided) == before
        assert all(e.decode(e.encode(entry)) == entry for entry in entries)
        if entries:
            self.pending.append(Pending(entries, request.lowers))
        if not request.lowers:
            for entry in entries:
                apply(self.decided, entry)
            if any(pager in before_pagers for pager, _, _ in self._ringing() - ringing):
                assert any(isinstance(entry, RINGING_KINDS) for entry in entries), entries
        return entries

    def _ringing(self) -> set[tuple[str, str, str]]:
        rings = alerts(self.decided).pagers
        return {(pager, name, ring) for pager, ringing in rings.items() for name, ring in ringing.items()}

    def reach(self) -> None:
        for _ in range(ROUNDS_MAX):
            due_ms = next_deadline_ms(self.decided)
            if due_ms is None or due_ms > self.now_ms:
                return
            assert self._decide(r.ReachDeadline(now_ms=self.now_ms)), "due, and nothing to say"
        pytest.fail("deadlines without end")

    def commit(self, count: int) -> None:
        for pending in self.pending[:count]:
            for entry in pending.entries:
                apply(self.durable, entry)
            self.ledger += pending.entries
        lowered = any(pending.lowers for pending in self.pending[:count])
        del self.pending[:count]
        if lowered:
            self.decided = self.rebased()

    def rebased(self) -> Campus:
        campus = copy(self.durable)
        for pending in self.pending:
            if not pending.lowers:
                for entry in pending.entries:
                    apply(campus, entry)
        return campus
