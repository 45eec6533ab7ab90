"""Every frame between a terminal and the hub, and what a terminal signs: written here, read here, by one table.

A frame is one JSON object in ASCII, `type` names it. The tables give each kind's fields in the order in which they
are written; whatever else stands in a frame is passed over when it is read. Both ways a value must hold what its
table says, so that what we write is what we would take.
"""

from firstbell import json_text
from firstbell.fields import (
    FrameError,
    at_most,
    is_32_bytes,
    is_bool,
    is_count,
    is_count_or_null,
    is_digest,
    is_input,
    is_input_or_none,
    is_inputs,
    is_jws,
    is_part,
    is_proof,
    is_sequence,
    is_terminal,
    is_what,
    one_of,
)
from firstbell.note import base64_text

try:
    from typing import Any

    from firstbell.fields import Check

    Fields = tuple[tuple[str, Check], ...]
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

PROTOCOL = 1
FRAME_BYTES_MAX = 4096
CHECKPOINT_CHARS_MAX = 384
SOFTWARE_CHARS_MAX = 32
ENTRY_CHARS_MAX = 2048
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
RESULTS = (
    "written",
    "wrong_mac",
    "wrong_digest",
    "not_understood",
    "older_protocol",
    "too_large",
    "full",
    "flash_failed",
)
"""What became of a program that was offered: all but the first are why it did not get onto the flash."""

# ── the tables ──────────────────────────────────────────────────────────────────────────────────────────────

UPDATE: "Fields" = (
    ("version", at_most(SOFTWARE_CHARS_MAX)),
    ("size", is_count),
    ("digest", is_digest),
    ("mac", is_32_bytes),
)


def _is_update(value: "Any") -> bool:
    if not isinstance(value, dict) or len(value) != len(UPDATE):
        return False
    return all(name in value and check(value[name]) for name, check in UPDATE)


HUB_FRAMES: "dict[str, Fields]" = {
    "challenge": (("protocol", is_count), ("nonce", is_32_bytes), ("hub_ms", is_count)),
    "snapshot": (
        ("hub_ms", is_count),
        ("light", one_of(HUB_LIGHTS)),
        ("ring", one_of(RINGS)),
        ("silent", is_bool),
        ("update", _is_update),
    ),
    "part": (("digest", is_digest), ("offset", is_count), ("data", is_part)),
    "receipt": (
        ("event", is_digest),
        ("index", is_count),
        ("entry", at_most(ENTRY_CHARS_MAX)),
        ("proof", is_proof),
        ("checkpoint", at_most(CHECKPOINT_CHARS_MAX)),
    ),
    "heartbeat": (("t1_ms", is_count), ("t2_ms", is_count), ("t3_ms", is_count)),
    "refused": (("reason", at_most(REASON_CHARS_MAX)), ("event", is_digest)),
}

TERMINAL_FRAMES: "dict[str, Fields]" = {
    "hello": (("jws", is_jws),),
    "event": (("jws", is_jws),),
    "status": (
        ("light", one_of(LIGHTS)),
        ("since_ms", is_count_or_null),
        ("ring", one_of(RINGS)),
        ("inputs", is_inputs),
        ("pending", is_count),
    ),
    "heartbeat": (("t1_ms", is_count),),
    "fetch": (("digest", is_digest), ("offset", is_count)),
    "fetched": (("digest", is_digest), ("result", one_of(RESULTS))),
}

HELLO: "Fields" = (
    ("terminal", is_terminal),
    ("nonce", is_32_bytes),
    ("boot", is_count),
    ("seq", is_count),
    ("mono_ms", is_count),
    ("software", at_most(SOFTWARE_CHARS_MAX)),
    ("checkpoint", at_most(CHECKPOINT_CHARS_MAX)),
    ("tried", at_most(SOFTWARE_CHARS_MAX)),
)

EVENT: "Fields" = (
    ("terminal", is_terminal),
    ("boot", is_count),
    ("seq", is_sequence),
    ("input", is_input_or_none),
    ("what", is_what),
    ("mono_ms", is_count),
    ("event_ms", is_count_or_null),
    ("error_ms", is_count_or_null),
)

OPTIONAL = (("refused", "event"), ("snapshot", "update"), ("hello", "tried"))
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
    known = is_what(said.get("what")) and said.get("terminal") == terminal
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


def snapshot_frame(
    hub_ms: int, light: str, ring: str, silent: bool, update: "dict[str, str | int] | None" = None
) -> str:
    """`update`: the program that a node should run instead of its own (UPDATE)."""
    told = (hub_ms, light, ring, silent)
    return _write(HUB_FRAMES, "snapshot", told if update is None else told + (update,))


def part_frame(digest: str, offset: int, data: bytes) -> str:
    """`data`: what stands at `offset` of the program of this digest; empty behind its end."""
    return _write(HUB_FRAMES, "part", (digest, offset, base64_text(data)))


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


def fetch_frame(digest: str, offset: int) -> str:
    """A node asks for what stands at `offset` of the program that it was offered."""
    return _write(TERMINAL_FRAMES, "fetch", (digest, offset))


def fetched_frame(digest: str, result: str) -> str:
    """What became of the program that was offered: one of RESULTS."""
    return _write(TERMINAL_FRAMES, "fetched", (digest, result))


def update_text(version: str, size: int, digest: str) -> bytes:
    """What `mac` in an update authenticates: HMAC-SHA256 under the node's own key. No signed text begins like it."""
    return ("firstbell-update\n%s\n%d\n%s\n" % (version, size, digest)).encode()


def hello_payload(
    terminal: str,
    nonce: str,
    boot: int,
    seq: int,
    mono_ms: int,
    software: str,
    checkpoint: str,
    tried: str | None = None,
) -> bytes:
    """What the hello signs. `checkpoint`: the largest signed note verified, or empty. `tried`: of a terminal that takes
    programs over the link, the version that it has gone back on, or empty."""
    told = (terminal, nonce, boot, seq, mono_ms, software, checkpoint)
    return _payload("hello", HELLO, told if tried is None else told + (tried,))


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
