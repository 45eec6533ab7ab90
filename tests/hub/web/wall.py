"""The least that a terminal can be: enrolled, signed on the wire, a press and its receipt."""

import json
import ssl
from pathlib import Path
from typing import Any, Self

import aiohttp
from firstbell import jws, messages

from hub.places.enrolment import TerminalKey, new_key

BOOT = 1
WAIT_S_MAX = 20


class Wall:
    """`async with` enrols it over the hub's `control` socket, and links it at `url`.

    `name` is what people call it; `zone` is where it hangs; `host` what it says the hub is called.
    """

    def __init__(
        self, url: str, tls: ssl.SSLContext, control: Path, name: str = "Stairs", zone: str = "East", host: str = ""
    ) -> None:
        self._url, self._tls, self._control = url, tls, control
        self._name, self._zone, self._host = name, zone, host
        self._key: TerminalKey = new_key("EdDSA")
        self._seq = 0
        self.terminal = ""

    async def __aenter__(self) -> Self:
        body = {
            "name": self._name,
            "zone": self._zone,
            "algorithm": "EdDSA",
            "key": self._key.told,
            "inputs": {"panic": "panic"},
        }
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(self._control))) as console,
            console.post("http://hub/api/terminals", json=body) as answer,
        ):
            self.terminal = (await answer.json())["id"]
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._tls))
        headers = {"Host": self._host} if self._host else {}
        self._socket = await self._session.ws_connect(f"{self._url}/ws/terminal", headers=headers)
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
