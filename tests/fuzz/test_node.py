"""Bytes that no hub sends, at a node: into its WebSocket in MicroPython, and over TLS into its whole program."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from firstbell import messages
from hypothesis import given, note, settings
from hypothesis import strategies as st

from hub.places.authority import server_context
from terminal.simulated_node import HEAP, INTERPRETER
from tests.firstbell.properties.test_websocket import DAMAGED, PIECES
from tests.firstbell.test_websocket import answer, frame
from tests.fuzz.micropython_websocket import fed
from tests.fuzz.odd import tokens
from tests.fuzz.saying import hub_frame, message
from tests.links.campus import HOST
from tests.links.hub_process import HubProcess
from tests.links.node import RealNode, write_node

# Thousands of cases, on a machine that may be busy.
pytestmark = pytest.mark.timeout(300)

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "tests/fuzz/micropython_websocket.py"
CASES = 2_000
CALLS = 20
"""Connections of the node to a hub that means it ill."""
ANSWER_S_MAX = 8
"""A node's watchdog would have reset it by then."""
CALL_S_MAX = 30
GOODBYE_S_MAX = 0.1
"""MicroPython tells of TLS's goodbye only when the stream beneath has ended, too."""
NONCE = "A" * 43
PIECE_BYTES = 97
NEARLY_TEXT = (b"a", b"\xe4\xbd\xa0", b"\xf0\x9f\x98\x80", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80")
"""Characters, and what only looks like some."""


class Interpreter:
    """A MicroPython with a node's heap that takes one case after the other. `starts`: how often it was started."""

    def __init__(self) -> None:
        self.starts = 0
        self._process: asyncio.subprocess.Process | None = None

    async def _start(self) -> asyncio.subprocess.Process:
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *(INTERPRETER, "-X", HEAP, PROGRAM, ROOT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        return self._process

    async def fed(self, is_open: bool, pieces: list[str]) -> object:
        running = self._process is not None and self._process.returncode is None
        process = self._process if running and self._process else await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"open": is_open, "pieces": pieces}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_S_MAX):
            line = await process.stdout.readline()
        try:
            return json.loads(line)
        except ValueError:
            await self.end()
            raise AssertionError(line + await process.stdout.read()) from None

    async def end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


def test_any_bytes_in_micropython() -> None:
    """It makes of them what CPython does, and goes on."""
    damaged = st.builds(lambda data: [data[at : at + PIECE_BYTES] for at in range(0, len(data), PIECE_BYTES)], DAMAGED)
    texts = st.lists(st.sampled_from(NEARLY_TEXT), max_size=5).map(lambda parts: [frame(1, b"".join(parts))])
    interpreter = Interpreter()

    @settings(max_examples=CASES)
    @given(st.booleans(), PIECES | damaged | texts)
    def play(is_open: bool, pieces: list[bytes]) -> None:
        told = [piece.hex() for piece in pieces if piece]
        assert runner.run(interpreter.fed(is_open, told)) == fed(is_open, told)

    with asyncio.Runner() as runner:
        try:
            play()
        finally:
            runner.run(interpreter.end())
    assert interpreter.starts == 1


# ── the whole program ───────────────────────────────────────────────────────────────────────────────────────


SILENT, UPGRADED, LINKED = range(3)
"""How far a hub plays its part before it goes wrong."""


class Siege:
    """A node whose hub has been replaced by somebody who has its certificate and means ill."""

    def __init__(self, folder: Path) -> None:
        self.hub = HubProcess(folder / "hub")
        self._folder = folder / "node"
        self._calls: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self._server: asyncio.Server
        self.node: RealNode

    async def begin(self) -> None:
        hub = await self.hub.start()
        write_node(hub, self._folder, await hub.enrol(algorithm="HS256"), hub.port)
        self.node = await RealNode(self._folder).start()
        await self.node.until_state(linked=True, pending=0)
        await hub.stop()
        # What is not delivered yet is said again on each connection.
        await self.node.press()
        self._server = await asyncio.start_server(
            lambda reader, writer: self._calls.put_nowait((reader, writer)),
            HOST,
            hub.port,
            ssl=server_context(hub.home.keys),
            ssl_shutdown_timeout=GOODBYE_S_MAX,
        )

    async def call(self, part: int, said: list[bytes]) -> None:
        """The node's next connection: the hub says this, and goes. The node goes on."""
        if self.node.process.returncode is not None:
            await self.node.start()
        async with asyncio.timeout(CALL_S_MAX):
            reader, writer = await self._calls.get()
            request = await reader.readuntil(b"\r\n\r\n")
        opening = [answer(request)] if part >= UPGRADED else []
        if part == LINKED:
            opening.append(_text(messages.challenge_frame(NONCE, 5)))
            opening.append(_text(messages.snapshot_frame(5, "none", "none", False)))
        try:
            for data in opening + said:
                writer.write(data)
                await writer.drain()
        except OSError:
            # It has had enough.
            pass
        writer.close()
        await self._answers()

    async def _answers(self) -> None:
        since = len(self.node.told)
        await self.node.say(status=True)
        async with asyncio.timeout(ANSWER_S_MAX):
            await self.node.until(lambda told: "status" in told, since)

    async def end(self) -> None:
        """The hub is back; so is its node, which has never been restarted."""
        self._server.close()
        while not self._calls.empty():
            self._calls.get_nowait()[1].transport.abort()
        await self.hub.start()
        since = len(self.node.told)
        digest = await self.node.press()
        await self.node.receipt(digest)
        await self.hub.until_entry("event_recorded", digest=digest)
        await self.node.until_state(since, linked=True, pending=0)
        assert [told for told in self.node.told if "failed" in told] == []
        assert self.node.log == []
        assert len([told for told in self.node.told if "boot" in told]) == 1
        await self.hub.stop()


def _text(text: str | bytes) -> bytes:
    return frame(1, text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))


@pytest.fixture
def siege(tmp_path: Path) -> Iterator[tuple[asyncio.Runner, Siege]]:
    with asyncio.Runner() as runner:
        siege = Siege(tmp_path)
        runner.run(siege.begin())
        yield runner, siege
        runner.run(siege.node.end())
        runner.run(siege.hub.__aexit__())


def test_a_hub_that_means_ill(siege: tuple[asyncio.Runner, Siege]) -> None:
    runner, besieged = siege
    frames = st.lists(tokens, min_size=1, max_size=12).map(
        lambda said: [_text(message(token, hub_frame)) for token in said]
    )
    odd = PIECES | DAMAGED.map(lambda data: [data]) | frames

    @settings(max_examples=CALLS // 2)
    @given(st.sampled_from((SILENT, UPGRADED)), odd, odd)
    def play(part: int, stranger: list[bytes], friend: list[bytes]) -> None:
        note(f"{part} {stranger} {friend}")
        runner.run(besieged.call(part, stranger))
        # A hub that has linked is called again at once.
        runner.run(besieged.call(LINKED, friend))

    play()
    runner.run(besieged.end())
    assert besieged.hub.complaints() == []
