"""The least that a terminal can be: enrolled, signed on the wire, a press and its receipt."""

import json
from typing import Any, Self

import aiohttp
from firstbell import jws, messages

from hub.places.enrolment import TerminalKey, new_key
from tests.hub.web.running import RunningHub

BOOT = 1
WAIT_S_MAX = 20


class Wall:
    """`async with` links it. `name` is what people call it; `zone` is where it hangs."""

    def __init__(self, hub: RunningHub, name: str = "Stairs", zone: str = "East", host: str = "") -> None:
        self._hub = hub
        self._name, self._zone = name, zone
        self._url = f"{hub.url}/ws/terminal"
        self._host = host
        self._key: TerminalKey = new_key("EdDSA")
        self._seq = 0
        self.terminal = ""

    async def __aenter__(self) -> Self:
        console = await self._hub.console()
        body = {
            "name": self._name,
            "zone": self._zone,
            "algorithm": "EdDSA",
            "key": self._key.told,
            "inputs": {"panic": "panic"},
        }
        self.terminal = (await console.post("/api/terminals", body)).json["id"]
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._hub.tls))
        headers = {"Host": self._host} if self._host else {}
        self._socket = await self._session.ws_connect(self._url, headers=headers)
        challenge = await self._frame("challenge")
        hello = messages.hello_payload(self.terminal, challenge["nonce"], BOOT, 0, 1, "test", "")
        await self._socket.send_str(messages.hello_frame(self._sign(hello, jws.HELLO_TYP)))
        await self._frame("snapshot")
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self._socket.close()
        await self._session.close()

    def _sign(self, payload: bytes, typ: str) -> str:
        key = jws.Ed25519Signer(jws.unb64url(self._key.kept))
        return jws.sign(payload, jws.header("EdDSA", self.terminal, typ), key)

    async def _frame(self, kind: str) -> dict[str, Any]:
        """The next frame of this kind."""
        while True:
            frame: dict[str, Any] = json.loads(await self._socket.receive_str(timeout=WAIT_S_MAX))
            if frame["type"] == kind:
                return frame

    async def say(self, what: str) -> dict[str, Any]:
        """Sends a signed event and waits for its receipt; returns the entry."""
        self._seq += 1
        payload = messages.event_payload(self.terminal, BOOT, self._seq, "panic", what, 1, None)
        await self._socket.send_str(messages.event_frame(self._sign(payload, jws.EVENT_TYP)))
        entry: dict[str, Any] = json.loads((await self._frame("receipt"))["entry"])
        return entry
