"""Every frame between a terminal and the hub, and what a terminal signs: written here, read here, by one table.

A frame is one JSON object in ASCII, `type` names it. The tables give each kind's fields in the order in which they
are written; whatever else stands in a frame is passed over when it is read. Both ways a value must hold what its
table says, so that what we write is what we would take.
"""

import binascii

from firstbell import json_text
from firstbell.jws import JWS_BYTES_MAX, JwsError, unb64url
from firstbell.merkle import HASH_BYTES
from firstbell.note import base64_text

try:
    from collections.abc import Callable
    from typing import Any

    Check = Callable[[Any], bool]
    Fields = tuple[tuple[str, Check], ...]
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

PROTOCOL = 1
FRAME_BYTES_MAX = 4096
NONCE_BYTES = 32
CHECKPOINT_CHARS_MAX = 384
SOFTWARE_CHARS_MAX = 32
ENTRY_CHARS_MAX = 2048
PROOF_HASHES_MAX = 63
INPUT_CHARS_MAX = 16
INPUTS_MAX = 16
REASON_CHARS_MAX = 32

HEARTBEAT_MS = 3000
HEARTBEAT_QUICK_MS = 250
HEARTBEATS_QUICK = 4
"""So many come quickly one after the other at the start of a connection, for a good first look at the hub's time."""
SILENCE_MS_MAX = 9000
"""Without any frame for this long, the other side is lost."""
HELLO_MS_MAX = 5000
REFUSALS_MAX = 16
WINDOW_EVENTS_MAX = 32
"""Kept events that may be on their way without a receipt."""

HUB_LIGHTS = ("none", "recorded", "coming", "here")
LIGHTS = ("none", "heard", "recorded", "coming", "here", "not_delivered")
RINGS = ("none", "alarm", "drill", "trouble", "fault")
WHATS = ("panic", "perimeter", "tamper", "supply", "stuck", "restored", "started")
INPUT_STATES = ("open", "closed", "stuck", "unknown")

_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
_HEX_CHARACTERS = "0123456789abcdef"


class FrameError(Exception):
    """A frame or payload that can't be taken. `reason`: malformed or oversized; `detail`: which field, for a log."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason + ": " + detail)
        self.reason = reason
        self.detail = detail


# ── what a field may hold ───────────────────────────────────────────────────────────────────────────────────


def _made_of(text: "Any", characters: str, chars_min: int, chars_max: int) -> bool:
    if not isinstance(text, str) or not chars_min <= len(text) <= chars_max:
        return False
    return not text.strip(characters)


def is_terminal(value: "Any") -> bool:
    """A terminal's id: `t-` and ten of a–z, 2–7."""
    return isinstance(value, str) and value[:2] == "t-" and _made_of(value[2:], _ID_CHARACTERS, 10, 10)


def is_digest(value: "Any") -> bool:
    """64 lower hex digits."""
    return _made_of(value, _HEX_CHARACTERS, 64, 64)


def is_input(value: "Any") -> bool:
    """An input's name."""
    return _made_of(value, _NAME_CHARACTERS, 1, INPUT_CHARS_MAX)


def is_count(value: "Any") -> bool:
    """A whole number from 0 to 2^53 - 1. `True` is none, although Python counts with it."""
    return type(value) is int and 0 <= value <= json_text.INTEGER_MAX


def _is_sequence(value: "Any") -> bool:
    return is_count(value) and value > 0


def _is_count_or_null(value: "Any") -> bool:
    return value is None or is_count(value)


def _is_bool(value: "Any") -> bool:
    return value is True or value is False


def _is_nonce(value: "Any") -> bool:
    try:
        return isinstance(value, str) and len(unb64url(value)) == NONCE_BYTES
    except JwsError:
        return False


def _is_jws(value: "Any") -> bool:
    if isinstance(value, str) and len(value) > JWS_BYTES_MAX:
        raise FrameError("oversized", "jws")
    return isinstance(value, str)


def _is_proof(value: "Any") -> bool:
    if not isinstance(value, list) or len(value) > PROOF_HASHES_MAX:
        return False
    return all(_is_hash(item) for item in value)


def _is_hash(value: "Any") -> bool:
    """32 bytes in base64."""
    try:
        data = binascii.a2b_base64(value) if isinstance(value, str) else b""
    except ValueError:
        return False
    return len(data) == HASH_BYTES and base64_text(data) == value


def _is_inputs(value: "Any") -> bool:
    if not isinstance(value, dict) or len(value) > INPUTS_MAX:
        return False
    return all(is_input(name) and state in INPUT_STATES for name, state in value.items())


def _one_of(words: "tuple[str, ...]") -> "Check":
    return lambda value: isinstance(value, str) and value in words


def _text(chars_max: int) -> "Check":
    return lambda value: isinstance(value, str) and len(value) <= chars_max


