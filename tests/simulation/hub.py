"""The hub's machine: power, process, clock and disk around the real hub (hub.service.Core)."""

import asyncio
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.note import Vkey

from hub.clock import HubClock
from hub.dispatch.batch import Commit
from hub.dispatch.engine import Engine
from hub.ledger.store import Store
from hub.people.keyring import load_keyring
from hub.service import Core
from tests.simulation.checks import Checks
from tests.simulation.defects import Defects
from tests.simulation.disk import Disk
from tests.simulation.network import CONNECT_MS_MAX, Line, NetworkPath, Peer
from tests.simulation.truth import CRASHED, Truth
from tests.simulation.virtual_time import VirtualLoop

UTC_AT_START_MS = 1_790_000_000_000
_UNTOLD = ("at_ms", "jws", "details", "key", "version", "by", "mono_ms", "received_ms")
"""Fields of entries that the trace does without."""
AHEAD_MS_MAX = 7 * 86_400_000 + 1_000
"""So much may a wall clock that is wrong push hub time ahead at one start (hub/README.md)."""
RESTART_MS = (300, 3_000)
"""How long it takes until a process that ended is there again."""


@dataclass(slots=True)
class Machine:
    """`boot` and `wall` are its clocks. The process is `run`, or there is none."""

    loop: VirtualLoop
    truth: Truth
    disk: Disk
    random: Random
    base: str
    key: Ed25519PrivateKey
    vkey: Vkey
    say: Callable[[str, str], None]
    wall_wrong_ms: int = 0
    booted_ms: int = 0
    run: "Run | None" = None
    runs: int = 0
    zeros_ms: dict[int, int] = field(default_factory=dict)
    """Of each run: hub time at virtual time 0."""
    powered: bool = True
    defects: Defects = field(default_factory=Defects)
    certificate_ended: bool = False
    """Nobody new is believed to reach the hub; who is connected stays so."""
    fuse: int | None = None
    """So many steps of the event loop after the next event has come, the process is killed."""

    def boot_ms(self) -> int:
        return self.loop.now_ms - self.booted_ms + 30_000

    def wall_ms(self) -> int:
        return UTC_AT_START_MS + self.loop.now_ms + self.wall_wrong_ms

    def hub_ms(self, run: int, now_ms: int) -> int:
        return self.zeros_ms[run] + now_ms

    def start(self) -> None:
        """The process begins; if the disk does not let it, it is tried again."""
        if self.run is not None or not self.powered:
            return
        try:
            self.run = self.loop.in_hub(Run, self)
        except (sqlite3.Error, OSError) as error:
            self.say("hub", f"can't start: {error}")
            self.loop.in_ms(self.random.randint(*RESTART_MS), self.start)

    def kill(self) -> None:
        """The process ends between two instructions; its supervisor starts another."""
        if self.run is None:
            return
        self.say("hub", "is killed")
        self.run.die(power_cut=False)
        self.run = None
        self.loop.in_ms(self.random.randint(*RESTART_MS), self.start)

    def burn(self, steps: int) -> None:
        if steps:
            self.loop.call_soon(self.burn, steps - 1)
        else:
            self.kill()

    def cut_power(self) -> None:
        self.say("hub", "loses power")
        self.powered = False
        if self.run is not None:
            self.run.die(power_cut=True)
            self.run = None

    def restore(self, backup: bytes) -> None:
        """While the process is stopped, an old copy takes its database's place."""
        if self.run is not None:
            self.kill()
        self.say("hub", "is restored from a backup")
        self.disk.restore(backup, self.runs)

    def mend_defect(self) -> None:
        """A new version is installed, if this one had a defect."""
        if self.defects.place:
            self.say("hub", "is mended")
            self.defects.place = ""
            self.kill()

    def power_on(self) -> None:
        if not self.powered:
            self.powered = True
            self.booted_ms = self.loop.now_ms
            self.say("hub", "has power again")
            self.start()

    def dial(self, peer: Peer, path: NetworkPath, attempt: int) -> None:
        """A peer calls: it is answered, turned away at once, or waits in vain."""
        reached = self.powered and not (self.loop.paused or path.unplugged or path.stalled_up or path.stalled_down)
        if reached:
            self.loop.in_ms(2 * path.draw_ms() + 1, self._answer, peer, path, attempt)
        else:
            self.loop.in_ms(CONNECT_MS_MAX, peer.refused, attempt)

    def _answer(self, peer: Peer, path: NetworkPath, attempt: int) -> None:
        if self.run is None or self.certificate_ended:
            peer.refused(attempt)
        else:
            peer.opened(self.loop.in_hub(self.run.accept, peer, path), attempt)

    def settled(self) -> None:
        if self.run is not None and not self.loop.paused:
            self.run.checks.settled()

    def pause(self) -> None:
        """The machine stands still and its clocks go on; what is sent to it waits in the network."""
        if self.run is not None and not self.loop.paused:
            self.say("hub", "stands still")
            self.run.checks.paused(self.run.lines)
            self.loop.paused = True

    def resume(self) -> None:
        if self.loop.paused:
            self.say("hub", "goes on")
            self.loop.resume()
            if self.run is not None:
                self.run.checks.resumed()
                for line in self.run.lines:
                    line.up.pump()
                    line.down.pump()


