"""The control socket itself: who may ask, what is understood, what happens to the slow and the silent."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from firstbell_linux.problems import Phrase, Problem

from terminal import control
from terminal.control import Answer, ControlServer, ask, parse_problem, problem_fields
from terminal.problems import ControlError, NotRunning

DEEP = "a-folder-with-quite-a-long-name"
LONG_BYTES = 1 << 22
"""More than a socket takes that nobody reads."""


class Echo:
    """Says what it was asked to do."""

    def __init__(self) -> None:
        self.hold = asyncio.Event()

    def status(self) -> Answer:
        return {"ok": True, "did": "status"}

    async def press(self, name: str, hold_ms: int) -> Answer:
        if name == "nowhere":
            raise ControlError(Problem("no_such_input", "/home", {"input": name, "inputs": ["panic", "door"]}))
        if hold_ms == control.HOLD_MS_MAX:
            await self.hold.wait()
        return {"ok": True, "did": ["press", name, hold_ms]}

    async def edges(self, name: str, edges: list[tuple[int, bool]]) -> Answer:
        return {"ok": True, "did": ["edges", name, edges]}

    def cut(self, on: bool) -> Answer:
        return {"ok": True, "did": ["cut", on]}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[ControlServer]:
    server = ControlServer(tmp_path / "control.sock", Echo())
    await server.start()
    yield server
    await server.close()


@asynccontextmanager
async def connection(path: Path) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        yield reader, writer
    finally:
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


async def say(path: Path, text: str) -> list[dict[str, Any]]:
    """Everything that is answered to this text, until the server closes. A surrogate is the byte that it stands for."""
    async with connection(path) as (reader, writer):
        writer.write(text.encode(errors="surrogateescape"))
        return [json.loads(line) async for line in reader]


@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 400 Bad Request\r\n", b"\xff\xfe\n", b"[]\n", b'{"status":400}\n', b'"ok"\n']
)
async def test_what_answers_otherwise_is_no_terminal(tmp_path: Path, said: bytes) -> None:
    """In a hub's home, say, there is a socket of this name, too."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(said)
        writer.close()

    async with await asyncio.start_unix_server(answer, tmp_path / "control.sock"):
        with pytest.raises(NotRunning):
            await asyncio.to_thread(ask, tmp_path / "control.sock", {"do": "status"})


@pytest.mark.parametrize(
    ("request_text", "did"),
    [
        ('{"do":"status"}', "status"),
        ('{"do":"press","input":"panic"}', ["press", "panic", 100]),
        ('{"do":"press","input":"panic","hold_ms":5}', ["press", "panic", 5]),
        ('{"do":"edges","input":"panic","edges":[[0,true],[9,false]]}', ["edges", "panic", [[0, True], [9, False]]]),
        ('{"do":"cut","on":true}', ["cut", True]),
    ],
)
async def test_each_request_is_done(server: ControlServer, tmp_path: Path, request_text: str, did: Any) -> None:
    assert await say(tmp_path / "control.sock", request_text + "\n") == [{"ok": True, "did": did}]


@pytest.mark.parametrize(
    "request_text",
    [
        "",
        "status",
        "[]",
        '{"do":"reboot"}',
        '{"do":"press"}',
        '{"do":"press","input":"panic","hold_ms":-1}',
        '{"do":"press","input":"panic","hold_ms":600001}',
        '{"do":"press","input":"panic","colour":1}',
        '{"do":"edges","input":"panic","edges":[]}',
        '{"do":"edges","input":"panic","edges":[[0,1]]}',
        '{"do":"cut","on":"yes"}',
        '{"do":"press","input":"\udcff"}',
    ],
)
async def test_what_is_not_understood_is_refused(server: ControlServer, tmp_path: Path, request_text: str) -> None:
    (answer,) = await say(tmp_path / "control.sock", request_text + "\n")
    assert (answer["ok"], answer["problem"]["name"]) == (False, "request_malformed")


async def test_who_talks_without_end_is_sent_away(server: ControlServer, tmp_path: Path) -> None:
    async with connection(tmp_path / "control.sock") as (reader, writer):
        writer.write(b"x" * (control.REQUEST_BYTES_MAX + 2))
        assert await reader.read() == b""


async def test_who_says_nothing_is_sent_away(
    server: ControlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control, "REQUEST_MS_MAX", 50)
    async with connection(tmp_path / "control.sock") as (reader, _):
        assert await reader.read() == b""


