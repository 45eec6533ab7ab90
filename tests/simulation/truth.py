"""What really happened, kept outside of everything under test.

The truth of the ledger is what the file holds after each turn of the writer, read by a connection of its own and
hashed by a tree of its own. The truth of a press is who pressed when. Nothing here asks the hub what it believes.
"""

import base64
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from hub.dispatch import entries as e
from hub.dispatch.campus import Campus
from hub.dispatch.fold import apply


class PlainTree:
    """RFC 6962 over all leaves so far, by its definition: perfect subtrees merge as they fill. Roots by size."""

    def __init__(self) -> None:
        self._subtrees: list[tuple[int, bytes]] = []
        self.roots = [hashlib.sha256(b"").digest()]

    def append(self, body: bytes) -> None:
        size, node = 1, hashlib.sha256(b"\x00" + body).digest()
        while self._subtrees and self._subtrees[-1][0] == size:
            node = hashlib.sha256(b"\x01" + self._subtrees.pop()[1] + node).digest()
            size *= 2
        self._subtrees.append((size, node))
        root = node
        for _, left in reversed(self._subtrees[:-1]):
            root = hashlib.sha256(b"\x01" + left + root).digest()
        self.roots.append(root)


@dataclass(slots=True)
class Made:
    """An event that a terminal made; clones share their `identity`. `hub_ms`: the hub's time at its first edge, by the
    clock that the terminal went by (None: it had none, or is sick). `stored`: it has been on the terminal's disk.
    `lost`: with its terminal's memory. `done`: the terminal has let go of it.
    """

    terminal: str
    identity: str
    what: str
    hub_ms: int | None
    stored: bool = False
    lost: bool = False
    done: bool = False


class Truth:
    """`broken` is told each thing that must never be; the first one ends the run. `held`: digests of the signed
    events that pagers hold.
    """

    def __init__(self, broken: Callable[[str], None], held: Callable[[], set[str]]) -> None:
        self.held = held
        self.broken = broken
        self.tree = PlainTree()
        self.bodies: list[bytes] = []
        self._entries: list[e.Entry] = []
        self.campus = Campus()
        """What the file folds to."""
        self.known = Campus()
        """The same as far as the hub has been told, which may be a moment behind."""
        self._told = 0
        self.recorded: dict[str, int] = {}
        """digest → index, of every event on the hub's disk."""
        self.commands: set[str] = set()
        self.made: dict[str, Made] = {}
        self.receipts: dict[str, int] = {}
        self.run = 0
        self.drills: dict[str, int] = {}
        """Zones and terminals that a drill or a test was begun for, and in which run."""
        self.revoked: set[str] = set()
        self._checkpoints: set[str] = set()
        self._last_ms = 0

    # ── the ledger ───────────────────────────────────────────────────────────────────────────────────────────

    @property
    def size(self) -> int:
        return len(self.bodies)

    def grew(self, bodies: Iterable[bytes]) -> None:
        """The file has these further entries."""
        for body in bodies:
            entry = e.decode(body)
            self._check(entry)
            self.bodies.append(body)
            self._entries.append(entry)
            self.tree.append(body)
            apply(self.campus, entry)

    def told(self, size: int) -> None:
        """The hub has been told that so many entries are on the disk, and knows of those that are."""
        for entry in self._entries[self._told : size]:
            apply(self.known, entry)
        self._told = min(size, self.size)

    def _check(self, entry: e.Entry) -> None:
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
            if unseen:
                self.broken(f"{entry.incident[:10]} was resolved although {len(unseen)} of its events were not seen")

    def _check_event(self, entry: e.EventRecorded) -> None:
        if entry.digest in self.recorded:
            self.broken(f"event {entry.digest[:8]} is in the ledger twice")
        self.recorded[entry.digest] = self.size
        made = self.made.get(entry.digest)
        if made is None:
            self.broken(f"event {entry.digest[:8]} is in the ledger and nobody made it")
        elif made.hub_ms is not None and entry.event_ms is not None and entry.error_ms is not None:
            error_ms = abs(entry.event_ms - made.hub_ms)
            if error_ms > entry.error_ms:
                self.broken(f"event {entry.digest[:8]} says {entry.event_ms} ± {entry.error_ms}, it was {made.hub_ms}")

    def checkpoint_seen(self, note: str) -> None:
        """Somebody outside has a checkpoint of this log."""
        if note in self._checkpoints:
            return
        self._checkpoints.add(note)
        _origin, size_text, root_text = note.split("\n")[:3]
        size = int(size_text)
        if size > self.size:
            self.broken(f"a checkpoint of {size} entries is out, the disk has {self.size}")
        elif base64.b64decode(root_text) != self.tree.roots[size]:
            self.broken(f"a checkpoint of {size} entries has another root than the ledger")

    def receipt_sent(self, digest: str, index: int, entry: str) -> None:
        """The hub gives out a receipt."""
        if index >= self.size:
            self.broken(f"a receipt for entry {index} goes out, the disk has {self.size} entries")
        elif self.bodies[index] != entry.encode() or self.recorded.get(digest) != index:
            self.broken(f"a receipt for {digest[:8]} names entry {index}, which is another one")

    # ── the presses ──────────────────────────────────────────────────────────────────────────────────────────

    def event_made(self, digest: str, made: Made) -> None:
        # Two clones can make the same bytes at the same moment: then it is one event.
        self.made.setdefault(digest, made)

    def stored(self, digests: Iterable[str]) -> None:
        """These are on their terminal's disk."""
        for digest in digests:
            self.made[digest].stored = True

    def released(self, digest: str) -> None:
        self.made[digest].done = True
        if digest not in self.recorded:
            self.broken(f"a terminal lets go of {digest[:8]}, which no disk has")

    def receipt_taken(self, digest: str) -> None:
        self.receipts[digest] = self.size
        if digest not in self.recorded:
            self.broken(f"a terminal takes a receipt for {digest[:8]}, which is not on the hub's disk")

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
        held = self.held()
        for digest, made in self.made.items():
            if made.terminal == terminal and digest not in held:
                made.lost = True

    def missing(self) -> list[str]:
        """Events that must be in the ledger in the end and are not."""
        owed = (digest for digest, made in self.made.items() if not made.lost and made.identity not in self.revoked)
        return [digest for digest in owed if digest not in self.recorded]
