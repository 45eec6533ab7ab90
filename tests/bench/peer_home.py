"""Home Assistant over TLS: a state change by its API, and a listener on its WebSocket."""

import asyncio
import contextlib
import itertools
import os
import ssl
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.bench.peer import MESSAGE, Client, free_port, running_process

SERVER = Path(__file__).with_name("home_assistant.py")


class HomeClient:
    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, name: str) -> None:
        self._session = session
        self._url = f"{url}/api/states/sensor.{name}"
        self._headers = {"Authorization": f"Bearer {token}"}
        self._numbers = itertools.count()

    async def publish(self) -> None:
        change = {"state": str(next(self._numbers)), "attributes": {"event": MESSAGE.decode()}}
        async with self._session.post(self._url, json=change, headers=self._headers) as answer:
            assert answer.status in (200, 201), await answer.text()


class HomeAssistant:
    def __init__(self, session: aiohttp.ClientSession, url: str, token: str, pid: int) -> None:
        self._session = session
        self._url = url
        self._token = token
        self.pid = pid
        self.client = HomeClient(session, url, token, "one")
        self.heard_ns: asyncio.Queue[int] = asyncio.Queue()
        self.listener_port: int

    async def clients(self, count: int) -> list[Client]:
        return [HomeClient(self._session, self._url, self._token, f"many_{number}") for number in range(count)]

    async def begin(self) -> asyncio.Task[None]:
        socket = await self._session.ws_connect(f"{self._url}/api/websocket")
        await socket.receive_json()
        await socket.send_json({"type": "auth", "access_token": self._token})
        assert (await socket.receive_json())["type"] == "auth_ok"
        await socket.send_json({"id": 1, "type": "subscribe_events", "event_type": "state_changed"})
        assert (await socket.receive_json())["success"]
        self.listener_port = socket.get_extra_info("sockname")[1]
        return asyncio.create_task(self._listen(socket))

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            said = message.json()
            # It may put several into one message.
            for event in said if isinstance(said, list) else [said]:
                if event["event"]["data"]["entity_id"].startswith("sensor."):
                    self.heard_ns.put_nowait(time.time_ns())


@contextlib.asynccontextmanager
async def running_home_assistant(
    python: Path, folder: Path, keys: Path, tls: ssl.SSLContext
) -> AsyncIterator[HomeAssistant]:
    port = free_port()

    async def ready() -> str:
        return (folder / "token").read_text()

    started = running_process(
        *(python, SERVER, folder, str(port), keys), environment=dict(os.environ), log=folder / "log", ready=ready
    )
    connector = aiohttp.TCPConnector(ssl=tls, limit=0)
    async with started as process, aiohttp.ClientSession(connector=connector) as session:
        home = HomeAssistant(session, f"https://localhost:{port}", await ready(), process.pid)
        listening = await home.begin()
        try:
            yield home
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