async def test_a_crowd_is_not_let_in(server: ControlServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "CLIENTS_MAX", 1)
    monkeypatch.setattr(control, "REQUEST_MS_MAX", 600_000)
    async with connection(tmp_path / "control.sock") as (reader, writer):
        writer.write(b'{"do":"watch"}\n')
        assert json.loads(await reader.readline()) == {}
        async with connection(tmp_path / "control.sock") as (second, _):
            assert await second.read() == b""


async def test_watching_tells_every_change_once(server: ControlServer, tmp_path: Path) -> None:
    server.publish({"light": "none"})
    async with connection(tmp_path / "control.sock") as (reader, writer):
        writer.write(b'{"do":"watch"}\n')
        assert json.loads(await reader.readline()) == {"light": "none"}
        for light in ("heard", "heard", "recorded", "none"):
            server.publish({"light": light})
        told = [json.loads(await reader.readline())["light"] for _ in range(3)]
        assert told == ["heard", "recorded", "none"]
        await server.close()
        assert await reader.read() == b""


async def test_a_watcher_that_does_not_read_is_sent_away_and_holds_nobody_up(
    server: ControlServer, tmp_path: Path
) -> None:
    async with connection(tmp_path / "control.sock") as (reader, writer):
        writer.write(b'{"do":"watch"}\n')
        await reader.readline()
        for number in range(20 * control.LINES_MAX):
            server.publish({"number": number, "much": "x" * 1_000})
            if number % 50 == 0:
                await asyncio.sleep(0)
        server.publish({"number": "last"})
        lines = (await _all(reader)).splitlines()
        numbers = [json.loads(line)["number"] for line in lines]
        # No gap in what it got, and it got not all.
        assert numbers == list(range(len(numbers)))
        assert len(numbers) < 20 * control.LINES_MAX


async def _all(reader: asyncio.StreamReader) -> bytes:
    parts = []
    while part := await reader.read(65_536):
        parts.append(part)
    return b"".join(parts)


async def test_ending_gives_up_what_takes_long(server: ControlServer, tmp_path: Path) -> None:
    request = json.dumps({"do": "press", "input": "panic", "hold_ms": control.HOLD_MS_MAX}) + "\n"
    async with connection(tmp_path / "control.sock") as (reader, writer):
        writer.write(request.encode())
        # Another request is answered meanwhile, so this one has begun.
        assert await say(tmp_path / "control.sock", '{"do":"status"}\n')
        await server.close()
        assert await reader.read() == b""


async def test_asking_from_outside(server: ControlServer, tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    assert await asyncio.to_thread(ask, path, {"do": "status"}) == {"ok": True, "did": "status"}
    with pytest.raises(ControlError) as caught:
        await asyncio.to_thread(ask, path, {"do": "press", "input": "nowhere"})
    assert caught.value.problem == Problem("no_such_input", "/home", {"input": "nowhere", "inputs": ["panic", "door"]})
    await server.close()
    with pytest.raises(NotRunning):
        await asyncio.to_thread(ask, path, {"do": "status"})


async def test_a_long_path_fits(tmp_path: Path) -> None:
    """A Unix socket's name has 107 bytes at most; a home may lie deeper."""
    folder = tmp_path / DEEP / DEEP / DEEP / DEEP
    folder.mkdir(parents=True)
    path = folder / "control.sock"
    assert len(str(path)) > 107
    server = ControlServer(path, Echo())
    await server.start()
    assert (await asyncio.to_thread(ask, path, {"do": "status"}))["ok"]
    await server.close()


async def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    server = ControlServer(tmp_path / "nowhere" / "control.sock", Echo())
    with pytest.raises(ControlError) as caught:
        await server.start()
    assert caught.value.problem.name == "control_failed"
    await server.close()


def test_a_problem_travels_whole() -> None:
    problem = Problem("hub_no_answer", "127.0.0.1:1", {"reason": Phrase("reasons.refused"), "name": "hub"})
    assert parse_problem(json.loads(json.dumps(problem_fields(problem)))) == problem


def test_who_reads_nothing_is_left_behind_without_a_complaint(tmp_path: Path) -> None:
    """What it was told can't be written before the daemon ends."""
    complaints: list[dict[str, Any]] = []

    async def live() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, complaint: complaints.append(complaint))
        server = ControlServer(tmp_path / "control.sock", Echo())
        await server.start()
        server.publish({"ok": True, "long": "." * LONG_BYTES})
        watcher.connect(str(tmp_path / "control.sock"))
        watcher.sendall(b'{"do":"watch"}\n')
        watcher.setblocking(False)
        await loop.sock_recv(watcher, 1)
        await server.close()

    with socket.socket(socket.AF_UNIX) as watcher:
        asyncio.run(live())
    assert complaints == []
