"""Both halves of the conversation back to back, without a socket: nothing is lost, nothing counts twice.

A world of one terminal with its outbox and one hub with its log, between them two streams that can be cut at any
moment. The hub records what has come in batches of any size, in the order of its choice, and may forget what it has
not recorded; both may start anew. In the end the line holds, and everything must be where it belongs.
"""

import hashlib
import json
from collections.abc import Callable

from firstbell import actions, messages
from firstbell.actions import Event
from firstbell.jws import Hs256Key
from firstbell.note import DASH, ED25519, Vkey, base64_text
from firstbell.receipt import check_receipt
from firstbell.session import LINKED, TerminalSession
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.links import terminal_session
from hub.links.terminal_session import HubSession, Registered, SignedEvent
from tests.golden.make import path, root

TERMINAL = "t-abcdefghij"
KEY = Hs256Key(bytes(range(32)))
VKEY = Vkey("campus.example/log", ED25519, bytes(32))
SETTLE_MS = 60_000


def stand_in(message: bytes) -> bytes:
    """The log's signature: who signs is not what is tested here."""
    return hashlib.sha256(b"log" + message).digest() * 2


def verify_log(_public_key: bytes, signature: bytes, message: bytes) -> bool:
    return signature == stand_in(message)


class Hub:
    """The log, and what has come in and is not in it yet."""

    def __init__(self) -> None:
        self.log: list[tuple[str, str]] = []
        self.pending: dict[str, str] = {}
        self.light_wanted = "none"

    def receive(self, event: SignedEvent) -> None:
        if event.digest not in self.recorded():
            self.pending[event.digest] = event.jws

    def recorded(self) -> set[str]:
        return {digest for digest, _ in self.log}

    def commit(self, count: int, newest_first: bool) -> list[str]:
        """Records some of what waits; returns their digests."""
        digests = list(self.pending)[::-1] if newest_first else list(self.pending)
        for digest in digests[:count]:
            self.log.append((digest, json.dumps({"kind": "event_recorded", "jws": self.pending.pop(digest)})))
            self.light_wanted = "recorded"
        return digests[:count]

    def receipt(self, digest: str) -> str:
        leaves = [hashlib.sha256(b"\0" + entry.encode()).digest() for _, entry in self.log]
        index = [known for known, _ in self.log].index(digest)
        text = f"{VKEY.name}\n{len(leaves)}\n{base64_text(root(leaves))}\n"
        note = f"{text}\n{DASH} {VKEY.name} {base64_text(VKEY.key_id + stand_in(text.encode()))}\n"
        proof = [base64_text(item) for item in path(index, leaves)]
        return messages.receipt_frame(digest, index, self.log[index][1], proof, note)


