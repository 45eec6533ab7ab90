"""The running hub: its parts are made and joined here, and nowhere else. Read this and you have seen the program."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TypeVar

import structlog
from firstbell.note import Checkpoint, NoteError, Vkey
from firstbell_linux.service_manager import ServiceManager

from hub.clock import HubClock, utc_moved
from hub.database import HomeLock, open_read_only
from hub.dispatch.batch import Batch, Commit, Secret, Submission
from hub.dispatch.campus import Campus
from hub.dispatch.engine import Engine
from hub.dispatch.entries import Entry, LogBegan, encode
from hub.dispatch.requests import ReportTrouble, SetUtc, StartRun
from hub.dispatch.rules_update import needed_programs
from hub.doors import announce, open_doors
from hub.garbage import collect_by_clock
from hub.home import Home
from hub.ledger.lookups import Lookups
from hub.ledger.origin import open_any_checkpoint, split_origin
from hub.ledger.reader import Reader, Standing
from hub.ledger.store import Store
from hub.ledger.writer import SqliteWriter
from hub.links.board_steps import BoardSteps
from hub.links.boards import BoardLinks
from hub.links.door import Waiting
from hub.links.pagers import PagerLinks
from hub.links.screens import Screens
from hub.links.strangers import Strangers
from hub.links.terminals import Keys, TerminalLinks
from hub.links.watch import Watch
from hub.names import Names
from hub.people.keyring import Keyring, load_keyring
from hub.people.links import Links
from hub.people.pins import Pins
from hub.people.sign_on import SignOnDesk
from hub.people.tokens import Sessions
from hub.places.log_keys import load_log_key, load_vkey
from hub.places.programs import load_programs
from hub.places.tokens import Tokens, begin_test
from hub.settings import Settings, load_settings
from hub.web.context import Hub

UTC_LOOK_MS = 10_000
"""How often the wall clock is compared with the recorded offset."""

HELLOS_MS_MAX = 4_000
"""How long the first promise waits for what terminals remember. Most call again within that; one at its longest pause
(7.5 s) comes later, but a person's request at a screen gives up after 5 s.
"""

LOOK_UP_MS_MAX = 2_000
"""How long an event that may be on record already waits until the disk says so."""

Value = TypeVar("Value")

log = structlog.get_logger()


async def serve(path: Path) -> None:
    """Runs the hub of a home until SIGTERM or SIGINT.

    Raises HubRunning, SettingsError, KeysError, LedgerDamaged, sqlite3.Error, OSError before it listens.
    """
    home = Home(path)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    with HomeLock(path):
        settings = load_settings(home.settings)
        for opened in home.open_to_others():
            # It rings all the same: a school without an alarm is worse.
            log.warning("other users of this machine are let in here: chmod go= PATH", path=str(opened))
        async with contextlib.AsyncExitStack() as stack:
            await _run(home, settings, stack, stopped)


async def _run(home: Home, settings: Settings, stack: contextlib.AsyncExitStack, stopped: asyncio.Event) -> None:
    vkey = load_vkey(home.vkey)
    store = Store(home.database, split_origin(vkey.name)[0], load_log_key(home.log_key))
    writer = SqliteWriter(store)
    stack.callback(writer.close)
    # Strangers, who read the log, keep only each other waiting; so do terminals that ask for old receipts.
    lookups, receipts, log_lookups = (Lookups(Reader(open_read_only(home.database))) for _ in range(3))
    # Closed before the writer, so that SQLite moves the write-ahead log into the file, which is then a whole backup.
    stack.callback(lookups.close)
    stack.callback(receipts.close)
    stack.callback(log_lookups.close)
    campus = lookups.reader.load_campus()
    clock = HubClock(campus.at_ms, campus.utc_offset_ms or None)
    programs = load_programs(home.programs, needed_programs(campus))
    core = Core(campus, store.head.size, lookups, receipts, load_keyring(home.database), clock, writer, vkey, programs)
    pins = Pins()
    stack.callback(pins.close)
    hub = Hub(
        home=home,
        settings=settings,
        engine=core.engine,
        lookups=log_lookups,
        names=core.names,
        now_ms=clock.now_ms,
        keyring=core.keyring,
        links=Links(core.keyring),
        tokens=Tokens(core.keyring),
        sessions=Sessions(core.keyring),
        pins=pins,
        desk=SignOnDesk(lambda: core.engine.durable, core.names, core.keyring, pins, clock.now_ms),
        terminals=core.terminals,
        pagers=core.pagers,
        boards=core.boards,
        watch=core.watch,
        waiting=core.waiting,
        programs=programs,
    )
    tasks = core.start()
    stack.push_async_callback(_end, tasks)
    manager = ServiceManager(os.environ)
    tasks.append(asyncio.create_task(manager.keep_alive()))
    tasks.append(asyncio.create_task(collect_by_clock()))
    await open_doors(hub, stack, tasks)
    tasks.append(asyncio.create_task(announce(hub, stack)))
    log.info("the hub listens", url=settings.base_url)
    manager.ready()
    await _until(stopped, tasks)
    manager.ending()


class Core:
    """The hub without its doors: what decides, rings and records, and whom its peers talk to once they are let in.

    `campus` is what the reader of `lookups` loaded, at `size` entries; `receipts` looks up old ones. Files and sockets
    are somebody else's, so that a simulation can run all of it.
    """

    def __init__(
        self,
        campus: Campus,
        size: int,
        lookups: Lookups,
        receipts: Lookups,
        keyring: Keyring,
        clock: HubClock,
        writer: SqliteWriter,
        vkey: Vkey,
        programs: Mapping[str, bytes],
    ) -> None:
        self.keyring = keyring
        self.names = Names(lookups.reader.details())
        self._lookups = lookups
        self.engine = Engine(campus, size, writer, self._look_up, clock.now_ms)
        self.watch = Watch()
        strangers = Strangers()
        self.waiting = Waiting(lambda: strangers.count("crowd", clock.now_ms()))
        self.screens = Screens(self.engine, clock.now_ms, self.waiting)
        steps = BoardSteps()
        for incident in campus.incidents:
            steps.fold((entry for _, entry in lookups.reader.incident_entries(incident)), campus)
        self.disk = _Disk(self.engine, clock)
        self._memory = _Memory(self.engine, writer, lookups, vkey, clock)
        self.terminals = TerminalLinks(
            self.engine,
            Keys(self.engine, lambda terminal: keyring.get(terminal, "key")),
            clock.now_ms,
            strangers,
            lambda digest, told: receipts.tell(lambda reader: reader.receipt(digest), told),
            self._greeted,
            self.waiting,
            programs,
        )
        self.pagers = PagerLinks(self.screens, self.names, self.watch, self.terminals.take_evidence)
        self.boards = BoardLinks(self.screens, self.names, steps, lambda: not self.disk.failing)
        self.engine.on_decided = _Teller(self.watch, clock).decided
        self.engine.on_committed = _Committed(keyring, steps, self.engine, self.watch, clock)
        self._clock = clock
        self._writer = writer
        self._run = campus.run + 1

    def _greeted(self, terminal: str, note: str) -> None:
        self._memory.greeted(terminal, note)
        by = self.keyring.get(terminal, "first_test")
        if by is not None:
            begun = Secret(terminal, "first_test", None)
            self.engine.submit(begin_test(terminal, by.decode(), self._clock.now_ms(), begun))

    def _look_up(self, digest: str, told: Callable[[bool], None]) -> None:
        """No, when the disk can't be read in time: an event that is recorded twice rings, one that is not does not."""
        self._lookups.tell(
            lambda reader: reader.recorded(digest), lambda recorded: told(bool(recorded)), LOOK_UP_MS_MAX
        )

    def start(self) -> list[asyncio.Task[None]]:
        """Begins a run; its tasks go on until they are cancelled, and one that ends before is a defect."""
        loop = asyncio.get_running_loop()
        self._memory.hold()
        self._writer.start(
            lambda commit: _hop(loop, self.engine.committed, commit),
            lambda word: _hop(loop, self.disk.failed, word),
        )
        run = StartRun(now_ms=self._clock.now_ms(), run=self._run, version=version("firstbell"))
        self.engine.submit(Submission(run))
        utc = _Utc(self.engine, self._clock)
        utc.look()
        running = (
            self.engine.run(),
            self.terminals.supervise(),
            self.screens.supervise(),
            self.pagers.supervise(),
            utc.watch(),
            self._memory.wait(),
        )
        return [asyncio.create_task(task) for task in running]


