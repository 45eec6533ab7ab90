"""What is looked up in the ledger while the event loop goes on: answered, given up, or turned away."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.database import open_read_only
from hub.ledger.errors import LedgerDamaged, Unreadable
from hub.ledger.lookups import WAITING_MAX, Lookups
from hub.ledger.reader import Reader

LATE_MS = 50


@pytest.fixture
def lookups(ledger: Path) -> Iterator[Lookups]:
    made = Lookups(Reader(open_read_only(ledger)))
    yield made
    made.close()


class SlowDisk:
    """A question that is answered when it is `released`."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, reader: Reader) -> int:
        self.released.wait()
        return reader.head().size


async def test_the_loop_goes_on_until_there_is_an_answer(lookups: Lookups) -> None:
    disk = SlowDisk()
    asked = asyncio.create_task(lookups.ask(disk))
    told: asyncio.Future[int | None] = asyncio.get_running_loop().create_future()
    lookups.tell(disk, told.set_result)
    await asyncio.sleep(LATE_MS / 1000)
    assert not asked.done()
    assert not told.done()
    disk.released.set()
    assert await asked == await told == await lookups.ask(lambda reader: reader.head().size)


async def test_who_can_wait_only_so_long_is_told_that_there_is_no_answer(lookups: Lookups) -> None:
    disk = SlowDisk()
    told: asyncio.Queue[int | None] = asyncio.Queue()
    lookups.tell(disk, told.put_nowait, LATE_MS)
    assert await told.get() is None
    disk.released.set()
    assert await lookups.ask(disk)
    assert told.empty()


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), LedgerDamaged("tile 0/0 is missing")])
async def test_what_cannot_be_read_is_no_answer(lookups: Lookups, error: Exception) -> None:
    def question(_reader: Reader) -> int:
        raise error

    with pytest.raises(Unreadable, match=str(error)):
        await lookups.ask(question)
    told: asyncio.Queue[int | None] = asyncio.Queue()
    lookups.tell(question, told.put_nowait)
    assert await told.get() is None


async def test_one_question_too_many_is_turned_away(lookups: Lookups) -> None:
    disk = SlowDisk()
    asked = [asyncio.create_task(lookups.ask(disk)) for _ in range(WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(Unreadable):
        await lookups.ask(disk)
    disk.released.set()
    await asyncio.gather(*asked)
    assert await lookups.ask(disk)
