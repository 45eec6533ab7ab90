"""NATS JetStream over TLS: a file store that syncs before each acknowledgement, and a consumer that acknowledges."""

import asyncio
import contextlib
import itertools
import json
import os
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from tests.bench.peer import MESSAGE, Client, free_port, running_process

CONFIG = """
listen: "127.0.0.1:{port}"
tls {{ cert_file: "{keys}/hub.pem", key_file: "{keys}/hub.key", handshake_first: true }}
jetstream {{ store_dir: "{folder}", sync_interval: always }}
"""
STREAM = {"name": "EVENTS", "subjects": ["event"], "storage": "file", "num_replicas": 1}
CONSUMER = {
    "stream_name": "EVENTS",
    "config": {"durable_name": "guard", "deliver_subject": "guard", "ack_policy": "explicit", "max_ack_pending": -1},
}
LISTENS = b"2"
"""The subscription that the consumer delivers to."""
HELLO = {"verbose": False, "pedantic": False, "tls_required": True, "lang": "python", "version": "1", "protocol": 1}


class NatsClient:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count()
        self._asked: dict[bytes, asyncio.Future[bytes]] = {}
        self.heard_ns: asyncio.Queue[int] = asyncio.Queue()
        self.port: int = writer.get_extra_info("sockname")[1]

    async def begin(self, name: str) -> None:
        await self._reader.readline()
        self._inbox = f"_INBOX.{name}"
        self._writer.write(f"CONNECT {json.dumps(HELLO)}\r\nSUB {self._inbox}.* 1\r\n".encode())

    async def run(self) -> None:
        while line := await self._reader.readline():
            if line.startswith(b"MSG"):
                _, subject, subscription, *reply, size = line.split()
                body = (await self._reader.readexactly(int(size) + 2))[:-2]
                if subscription == LISTENS:
                    self.heard_ns.put_nowait(time.time_ns())
                    self._writer.write(b"PUB " + reply[0] + b" 0\r\n\r\n")
                else:
                    self._asked.pop(subject).set_result(body)
            elif line.startswith(b"PING"):
                self._writer.write(b"PONG\r\n")
            assert not line.startswith(b"-ERR"), line

    async def ask(self, subject: str, body: bytes) -> dict[str, Any]:
        inbox = f"{self._inbox}.{next(self._numbers)}"
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[inbox.encode()] = answer
        self._writer.write(f"PUB {subject} {inbox} {len(body)}\r\n".encode() + body + b"\r\n")
        said: dict[str, Any] = json.loads(await answer)
        assert "error" not in said, said
        return said

    async def publish(self) -> None:
        await self.ask("event", MESSAGE)

    def listen(self) -> None:
        self._writer.write(b"SUB guard " + LISTENS + b"\r\n")


class Nats:
    def __init__(self, port: int, tls: ssl.SSLContext, group: asyncio.TaskGroup, pid: int) -> None:
        self._port = port
        self._tls = tls
        self._group = group
        self._running: list[asyncio.Task[None]] = []
        self.pid = pid
        self.client: NatsClient
        self.heard_ns: asyncio.Queue[int]
        self.listener_port: int

    async def begin(self) -> None:
        self.client = await self._connect()
        await self.client.ask("$JS.API.STREAM.CREATE.EVENTS", json.dumps(STREAM).encode())
        listener = await self._connect()
        listener.listen()
        await listener.ask("$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.guard", json.dumps(CONSUMER).encode())
        self.heard_ns = listener.heard_ns
        self.listener_port = listener.port

    async def clients(self, count: int) -> list[Client]:
        return [await self._connect() for _ in range(count)]

    async def _connect(self) -> NatsClient:
        streams = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls, server_hostname="localhost")
        client = NatsClient(*streams)
        await client.begin(f"b{len(self._running)}")
        self._running.append(self._group.create_task(client.run()))
        return client

    def end(self) -> None:
        for task in self._running:
            task.cancel()


@contextlib.asynccontextmanager
async def running_nats(program: Path, folder: Path, keys: Path, tls: ssl.SSLContext) -> AsyncIterator[Nats]:
    port = free_port()
    config = folder / "nats.conf"
    config.write_text(CONFIG.format(port=port, keys=keys, folder=folder / "store"))

    async def ready() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost")
        writer.close()

    started = running_process(program, "-c", config, environment=dict(os.environ), log=folder / "log", ready=ready)
    async with started as process, asyncio.TaskGroup() as group:
        nats = Nats(port, tls, group, process.pid)
        await nats.begin()
        yield nats
        nats.end()