def _is_what(value: "Any") -> bool:
    return isinstance(value, str) and value in WHATS


def _is_input_or_none(value: "Any") -> bool:
    return value == "" or is_input(value)


# ── the tables ──────────────────────────────────────────────────────────────────────────────────────────────

HUB_FRAMES: "dict[str, Fields]" = {
    "challenge": (("protocol", is_count), ("nonce", _is_nonce), ("hub_ms", is_count)),
    "snapshot": (
        ("hub_ms", is_count),
        ("light", _one_of(HUB_LIGHTS)),
        ("ring", _one_of(RINGS)),
        ("silent", _is_bool),
    ),
    "receipt": (
        ("event", is_digest),
        ("index", is_count),
        ("entry", _text(ENTRY_CHARS_MAX)),
        ("proof", _is_proof),
        ("checkpoint", _text(CHECKPOINT_CHARS_MAX)),
    ),
    "heartbeat": (("t1_ms", is_count), ("t2_ms", is_count), ("t3_ms", is_count)),
    "refused": (("reason", _text(REASON_CHARS_MAX)), ("event", is_digest)),
}

TERMINAL_FRAMES: "dict[str, Fields]" = {
    "hello": (("jws", _is_jws),),
    "event": (("jws", _is_jws),),
    "status": (
        ("light", _one_of(LIGHTS)),
        ("since_ms", _is_count_or_null),
        ("ring", _one_of(RINGS)),
        ("inputs", _is_inputs),
        ("pending", is_count),
    ),
    "heartbeat": (("t1_ms", is_count),),
}

HELLO: "Fields" = (
    ("terminal", is_terminal),
    ("nonce", _is_nonce),
    ("boot", is_count),
    ("seq", is_count),
    ("mono_ms", is_count),
    ("software", _text(SOFTWARE_CHARS_MAX)),
    ("checkpoint", _text(CHECKPOINT_CHARS_MAX)),
)

EVENT: "Fields" = (
    ("terminal", is_terminal),
    ("boot", is_count),
    ("seq", _is_sequence),
    ("input", _is_input_or_none),
    ("what", _is_what),
    ("mono_ms", is_count),
    ("event_ms", _is_count_or_null),
    ("error_ms", _is_count_or_null),
)

OPTIONAL = (("refused", "event"),)
"""Fields that may be left out."""


# ── reading ─────────────────────────────────────────────────────────────────────────────────────────────────


def parse_hub_frame(text: str) -> "dict[str, Any]":
    """A frame from the hub: `type` and the fields of its table. Raises FrameError."""
    return _parse(text, HUB_FRAMES)


def parse_terminal_frame(text: str) -> "dict[str, Any]":
    """A frame from a terminal: `type` and the fields of its table. Raises FrameError."""
    return _parse(text, TERMINAL_FRAMES)


def parse_hello(payload: bytes) -> "dict[str, Any]":
    """What a hello signs. Raises FrameError."""
    return _checked("hello", HELLO, _read(payload))


def parse_event(payload: bytes) -> "dict[str, Any]":
    """What an event signs. Raises FrameError for anything that no terminal of this protocol would say."""
    event = _checked("event", EVENT, _read(payload))
    if (event["event_ms"] is None) != (event["error_ms"] is None):
        raise FrameError("malformed", "event.error_ms")
    _check_input(event["input"], event["what"])
    return event


def _check_input(name: str, what: str) -> None:
    """Everything but a start happens at an input."""
    if (name == "") != (what == "started"):
        raise FrameError("malformed", "event.input")


def understand_event(payload: bytes, terminal: str) -> "dict[str, Any]":
    """What `terminal` signed, as far as it can be understood; never raises.

    A validly signed event is never turned away: what is odd becomes 0 or None, and an event whose words are not
    known, or that speaks of another terminal, is `unknown`. An odd time does not make a press less of one.
    """
    said: dict[str, Any] = {}
    try:
        said = _read(payload)
    except FrameError:
        pass
    event: dict[str, Any] = {"terminal": terminal}
    for name in ("boot", "seq", "mono_ms"):
        event[name] = said[name] if is_count(said.get(name)) else 0
    timed = is_count(said.get("event_ms")) and is_count(said.get("error_ms"))
    for name in ("event_ms", "error_ms"):
        event[name] = said[name] if timed else None
    event["input"] = said["input"] if is_input(said.get("input")) else ""
    known = _is_what(said.get("what")) and said.get("terminal") == terminal
    fits = (event["input"] == "") == (said.get("what") == "started")
    event["what"] = said["what"] if known and fits else "unknown"
    return event


