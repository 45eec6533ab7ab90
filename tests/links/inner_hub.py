"""The hub's inner parts in this process, behind the same doors: its disk and its clock are in a test's hand."""

import asyncio
import threading
from collections import deque
from contextlib import AsyncExitStack
from pathlib import Path

from firstbell.note import parse_vkey

from hub.clock import HubClock, boot_ms, wall_ms
from hub.database import HomeLock, open_read_only
from hub.dispatch.batch import Batch
from hub.doors import open_doors
from hub.ledger.lookups import Lookups
from hub.ledger.origin import split_origin
from hub.ledger.reader import Reader
from hub.ledger.store import Store
from hub.ledger.writer import SqliteWriter
from hub.people.keyring import load_keyring
from hub.people.links import Links
from hub.people.pins import Pins
from hub.people.sign_on import SignOnDesk
from hub.people.tokens import Sessions
from hub.places.log_keys import load_log_key
from hub.places.tokens import Tokens
from hub.service import Core
from hub.settings import load_settings
from hub.web.context import Hub
from tests.links.campus import Doors, found_home


class HeldWriter(SqliteWriter):
    """A disk that can be made to stand still: while it is held, batches come and nothing is committed."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._hand = threading.Lock()
        self._aside: deque[Batch] | None = None

    def submit(self, batch: Batch) -> None:
        with self._hand:
            if self._aside is None:
                super().submit(batch)
            else:
                self._aside.append(batch)

    def hold(self) -> None:
        with self._hand:
            self._aside = deque()

    def release(self) -> int:
        """The disk goes on. Returns how many batches had gathered."""
        with self._hand:
            held, self._aside = self._aside or deque(), None
            for batch in held:
                super().submit(batch)
            return len(held)


class InnerHub(Doors):
    """Runs from `start` to `stop`. `skip_ms`: its clock is so far ahead of the machine's. `pins`: cheaper ones."""

    def __init__(self, path: Path, pins: Pins | None = None) -> None:
        super().__init__(*found_home(path))
        self.skip_ms = 0
        self._pins = pins or Pins()
        self._running = AsyncExitStack()
        self.core: Core
        self.hub: Hub
        self.writer: HeldWriter

    async def start(self) -> "InnerHub":
        stack, home = self._running, self.home
        stack.enter_context(HomeLock(home.path))
        vkey = parse_vkey(home.vkey.read_text().strip())
        store = Store(home.database, split_origin(vkey.name)[0], load_log_key(home.log_key))
        self.writer = HeldWriter(store)
        stack.callback(self.writer.close)
        lookups = Lookups(Reader(open_read_only(home.database)))
        stack.callback(lookups.close)
        campus = lookups.reader.load_campus()
        clock = HubClock(
            campus.at_ms,
            campus.utc_offset_ms or None,
            boot=lambda: boot_ms() + self.skip_ms,
            wall=lambda: wall_ms() + self.skip_ms,
        )
        keyring = load_keyring(home.database)
        programs: dict[str, bytes] = {}
        self.core = core = Core(campus, store.head.size, lookups, lookups, keyring, clock, self.writer, vkey, programs)
        stack.callback(self._pins.close)
        self.hub = Hub(
            home=home,
            settings=load_settings(home.settings),
            engine=core.engine,
            lookups=lookups,
            names=core.names,
            now_ms=clock.now_ms,
            keyring=keyring,
            links=Links(keyring),
            tokens=Tokens(keyring),
            sessions=Sessions(keyring),
            pins=self._pins,
            desk=SignOnDesk(lambda: core.engine.durable, core.names, keyring, self._pins, clock.now_ms),
            terminals=core.terminals,
            pagers=core.pagers,
            boards=core.boards,
            watch=core.watch,
            waiting=core.waiting,
            programs=programs,
        )
        tasks = core.start()
        stack.push_async_callback(_end, tasks)
        await open_doors(self.hub, stack, tasks)
        await self.open_doors()
        return self

    async def stop(self) -> None:
        await self.end_terminals()
        await self.shut_doors()
        await self._running.aclose()


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    """A task that ended before its time is a defect, whose error comes out here."""
    for task in tasks:
        task.cancel()
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome
