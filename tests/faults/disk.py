"""A disk with a cache of its own: what was written and never flushed is gone, or half gone, at a power cut.

An NBD server (github.com/NetworkBlockDevice/nbd, doc/proto.md) for one machine, over a Unix socket.
"""

import asyncio
import os
import struct
from asyncio import IncompleteReadError, StreamReader, StreamWriter
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Self

SECTOR_BYTES = 512
"""So much a disk writes whole or not at all."""
WRITES_BACK_PART = 0.05
"""In so many of its writes it writes something from its cache, too, which a disk may do at any time."""

_GREETING = struct.Struct(">8s8sH")
_OPTION = struct.Struct(">8sII")
_OPTION_REPLY = struct.Struct(">QIII")
_EXPORT = struct.Struct(">HQH")
_REQUEST = struct.Struct(">IHHQQI")
_REPLY = struct.Struct(">IIQ")
_OPTION_MAGIC, _REQUEST_MAGIC, _REPLY_MAGIC = 0x3E889045565A9, 0x25609513, 0x67446698
_FIXED_NEWSTYLE, _NO_ZEROES = 1, 2
_OPT_ABORT, _OPT_GO = 2, 7
_REP_ACK, _REP_INFO, _REP_UNSUPPORTED = 1, 3, 0x80000001
_INFO_EXPORT = 0
_CAN = 1 | 1 << 2 | 1 << 3
"""It has flags; it flushes; it can be told to have a write on the disk before it answers (FUA)."""
_READ, _WRITE, _LEAVE, _FLUSH = range(4)
_FUA = 1
_INVALID = 22


class Disk:
    """`async with` serves `image` at `socket`. `lies`: it says that it has flushed, and has not.

    `lost`: sectors that power cuts have taken, so far.
    """

    def __init__(self, image: Path, socket: Path, dice: Random, *, lies: bool = False) -> None:
        self.image = image
        self.socket = socket
        self.lost = 0
        self._dice = dice
        self._lies = lies
        self._cache: dict[int, bytes] = {}
        self._peers: set[StreamWriter] = set()
        self._written = asyncio.Event()
        self._file = -1

    async def __aenter__(self) -> Self:
        self._file = os.open(self.image, os.O_RDWR)
        self._server = await asyncio.start_unix_server(self._serve, self.socket)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()
        os.close(self._file)

    def cut(self) -> None:
        """The power: nobody gets an answer any more, and of what was not flushed some sectors, by chance, are there."""
        for peer in self._peers:
            peer.transport.abort()
        self._peers.clear()
        self._write_back()
        self.lost += len(self._cache)
        self._cache.clear()

    async def until_written(self) -> None:
        """Until something is written, and nobody could ask yet for it to be flushed."""
        self._written.clear()
        await self._written.wait()

    def _write_back(self) -> None:
        """Some of what waits, in no order."""
        part = self._dice.random()
        self._put([sector for sector in self._cache if self._dice.random() < part])

    def _put(self, sectors: list[int]) -> None:
        for sector in sectors:
            os.pwrite(self._file, self._cache.pop(sector), sector * SECTOR_BYTES)

    # ── what it is asked for ─────────────────────────────────────────────────────────────────────────────────

    def read(self, offset: int, length: int) -> bytes:
        """What was written last, whether it is on the disk or not."""
        first = offset // SECTOR_BYTES
        there = os.pread(self._file, length, offset)
        return b"".join(
            self._cache.get(first + number, there[at : at + SECTOR_BYTES])
            for number, at in enumerate(range(0, length, SECTOR_BYTES))
        )

    def write(self, offset: int, data: bytes, *, through: bool) -> None:
        """`through`: to the disk itself (FUA)."""
        first = offset // SECTOR_BYTES
        sectors = range(first, first + len(data) // SECTOR_BYTES)
        for sector in sectors:
            at = (sector - first) * SECTOR_BYTES
            self._cache[sector] = data[at : at + SECTOR_BYTES]
        self._written.set()
        if through and not self._lies:
            self._put(list(sectors))
        elif self._dice.random() < WRITES_BACK_PART:
            self._write_back()

    def flush(self) -> None:
        """All that was written so far is on the disk."""
        if not self._lies:
            self._put(list(self._cache))

    # ── the wire ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._peers.add(writer)
        # A machine whose power is cut says no goodbye.
        with suppress(IncompleteReadError, ConnectionError):
            if await self._agree(reader, writer):
                while await self._answer(reader, writer):
                    await writer.drain()
        self._peers.discard(writer)
        writer.close()

    async def _agree(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """Until the peer takes the one export there is. False: it left."""
        writer.write(_GREETING.pack(b"NBDMAGIC", b"IHAVEOPT", _FIXED_NEWSTYLE | _NO_ZEROES))
        await reader.readexactly(4)
        while True:
            _, option, length = _OPTION.unpack(await reader.readexactly(_OPTION.size))
            await reader.readexactly(length)

            def reply(kind: int, data: bytes = b"", option: int = option) -> None:
                writer.write(_OPTION_REPLY.pack(_OPTION_MAGIC, option, kind, len(data)) + data)

            if option == _OPT_ABORT:
                return False
            if option == _OPT_GO:
                reply(_REP_INFO, _EXPORT.pack(_INFO_EXPORT, self.image.stat().st_size, _CAN))
                reply(_REP_ACK)
                return True
            reply(_REP_UNSUPPORTED)

    async def _answer(self, reader: StreamReader, writer: StreamWriter) -> bool:
        """One request. False: the peer left."""
        magic, flags, kind, cookie, offset, length = _REQUEST.unpack(await reader.readexactly(_REQUEST.size))
        assert magic == _REQUEST_MAGIC
        data, error = b"", 0
        written = await reader.readexactly(length) if kind == _WRITE else b""
        # Between the power cut and its own end a machine may still ask; nothing of it counts.
        if kind == _LEAVE or writer not in self._peers:
            return False
        if (offset | length) % SECTOR_BYTES or kind not in (_READ, _WRITE, _FLUSH):
            error = _INVALID
        elif kind == _READ:
            data = self.read(offset, length)
        elif kind == _WRITE:
            self.write(offset, written, through=bool(flags & _FUA))
        else:
            self.flush()
        writer.write(_REPLY.pack(_REPLY_MAGIC, error, cookie) + data)
        return True
