"""The terminals' WebSockets: HubSession decides about frames, this does the I/O and asks the engine."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast

import structlog
from aiohttp import WebSocketError, WSCloseCode, WSMsgType, web
from firstbell import fields, messages
from firstbell.fields import FrameError
from firstbell.jws import (
    EDDSA,
    EVENT_TYP,
    Ed25519Verifier,
    Hs256Key,
    JwsError,
    b64url,
    digest_of,
    header,
    open_jws,
    unb64url,
    unverified_payload,
)
from firstbell.note import base64_text

from hub.dispatch.asked import Answer
from hub.dispatch.batch import Receipt, Submission
from hub.dispatch.campus import Terminal, Update
from hub.dispatch.engine import Engine, View
from hub.dispatch.entries import BellRing, EventKind, InputState, LightState, UpdateState
from hub.dispatch.requests import (
    HearSoftware,
    HearTerminal,
    LinkTerminal,
    LoseTerminal,
    ProgressUpdate,
    ReceiveEvent,
)
from hub.dispatch.rules_update import is_under_way, went_back
from hub.links.door import Waiting
from hub.links.outlet import Outlet, SlowPeer, Socket
from hub.links.pace import Pace
from hub.links.strangers import Strangers
from hub.links.supervision import SWEEP_MS, Newest, Sweeps
from hub.links.terminal_session import (
    Action,
    Close,
    Fetch,
    Fetched,
    HubSession,
    Linked,
    Refusal,
    Registered,
    Send,
    SignedEvent,
    Status,
)

CONNECTIONS_MAX = 4_096
"""Open terminal connections, strangers included; one above it is turned away."""

log = structlog.get_logger()


class Keys:
    """The key of each enrolled terminal, ready for checking. `hs256_secret` reads a node's key (bytes) or None."""

    def __init__(self, engine: Engine, hs256_secret: Callable[[str], bytes | None]) -> None:
        self._engine = engine
        self._hs256_secret = hs256_secret
        self._known: dict[str, Registered] = {}

    def lookup(self, terminal_id: str) -> Registered | None:
        terminal = self._engine.decided.terminals.get(terminal_id)
        if terminal is None:
            return None
        known = self._known.get(terminal_id)
        if known is None or known.revoked != terminal.revoked:
            known = self._register(terminal)
            if known is not None:
                self._known[terminal_id] = known
        return known

    def _register(self, terminal: Terminal) -> Registered | None:
        if terminal.algorithm == EDDSA:
            verify = Ed25519Verifier(unb64url(terminal.key)).verify
        else:
            secret = self._hs256_secret(terminal.terminal)
            if secret is None:
                return None
            verify = Hs256Key(secret).verify
        return Registered(terminal.terminal, terminal.algorithm, verify, terminal.revoked)

    def mac(self, terminal: str, message: bytes) -> str | None:
        """Under a node's own key; None where the hub has none of it."""
        secret = self._hs256_secret(terminal)
        return None if secret is None else b64url(Hs256Key(secret).sign(message))