async def _until(stopped: asyncio.Event, tasks: Sequence[asyncio.Task[None]]) -> None:
    """A task of ours that ends by itself is a defect and ends the hub with its error."""
    waiting = asyncio.create_task(stopped.wait())
    done, _ = await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    for task in done - {waiting}:
        task.result()


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _hop(loop: asyncio.AbstractEventLoop, function: Callable[[Value], None], value: Value) -> None:
    """From the writer's thread to the loop; a loop that has ended takes nothing more."""
    with contextlib.suppress(RuntimeError):
        loop.call_soon_threadsafe(function, value)


class _Disk:
    """Whether the disk takes entries, as a trouble of the campus."""

    def __init__(self, engine: Engine, clock: HubClock) -> None:
        self._engine = engine
        self._clock = clock
        self.failing = ""

    def failed(self, word: str) -> None:
        self.failing = word
        campus = self._engine.decided.campus
        request = ReportTrouble(now_ms=self._clock.now_ms(), what="disk", about=campus, began=bool(word))
        self._engine.submit(Submission(request))


class _Utc:
    """Keeps the recorded distance of hub time to UTC true."""

    def __init__(self, engine: Engine, clock: HubClock) -> None:
        self._engine = engine
        self._clock = clock

    def look(self) -> None:
        offset_ms, error_ms = self._clock.utc()
        campus = self._engine.decided
        if utc_moved(offset_ms, error_ms, campus.utc_offset_ms, campus.utc_error_ms):
            request = SetUtc(now_ms=self._clock.now_ms(), offset_ms=offset_ms, error_ms=error_ms)
            self._engine.submit(Submission(request))

    async def watch(self) -> None:
        while True:
            await asyncio.sleep(UTC_LOOK_MS / 1000)
            self.look()


