"""The control socket: what the command, the demo and tests say to a running terminal.

A Unix socket for this user alone. One request per connection, a JSON line; one JSON line back. `watch` goes on: a line
now, and one at each change. An answer has `"ok": true`, or `"ok": false` and a `problem`.
"""

import asyncio
import contextlib
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
import structlog
from firstbell_linux.parsing import parse_json
from firstbell_linux.problems import Phrase, Problem, reason_of
from msgspec import Meta

from terminal.problems import ControlError, NotRunning, TerminalError

REQUEST_BYTES_MAX = 65_536
REQUEST_MS_MAX = 5_000
"""Who connects and says nothing is sent away."""
CLIENTS_MAX = 32
LINES_MAX = 256
"""Changes that wait for one watcher; then it is sent away, for a gap would be a lie."""
HOLD_MS_MAX = 600_000
EDGES_MAX = 1_000
ANSWER_S_MAX = 5
CLOSE_MS_MAX = 500

log = structlog.get_logger(part="control")

Milliseconds = Annotated[int, Meta(ge=0, le=HOLD_MS_MAX)]


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag=str.lower):
    """What can be asked."""


class Status(Request, frozen=True):
    pass


class Watch(Request, frozen=True):
    pass


class Press(Request, frozen=True):
    input: str
    hold_ms: Milliseconds = 100


class Edges(Request, frozen=True):
    """Each edge: ms from now, and whether the line is closed from then on."""

    input: str
    edges: Annotated[list[tuple[Milliseconds, bool]], Meta(min_length=1, max_length=EDGES_MAX)]


class Cut(Request, frozen=True):
    on: bool


_decoder = msgspec.json.Decoder(Status | Watch | Press | Edges | Cut)
Answer = dict[str, Any]


class Commands(Protocol):
    """What the daemon does when asked. Each may raise TerminalError."""

    def status(self) -> Answer: ...

    async def press(self, name: str, hold_ms: int) -> Answer: ...

    async def edges(self, name: str, edges: list[tuple[int, bool]]) -> Answer: ...

    def cut(self, on: bool) -> Answer: ...


class ControlServer:
    """Serves from `start` to `close`. `publish` hands a new state to whoever watches."""

    def __init__(self, path: Path, commands: Commands) -> None:
        self._path = path
        self._commands = commands
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.Task[None], asyncio.StreamWriter] = {}
        self._works: set[asyncio.Task[Answer]] = set()
        self._watchers: set[asyncio.Queue[Answer | None]] = set()
        self._state: Answer = {}

    async def start(self) -> None:
        """Raises ControlError."""
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Whatever lies there is of a daemon that was killed: this one holds the home.
            self._path.unlink(missing_ok=True)
            with _short(self._path) as short:
                listening.bind(short)
            # Before it listens, so that nobody else is ever let in.
            self._path.chmod(0o600)
            self._server = await asyncio.start_unix_server(self._accept, sock=listening, limit=REQUEST_BYTES_MAX)
        except OSError as error:
            listening.close()
            raise ControlError(Problem("control_failed", str(self._path), {"reason": reason_of(error)})) from error

    def publish(self, state: Answer) -> None:
        if state == self._state:
            return
        self._state = state
        for queue in tuple(self._watchers):
            if queue.qsize() < LINES_MAX:
                queue.put_nowait(state)
            else:
                self._watchers.discard(queue)
                queue.put_nowait(None)

    async def close(self) -> None:
        """What was asked and takes long is given up."""
        if self._server is None:
            return
        self._server.close()
        self._path.unlink(missing_ok=True)
        for queue in self._watchers:
            queue.put_nowait(None)
        for work in self._works:
            work.cancel()
        for writer in self._clients.values():
            writer.close()
        if self._clients:
            await asyncio.wait(self._clients, timeout=CLOSE_MS_MAX / 1000)
        for writer in self._clients.values():
            # It reads nothing of what it was told.
            writer.transport.abort()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # In a task of ours: that the daemon's end ends one of its own, asyncio would log as a defect.
        if len(self._clients) >= CLIENTS_MAX:
            writer.close()
            return
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._clients[task] = writer
        task.add_done_callback(self._clients.pop)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._answer(reader, writer)
        except (OSError, TimeoutError, ValueError) as error:
            # Gone, silent, or talking without end.
            log.debug("client left", reason=str(error))
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(REQUEST_MS_MAX / 1000):
            line = await reader.readline()
        try:
            request = _decoder.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            log.info("request refused", reason=str(error))
            await _write(writer, _refusal(Problem("request_malformed", str(self._path))))
            return
        if isinstance(request, Watch):
            await self._stream(writer)
            return
        work = asyncio.ensure_future(self._do(request))
        self._works.add(work)
        await asyncio.wait([work])
        self._works.discard(work)
        if not work.cancelled():
            await _write(writer, work.result())

    async def _do(self, request: Status | Press | Edges | Cut) -> Answer:
        try:
            return await self._obey(request)
        except TerminalError as error:
            return _refusal(error.problem)

    async def _obey(self, request: Status | Press | Edges | Cut) -> Answer:
        if isinstance(request, Press):
            return await self._commands.press(request.input, request.hold_ms)
        if isinstance(request, Edges):
            return await self._commands.edges(request.input, request.edges)
        if isinstance(request, Cut):
            return self._commands.cut(request.on)
        return self._commands.status()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        queue: asyncio.Queue[Answer | None] = asyncio.Queue()
        queue.put_nowait(self._state)
        self._watchers.add(queue)
        try:
            while (state := await queue.get()) is not None:
                await _write(writer, state)
        finally:
            self._watchers.discard(queue)


async def _write(writer: asyncio.StreamWriter, answer: Mapping[str, Any]) -> None:
    writer.write(msgspec.json.encode(answer) + b"\n")
    await writer.drain()


def problem_fields(problem: Problem) -> Answer:
    """A problem as it travels; `parse_problem` makes it one again."""
    fields = {
        name: {"phrase": value.key} if isinstance(value, Phrase) else value for name, value in problem.fields.items()
    }
    return {"name": problem.name, "where": problem.where, "fields": fields}


def parse_problem(said: Mapping[str, Any]) -> Problem:
    fields = {
        name: Phrase(value["phrase"]) if isinstance(value, dict) else value for name, value in said["fields"].items()
    }
    return Problem(said["name"], said["where"], fields)


def _refusal(problem: Problem) -> Answer:
    return {"ok": False, "problem": problem_fields(problem)}


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """The socket's path in a form that always fits: a Unix socket's name has 107 bytes at most."""
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


def ask(path: Path, request: Mapping[str, Any], wait_s: float = ANSWER_S_MAX) -> Answer:
    """Ask the running terminal, from outside.

    Raises NotRunning; ControlError for what it refuses, and for one that does not answer or whom this user may not ask.
    """
    asked = msgspec.json.encode(request) + b"\n"
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, _short(path) as short:
            connection.settimeout(wait_s)
            connection.connect(short)
            connection.sendall(asked)
            with connection.makefile("rb") as lines:
                line = lines.readline()
        answer = parse_json(line, Answer)
        done = answer["ok"]
    except TimeoutError as error:
        raise ControlError(Problem("terminal_stalled", str(path), {"wait_s": f"{wait_s:.0f}"})) from error
    except PermissionError as error:
        raise ControlError(Problem("terminal_denied", str(path))) from error
    except (OSError, ValueError, KeyError) as error:
        # Nobody answers, or who does is no terminal: a hub has a socket of this name in its home.
        raise NotRunning(Problem("not_running", str(path.parent))) from error
    if not done:
        raise ControlError(parse_problem(answer["problem"]))
    return answer