class Run:
    """One process: from its start to its death."""

    def __init__(self, machine: Machine) -> None:
        """Raises sqlite3.Error, OSError."""
        self._machine = machine
        self.lines: list[Line] = []
        self._dead = False
        disk = machine.disk
        machine.defects.shown = machine.truth.taken = False
        store = Store(disk.path, machine.base, machine.key, disk.connect)
        try:
            self._lookups = disk.open_lookups()
            campus = self._lookups.reader.load_campus()
            clock = HubClock(campus.at_ms, campus.utc_offset_ms or None, machine.boot_ms, machine.wall_ms, lambda: 5)
        except BaseException:
            store.close()
            raise
        machine.truth.told(store.head.epoch, store.head.size)
        machine.runs += 1
        self.number = machine.runs
        zero_ms = clock.now_ms() - machine.loop.now_ms
        machine.zeros_ms[self.number] = zero_ms
        ahead_ms = zero_ms - machine.zeros_ms.get(self.number - 1, 0)
        if ahead_ms > AHEAD_MS_MAX:
            machine.truth.broken(f"hub time is {ahead_ms // 86_400_000} days ahead of what has passed")
        at = f"{store.head.size} entries of log {store.head.epoch}"
        machine.say("hub", f"starts run {self.number} at {at}, hub time {clock.now_ms()}")
        self._writer = disk.open_writer(store)
        keyring = load_keyring(disk.path)
        self.core = Core(
            campus, store.head.size, self._lookups, self._lookups, keyring, clock, self._writer, machine.vkey, {}
        )
        self.checks = Checks(
            self.engine, self._writer, clock, machine.truth, lambda: machine.loop.now_ms, lambda: machine.defects.shown
        )
        told = self.engine.on_decided

        def on_decided(entries: Any) -> None:
            self.checks.decided(entries)
            told(entries)
            for entry in entries:
                machine.say("hub", _line(entry))

        folded = self.engine.on_committed

        def on_committed(commit: Commit) -> None:
            machine.truth.told(commit.epoch, commit.size)
            if commit.first_index == 0:
                machine.say("hub", f"begins log {commit.epoch}")
            folded(commit)

        self.engine.on_decided = on_decided
        self.engine.on_committed = on_committed
        self.engine.add_outlet(self.checks)
        self._tasks: list[asyncio.Task[None]] = []
        terminals = campus.terminals.values()
        waited_for = [one.terminal for one in terminals if not one.revoked and one.linked is not False]
        machine.truth.logs.run_began(waited_for)
        for task in self.core.start():
            self._watch(task)

    @property
    def engine(self) -> Engine:
        return self.core.engine

    def accept(self, peer: Peer, path: NetworkPath) -> Line:
        line = Line(path, peer, self.number, self)
        self.lines = [one for one in self.lines if one.open] + [line]
        pager = peer.pager
        work = self.core.pagers.hold(line.socket, pager) if pager else self.core.terminals.hold(line.socket)
        self._watch(self._machine.loop.create_task(work), forever=False)
        return line

    def sent(self, line: Line, text: str) -> None:
        if not self._dead:
            self.checks.sent(line, text)

    def heard(self, line: Line, text: str) -> None:
        self.checks.heard(line, text)
        if self._machine.fuse is not None and text.startswith('{"type":"event"'):
            steps, self._machine.fuse = self._machine.fuse, None
            self._machine.burn(steps)

    def _watch(self, task: "asyncio.Task[None]", forever: bool = True) -> None:
        self._tasks.append(task)

        def ended(done: "asyncio.Task[None]") -> None:
            self._tasks.remove(done)
            if self._dead:
                return
            if done.cancelled() or forever:
                self._machine.truth.broken(f"a task of the hub ended: {done}")
            elif done.exception() is not None:
                self._machine.truth.broken(f"{CRASHED}a task of the hub: {done.exception()!r}")

        task.add_done_callback(ended)

    def die(self, power_cut: bool) -> None:
        self._machine.resume()
        self._dead = True
        self._writer.die()
        self._lookups.close()
        for line in self.lines:
            line.hub_died(power_cut)
        for task in tuple(self._tasks):
            task.cancel()


def _line(entry: Any) -> str:
    """An entry in the trace: its kind, and of its fields those that tell something."""
    kind = type(entry).__name__
    fields = []
    for name in entry.__struct_fields__:
        value = getattr(entry, name)
        if name in _UNTOLD or value in ("", None, ()):
            continue
        if name in ("digest", "incident", "command"):
            value = value[:10]
        if name == "paged":
            value = [page.guard for page in value]
        if name == "covers":
            value = len(value)
        fields.append(f"{name}={value}")
    return f"{kind} {' '.join(fields)}"
