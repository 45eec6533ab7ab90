"""What really happened, kept outside of everything under test.

The truth of the ledger is what the file holds after each turn of the writer, read by a connection of its own and
hashed by a tree of its own. The truth of a press is who pressed when. Nothing here asks the hub what it believes.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus, incident_id
from hub.dispatch.fold import apply
from tests.simulation.logs import Logs, read_checkpoint

CRASHED = "crashed: "
"""Begins what is broken when something raised that should not have: true as it is, no check has found it."""


@dataclass(slots=True)
class Made:
    """An event that a terminal made; clones share their `identity`. `hub_ms`: the hub's time at its first edge, by the
    clock that the terminal went by (None: it had none, or is sick). `stored`: it has been on the terminal's disk.
    `lost`: with its terminal's memory, or by right with the hub's. `done`: the terminal has let go of it; `early`:
    while its incident was open.
    """

    terminal: str
    identity: str
    what: str
    hub_ms: int | None
    stored: bool = False
    lost: bool = False
    done: bool = False
    early: bool = False


class Truth:
    """`broken` is told each thing that must never be; the first one ends the run. `held` and `kept`: digests of the
    signed events that pagers hold, and that terminals keep.
    """

    def __init__(
        self,
        broken: Callable[[str], None],
        held: Callable[[], set[str]],
        kept: Callable[[], set[str]],
        now_ms: Callable[[], int],
    ) -> None:
        self.held = held
        self.kept = kept
        self.broken = broken
        self.logs = Logs(broken, now_ms)
        self.made: dict[str, Made] = {}
        self.taken = False
        """Another program has moved the head: the hub that runs writes no more."""
        self.has_defect: Callable[[], bool] = lambda: False
        """Whether a defect of the hub's has shown itself in its present run: what it knows is then not whole."""
        self.restored_run = 0
        """The last run of the hub before its file was restored: what it said may be about what is lost."""
        self._smashed: set[str] = set()
        """Terminals whose disk is gone."""
        self._receipts: set[str] = set()
        """Events that a terminal has a receipt for, given since the file was restored."""
        self._begin()

    def _begin(self) -> None:
        """Of all that is told by the file: nothing yet."""
        self._entries: list[tuple[int, int, e.Entry]] = []
        """Log, index, entry."""
        self.campus = Campus()
        """What the file folds to."""
        self.known = Campus()
        """The same as far as the hub has been told, which may be a moment behind."""
        self._told = 0
        self.recorded: dict[str, tuple[int, int]] = {}
        """digest → log and index, of every event on the hub's disk."""
        self.commands: set[str] = set()
        self.run = 0
        self.drills: dict[str, int] = {}
        """Zones and terminals that a drill or a test was begun for, and in which run."""
        self.revoked: set[str] = set()
        self._last_ms = 0

    # ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────

    def grew(self, rows: Sequence[tuple[int, bytes]]) -> None:
        """The hub has written these further entries: each its log and its bytes."""
        if rows and self.taken:
            self.broken("the hub goes on writing, although another program has moved the head")
        for epoch in dict.fromkeys(epoch for epoch, _ in rows):
            self.logs.signed(epoch)
        self._read(rows)

    def _read(self, rows: Iterable[tuple[int, bytes]]) -> None:
        for epoch, body in rows:
            entry = e.decode(body)
            self.logs.append(epoch, body)
            self._check(entry)
            self._entries.append((epoch, self.logs.size - 1, entry))
            apply(self.campus, entry)

    def told(self, epoch: int, size: int) -> None:
        """The hub has been told that so many entries of this log are on the disk, and knows of those that are."""
        for at_epoch, index, entry in self._entries[self._told :]:
            if (at_epoch, index) >= (epoch, size):
                break
            apply(self.known, entry)
            self._told += 1

    def restored(self, rows: Iterable[tuple[int, bytes]], last_run: int) -> None:
        """An old copy, of these entries, has taken the file's place. Whatever somebody still keeps must come back."""
        before = self.recorded
        self.restored_run = last_run
        self._receipts.clear()
        self._begin()
        self.logs.forget()
        self._read(rows)
        self.logs.compare()
        kept = self.kept() | self.held()
        for digest in before.keys() - self.recorded.keys() - kept:
            made = self.made[digest]
            if made.early and not made.lost:
                self.broken(f"a restore loses {digest[:8]}: its terminal let go of it before its incident was over")
            made.lost = True

    def _check(self, entry: e.Entry) -> None:
        # The beginning of a log goes in before everything that waits.
        if not isinstance(entry, e.LogBegan):
            if entry.at_ms < self._last_ms:
                self.broken(f"hub time went back in the ledger: {entry.at_ms} after {self._last_ms}")
            self._last_ms = entry.at_ms
        match entry:
            case e.EventRecorded():
                self._check_event(entry)
            case e.RunStarted():
                self.run = entry.run
            case e.DrillStarted():
                self.drills[entry.zone] = self.run
            case e.TestStarted():
                self.drills[entry.terminal] = self.run
            case e.TerminalRevoked():
                self.revoked.add(entry.terminal)
        command = getattr(entry, "command", "")
        if command:
            if command in self.commands:
                self.broken(f"command {command[:6]} counts twice")
            self.commands.add(command)
        if isinstance(entry, e.Resolved):
            unseen = set(self.campus.incidents[entry.incident].events) - set(entry.covers)
            if unseen and not self.has_defect():
                self.broken(f"{entry.incident[:10]} was resolved although {len(unseen)} of its events were not seen")

    def _check_event(self, entry: e.EventRecorded) -> None:
        if entry.digest in self.recorded:
            self.broken(f"event {entry.digest[:8]} is in the ledger twice")
        self.recorded[entry.digest] = self.logs.epoch, self.logs.size - 1
        made = self.made.get(entry.digest)
        if made is None:
            self.broken(f"event {entry.digest[:8]} is in the ledger and nobody made it")
        elif made.hub_ms is not None and entry.event_ms is not None and entry.error_ms is not None:
            error_ms = abs(entry.event_ms - made.hub_ms)
            if error_ms > entry.error_ms:
                self.broken(f"event {entry.digest[:8]} says {entry.event_ms} ± {entry.error_ms}, it was {made.hub_ms}")

    def checkpoint_seen(self, note: str) -> None:
        """Somebody outside has a checkpoint of one of the logs."""
        self.logs.checkpoint_out(read_checkpoint(note))

    def receipt_sent(self, digest: str, index: int, entry: str, note: str) -> None:
        """The hub gives out a receipt."""
        self.checkpoint_seen(note)
        epoch = read_checkpoint(note).epoch
        body = self.logs.body(epoch, index)
        if body is None:
            self.broken(f"a receipt for entry {index} of log {epoch} goes out, the disk has no such entry")
        elif body != entry.encode() or self.recorded.get(digest) != (epoch, index):
            self.broken(f"a receipt for {digest[:8]} names entry {index} of log {epoch}, which is another one")

    # ── the presses ──────────────────────────────────────────────────────────────────────────────────────────

    def event_made(self, digest: str, made: Made) -> None:
        # Two clones can make the same bytes at the same moment: then it is one event.
        self.made.setdefault(digest, made)

    def stored(self, digests: Iterable[str]) -> None:
        """These are on their terminal's disk."""
        for digest in digests:
            self.made[digest].stored = True

    def released(self, digest: str, run: int) -> None:
        """A terminal lets go of an event; `run` of the hub said what it goes by."""
        made = self.made[digest]
        made.done = True
        # A hub with a defect may not know better than to say that the light is out.
        made.early = digest in self._receipts and self._is_open(digest) and not self.has_defect()
        if digest in self.recorded:
            return
        if run > self.restored_run:
            self.broken(f"a terminal lets go of {digest[:8]}, which no disk has")
        elif digest not in self.held():
            made.lost = True

    def _is_open(self, digest: str) -> bool:
        incident = self.campus.incidents.get(self.campus.event_incidents.get(digest, ""))
        return incident is not None and incident.state not in ("resolved", "closed")

    def said_unknown(self, incident: str) -> None:
        """A pager gives a command up, for the hub has said that it does not know what it is about."""
        if any(incident_id(digest) == incident and self._is_open(digest) for digest in self.recorded):
            self.broken(f"a command is lost: {incident[:10]} is said to be unknown, it is open on the disk")

    def receipt_taken(self, digest: str) -> None:
        self._receipts.add(digest)
        if digest not in self.recorded:
            self.broken(f"a terminal takes a receipt for {digest[:8]}, which is not on the hub's disk")

    def not_proven(self, terminal: str, why: str) -> None:
        """A terminal does not take a receipt. That is right where a log goes on otherwise than it remembers, for it
        was not heard in time.
        """
        if not self.logs.forked:
            self.broken(f"{terminal}: a receipt proves nothing: {why}")

    def power_lost(self, terminal: str, kept: set[str]) -> None:
        """What was on the terminal's disk must be there; what was in its memory alone may be gone."""
        for digest, made in self.made.items():
            if made.terminal != terminal or made.done or digest in kept:
                continue
            if made.stored:
                self.broken(f"{terminal}: the power cut took {digest[:8]} from its disk")
            made.lost = True

    def smashed(self, terminal: str) -> None:
        """Its disk is gone too. What a pager holds must come back by that."""
        self._smashed.add(terminal)
        self.pager_forgot(digest for digest, made in self.made.items() if made.terminal == terminal)

    def pager_forgot(self, digests: Iterable[str]) -> None:
        """A pager holds so much and no more: what nobody else keeps is lost."""
        held = self.held()
        for digest in digests:
            if self.made[digest].terminal in self._smashed and digest not in held:
                self.made[digest].lost = True

    def missing(self) -> list[str]:
        """Events that must be in the ledger in the end and are not."""
        owed = (digest for digest, made in self.made.items() if not made.lost and made.identity not in self.revoked)
        return [digest for digest in owed if digest not in self.recorded]