class _Memory:
    """What terminals remember of our log: if it is no prefix of ours, this hub was restored from an old backup.

    After a start nothing is signed until each terminal that was linked before has said what it remembers, or their time
    is over.
    """

    def __init__(self, engine: Engine, writer: SqliteWriter, lookups: Lookups, vkey: Vkey, clock: HubClock) -> None:
        self._engine = engine
        self._writer = writer
        self._lookups = lookups
        self._vkey = vkey
        self._clock = clock
        self._forks: set[str] = set()
        self._awaited: set[str] = set()
        self._judging = 0

    def hold(self) -> None:
        """Promises wait from now on, if there is a terminal that could remember any and was not lost before."""
        terminals = self._engine.decided.terminals.values()
        self._awaited = {t.terminal for t in terminals if not t.revoked and t.linked is not False}
        if self._awaited:
            log.info("promises wait for what terminals remember", terminals=len(self._awaited))
            self._writer.hold_receipts()

    async def wait(self) -> None:
        """Whatever they remember is not waited for any longer; goes on until cancelled."""
        await asyncio.sleep(HELLOS_MS_MAX / 1000)
        self._awaited.clear()
        self._release()
        await asyncio.Event().wait()

    def greeted(self, terminal: str, note: str) -> None:
        """A terminal says hello and which checkpoint it remembers; "": none. Until that is judged, promises wait."""
        self._awaited.discard(terminal)
        try:
            epoch, checkpoint = open_any_checkpoint(note, self._vkey)
        except NoteError as error:
            # One that is not signed by our own key proves nothing and changes nothing.
            if note:
                log.warning("a remembered checkpoint is not ours", terminal=terminal, error=str(error))
            return self._release()

        def judged(standing: Standing | None) -> None:
            self._judging -= 1
            if standing == "fork" and checkpoint.origin not in self._forks:
                self._forked(epoch, checkpoint)
            self._release()

        self._judging += 1
        self._writer.hold_receipts()
        self._lookups.tell(lambda reader: reader.standing(checkpoint), judged)

    def _release(self) -> None:
        if not self._awaited and not self._judging:
            self._writer.release_receipts()

    def _forked(self, epoch: int, checkpoint: Checkpoint) -> None:
        self._forks.add(checkpoint.origin)
        log.error("this ledger was restored from an old backup: a new log begins", remembered=checkpoint.size)
        now_ms = self._clock.now_ms()
        began = LogBegan(
            at_ms=now_ms, origin="", remembered_size=checkpoint.size, remembered_root=checkpoint.root.hex()
        )
        self._writer.submit_new_log(Batch(entries=(began,), bodies=(encode(began),)), epoch)
        about = self._engine.decided.campus
        self._engine.submit(Submission(ReportTrouble(now_ms=now_ms, what="restored", about=about, began=True)))


class _Teller:
    """Decided entries as happenings."""

    def __init__(self, watch: Watch, clock: HubClock) -> None:
        self._watch = watch
        self._clock = clock

    def decided(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._watch.tell("decided", at_ms=self._clock.now_ms(), entry=entry)


class _Committed:
    """What else has to know of each commit."""

    def __init__(self, keyring: Keyring, steps: BoardSteps, engine: Engine, watch: Watch, clock: HubClock) -> None:
        self._keyring = keyring
        self._steps = steps
        self._engine = engine
        self._watch = watch
        self._clock = clock

    def __call__(self, commit: Commit) -> None:
        for batch in commit.batches:
            self._keyring.keep(batch.secrets)
            self._steps.fold(batch.entries, self._engine.durable)
            for entry in batch.entries:
                self._watch.tell("committed", at_ms=self._clock.now_ms(), entry=entry)
