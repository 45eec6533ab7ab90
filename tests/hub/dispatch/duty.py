"""A campus on duty: what every test of dispatch plays on. Decides, applies, keeps the ledger; time is moved by hand."""

import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

from hub.dispatch import entries as e
from hub.dispatch import requests as r
from hub.dispatch.campus import Assignment, Campus, Incident
from hub.dispatch.fold import apply
from hub.dispatch.rules import decide, next_deadline_ms
from hub.dispatch.wanted import alerts

START_MS = 1_000_000
WALL, OTHER_WALL, BELL = "t-wall", "t-other", "t-bell"
EAST, WEST = "z-east", "z-west"
CHIEF = "a-chief"
ROUNDS_MAX = 3
"""Passes over due deadlines until none is left."""

OneEntry = TypeVar("OneEntry", bound=e.Entry)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def replay(entries: Sequence[e.Entry]) -> Campus:
    campus = Campus()
    for entry in entries:
        apply(campus, e.decode(e.encode(entry)))
    return campus


class Duty:
    """Two zones with a wall each, a bell, a chief with every right. Guards come by `guard`."""

    def __init__(
        self,
        tiers: tuple[e.TierName, ...] = ("zone", "campus", "everyone"),
        deadlines: e.Deadlines = e.Deadlines(),
    ) -> None:
        self.campus = Campus()
        self.now_ms = START_MS
        self.ledger: list[e.Entry] = []
        self._presses = 0
        self._commands = 0
        self.do(r.FoundCampus, campus="c-campus", details="")
        self.do(r.StartRun, run=1, version="1")
        for zone in (EAST, WEST):
            self.do(r.SetZone, zone=zone, details="", by=CHIEF, tiers=tiers, deadlines=deadlines)
        for terminal, zone, role in ((WALL, EAST, "wall"), (OTHER_WALL, WEST, "wall"), (BELL, EAST, "bell")):
            self.enrol(terminal, zone=zone, role=role)
        self.do(r.AddAccount, account=CHIEF, roles=("dispatcher", "leader", "admin"), zones=(), details="", by=CHIEF)

    # ── playing ──────────────────────────────────────────────────────────────────────────────────────────────

    def do(self, kind: type[r.Request], **said: Any) -> tuple[e.Entry, ...]:
        """Decides and applies. Raises Refused, and then nothing has changed."""
        entries = decide(self.campus, kind(now_ms=self.now_ms, **said))
        for entry in entries:
            apply(self.campus, entry)
        self.ledger += entries
        return entries

    def wait(self, ms: int) -> list[e.Entry]:
        """Lets time pass, with every deadline on its way; what they led to."""
        until_ms = self.now_ms + ms
        happened = self.settle()
        while (due_ms := next_deadline_ms(self.campus)) is not None and due_ms <= until_ms:
            self.now_ms = due_ms
            happened += self.settle()
        self.now_ms = until_ms
        return happened

    def settle(self) -> list[e.Entry]:
        """What is due now."""
        happened: list[e.Entry] = []
        for _ in range(ROUNDS_MAX):
            due_ms = next_deadline_ms(self.campus)
            if due_ms is None or due_ms > self.now_ms:
                return happened
            happened += self.do(r.ReachDeadline)
        pytest.fail(f"still due: {next_deadline_ms(self.campus)} at {self.now_ms}")

    def refused(self, kind: type[r.Request], **said: Any) -> str:
        """The reason; fails where nothing is refused."""
        with pytest.raises(r.Refused) as refusal:
            self.do(kind, **said)
        return refusal.value.reason

    # ── places and people ────────────────────────────────────────────────────────────────────────────────────

    def enrol(self, terminal: str, zone: str = EAST, role: str = "wall", silent: bool = False) -> None:
        inputs = {"panic": "panic", "loop": "perimeter", "case": "tamper", "buffer": "supply"} if role == "wall" else {}
        self.do(
            r.EnrolTerminal,
            terminal=terminal,
            zone=zone,
            role=role,
            algorithm="HS256",
            key="",
            inputs=inputs,
            silent=silent,
            details="",
            by=CHIEF,
        )

    def guard(self, name: str, zone: str = EAST, ready: bool = True) -> str:
        """A guard signed on at a pager of their own, `p-<name>`."""
        account = f"a-{name}"
        self.do(r.AddAccount, account=account, roles=("guard",), zones=(zone,), details="", by=CHIEF)
        self.pager(f"p-{name}")
        self.do(r.SignOn, guard=account, pager=f"p-{name}")
        if ready:
            self.hear(f"p-{name}")
        return account

    def pager(self, pager: str) -> None:
        self.do(r.MakePager, pager=pager, details="", by=CHIEF)

    def hear(self, pager: str, **said: Any) -> tuple[e.Entry, ...]:
        """The pager's whole state: READY, and nothing on it but what is `said`."""
        state = {
            "sound": "running",
            "visible": True,
            "awake": True,
            "battery_percent": 80,
            "charging": False,
            "have": (),
            "seen": (),
            "ringing": (),
        }
        return self.do(r.HearPager, pager=pager, **{**state, **said})

    # ── presses and answers ──────────────────────────────────────────────────────────────────────────────────

    def event(self, what: str = "panic", terminal: str = WALL, **said: Any) -> tuple[e.Entry, ...]:
        """A new event of this terminal, or the very one that is `said`."""
        self._presses += 1
        inputs = {"perimeter": "loop", "tamper": "case", "supply": "buffer", "started": "", "unknown": ""}
        event: dict[str, Any] = {
            "terminal": terminal,
            "boot": 1,
            "seq": self._presses,
            "input": inputs.get(what, "panic"),
            "what": what,
            "event_ms": self.now_ms,
            "error_ms": 5,
            "mono_ms": self._presses,
            **said,
        }
        event.setdefault("jws", f"{terminal}/{event['boot']}/{event['seq']}/{what}")
        event.setdefault("digest", digest_of(event["jws"]))
        return self.do(r.ReceiveEvent, **event)

    def press(self, terminal: str = WALL, **said: Any) -> Incident:
        """The incident that this press raises or joins."""
        entries = self.event("panic", terminal, **said)
        recorded = next(entry for entry in entries if isinstance(entry, e.EventRecorded))
        return self.campus.incidents[recorded.incident]

    def command(self, do: r.Do, incident: Incident | str, guard: str, **said: Any) -> tuple[e.Entry, ...]:
        """From the guard's own pager, unless `by` somebody else; a resolve covers everything unless it is said."""
        return self.do(r.Command, **self._command(do, incident, guard, said))

    def command_refused(self, do: r.Do, incident: Incident | str, guard: str, **said: Any) -> str:
        return self.refused(r.Command, **self._command(do, incident, guard, said))

    def _command(self, do: r.Do, incident: Incident | str, guard: str, said: dict[str, Any]) -> dict[str, Any]:
        self._commands += 1
        named = incident if isinstance(incident, str) else incident.incident
        covers = () if isinstance(incident, str) else tuple(incident.events)
        resolve = {"covers": covers, "outcome": "genuine"} if do == "resolve" else {}
        plain = {
            "command": f"command-{self._commands}",
            "do": do,
            "incident": named,
            "guard": guard,
            "by": f"p-{guard.removeprefix('a-')}",
        }
        return {**plain, **resolve, **said}

    def accepted(self, *guards: str) -> Incident:
        """An incident that these guards accepted, the first of them leading."""
        incident = self.press()
        for guard in guards:
            self.command("accept", incident, guard)
        return incident

    def resolved(self, guard: str) -> Incident:
        incident = self.accepted(guard)
        self.command("resolve", incident, guard)
        return incident

    # ── looking ──────────────────────────────────────────────────────────────────────────────────────────────

    def rings(self) -> dict[str, str]:
        """Pager → what it rings for its one incident; quiet ones are left out."""
        rings = alerts(self.campus).pagers
        assert all(len(ringing) <= 1 for ringing in rings.values())
        return {pager: ring for pager, ringing in rings.items() for ring in ringing.values()}

    def bell(self) -> str:
        return alerts(self.campus).bells[BELL]


def one(entries: Sequence[e.Entry], kind: type[OneEntry]) -> OneEntry:
    """The only entry of this kind."""
    (found,) = (entry for entry in entries if isinstance(entry, kind))
    return found


def kinds(entries: Sequence[e.Entry]) -> list[str]:
    return [type(entry).__name__ for entry in entries]


def called(entry: e.IncidentRaised | e.TierRaised) -> list[str]:
    return [page.guard for page in entry.paged]


def page_of(incident: Incident, guard: str) -> Assignment:
    return incident.assignments[guard]