def _parse(text: str, frames: "dict[str, Fields]") -> "dict[str, Any]":
    if len(text) > FRAME_BYTES_MAX:
        raise FrameError("oversized", "frame")
    said = _read(text)
    kind = said.get("type")
    if not isinstance(kind, str) or kind not in frames:
        raise FrameError("malformed", "type")
    return _checked(kind, frames[kind], said)


def _read(text: "str | bytes") -> "dict[str, Any]":
    value = None
    detail = "not an object"
    try:
        value = json_text.read(text if isinstance(text, str) else text.decode())
    except ValueError as error:
        detail = str(error) or "not UTF-8"  # MicroPython's decoder gives no reason
    if not isinstance(value, dict):
        raise FrameError("malformed", detail)
    return value


def _checked(kind: str, fields: "Fields", said: "dict[str, Any]") -> "dict[str, Any]":
    frame: dict[str, Any] = {"type": kind}
    for name, check in fields:
        if name not in said and (kind, name) in OPTIONAL:
            continue
        if name not in said or not check(said[name]):
            raise FrameError("malformed", kind + "." + name)
        frame[name] = said[name]
    return frame


# ── writing ─────────────────────────────────────────────────────────────────────────────────────────────────


def challenge_frame(nonce: str, hub_ms: int) -> str:
    """`nonce`: base64url of 32 random bytes."""
    return _write(HUB_FRAMES, "challenge", (PROTOCOL, nonce, hub_ms))


def snapshot_frame(hub_ms: int, light: str, ring: str, silent: bool) -> str:
    return _write(HUB_FRAMES, "snapshot", (hub_ms, light, ring, silent))


def receipt_frame(event: str, index: int, entry: str, proof: "list[str]", checkpoint: str) -> str:
    """`event`: the digest; `entry`: its text as it is in the ledger; `proof`: hashes in base64, leaf side first."""
    return _write(HUB_FRAMES, "receipt", (event, index, entry, proof, checkpoint))


def heartbeat_answer(t1_ms: int, t2_ms: int, t3_ms: int) -> str:
    """The hub's answer to a heartbeat: `t2_ms` it came in, `t3_ms` this goes out."""
    return _write(HUB_FRAMES, "heartbeat", (t1_ms, t2_ms, t3_ms))


def refused_frame(reason: str, event: str = "") -> str:
    """`event`: digest of the event that was refused, empty where it concerns none."""
    return _write(HUB_FRAMES, "refused", (reason, event) if event else (reason,))


def hello_frame(jws: str) -> str:
    return _write(TERMINAL_FRAMES, "hello", (jws,))


def event_frame(jws: str) -> str:
    return _write(TERMINAL_FRAMES, "event", (jws,))


def status_frame(light: str, since_ms: int | None, ring: str, inputs: "dict[str, str]", pending: int) -> str:
    """`since_ms`: hub time by the terminal's estimate. `ring`: that which its sounder really sounds. `pending`: events
    without a receipt."""
    return _write(TERMINAL_FRAMES, "status", (light, since_ms, ring, inputs, pending))


def heartbeat_frame(t1_ms: int) -> str:
    return _write(TERMINAL_FRAMES, "heartbeat", (t1_ms,))


def hello_payload(
    terminal: str, nonce: str, boot: int, seq: int, mono_ms: int, software: str, checkpoint: str
) -> bytes:
    """What the hello signs. `checkpoint`: the largest signed note verified, or empty."""
    return _payload("hello", HELLO, (terminal, nonce, boot, seq, mono_ms, software, checkpoint))


def event_payload(
    terminal: str,
    boot: int,
    seq: int,
    name: str,
    what: str,
    mono_ms: int,
    estimate: "tuple[int, int] | None",
) -> bytes:
    """What an event signs. `name`: the input, empty for `started`; `estimate`: hub time and its error's bound."""
    event_ms, error_ms = estimate or (None, None)
    _check_input(name, what)
    return _payload("event", EVENT, (terminal, boot, seq, name, what, mono_ms, event_ms, error_ms))


def _write(frames: "dict[str, Fields]", kind: str, values: "tuple[object, ...]") -> str:
    text = json_text.write((("type", kind),) + _pairs(kind, frames[kind], values))
    if len(text) > FRAME_BYTES_MAX:
        raise FrameError("oversized", kind)
    return text


def _payload(kind: str, fields: "Fields", values: "tuple[object, ...]") -> bytes:
    return json_text.write(_pairs(kind, fields, values)).encode()


def _pairs(kind: str, fields: "Fields", values: "tuple[object, ...]") -> "tuple[tuple[str, object], ...]":
    pairs: list[tuple[str, object]] = []
    for (name, check), value in zip(fields, values):  # noqa: B905  # MicroPython's zip has no `strict`
        if not check(value):
            raise FrameError("malformed", kind + "." + name)
        pairs.append((name, tuple(sorted(value.items())) if isinstance(value, dict) else value))
    return tuple(pairs)
