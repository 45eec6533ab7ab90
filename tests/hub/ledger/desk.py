"""A hub's decisions without the hub: batches for the writer from the real rules, and whole ledgers of them."""

import json
import sqlite3
from pathlib import Path
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.jws import EVENT_TYP, Ed25519Signer, Hs256Key, b64url, digest_of, header, sign
from firstbell.note import ED25519, Vkey

from hub.database import connect
from hub.dispatch import campus as campuses
from hub.dispatch import requests as r
from hub.dispatch.batch import Batch, Sealed, Secret, Snapshot, Submission
from hub.dispatch.campus import Campus
from hub.dispatch.entries import Entry, InputState, LightState, encode
from hub.dispatch.fold import apply
from hub.dispatch.rules import decide, next_deadline_ms
from hub.ledger.origin import origin_of
from hub.ledger.sealed import seal
from hub.ledger.store import Store, create_ledger

BASE = "firstbell.invalid/c-testcampus"
LOG_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
VKEY = Vkey(origin_of(BASE, 1), ED25519, LOG_KEY.public_key().public_bytes_raw())
ZONES = ("z-east222222", "z-west222222")
GUARDS = ("a-guard22222", "a-guard33333", "a-guard44444")
PAGERS = ("p-pager22222", "p-pager33333", "p-pager44444")
WALLS = ("t-wall222222", "t-wall333333", "t-node222222")
BELL = "t-bell222222"
OUTCOMES = ("genuine", "mistaken", "malicious", "fault", "drill", "unfounded")
OPEN_DOES: tuple[r.Do, ...] = ("accept", "decline", "release", "on_scene", "sign", "backup", "resolve")
RESOLVED_DOES: tuple[r.Do, ...] = ("reopen", "close")


