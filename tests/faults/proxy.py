"""A wire that can be slow, thin, cut or dead: a TCP proxy in front of the hub, on this machine alone.

TLS goes through it as it is; whoever is connected holds it for the hub.
"""

import asyncio
from contextlib import suppress
from typing import Self

HOST = "127.0.0.1"
CHUNK_BYTES_MAX = 16_384
HELD_CHUNKS_MAX = 1_024
"""What one direction holds while nothing gets through; then it takes no more, as a full window would."""
THIN_CHUNKS_MAX = 4
"""The same on a thin wire, where what is held is time."""
CONNECTIONS_MAX = 256

Held = asyncio.Queue[tuple[float, bytes] | None]


class Proxy:
    """`async with` opens it. `delay_s`: each way; `bytes_per_s`: of each direction of each connection, 0 = no limit."""

    def __init__(self, hub_port: int) -> None:
        self._hub_port = hub_port
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[asyncio.Task[None]] = set()
        self.delay_s = 0.0
        self.bytes_per_s = 0
        self.port = 0

    async def __aenter__(self) -> Self:
        await self._listen()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.cut()
        self.flow()
        # Each ends with its connection.
        await asyncio.gather(*self._serving)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    # ── faults ───────────────────────────────────────────────────────────────────────────────────────────────

    def break_all(self) -> None:
        """Ends every connection without a goodbye; new ones are welcome."""
        for writer in tuple(self._open):
            writer.transport.abort()

    def cut(self) -> None:
        """Ends every connection and refuses new ones, until `mend`."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.break_all()

    async def mend(self) -> None:
        if self._server is None:
            await self._listen()

    def stall(self) -> None:
        """Half-open: takes everything, new connections too, gives nothing, and says nothing; until `flow`."""
        self._flowing.clear()

    def flow(self) -> None:
        """Gives what it has held, in order."""
        self._flowing.set()

    # ── one connection ───────────────────────────────────────────────────────────────────────────────────────

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        if len(self._serving) >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        self._serving.add(task)
        self._open.add(writer)
        try:
            await self._join(reader, writer)
        except OSError:
            # The hub is not there, or one of the two has gone: the other is told by the abort.
            pass
        finally:
            writer.transport.abort()
            self._open.discard(writer)
            self._serving.discard(task)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._flowing.wait()
        hub_reader, hub_writer = await asyncio.open_connection(HOST, self._hub_port)
        self._open.add(hub_writer)
        ways = [
            asyncio.create_task(self._carry(reader, hub_writer)),
            asyncio.create_task(self._carry(hub_reader, writer)),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
            hub_writer.transport.abort()
            self._open.discard(hub_writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction, until its end has got through."""
        held: Held = asyncio.Queue(HELD_CHUNKS_MAX)
        taking = asyncio.create_task(self._take(reader, held))
        try:
            while (item := await held.get()) is not None:
                due_s, chunk = item
                await self._pass_until(due_s)
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
                if self.bytes_per_s:
                    await asyncio.sleep(len(chunk) / self.bytes_per_s)
                held.task_done()
        finally:
            taking.cancel()

    async def _take(self, reader: asyncio.StreamReader, held: Held) -> None:
        loop = asyncio.get_running_loop()
        with suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES_MAX):
                await held.put((loop.time() + self.delay_s, chunk))
                if self.bytes_per_s and held.qsize() >= THIN_CHUNKS_MAX:
                    await held.join()
        await held.put(None)

    async def _pass_until(self, due_s: float) -> None:
        left_s = due_s - asyncio.get_running_loop().time()
        if left_s > 0:
            await asyncio.sleep(left_s)
