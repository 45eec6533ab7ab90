"""A guard's pager without a screen: a process of its own that speaks the pager's wire (PROTOCOL.md) to the hub.

Says on stdout, one JSON line a thing, what happens to it; does on stdin, one word a line, what a guard would tap:
`accept`, `on_scene`, `resolve OUTCOME`. It keeps a command until its receipt, as the real pager does.
"""

import asyncio
import json
import ssl
import sys
import uuid
from dataclasses import dataclass, field
from typing import Any

import aiohttp

HEARTBEAT_MS = 3_000
RECONNECT_MS = 500


@dataclass(slots=True)
class SimulatedPager:
    """`cookie` is the pager's key; the guard has signed on already."""

    hub_url: str
    tls: ssl.SSLContext
    cookie: str
    snapshot: dict[str, Any] = field(default_factory=dict)
    commands: dict[str, dict[str, Any]] = field(default_factory=dict)
    _told: set[str] = field(default_factory=set)
    _socket: aiohttp.ClientWebSocketResponse | None = None

    async def run(self) -> None:
        """Connects and comes back until cancelled."""
        headers = {"Origin": self.hub_url, "Cookie": self.cookie}
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self.tls)) as session:
            while True:
                try:
                    async with session.ws_connect(f"{self.hub_url}/ws/pager", headers=headers) as socket:
                        await self._talk(socket)
                except aiohttp.ClientError as error:
                    _say("lost", reason=str(error))
                self._socket = None
                await asyncio.sleep(RECONNECT_MS / 1000)

    async def _talk(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        await self._send_state()
        for command in self.commands.values():
            await socket.send_json(command)
        beating = asyncio.create_task(self.beat(HEARTBEAT_MS / 1000))
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    await self._take(message.json())
        finally:
            beating.cancel()

    async def beat(self, every_s: float) -> None:
        """Heartbeats, each with this pager's whole state, until cancelled."""
        while True:
            await asyncio.sleep(every_s)
            await self._send({"type": "heartbeat", "t1_ms": int(asyncio.get_running_loop().time() * 1000)})
            await self._send_state()

    async def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "snapshot":
            self.snapshot = frame
            await self._send_state()
            for page in frame["pages"]:
                if page["ring"] != "none" and page["incident"] not in self._told:
                    self._told.add(page["incident"])
                    _say("ringing", incident=page["incident"], place=page["place"])
        elif frame["type"] in ("receipt", "refused") and frame.get("command"):
            done = self.commands.pop(frame["command"], None)
            if done:
                _say(frame["type"], do=done["do"], incident=done["incident"], reason=frame.get("reason"))

    async def _send_state(self) -> None:
        pages = self.snapshot.get("pages", [])
        incidents = [page["incident"] for page in pages]
        await self._send(
            {
                "type": "state",
                "sound": "running",
                "visible": True,
                "awake": True,
                "battery_percent": None,
                "charging": None,
                "have": incidents,
                "seen": incidents,
                "ringing": [page["incident"] for page in pages if page["ring"] != "none"],
            }
        )

    async def tap(self, do: str, outcome: str | None = None) -> None:
        """One tap on the newest page of this guard."""
        page = next((p for p in self.snapshot.get("pages", []) if p["state"] != "resolved"), None)
        if page is None:
            _say("nothing", do=do)
            return
        command = {
            "type": "command",
            "id": uuid.uuid4().hex,
            "do": do,
            "incident": page["incident"],
            "covers": page["covers"] if do == "resolve" else [],
            "outcome": outcome,
            "note": "",
        }
        self.commands[command["id"]] = command
        await self._send(command)

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._socket is not None and not self._socket.closed:
            await self._socket.send_json(frame)


def _say(what: str, **fields: Any) -> None:
    print(json.dumps({"what": what, **fields}, ensure_ascii=False), flush=True)


async def main() -> None:
    """Reads one JSON line with hub_url, ca_file and cookie from stdin, then the guard's taps."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    given = json.loads(await reader.readline())
    pager = SimulatedPager(given["hub_url"], ssl.create_default_context(cafile=given["ca_file"]), given["cookie"])
    running = asyncio.create_task(pager.run())
    while line := (await reader.readline()).decode().split():
        await pager.tap(*line)
    running.cancel()


if __name__ == "__main__":
    asyncio.run(main())