class Desk:
    """Decides and folds like the engine. `random` makes everything that is random, so that a seed repeats it."""

    def __init__(self, random: Random, boot: int = 1) -> None:
        self.random = random
        self.boot = boot
        self.campus = Campus()
        self.now_ms = 0
        self.count = 0
        self.epoch = 1
        self.size = 0
        self.pressed: list[str] = []
        self._seeds = {terminal: random.randbytes(32) for terminal in (*WALLS, BELL)}
        self._said = dict.fromkeys(WALLS, 0)

    def seal(self, domain: str, text: str) -> Sealed:
        return seal(f"firstbell/{domain}/v1", text, self.random.randbytes(32))

    def ask(self, request: r.Request, *sealed: Sealed, secrets: tuple[Secret, ...] = ()) -> Batch | None:
        """The batch that this request leads to; None when it is refused or changes nothing."""
        return self.batch(Submission(request, sealed, secrets))

    def batch(self, *submissions: Submission) -> Batch | None:
        entries: list[Entry] = []
        for submission in submissions:
            try:
                decided = decide(self.campus, submission.request)
            except r.Refused:
                continue
            for entry in decided:
                apply(self.campus, entry)
            entries += decided
        if not entries:
            return None
        self.size += len(entries)
        return Batch(
            entries=tuple(entries),
            bodies=tuple(encode(entry) for entry in entries),
            sealed=tuple(sealed for submission in submissions for sealed in submission.sealed),
            secrets=tuple(secret for submission in submissions for secret in submission.secrets),
        )

    def snapshot(self) -> Snapshot:
        return Snapshot(self.epoch, self.size, campuses.snapshot(self.campus))

    def found(self) -> list[Batch]:
        """The log's first entries: a campus with two zones, three guards signed on, three walls, a bell."""
        made = [self.ask(r.BeginLog(now_ms=0, origin=origin_of(BASE, 1)))]
        campus = self.seal("campus-details", '{"name":"第一中学"}')
        made.append(self.ask(r.FoundCampus(now_ms=0, campus="c-testcampus", details=campus.commitment), campus))
        made.append(self.ask(r.StartRun(now_ms=0, run=1, version="1")))
        for zone in ZONES:
            details = self.seal("zone-details", f'{{"name":"{zone}"}}')
            made.append(self.ask(r.SetZone(now_ms=0, zone=zone, details=details.commitment, by="console"), details))
        made += [batch for number in range(len(GUARDS)) for batch in self._guard(number)]
        made += [self._enrol(terminal) for terminal in (*WALLS, BELL)]
        assert None not in made
        return [batch for batch in made if batch]

    def _guard(self, number: int) -> list[Batch | None]:
        guard, pager = GUARDS[number], PAGERS[number]
        person, device = self.seal("account-details", '{"name":"王建国"}'), self.seal("pager-details", '{"name":"1"}')
        pin = (Secret(guard, "pin", b"a hash"),)
        added = r.AddAccount(
            now_ms=0,
            account=guard,
            roles=("guard", "leader"),
            zones=ZONES,
            details=person.commitment,
            by="console",
        )
        return [
            self.ask(added, person, secrets=pin),
            self.ask(r.MakePager(now_ms=0, pager=pager, details=device.commitment, by=guard), device),
            self.ask(r.SignOn(now_ms=0, guard=guard, pager=pager)),
        ]

    def _enrol(self, terminal: str) -> Batch | None:
        details = self.seal("terminal-details", '{"name":"女卫生间外走廊"}')
        node = terminal.startswith("t-node")
        public = b64url(Ed25519Signer(self._seeds[terminal]).public_key())
        request = r.EnrolTerminal(
            now_ms=0,
            terminal=terminal,
            zone=ZONES[WALLS.index(terminal) % 2 if terminal in WALLS else 0],
            role="bell" if terminal == BELL else "wall",
            algorithm="HS256" if node else "EdDSA",
            key="" if node else public,
            inputs={} if terminal == BELL else {"panic": "panic", "cover": "tamper"},
            silent=False,
            details=details.commitment,
            by="console",
        )
        return self.ask(request, details)

    def event(self, terminal: str, what: str = "panic", seq: int = 0) -> r.ReceiveEvent:
        """A signed event, as the link hands it in."""
        self._said[terminal] += 1
        fields = {
            "terminal": terminal,
            "boot": self.boot,
            "seq": seq or self._said[terminal],
            "input": "panic" if what == "panic" else "cover",
            "what": what,
            "mono_ms": self.now_ms,
            "event_ms": self.now_ms,
            "error_ms": 2,
        }
        seed = self._seeds[terminal]
        node = terminal.startswith("t-node")
        key = Hs256Key(seed) if node else Ed25519Signer(seed)
        jws = sign(json.dumps(fields, separators=(",", ":")).encode(), header(key.algorithm, terminal, EVENT_TYP), key)
        self.pressed.append(digest_of(jws))
        return r.ReceiveEvent(now_ms=self.now_ms, digest=digest_of(jws), jws=jws, **fields)  # type: ignore[arg-type]

    def press(self, terminal: str = WALLS[0]) -> Batch:
        self.now_ms += 1
        batch = self.ask(self.event(terminal))
        assert batch
        return batch

    def play(self) -> Batch | None:
        """Something that could happen next."""
        self.now_ms += self.random.choice((1, 40, 900, 6_000, 40_000))
        request = self.random.choice((self._event, self._event, self._hear, self._light, self._command, self._command))
        if (next_deadline_ms(self.campus) or self.now_ms) < self.now_ms:
            return self.ask(r.ReachDeadline(now_ms=self.now_ms))
        return request()

    def _event(self) -> Batch | None:
        what = self.random.choice(("panic", "panic", "panic", "tamper", "restored"))
        # Now and then a clone says something else under a number that was used.
        seq = self.random.choice((0, 0, 0, 1))
        return self.ask(self.event(self.random.choice(WALLS), what, seq))

    def _hear(self) -> Batch | None:
        held = tuple(self.campus.incidents)
        some = tuple(incident for incident in held if self.random.random() < 0.7)
        request = r.HearPager(
            now_ms=self.now_ms,
            pager=self.random.choice(PAGERS),
            sound="running",
            visible=True,
            awake=True,
            battery_percent=None,
            charging=None,
            have=held,
            seen=some,
            ringing=some,
        )
        return self.ask(request)

    def _light(self) -> Batch | None:
        lights: tuple[LightState, ...] = ("none", "recorded", "coming", "here")
        inputs: dict[str, InputState] = {"panic": "open", "cover": self.random.choice(("open", "closed"))}
        request = r.HearTerminal(
            now_ms=self.now_ms,
            terminal=self.random.choice(WALLS),
            light=self.random.choice(lights),
            since_ms=self.now_ms,
            ring="none",
            inputs=inputs,
        )
        return self.ask(request)

    def _command(self) -> Batch | None:
        incidents = tuple(self.campus.incidents.values())
        if not incidents:
            return None
        incident = self.random.choice(incidents)
        number = self.random.randrange(len(GUARDS))
        assigned = incident.assignments.values()
        responding = [GUARDS.index(one.guard) for one in assigned if one.state in ("accepted", "on_scene")]
        if responding and self.random.random() < 0.7:
            number = self.random.choice(responding)
        do = self.random.choice(RESOLVED_DOES if incident.state == "resolved" else OPEN_DOES)
        note = self.seal("resolve-note", "一切正常")
        self.count += 1
        request = r.Command(
            now_ms=self.now_ms,
            command=f"command-{self.count}",
            do=do,
            incident=incident.incident,
            guard=GUARDS[number],
            by=GUARDS[number] if do in RESOLVED_DOES else PAGERS[number],
            covers=tuple(incident.events),
            outcome=self.random.choice(OUTCOMES) if do == "resolve" else None,  # type: ignore[arg-type]
            note=note.commitment if do == "resolve" else "",
        )
        return self.ask(request, note)


def unsynced(path: Path) -> sqlite3.Connection:
    """For what only has to be there while the test runs."""
    connection = connect(path)
    connection.execute("PRAGMA synchronous = OFF")
    return connection


def new_store(folder: Path) -> Store:
    path = folder / "hub.db"
    create_ledger(path, BASE, LOG_KEY)
    return Store(path, BASE, LOG_KEY, unsynced)


def make_ledger(folder: Path, seed: int, entries: int, snapshot_every: int = 1_000) -> tuple[Path, Desk]:
    """A ledger of at least so many entries, with everything in it, closed. A large one in larger transactions."""
    together = max(1, entries // 500)
    desk = Desk(Random(seed))
    store = new_store(folder)
    waiting = desk.found()
    snapshot, taken = None, 0
    while store.head.size < entries:
        while len(waiting) < together * desk.random.choice((1, 2, 5)):
            batch = desk.play()
            waiting += [batch] if batch else []
        if snapshot:
            waiting[0] = Batch(waiting[0].entries, waiting[0].bodies, waiting[0].sealed, waiting[0].secrets, snapshot)
        store.commit(waiting)
        waiting = []
        snapshot = desk.snapshot() if desk.size >= taken + snapshot_every else None
        taken = desk.size if snapshot else taken
    store.close()
    return folder / "hub.db", desk
