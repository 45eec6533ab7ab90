"""A terminal by hand: it signs what a test wants, and says it when a test wants."""

import itertools
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from firstbell import jws

from tests.links.line import Line


class Damage(Protocol):
    def done_to(self, whole: dict[str, Any]) -> dict[str, Any]: ...


class Signer(Protocol):
    def sign(self, message: bytes) -> bytes: ...


class RawTerminal:
    """`sequence` goes up with each `event` that is not given one."""

    def __init__(
        self, terminal: str, algorithm: str, signer: Signer, connect: Callable[[], Awaitable[Line]], boot: int = 1
    ) -> None:
        self.terminal = terminal
        self.algorithm = algorithm
        self.signer = signer
        self.boot = boot
        self._connect = connect
        self._sequence = itertools.count(1)

    def hello(self, nonce: str, damage: Damage | None = None, **changes: Any) -> str:
        """The JWS of a hello; `changes` to its payload, or `header` (the whole text) and `signer` in place of ours.

        `damage` is done to the payload before it is signed.
        """
        payload = {
            "terminal": self.terminal,
            "nonce": nonce,
            "boot": self.boot,
            "seq": 0,
            "mono_ms": _mono_ms(),
            "software": "test",
            "checkpoint": "",
        }
        return self._sign(jws.HELLO_TYP, payload, changes, damage)

    def event(self, damage: Damage | None = None, **changes: Any) -> str:
        """The JWS of a press; `changes` as in `hello`."""
        payload = {
            "terminal": self.terminal,
            "boot": self.boot,
            "seq": changes["seq"] if "seq" in changes else next(self._sequence),
            "input": "panic",
            "what": "panic",
            "mono_ms": _mono_ms(),
            "event_ms": None,
            "error_ms": None,
        }
        return self._sign(jws.EVENT_TYP, payload, changes, damage)

    def _sign(self, typ: str, payload: dict[str, Any], changes: dict[str, Any], damage: Damage | None) -> str:
        segment = jws.header(self.algorithm, self.terminal, typ)
        if "header" in changes:
            segment = jws.b64url(changes.pop("header").encode())
        signer = changes.pop("signer", self.signer)
        said = {**payload, **changes}
        text = json.dumps(damage.done_to(said) if damage else said, separators=(",", ":"))
        signed = f"{segment}.{jws.b64url(text.encode())}"
        # `jws.sign` makes none that is too long.
        return f"{signed}.{jws.b64url(signer.sign(signed.encode()))}"

    async def open(self) -> Line:
        """A connection that has its challenge and has said nothing yet."""
        line = await self._connect()
        await line.of_type("challenge")
        return line

    async def link(self, **changes: Any) -> Line:
        """A connection whose hello holds."""
        line = await self.open()
        await line.send({"type": "hello", "jws": self.hello(line.frames[0]["nonce"], **changes)})
        await line.of_type("snapshot")
        return line


def event_frame(text: str) -> dict[str, str]:
    return {"type": "event", "jws": text}


def receipt_of(text: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a frame is the receipt of this event."""
    digest = jws.digest_of(text)
    return lambda frame: frame["type"] == "receipt" and frame["event"] == digest


def _mono_ms() -> int:
    return time.monotonic_ns() // 1_000_000
