"""The disk whose power is cut: what it promised is there, and what it did not promise may not be."""

import asyncio
import struct
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest

from tests.faults.disk import SECTOR_BYTES, Disk

SECTORS = 64
READ, WRITE, FLUSH = 0, 1, 3
FUA = 1
OLD, NEW = b"o" * SECTOR_BYTES, b"n" * SECTOR_BYTES
GO = struct.pack(">8sII", b"IHAVEOPT", 7, 6) + struct.pack(">IH", 0, 0)


class Machine:
    """Speaks NBD, as a machine's driver does."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.size = 0

    @classmethod
    async def on(cls, disk: Disk) -> "Machine":
        machine = cls(*await asyncio.open_unix_connection(disk.socket))
        await machine._reader.readexactly(18)
        machine._writer.write(struct.pack(">I", 3) + GO)
        told = await machine._reader.readexactly(20 + 12 + 20)
        machine.size = struct.unpack_from(">Q", told, 22)[0]
        return machine

    async def ask(self, kind: int, sector: int = 0, data: bytes = b"", *, length: int = 0, flags: int = 0) -> bytes:
        head = struct.pack(">IHHQQI", 0x25609513, flags, kind, 7, sector * SECTOR_BYTES, length or len(data))
        self._writer.write(head + data)
        magic, error, cookie = struct.unpack(">IIQ", await self._reader.readexactly(16))
        assert (magic, error, cookie) == (0x67446698, 0, 7)
        return await self._reader.readexactly(length)

    async def read(self) -> list[bytes]:
        """Every sector."""
        data = await self.ask(READ, length=SECTORS * SECTOR_BYTES)
        return [data[at : at + SECTOR_BYTES] for at in range(0, len(data), SECTOR_BYTES)]

    def leave(self) -> None:
        self._writer.close()


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image"
    path.write_bytes(OLD * SECTORS)
    return path


@pytest.fixture(params=range(4))
async def disk(image: Path, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Disk]:
    async with Disk(image, tmp_path / "nbd", Random(request.param)) as running:
        yield running


@pytest.fixture
async def machine(disk: Disk) -> AsyncIterator[Machine]:
    on = await Machine.on(disk)
    yield on
    on.leave()


async def after_the_cut(disk: Disk) -> list[bytes]:
    disk.cut()
    again = await Machine.on(disk)
    found = await again.read()
    again.leave()
    return found


async def test_it_has_the_images_size_and_content(machine: Machine) -> None:
    assert machine.size == SECTORS * SECTOR_BYTES
    assert await machine.read() == [OLD] * SECTORS


async def test_what_was_written_is_read_before_it_is_on_the_disk(machine: Machine) -> None:
    await machine.ask(WRITE, 0, NEW * SECTORS)
    assert await machine.read() == [NEW] * SECTORS


async def test_what_was_flushed_is_there_after_a_cut(disk: Disk, machine: Machine) -> None:
    await machine.ask(WRITE, 0, NEW * SECTORS)
    await machine.ask(FLUSH)
    assert await after_the_cut(disk) == [NEW] * SECTORS
    assert disk.lost == 0


async def test_a_write_through_the_cache_is_there_after_a_cut(disk: Disk, machine: Machine) -> None:
    await machine.ask(WRITE, 0, NEW * SECTORS, flags=FUA)
    assert await after_the_cut(disk) == [NEW] * SECTORS


async def test_of_what_was_not_flushed_some_sectors_are_gone(disk: Disk, machine: Machine) -> None:
    await machine.ask(WRITE, 0, NEW * SECTORS)
    found = await after_the_cut(disk)
    # Torn: each sector is the old one or the new one, and not all are the same.
    assert set(found) == {OLD, NEW}
    assert disk.lost == found.count(OLD)


async def test_a_flush_is_for_what_was_written_before_it(disk: Disk, machine: Machine) -> None:
    await machine.ask(WRITE, 0, NEW * (SECTORS // 2))
    await machine.ask(FLUSH)
    await machine.ask(WRITE, SECTORS // 2, NEW * (SECTORS // 2))
    found = await after_the_cut(disk)
    assert found[: SECTORS // 2] == [NEW] * (SECTORS // 2)
    assert OLD in found


async def test_without_power_it_answers_nobody(disk: Disk, machine: Machine) -> None:
    disk.cut()
    with pytest.raises((IncompleteReadError, ConnectionError)):
        await machine.ask(FLUSH)


async def test_one_that_lies_loses_what_it_said_it_had(image: Path, tmp_path: Path) -> None:
    async with Disk(image, tmp_path / "nbd", Random(1), lies=True) as disk:
        machine = await Machine.on(disk)
        await machine.ask(WRITE, 0, NEW * SECTORS, flags=FUA)
        await machine.ask(FLUSH)
        assert OLD in await after_the_cut(disk)
        machine.leave()


async def test_a_moment_between_a_write_and_its_flush_can_be_waited_for(disk: Disk, machine: Machine) -> None:
    waiting = asyncio.create_task(disk.until_written())
    await machine.ask(FLUSH)
    assert not waiting.done()
    await machine.ask(WRITE, 0, NEW)
    await waiting
