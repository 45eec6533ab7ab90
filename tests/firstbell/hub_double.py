"""A terminal's session with the frames of a hub played by hand, for the tests beside it."""

from firstbell import messages
from firstbell.actions import Action, Close, Event, Send
from firstbell.jws import HELLO_TYP, Hs256Key, header, open_jws
from firstbell.messages import parse_terminal_frame
from firstbell.note import Checkpoint
from firstbell.receipt import ReceiptError
from firstbell.session import TerminalSession

try:  # MicroPython has no contextlib
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass

TERMINAL = "t-abcdefghij"
KEY = Hs256Key(bytes(range(32)))
NONCE = "A" * 43
HASH = "A" * 43 + "="
ORIGIN = "campus.example/log"
NOTE = ORIGIN + "\n{}\n" + HASH + "\n\n\u2014 x y\n"


def verify(frame: "dict[str, Any]", jws: str) -> Checkpoint:
    """Believes a receipt whose entry is the JWS itself; `index` is the size of the log, `proof` its root."""
    if frame["entry"] != jws:
        raise ReceiptError("another entry")
    return Checkpoint(ORIGIN, frame["index"], frame["proof"][0].encode())


def receipt(event: Event, size: int = 1, root: str = HASH, entry: str = "") -> str:
    return messages.receipt_frame(event.digest, size, entry or event.jws, [root], NOTE.format(size))


def new_session(checkpoint: str = "", silent: bool = False, retained_max: int = 100) -> TerminalSession:
    return TerminalSession(TERMINAL, KEY, 7, "0.1.0", verify, checkpoint, silent, retained_max)


def frames(out: "list[Action]") -> "list[dict[str, Any]]":
    return [parse_terminal_frame(action.text) for action in out if isinstance(action, Send)]


def kinds(out: "list[Action]") -> "list[str]":
    """Frames by their type, other actions by their class."""
    found = []
    for action in out:
        found.append(parse_terminal_frame(action.text)["type"] if isinstance(action, Send) else type(action).__name__)
    return found


def closed_for(out: "list[Action]") -> str:
    """Why it closes; empty if it does not."""
    reasons = [action.reason for action in out if isinstance(action, Close)]
    assert len(reasons) <= 1
    return reasons[0] if reasons else ""


def hello_of(out: "list[Action]") -> "dict[str, Any]":
    jws = next(frame["jws"] for frame in frames(out) if frame["type"] == "hello")
    return messages.parse_hello(open_jws(jws, header("HS256", TERMINAL, HELLO_TYP), KEY.verify))


def greet(session: TerminalSession, now_ms: int) -> "list[Action]":
    session.connected(now_ms)
    return session.frame(messages.challenge_frame(NONCE, 50_000 + now_ms), now_ms)


def snapshot(session: TerminalSession, light: str, now_ms: int, silent: bool = False) -> "list[Action]":
    return session.frame(messages.snapshot_frame(50_000 + now_ms, light, "none", silent), now_ms)


def linked(now_ms: int = 1000, checkpoint: str = "") -> TerminalSession:
    """A session that is linked since `now_ms`; hub time = mono + 50,000."""
    session = new_session(checkpoint)
    greet(session, now_ms)
    assert kinds(answer_heartbeat(session, now_ms, now_ms)) == []
    assert kinds(snapshot(session, "none", now_ms)) == ["Snapshot", "status"]
    return session


def answer_heartbeat(session: TerminalSession, t1_ms: int, now_ms: int) -> "list[Action]":
    middle_ms = 50_000 + (t1_ms + now_ms) // 2
    return session.frame(messages.heartbeat_answer(t1_ms, middle_ms, middle_ms), now_ms)


def run(session: TerminalSession, until_ms: int, answer: bool = True) -> "list[Action]":
    """Ticks when it is wanted, and answers heartbeats at once, up to and with `until_ms`."""
    out: list[Action] = []
    due_ms = session.next_ms()
    while due_ms is not None and due_ms <= until_ms:
        now = session.tick(due_ms)
        out += now
        for frame in frames(now):
            if answer and frame["type"] == "heartbeat":
                out += answer_heartbeat(session, frame["t1_ms"], due_ms)
        after_ms = session.next_ms()
        assert after_ms is None or after_ms > due_ms, "it asks again and again"
        due_ms = after_ms
    return out