class World:
    def __init__(self) -> None:
        self.now_ms = 1000
        self.boot = 0
        self.nonces = 0
        self.hub = Hub()
        self.outbox: dict[str, Event] = {}
        self.made: set[str] = set()
        self.released: set[str] = set()
        self.delivered: set[str] = set()
        self.checkpoint = ""
        self.link: HubSession | None = None
        self.to_hub: list[str] = []
        self.to_terminal: list[str] = []
        self.start_terminal()

    def start_terminal(self) -> None:
        self.cut()
        self.boot += 1
        self.terminal = TerminalSession(
            TERMINAL,
            KEY,
            self.boot,
            "test",
            lambda frame, jws: check_receipt(frame, jws, VKEY, verify_log),
            self.checkpoint,
        )
        for event in self.outbox.values():
            event.pressed_ms = 0
            self.act(self.terminal.offer_event(event, self.now_ms))

    # ── the terminal's shell ─────────────────────────────────────────────────────────────────────────────────

    def press(self) -> None:
        event = self.terminal.make_event("panic", "panic", self.now_ms)
        assert event.digest not in self.made
        self.made.add(event.digest)
        self.outbox[event.digest] = event
        self.act(self.terminal.add_event(event, self.now_ms))
        self.feed()

    def act(self, wanted: list[actions.Action]) -> None:
        for action in wanted:
            if isinstance(action, actions.Send):
                self.to_hub.append(action.text)
            elif isinstance(action, actions.Close):
                self.cut()
            elif isinstance(action, actions.Delivered):
                assert action.digest in self.hub.recorded(), "a receipt for what is not in the log"
                assert action.digest in self.outbox
                self.delivered.add(action.digest)
            elif isinstance(action, actions.Release):
                assert action.digest in self.delivered
                del self.outbox[action.digest]
                self.released.add(action.digest)
            elif isinstance(action, actions.Remember):
                self.checkpoint = action.checkpoint
            assert not isinstance(action, actions.Refused), "the hub refused what an honest terminal sent"

    def feed(self) -> None:
        """Hands in what the outbox keeps, from the beginning: what went out already is passed over."""
        for event in list(self.outbox.values()):
            if self.terminal.room():
                self.act(self.terminal.offer_event(event, self.now_ms))

    # ── the line ─────────────────────────────────────────────────────────────────────────────────────────────

    def connect(self) -> None:
        if self.link is not None:
            return
        self.nonces += 1
        self.link = HubSession({TERMINAL: Registered(TERMINAL, "HS256", KEY.verify)}.get)
        self.terminal.connected(self.now_ms)
        self.hub_acts(self.link.challenge(self.hub_ms(), self.nonces.to_bytes(32, "big")))

    def cut(self) -> None:
        self.to_hub.clear()
        self.to_terminal.clear()
        if self.link is not None:
            self.link = None
            self.act(self.terminal.lost(self.now_ms))

    def hub_ms(self) -> int:
        return self.now_ms + 500_000

    def hub_acts(self, wanted: list[terminal_session.Action]) -> None:
        for action in wanted:
            if isinstance(action, terminal_session.Send):
                self.to_terminal.append(action.text)
            elif isinstance(action, terminal_session.Close):
                self.cut()
            elif isinstance(action, terminal_session.Linked):
                self.show()
            elif isinstance(action, SignedEvent):
                known = action.digest in self.hub.recorded()
                self.hub.receive(action)
                if known:
                    self.to_terminal.append(self.hub.receipt(action.digest))

    def show(self) -> None:
        if self.link is not None and self.link.terminal:
            self.to_terminal.append(messages.snapshot_frame(self.hub_ms(), self.hub.light_wanted, "none", False))

    def carry(self, up: int, down: int) -> None:
        """Frames arrive, so many in each direction."""
        for _ in range(up):
            if self.to_hub and self.link is not None:
                self.hub_acts(self.link.frame(self.to_hub.pop(0), self.hub_ms()))
        for _ in range(down):
            if self.to_terminal:
                self.act(self.terminal.frame(self.to_terminal.pop(0), self.now_ms))
        self.feed()

    def commit(self, count: int, newest_first: bool) -> None:
        done = self.hub.commit(count, newest_first)
        if self.link is not None and self.link.terminal:
            self.to_terminal += [self.hub.receipt(digest) for digest in done]
        self.show()

    def pass_time(self, step_ms: int) -> None:
        self.now_ms += step_ms
        self.act(self.terminal.tick(self.now_ms))
        if self.link is not None:
            self.hub_acts(self.link.tick(self.hub_ms()))

    def resolve(self) -> None:
        """A person has been there: the light goes out."""
        if not self.hub.pending:
            self.hub.light_wanted = "none"
            self.show()

    def crash_hub(self) -> None:
        self.hub.pending.clear()
        self.cut()

    def restore_hub(self, size: int) -> None:
        """From a backup: the end of the log is gone."""
        self.crash_hub()
        del self.hub.log[size:]

    def settle(self) -> None:
        """The line holds, and everybody has time."""
        end_ms = self.now_ms + SETTLE_MS
        while self.now_ms < end_ms:
            self.connect()
            self.carry(100, 100)
            self.commit(100, False)
            self.carry(100, 100)
            self.pass_time(250)

    def check(self) -> None:
        recorded = [digest for digest, _ in self.hub.log]
        assert len(recorded) == len(set(recorded)), "recorded twice"
        assert set(recorded) <= self.made
        assert set(self.outbox) | self.released == self.made, "an event left the outbox by itself"
        if self.terminal.light == "recorded":
            assert self.delivered
            assert self.terminal.hub_light == "recorded"


