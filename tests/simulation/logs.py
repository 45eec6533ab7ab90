"""The hub's logs as the file holds them now, and what terminals remember of histories that it holds no more.

What is promised, exactly: after a start nothing is signed in a log of which somebody remembers another history, until
every terminal that was linked before has said hello or HELLOS_MS are over; and never once one that remembers it has
said hello.
"""

import base64
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

HELLOS_MS = 4_000


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


class Log:
    """One log: its entries' bytes, and their tree."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.tree = PlainTree()

    def append(self, body: bytes) -> None:
        self.bodies.append(body)
        self.tree.append(body)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed note says; that its signature holds, whoever took it has checked."""

    epoch: int
    size: int
    root: bytes


def read_checkpoint(note: str) -> Checkpoint:
    origin, size, root = note.split("\n")[:3]
    return Checkpoint(int(origin.rpartition("/")[2]), int(size), base64.b64decode(root))


@dataclass(slots=True)
class Logs:
    """All logs of the file; `epoch` is the present one's. `broken` is told what must never be."""

    broken: Callable[[str], None]
    now_ms: Callable[[], int]
    epoch: int = 1
    _logs: dict[int, Log] = field(default_factory=lambda: {1: Log()})
    _remembered: set[Checkpoint] = field(default_factory=set)
    _at_stake: set[Checkpoint] = field(default_factory=set)
    """Remembered, and not of what the file held when it was restored."""
    _began_ms: int = 0
    _awaited: set[str] = field(default_factory=set)
    """Terminals that have not said hello in this run."""
    _heard: dict[int, tuple[str, int]] = field(default_factory=dict)
    """Log → who said, and when, that it remembers another history of it."""

    @property
    def size(self) -> int:
        return len(self._logs[self.epoch].bodies)

    @property
    def count(self) -> int:
        """Entries in all logs."""
        return sum(len(log.bodies) for log in self._logs.values())

    def __len__(self) -> int:
        return len(self._logs)

    def append(self, epoch: int, body: bytes) -> None:
        self.epoch = epoch
        self._logs.setdefault(epoch, Log()).append(body)

    def body(self, epoch: int, index: int) -> bytes | None:
        """None: the file has no such entry."""
        log = self._logs.get(epoch)
        return log.bodies[index] if log and index < len(log.bodies) else None

    def checkpoint_out(self, checkpoint: Checkpoint) -> None:
        """Somebody outside has this checkpoint now."""
        if checkpoint in self._remembered and self._holds(checkpoint):
            return
        log = self._logs.get(checkpoint.epoch)
        said = f"a checkpoint of {checkpoint.size} entries of log {checkpoint.epoch}"
        if log is None or checkpoint.size > len(log.bodies):
            self.broken(f"{said} is out, the disk has {len(log.bodies) if log else 0}")
        elif not self._holds(checkpoint):
            self.broken(f"{said} has another root than the ledger")
        self._remembered.add(checkpoint)

    def _holds(self, checkpoint: Checkpoint) -> bool:
        log = self._logs.get(checkpoint.epoch)
        return log is not None and log.tree.roots[checkpoint.size : checkpoint.size + 1] == [checkpoint.root]

    # ── after a restore ──────────────────────────────────────────────────────────────────────────────────────

    def forget(self) -> None:
        """The file is about to be read anew, from its beginning: an old copy has taken its place."""
        self.epoch, self._logs = 1, {1: Log()}

    def compare(self) -> None:
        """It has been read. What is remembered of an earlier log is no matter: that one has ended."""
        self._at_stake = {one for one in self._remembered if one.epoch >= self.epoch and not self._holds(one)}

    @property
    def forked(self) -> bool:
        """Whether somebody remembers another history of the log that the file was restored to, or of a later one."""
        return bool(self._at_stake)

    def run_began(self, terminals: Collection[str]) -> None:
        """A run that waits for these terminals."""
        self._began_ms, self._awaited = self.now_ms(), set(terminals)
        self._heard.clear()

    def greeted(self, terminal: str, note: str) -> None:
        """A terminal's hello has come, with the checkpoint that it remembers; "": none."""
        self._awaited.discard(terminal)
        if note and (said := read_checkpoint(note)) in self._at_stake and not self._holds(said):
            self._heard.setdefault(said.epoch, (terminal, self.now_ms()))

    def signed(self, epoch: int) -> None:
        """The hub is about to go on with this log, or to begin it."""
        if not any(one.epoch == epoch for one in self._at_stake):
            return
        terminal, heard_ms = self._heard.get(epoch, ("", 0))
        waited_ms = self.now_ms() - self._began_ms
        if terminal and heard_ms < self.now_ms():
            self.broken(f"log {epoch} goes on, although {terminal} has said that it remembers another history of it")
        elif self._awaited and waited_ms < HELLOS_MS:
            self.broken(f"log {epoch} is signed after {waited_ms} ms, and who remembers more of it was not yet heard")