class TerminalLinks:
    """All connected terminals.

    `look_up` tells the receipt of an event by its digest, None when it can't be read. `greeted` is told the checkpoint
    of each hello. `programs`: what nodes are to run, by digest; in memory, for a link waits for no disk.
    """

    def __init__(
        self,
        engine: Engine,
        keys: Keys,
        now_ms: Callable[[], int],
        strangers: Strangers,
        look_up: Callable[[str, Callable[[Receipt | None], None]], None],
        greeted: Callable[[str, str], None],
        waiting: Waiting,
        programs: Mapping[str, bytes],
    ) -> None:
        self.engine = engine
        self.keys = keys
        self.now_ms = now_ms
        self.strangers = strangers
        self.look_up = look_up
        self.greeted = greeted
        self.programs = programs
        self._waiting = waiting
        self._connections: dict[_Connection, None] = {}
        self._linked: Counter[str] = Counter()
        self.newest: Newest[_Connection] = Newest()
        self._sweeps = Sweeps()
        self._pace: Pace[HearTerminal] = Pace()
        self._software_pace: Pace[HearSoftware] = Pace()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        if len(self._connections) >= CONNECTIONS_MAX:
            raise web.HTTPServiceUnavailable
        socket = web.WebSocketResponse(max_msg_size=messages.FRAME_BYTES_MAX + 1, compress=False)
        await socket.prepare(request)
        await self.hold(socket, lambda: self._waiting.let_in(request))
        return socket

    async def hold(self, socket: Socket, known: Callable[[], None] = lambda: None) -> None:
        """One connection, from its beginning to its end. `known` is called when it has said who it is."""
        connection = _Connection(self, socket, known)
        self._connections[connection] = None
        try:
            await connection.run()
        finally:
            del self._connections[connection]
            self.newest.left(connection.terminal, connection)
            self._unlink(connection.terminal)

    async def supervise(self) -> None:
        """Looks for silence and for hellos that don't come, and sums up strangers, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_MS / 1000)
            now_ms = self.now_ms()
            if self._sweeps.may_judge(now_ms):
                for connection in tuple(self._connections):
                    connection.tick(now_ms)
            for late in (*self._pace.due(now_ms), *self._software_pace.due(now_ms)):
                self.engine.submit(Submission(replace(late, now_ms=now_ms)))
            for summary in self.strangers.due(now_ms):
                self.engine.submit(Submission(summary))

    def link(self, hello: Linked) -> None:
        self._linked[hello.terminal] += 1
        now_ms = self.now_ms()
        self.engine.submit(Submission(LinkTerminal(now_ms=now_ms, terminal=hello.terminal)))
        said = HearSoftware(now_ms=now_ms, terminal=hello.terminal, software=hello.software, tried=hello.tried)
        if self._software_pace.comes(hello.terminal, said, now_ms):
            self.engine.submit(Submission(said))

    def _unlink(self, terminal: str) -> None:
        if not terminal:
            return
        self._linked[terminal] -= 1
        if not self._linked[terminal]:
            del self._linked[terminal]
            self._pace.left(terminal)
            self._software_pace.left(terminal)
            self.engine.submit(Submission(LoseTerminal(now_ms=self.now_ms(), terminal=terminal)))

    def hear(self, status: HearTerminal) -> None:
        if self._pace.comes(status.terminal, status, status.now_ms):
            self.engine.submit(Submission(status))

    def progress(self, terminal: str, digest: str, to: UpdateState) -> None:
        """A node says how far it is with its next program."""
        self.engine.submit(Submission(ProgressUpdate(now_ms=self.now_ms(), terminal=terminal, digest=digest, to=to)))

    def receive(self, event: SignedEvent, done: Callable[[Answer], None]) -> None:
        """Hands a validly signed event to the engine."""
        request = ReceiveEvent(
            now_ms=self.now_ms(),
            terminal=event.terminal,
            digest=event.digest,
            jws=event.jws,
            boot=event.boot,
            seq=event.seq,
            input=event.input,
            what=cast(EventKind, event.what),
            event_ms=event.event_ms,
            error_ms=event.error_ms,
            mono_ms=event.mono_ms,
        )
        self.engine.submit(Submission(request), done)

    def take_evidence(self, jws: str, done: Callable[[Answer], None]) -> None:
        """A signed event that a pager kept: recorded like any other, or counted and refused."""
        try:
            claimed = messages.parse_event(unverified_payload(jws))["terminal"]
            registered = self.keys.lookup(claimed)
            if registered is None:
                raise JwsError("unknown_terminal")
            payload = open_jws(jws, header(registered.algorithm, claimed, EVENT_TYP), registered.verify)
        except (JwsError, FrameError) as error:
            self.strangers.count(f"evidence_{error.reason}", self.now_ms())
            return done(Answer(refused=error.reason))
        event = SignedEvent(digest=digest_of(jws), jws=jws, **messages.understand_event(payload, claimed))
        self.receive(event, done)


class _Connection:
    def __init__(self, links: TerminalLinks, socket: Socket, known: Callable[[], None]) -> None:
        self._links = links
        self._socket = socket
        self._known = known
        self._session = HubSession(links.keys.lookup)
        self._closing = ""
        self._tried: str | None = None
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._outlet = Outlet(socket, self._key, self._render)

    @property
    def terminal(self) -> str:
        return self._session.terminal

    async def run(self) -> None:
        self._do(self._session.challenge(self._links.now_ms(), secrets.token_bytes(fields.NONCE_BYTES)))
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._outlet.run()))
        try:
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._links.engine.remove_outlet(self._outlet, self.terminal)
            for task in self._tasks:
                task.cancel()
            for error in await asyncio.gather(*self._tasks, return_exceptions=True):
                if isinstance(error, Exception) and not isinstance(error, SlowPeer):
                    log.error("terminal link failed", terminal=self.terminal, error=repr(error))
            await self._outlet.end(WSCloseCode.POLICY_VIOLATION, self._closing.encode())

    def tick(self, now_ms: int) -> None:
        self._do(self._session.tick(now_ms))
        if self._closing:
            self._tasks[0].cancel()

    def make_room(self) -> None:
        """Ends it for a newer one of the same terminal."""
        self._links.strangers.count("too_many_links", self._links.now_ms())
        self._closing = "too_many"
        self._tasks[0].cancel()

    async def _read(self) -> None:
        while not self._closing:
            message = await self._socket.receive()
            if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                self._do(self._session.frame(message.data, self._links.now_ms()))
                await self._links.engine.taken()
            else:
                if isinstance(message.data, WebSocketError) and message.data.code == WSCloseCode.MESSAGE_TOO_BIG:
                    self._links.strangers.count("oversized", self._links.now_ms())
                return

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send():
                    self._outlet.answer(action.text)
                case Refusal():
                    self._links.strangers.count(action.reason, self._links.now_ms())
                case Close():
                    self._closing = action.reason
                case Linked():
                    self._linked(action)
                case SignedEvent():
                    self._links.receive(action, self._answer_to(action.digest))
                case Status():
                    self._status(action)
                case Fetch():
                    self._fetch(action)
                case Fetched():
                    self._links.progress(self.terminal, action.digest, cast(UpdateState, action.result))

    def _linked(self, hello: Linked) -> None:
        self._known()
        oldest = self._links.newest.came(hello.terminal, self)
        if oldest is not None:
            oldest.make_room()
        self._tried = hello.tried
        self._links.link(hello)
        self._links.greeted(hello.terminal, hello.checkpoint)
        self._links.engine.add_outlet(self._outlet, self.terminal)

    def _status(self, status: Status) -> None:
        request = HearTerminal(
            now_ms=self._links.now_ms(),
            terminal=self.terminal,
            light=cast(LightState, status.light),
            since_ms=status.since_ms,
            ring=cast(BellRing, status.ring),
            inputs=cast(dict[str, InputState], status.inputs),
        )
        self._links.hear(request)

    def _fetch(self, fetch: Fetch) -> None:
        program = self._links.programs.get(fetch.digest)
        if program is None:
            self._links.progress(self.terminal, fetch.digest, "lost")
            return
        if fetch.offset == 0:
            self._links.progress(self.terminal, fetch.digest, "fetching")
        data = program[fetch.offset : fetch.offset + fields.PART_BYTES_MAX]
        self._outlet.answer(messages.part_frame(fetch.digest, fetch.offset, data))

    def _answer_to(self, digest: str) -> Callable[[Answer], None]:
        def answer(answer: Answer) -> None:
            if answer.refused:
                self._outlet.answer(messages.refused_frame(answer.refused, digest))
                return
            if answer.receipt is None:
                self._links.look_up(digest, promise)
            else:
                promise(answer.receipt)

        def promise(receipt: Receipt | None) -> None:
            # Without one the terminal asks again.
            if receipt is not None:
                proof = [base64_text(node) for node in receipt.proof]
                frame = messages.receipt_frame(digest, receipt.index, receipt.entry, proof, receipt.checkpoint)
                self._outlet.answer(frame)

        return answer

    def _key(self, view: View) -> object:
        terminal = view.decided.terminals.get(self.terminal)
        if terminal is None:
            return None
        update = self._update(view)
        return (*_shown(view, self.terminal), terminal.silent, terminal.revoked, update and update.digest)

    def _render(self, view: View) -> str | None:
        terminal: Any = view.decided.terminals.get(self.terminal)
        if terminal is None or terminal.revoked:
            return None
        light, ring = _shown(view, self.terminal)
        return messages.snapshot_frame(self._links.now_ms(), light, ring, terminal.silent, self._offer(view))

    def _update(self, view: View) -> Update | None:
        """What this node should run instead, as far as it is on record. One that has just come back from its trial is
        not told to try again."""
        terminal = view.durable.terminals.get(self.terminal)
        update = terminal.update if terminal else None
        if update is None or self._tried is None or went_back(update, self._tried):
            return None
        return update if is_under_way(update) else None

    def _offer(self, view: View) -> dict[str, str | int] | None:
        update = self._update(view)
        if update is None:
            return None
        text = messages.update_text(update.version, update.size, update.digest)
        mac = self._links.keys.mac(self.terminal, text)
        if mac is None:
            return None
        return {"version": update.version, "size": update.size, "digest": update.digest, "mac": mac}


def _shown(view: View, terminal: str) -> tuple[str, str]:
    return view.lights.get(terminal, "none"), view.alerts.bells.get(terminal, "none")