COUNT = st.integers(1, 5)
STEPS = st.one_of(
    st.builds(lambda: World.press),
    st.builds(lambda: World.connect),
    st.builds(lambda: World.resolve),
    st.builds(lambda: World.cut),
    st.builds(lambda: World.crash_hub),
    st.builds(lambda: World.start_terminal),
    st.builds(lambda up, down: lambda world: world.carry(up, down), COUNT, COUNT),
    st.builds(lambda up, down: lambda world: world.carry(up, down), COUNT, st.just(0)),
    st.builds(lambda count, order: lambda world: world.commit(count, order), COUNT, st.booleans()),
    st.builds(lambda step_ms: lambda world: world.pass_time(step_ms), st.sampled_from([1, 250, 3000, 9000, 31_000])),
)

Step = Callable[[World], None]


def play(world: World, steps: list[Step]) -> None:
    for step in steps:
        step(world)
        world.check()


@settings(max_examples=60)
@given(st.lists(STEPS, max_size=60))
def test_every_event_is_recorded_once_whatever_breaks(steps: list[Step]) -> None:
    world = World()
    play(world, steps)
    world.settle()
    world.check()
    assert world.hub.recorded() == world.made
    assert all(event.receipted for event in world.outbox.values())
    assert world.terminal.state == LINKED
    assert world.terminal.light == ("recorded" if world.outbox and world.hub.light_wanted == "recorded" else "none")
    world.resolve()
    world.settle()
    assert world.outbox == {}
    assert world.terminal.light == "none"


@settings(max_examples=40)
@given(st.lists(STEPS, max_size=30), st.integers(0, 10), st.lists(STEPS, max_size=20))
def test_a_restored_hub_gets_back_what_is_kept(before: list[Step], size: int, after: list[Step]) -> None:
    world = World()
    play(world, before)
    world.restore_hub(size)
    kept = set(world.outbox)
    # A restored hub begins another log; the terminal here forgets the old one's head, as with another origin.
    world.checkpoint = ""
    world.start_terminal()
    play(world, after)
    world.settle()
    assert kept <= world.hub.recorded()
    assert world.made - world.released <= world.hub.recorded()


PARTS = ("event", "index", "entry", "proof", "checkpoint")


@settings(max_examples=40)
@given(st.integers(2, 8), st.data())
def test_no_receipt_is_taken_for_another_event(count: int, data: st.DataObject) -> None:
    """Receipts with their parts exchanged: believed only when all belongs to one event that is in the log."""
    world = World()
    world.connect()
    for _ in range(count):
        world.press()
        world.carry(100, 100)
    in_log = data.draw(st.integers(1, count))
    world.hub.commit(in_log, False)
    frames = [messages.parse_hub_frame(world.hub.receipt(digest)) for digest, _ in world.hub.log]
    for _ in range(data.draw(st.integers(1, 20))):
        mixed = {
            name: data.draw(st.sampled_from(frames))[name]
            for name in ("event", "index", "entry", "proof", "checkpoint")
        }
        if data.draw(st.booleans()):
            mixed["event"] = data.draw(st.sampled_from(sorted(world.made)))
        whole = any(all(frame[name] == mixed[name] for name in mixed) for frame in frames)
        before = set(world.delivered)
        world.act(world.terminal.frame(messages.receipt_frame(**mixed), world.now_ms))
        assert world.delivered - before <= ({mixed["event"]} if whole else set())
