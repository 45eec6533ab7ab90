"""Mosquitto over TLS: persistent, QoS 2 (MQTT 3.1.1, OASIS) from a publisher to a listener with a lasting session."""

import asyncio
import contextlib
import itertools
import os
import ssl
import struct
import time
from collections.abc import AsyncIterator
from pathlib import Path

from tests.bench.peer import MESSAGE, Client, free_port, running_process

CONFIG = """
user root
listener {port} 127.0.0.1
certfile {keys}/hub.pem
keyfile {keys}/hub.key
allow_anonymous true
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
max_inflight_messages 0
"""
CONNECT, CONNACK, PUBLISH, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE, SUBACK = 0x10, 0x20, 0x34, 0x50, 0x62, 0x70, 0x82, 0x90
TOPIC = b"event"
LASTING_S = 600


def _text(data: bytes) -> bytes:
    return struct.pack("!H", len(data)) + data


class MqttClient:
    """A packet's number is free again when it is acknowledged to the end (PUBCOMP)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.cycle(range(1, 65_536))
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self.heard_ns: asyncio.Queue[int] = asyncio.Queue()
        self.port: int = writer.get_extra_info("sockname")[1]

    async def begin(self, name: str) -> None:
        # Level 4; the session outlives the connection.
        self._send(CONNECT, _text(b"MQTT") + struct.pack("!BBH", 4, 0, LASTING_S) + _text(name.encode()))
        kind, body = await self._packet()
        assert kind == CONNACK, kind
        assert body[1] == 0, body

    async def listen(self) -> None:
        self._send(SUBSCRIBE, struct.pack("!H", 1) + _text(TOPIC) + b"\x02")
        kind, _ = await self._packet()
        assert kind == SUBACK, kind

    async def publish(self) -> None:
        number = next(self._numbers)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = done
        self._send(PUBLISH, _text(TOPIC) + struct.pack("!H", number) + MESSAGE)
        await done

    async def run(self) -> None:
        while True:
            kind, body = await self._packet()
            if kind == PUBREC:
                self._send(PUBREL, body[:2])
            elif kind == PUBCOMP:
                self._waiting.pop(struct.unpack("!H", body[:2])[0]).set_result(None)
            elif kind & 0xF0 == PUBLISH & 0xF0:
                self.heard_ns.put_nowait(time.time_ns())
                at = 2 + len(TOPIC)
                self._send(PUBREC, body[at : at + 2])
            elif kind == PUBREL:
                self._send(PUBCOMP, body[:2])

    def _send(self, kind: int, body: bytes) -> None:
        length, size = b"", len(body)
        while not length or size:
            size, low = divmod(size, 128)
            length += bytes([low | (0x80 if size else 0)])
        self._writer.write(bytes([kind]) + length + body)

    async def _packet(self) -> tuple[int, bytes]:
        kind = (await self._reader.readexactly(1))[0]
        size = 0
        for place in itertools.count():
            (byte,) = await self._reader.readexactly(1)
            size |= (byte & 0x7F) << 7 * place
            if not byte & 0x80:
                break
        return kind, await self._reader.readexactly(size)


class Mosquitto:
    def __init__(self, port: int, tls: ssl.SSLContext, group: asyncio.TaskGroup, pid: int) -> None:
        self._port = port
        self._tls = tls
        self._group = group
        self._running: list[asyncio.Task[None]] = []
        self.pid = pid
        self.client: MqttClient
        self.heard_ns: asyncio.Queue[int]
        self.listener_port: int

    async def begin(self) -> None:
        self.client = await self._connect()
        listener = await self._connect(listens=True)
        self.heard_ns = listener.heard_ns
        self.listener_port = listener.port

    async def clients(self, count: int) -> list[Client]:
        return [await self._connect() for _ in range(count)]

    async def _connect(self, listens: bool = False) -> MqttClient:
        streams = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls, server_hostname="localhost")
        client = MqttClient(*streams)
        await client.begin(f"bench-{len(self._running)}")
        if listens:
            await client.listen()
        self._running.append(self._group.create_task(client.run()))
        return client

    def end(self) -> None:
        for task in self._running:
            task.cancel()


@contextlib.asynccontextmanager
async def running_mosquitto(
    program: Path, libraries: dict[str, str], folder: Path, keys: Path, tls: ssl.SSLContext
) -> AsyncIterator[Mosquitto]:
    port = free_port()
    config = folder / "mosquitto.conf"
    config.write_text(CONFIG.format(port=port, keys=keys, folder=folder))

    async def ready() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost")
        writer.close()

    started = running_process(
        program, "-c", config, environment=os.environ | libraries, log=folder / "log", ready=ready
    )
    async with started as process, asyncio.TaskGroup() as group:
        mosquitto = Mosquitto(port, tls, group, process.pid)
        await mosquitto.begin()
        yield mosquitto
        mosquitto.end()
