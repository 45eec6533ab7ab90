"""One seed's world: who and what there is, put together; runs until all is calm again or something is broken."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.jws import EDDSA, Ed25519Signer, b64url, digest_of

from hub.dispatch import requests as r
from hub.dispatch.batch import Batch, Secret, Submission
from hub.dispatch.campus import Campus
from hub.dispatch.engine import Engine
from hub.dispatch.entries import Deadlines
from hub.ledger.note import Signer
from hub.ledger.origin import origin_of
from hub.ledger.store import Store, create_ledger
from hub.ledger.verify import verify
from hub.names import CampusDetails, PagerDetails, PersonDetails, TerminalDetails, ZoneDetails, seal_details
from tests.simulation.disk import Disk
from tests.simulation.guards import Guard, Temper
from tests.simulation.hub import Machine
from tests.simulation.network import NetworkPath
from tests.simulation.pagers import Pager
from tests.simulation.surroundings import Surroundings, Trace
from tests.simulation.terminals import InputKind, Terminal, TerminalPlan
from tests.simulation.truth import CRASHED, Truth
from tests.simulation.virtual_time import TimeStandsStill, VirtualLoop

CALM_MS_MAX = 150_000
"""After everything is whole again, so long may it take until nothing is left to be done."""
CROWDED = 0.06
"""So many worlds have 20 to 200 terminals, and so many 5 to 20 guards."""
AFTERWARDS_MS = 15_000
"""Watched on after that."""
BASE = "firstbell.invalid/c-simulated"
LETTERS = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True, slots=True)
class Outcome:
    """`broken`: what must never be, or empty. `trace`: the last lines."""

    seed: int
    broken: str
    trace: tuple[str, ...]
    virtual_ms: int
    entries: int
    presses: int


class World:
    def __init__(self, seed: int, folder: Path, aloud: bool) -> None:
        self.seed = seed
        self.broken = ""
        self.calm_from_ms = 0
        self.loop = VirtualLoop(self._settled)
        self.loop.set_exception_handler(self._failed)
        self.trace = Trace(self.loop, aloud)
        structlog.configure(processors=[structlog.contextvars.merge_contextvars, self.trace.take_log])
        self.truth = Truth(self._break, self._held, self._kept, lambda: self.loop.now_ms)
        self.draw = self.stream("world")
        key = Ed25519PrivateKey.from_private_bytes(self.stream("log").randbytes(32))
        database = folder / "hub.db"
        create_ledger(database, BASE, key)
        self.disk = Disk(database, self.loop, self.truth, self.stream("disk"), self.trace.say)
        self.vkey = Signer(origin_of(BASE, 1), key).vkey
        self.machine = Machine(
            self.loop, self.truth, self.disk, self.stream("hub"), BASE, key, self.vkey, self.trace.say
        )
        self.truth.has_defect = lambda: self.machine.defects.shown
        self._built_in = ExitStack()
        self._built_in.enter_context(self.machine.defects.built_in())
        self.around = Surroundings(
            self.loop,
            self.trace,
            self.truth,
            self.machine.dial,
            self.machine.hub_ms,
            folder,
            self.vkey,
        )
        self.zones = [_identity("z", self.draw) for _ in range(self.draw.randint(1, 2))]
        self.terminals = self._make_terminals()
        guards = self.draw.randint(5, 20) if self.draw.random() < CROWDED else self.draw.randint(1, 4)
        self.pagers = [
            Pager(f"pager{number}", _identity("p", self.draw), self.around, self.stream(f"pager{number}"))
            for number in range(self.draw.randint(1, 3) if guards < 5 else guards)
        ]
        self.guards = self._make_guards(guards)
        self._found(database, key)

    def stream(self, name: str) -> Random:
        """Randomness of one part of the world: what another part draws does not move it."""
        return Random(f"{self.seed}:{name}")

    # ── who and what there is ────────────────────────────────────────────────────────────────────────────────

    def _make_terminals(self) -> list[Terminal]:
        draw, made = self.draw, []
        walls = draw.randint(20, 190) if draw.random() < CROWDED else draw.randint(1, 8)
        for number in range(walls + draw.randint(0, 2)):
            wall = number < walls
            inputs: dict[str, InputKind] = {"panic": "panic"} if wall else {}
            if wall and draw.random() < 0.3:
                inputs["fence"] = "perimeter"
            if draw.random() < 0.3:
                inputs["case"] = "tamper"
            if self.stream(f"supply{number}").random() < 0.3:
                inputs["supply"] = "supply"
            plan = TerminalPlan(
                terminal=_identity("t", draw),
                zone=draw.choice(self.zones),
                role="wall" if wall else "bell",
                algorithm="HS256" if draw.random() < 0.3 else "EdDSA",
                seed=draw.randbytes(32),
                inputs=inputs,
                drift_ppm=draw.randint(-180, 180),
                sick_clock=draw.random() < 0.1,
                silent=wall and draw.random() < 0.15,
            )
            name = f"{'wall' if wall else 'bell'}{number}"
            made.append(Terminal(name, plan, self.around, self.stream(name)))
            if wall and draw.random() < 0.08:
                made.append(Terminal(f"{name}-clone", plan, self.around, self.stream(f"{name}-clone")))
        return made

    def _make_guards(self, count: int) -> list[Guard]:
        draw, made = self.draw, []
        for number in range(count):
            quick = draw.randint(500, 4_000)
            temper = Temper(
                react_ms=(quick, quick + draw.choice((0, 3_000, 20_000))),
                walk_ms=(2_000, draw.choice((10_000, 60_000))),
                stay_ms=(2_000, draw.choice((20_000, 120_000))),
                declines=draw.choice((0, 0, 20)),
                ignores=draw.choice((0, 0, 30)),
                releases=draw.choice((0, 0, 20)),
                backs_up=draw.choice((0, 0, 20)),
                deaf_to_questions=draw.choice((0, 0, 50)),
                taps_twice=draw.choice((0, 20)),
            )
            pagers = draw.sample(self.pagers, min(draw.choice((1, 1, 2, 3)), len(self.pagers)))
            made.append(Guard(f"a-{number:a>10}", pagers, temper, self.stream(f"guard{number}"), self.loop, self.ask))
        return made

    def paths(self) -> list[NetworkPath]:
        return [terminal.path for terminal in self.terminals] + [pager.path for pager in self.pagers]

    def ask(self, make: Callable[[int], r.Request]) -> None:
        run = self.machine.run
        if run is not None and not self.loop.paused:
            run.engine.submit(Submission(make(self.machine.hub_ms(run.number, self.loop.now_ms))))

    def _found(self, database: Path, key: Ed25519PrivateKey) -> None:
        """The campus, before the first run: what `init` and the administrator would have done."""
        batches: list[Batch] = []

        class Collector:
            def submit(self, batch: Batch) -> None:
                batches.append(batch)

            def start(self, on_commit: Any, on_error: Any) -> None: ...
            def close(self) -> None: ...

        engine = Engine(Campus(), 0, Collector(), lambda _digest, told: told(False), lambda: 0)
        refused: list[str] = []
        for submission in self._founding():
            engine.submit(submission, lambda answer: refused.append(answer.refused))
        engine.step(0)
        if refused:
            raise AssertionError(f"the campus could not be founded: {refused}")
        store = Store(database, BASE, key)
        store.commit(batches)
        store.close()
        self.disk.tell_truth()

    def draw_deadlines(self) -> Deadlines:
        return Deadlines(
            on_scene_ms=self.draw.choice((20_000, 60_000)),
            asked_ms=self.draw.choice((8_000, 15_000)),
            roll_call_ms=self.draw.choice((15_000, 60_000)),
            closed_ms=self.draw.choice((60_000, 600_000)),
        )

    def _founding(self) -> list[Submission]:
        at: dict[str, Any] = {"now_ms": 0}
        by: dict[str, Any] = {"now_ms": 0, "by": "console"}
        campus = seal_details(CampusDetails(name="simulated"))
        made = [
            Submission(r.BeginLog(origin=self.vkey.name, **at)),
            Submission(r.FoundCampus(campus="c-simulated", details=campus.commitment, **at), sealed=(campus,)),
        ]
        deadlines = self.draw_deadlines()
        for zone in self.zones:
            name = seal_details(ZoneDetails(name=zone))
            made.append(
                Submission(r.SetZone(zone=zone, details=name.commitment, deadlines=deadlines, **by), sealed=(name,))
            )
        for terminal in {one.plan.terminal: one for one in self.terminals}.values():
            made.append(_enrolment(terminal, by))
        for guard in self.guards:
            person = seal_details(PersonDetails(name=guard.account))
            added = r.AddAccount(account=guard.account, roles=("guard",), zones=(), details=person.commitment, **by)
            made.append(Submission(added, sealed=(person,)))
        for pager in self.pagers:
            device = seal_details(PagerDetails(name=pager.name))
            made.append(Submission(r.MakePager(pager=pager.pager, details=device.commitment, **by), sealed=(device,)))
        return made

    # ── the run ──────────────────────────────────────────────────────────────────────────────────────────────

    def run(self, end_ms: int) -> None:
        """Everything that was scheduled happens; from `end_ms` on all is whole and must become calm."""
        self.loop.call_soon(self.machine.start)
        for pager in self.pagers:
            self.loop.in_ms(self.draw.randint(0, 2_000), pager.switch_on)
        for terminal in self.terminals:
            self.loop.in_ms(self.draw.randint(0, 2_000), terminal.power_on)
        for guard in self.guards:
            guard.start()
        self.loop.at_ms(end_ms, self._heal)
        try:
            self.loop.run_forever()
        except TimeStandsStill as error:
            self._break(f"time stands still: {error}")
        if not self.broken:
            self._check_end()

    def _heal(self) -> None:
        self.trace.say("world", "everything is whole again")
        self.disk.mend()
        self.machine.wall_wrong_ms = 0
        self.machine.certificate_ended = False
        self.machine.resume()
        self.machine.mend_defect()
        self.machine.power_on()
        for path in self.paths():
            path.heal()
        for terminal in self.terminals:
            terminal.power_on()
        for pager in self.pagers:
            pager.freeze(False)
            pager.switch_on()
            pager.set_device(sound="running", visible=True, battery_percent=90)
        for guard in self.guards:
            guard.settle_down()
        self._wait_for_calm(self.loop.now_ms + CALM_MS_MAX)

    def _wait_for_calm(self, until_ms: int) -> None:
        left = self._left_to_do()
        if not left:
            self.trace.say("world", "is calm")
            self.loop.in_ms(AFTERWARDS_MS, self.loop.stop)
        elif self.loop.now_ms >= until_ms:
            self._break(f"not calm {CALM_MS_MAX} ms after everything was whole again: {left}")
        else:
            self.loop.in_ms(500, self._wait_for_calm, until_ms)

    def _left_to_do(self) -> str:
        """What still waits for something, or empty."""
        missing = self.truth.missing()
        if missing:
            return f"{len(missing)} events are not in the ledger: {[digest[:8] for digest in missing[:5]]}"
        for terminal in self.terminals:
            if terminal.identity in self.truth.revoked:
                continue
            if terminal.on and terminal.outbox.pending:
                return f"{terminal.name} has {terminal.outbox.pending} events without a receipt"
            if terminal.on and terminal.session.light != "none":
                return f"{terminal.name} shows {terminal.session.light}"
        for pager in self.pagers:
            if pager.commands:
                return f"{pager.name} still sends {list(pager.commands.values())}"
            if pager.rings():
                return f"{pager.name} still rings {pager.rings()}"
        for incident in self.truth.campus.incidents.values():
            if incident.state not in ("resolved", "closed"):
                return f"{incident.incident[:10]} is {incident.state}"
        return ""

    def _check_end(self) -> None:
        """The record, by the program that an outsider would use."""
        run = self.machine.run
        if run is None:
            self._break("the hub is not there")
            return
        run.die(power_cut=False)
        self.machine.run = None
        verdict = verify(self.disk.path, self.vkey)
        if not verdict.ok:
            self._break(f"the record does not verify: {verdict.first_bad}")
        found, seen = (verdict.checked.logs, verdict.checked.entries), (len(self.truth.logs), self.truth.logs.count)
        if verdict.ok and found != seen:
            self._break(f"the record has {found} logs and entries, {seen} were seen")

    def _held(self) -> set[str]:
        return {digest_of(jws) for pager in self.pagers for kept in pager.held.values() for jws in kept}

    def _kept(self) -> set[str]:
        return {digest for terminal in self.terminals for digest in terminal.kept()}

    # ── what ends it ─────────────────────────────────────────────────────────────────────────────────────────

    def _settled(self, _next_ms: int) -> None:
        if not self.broken:
            self.machine.settled()

    def _break(self, why: str) -> None:
        if not self.broken:
            self.broken = why
            self.trace.say("BROKEN", why)
            if self.loop.is_running():
                self.loop.stop()

    def _failed(self, _loop: Any, context: dict[str, Any]) -> None:
        self._break(f"{CRASHED}{context.get('message')}: {context.get('exception')!r}")

    def close(self) -> None:
        self.trace.aloud = False
        self.machine.powered = False
        if self.machine.run is not None:
            self.machine.run.die(power_cut=True)
        running = [terminal for terminal in self.terminals if terminal.on]
        for terminal in running:
            terminal.stop()
        self.disk.close()
        self.loop.run_until_complete(_let_go([terminal.linking for terminal in running]))
        self.loop.close()
        self._built_in.close()
        structlog.reset_defaults()


async def _let_go(cancelled: list[asyncio.Task[None]]) -> None:
    """The passes in which cancelled tasks end."""
    await asyncio.gather(*cancelled, return_exceptions=True)


def _enrolment(terminal: Terminal, by: dict[str, Any]) -> Submission:
    plan = terminal.plan
    details = seal_details(TerminalDetails(name=terminal.name))
    public = b64url(Ed25519Signer(plan.seed).public_key()) if plan.algorithm == EDDSA else ""
    request = r.EnrolTerminal(
        terminal=plan.terminal,
        zone=plan.zone,
        role=plan.role,
        algorithm=plan.algorithm,
        key=public,
        inputs=plan.inputs,
        silent=plan.silent,
        details=details.commitment,
        **by,
    )
    secrets = () if public else (Secret(plan.terminal, "key", plan.seed),)
    return Submission(request, sealed=(details,), secrets=secrets)


def _identity(letter: str, draw: Random) -> str:
    return f"{letter}-{''.join(draw.choices(LETTERS, k=10))}"


def simulate(seed: int, prepare: Callable[[World], int], aloud: bool = False) -> Outcome:
    """Runs one seed. `prepare` schedules what goes on in the world, and returns when all of it is over."""
    shared = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="firstbell-sim-", dir=shared if shared.is_dir() else None))
    try:
        world = World(seed, folder, aloud)
        try:
            world.run(prepare(world))
            presses = sum(made.what == "panic" for made in world.truth.made.values())
            entries = world.truth.logs.count
            return Outcome(seed, world.broken, tuple(world.trace.lines), world.loop.now_ms, entries, presses)
        finally:
            world.close()
    finally:
        shutil.rmtree(folder)
