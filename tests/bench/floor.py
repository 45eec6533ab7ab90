"""The floor: the least that any hub does that keeps its promise, and nothing else.

A bare aiohttp WebSocket over TLS; for each frame one Ed25519 verify, two SHA-256, one SQLite commit with
`synchronous=FULL` and one Ed25519 sign, in line, and the signed frame goes back. As a process of its own:
`python -m tests.bench.floor KEYS DATABASE`.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import random
import sqlite3
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from hub.places.authority import server_context

HOST = "127.0.0.1"
SIGNATURE_BYTES = 64
FRAME_BYTES = 500 - SIGNATURE_BYTES
"""Signed, it is about as long as an event's frame."""


def open_database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE frames (number INTEGER PRIMARY KEY, frame BLOB)")
    return connection


async def serve(keys: Path, database: Path) -> None:
    """Says its port and its public key on stdout, then answers until it is ended."""
    connection = open_database(database)
    key = Ed25519PrivateKey.generate()

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        client = Ed25519PublicKey.from_public_bytes((await socket.receive()).data)
        async for message in socket:
            frame = message.data
            client.verify(frame[:SIGNATURE_BYTES], frame[SIGNATURE_BYTES:])
            digest = hashlib.sha256(frame).digest()
            connection.execute("INSERT INTO frames (frame) VALUES (?)", (frame,))
            await socket.send_bytes(key.sign(hashlib.sha256(digest).digest()) + frame)
        return socket

    app = web.Application()
    app.router.add_get("/", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, HOST, 0, ssl_context=server_context(keys))
    await site.start()
    print(json.dumps({"port": runner.addresses[0][1]}), flush=True)
    await asyncio.Event().wait()


class Floor:
    """The client's end. `pid`: the process at the other."""

    def __init__(self, pid: int, socket: aiohttp.ClientWebSocketResponse, key: Ed25519PrivateKey) -> None:
        self.pid = pid
        self._socket = socket
        self._key = key

    async def once(self, dice: random.Random) -> float:
        """One frame there and back: milliseconds."""
        frame = dice.randbytes(FRAME_BYTES)
        signed = self._key.sign(frame) + frame
        sent_ns = time.perf_counter_ns()
        await self._socket.send_bytes(signed)
        await self._socket.receive_bytes()
        return (time.perf_counter_ns() - sent_ns) / 1e6


@contextlib.asynccontextmanager
async def running_floor(
    keys: Path, folder: Path, session: aiohttp.ClientSession, name: str, **environment: str
) -> AsyncIterator[Floor]:
    """`keys`: the hub's, whose certificate is for `name`; `folder`: on the disk that the hub's record is on."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.floor",
        keys,
        folder / "floor.db",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | environment,
    )
    assert process.stdout is not None
    try:
        port = json.loads(await process.stdout.readline())["port"]
        key = Ed25519PrivateKey.generate()
        async with session.ws_connect(f"https://{name}:{port}/") as socket:
            await socket.send_bytes(key.public_key().public_bytes_raw())
            yield Floor(process.pid, socket, key)
    finally:
        process.terminate()
        await process.wait()


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
