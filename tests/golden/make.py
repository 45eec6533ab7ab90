"""Makes signed.json, frames.json and receipts.json anew: `python -m tests.golden.make`.

Nothing of `firstbell` is used but its fixed words in PROTOCOL.md: JSON, base64url, HMAC, Ed25519, tree and note are
made here from the standard library and `cryptography`, so that the files are a second opinion on what the code does.
The keys are for tests; nobody is protected by them.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.dispatch.entries import CampusFounded, Entry, EventRecorded, LogBegan, RunStarted, encode

HERE = Path(__file__).parent

PI = "t-pi22222222"
PI_SEED = bytes(range(32))
NODE = "t-node222222"
NODE_SECRET = bytes(range(32, 64))
LOG = "firstbell.example/c-campus2222/1"
LOG_SEED = bytes(range(64, 96))
NONCE = bytes(range(96, 128))


def plain(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def public_key(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


# ── signed texts ────────────────────────────────────────────────────────────────────────────────────────────


def header(terminal: str, typ: str) -> str:
    return plain({"alg": "EdDSA" if terminal == PI else "HS256", "kid": terminal, "typ": typ})


def signed(terminal: str, typ: str, payload: str) -> dict[str, str]:
    head = header(terminal, typ)
    message = f"{b64url(head.encode())}.{b64url(payload.encode())}".encode()
    if terminal == PI:
        signature = Ed25519PrivateKey.from_private_bytes(PI_SEED).sign(message)
    else:
        signature = hmac.digest(NODE_SECRET, message, "sha256")
    jws = f"{message.decode()}.{b64url(signature)}"
    digest = hashlib.sha256(jws.encode()).hexdigest()
    return {
        "terminal": terminal,
        "typ": typ,
        "header": head,
        "payload": payload,
        "jws": jws,
        "digest": digest,
    }


def hello(terminal: str, seq: int, checkpoint: str) -> dict[str, str]:
    said = {"terminal": terminal, "nonce": b64url(NONCE), "boot": 7, "seq": seq, "mono_ms": 812345}
    return signed(terminal, "firstbell-hello", plain(said | {"software": "0.1.0", "checkpoint": checkpoint}))


def event(terminal: str, seq: int, name: str, what: str, times: tuple[int | None, ...]) -> dict[str, str]:
    said = {"terminal": terminal, "boot": 7, "seq": seq, "input": name, "what": what}
    return signed(
        terminal,
        "firstbell-event",
        plain(said | dict(zip(("mono_ms", "event_ms", "error_ms"), times, strict=True))),
    )


EVENTS = [
    event(PI, 1, "", "started", (1, None, None)),
    event(PI, 2, "panic", "panic", (812400, 90812400, 3)),
    event(NODE, 1, "panic", "panic", (900123, 90900120, 12)),
    event(PI, 3, "fence_north", "perimeter", (812500, 90812500, 3)),
    event(PI, 4, "fence_north", "restored", (815500, 90815500, 4)),
    event(PI, 5, "cover", "tamper", (820000, 90820000, 4)),
    event(NODE, 2, "panic", "stuck", (960123, 90960120, 25)),
]


# ── the log ─────────────────────────────────────────────────────────────────────────────────────────────────


def hashed(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashed(b"\x01", root(leaves[:middle]), root(leaves[middle:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = 1 << ((len(leaves) - 1).bit_length() - 1)
    if index < middle:
        return [*path(index, leaves[:middle]), root(leaves[middle:])]
    return [*path(index - middle, leaves[middle:]), root(leaves[:middle])]


def checkpoint(leaves: list[bytes], origin: str = LOG) -> str:
    text = f"{origin}\n{len(leaves)}\n{b64(root(leaves))}\n"
    signature = Ed25519PrivateKey.from_private_bytes(LOG_SEED).sign(text.encode())
    return f"{text}\n— {origin} {b64(key_id(origin) + signature)}\n"


def key_id(origin: str) -> bytes:
    return hashed(origin.encode(), b"\n\x01", public_key(LOG_SEED))[:4]


def recorded(made: dict[str, str]) -> EventRecorded:
    said = json.loads(made["payload"])
    fields = ("terminal", "boot", "seq", "input", "what", "mono_ms", "event_ms", "error_ms")
    return EventRecorded(
        at_ms=90_999_000,
        received_ms=90_998_999,
        incident="i-" + made["digest"][:20] if said["what"] == "panic" else "",
        again=False,
        digest=made["digest"],
        jws=made["jws"],
        **{name: said[name] for name in fields},
    )


def log() -> list[str]:
    first: list[Entry] = [
        LogBegan(at_ms=0, origin=LOG),
        CampusFounded(at_ms=0, campus="c-campus2222", details="0" * 64),
        RunStarted(at_ms=0, run=1, version="0.1.0", due_ms=0),
    ]
    return [encode(entry).decode() for entry in (*first, *map(recorded, EVENTS))]


def receipt(made: dict[str, str], size: int) -> dict[str, Any]:
    entries = log()[:size]
    leaves = [hashed(b"\x00", entry.encode()) for entry in entries]
    index = 3 + EVENTS.index(made)
    proof = [b64(item) for item in path(index, leaves)]
    head = {"type": "receipt", "event": made["digest"], "index": index, "entry": entries[index]}
    return head | {"proof": proof, "checkpoint": checkpoint(leaves)}


# ── the files ───────────────────────────────────────────────────────────────────────────────────────────────


def signed_file() -> dict[str, Any]:
    hellos = (hello(PI, 2, ""), hello(PI, 5, receipt(EVENTS[1], 8)["checkpoint"]), hello(NODE, 0, ""))
    return {
        "about": "Signed texts of a Pi (EdDSA) and of a node (HS256). Keys and secrets in hex.",
        "keys": {
            PI: {"algorithm": "EdDSA", "seed": PI_SEED.hex(), "public": public_key(PI_SEED).hex()},
            NODE: {"algorithm": "HS256", "secret": NODE_SECRET.hex()},
        },
        "signed": [*hellos, *EVENTS],
    }


def hub_frames() -> list[dict[str, Any]]:
    return [
        {"type": "challenge", "protocol": 1, "nonce": b64url(NONCE), "hub_ms": 90_812_345},
        {"type": "snapshot", "hub_ms": 90_812_346, "light": "none", "ring": "none", "silent": False},
        {"type": "snapshot", "hub_ms": 90_812_347, "light": "coming", "ring": "alarm", "silent": True},
        receipt(EVENTS[1], 8),
        {"type": "heartbeat", "t1_ms": 812_345, "t2_ms": 90_812_346, "t3_ms": 90_812_347},
        {"type": "refused", "reason": "wrong_nonce"},
        {"type": "refused", "reason": "bad_signature", "event": EVENTS[1]["digest"]},
    ]


def terminal_frames() -> list[dict[str, Any]]:
    inputs = {"cover": "closed", "fence_north": "open", "panic": "stuck", "panic_2": "unknown"}
    status: dict[str, Any] = {
        "type": "status",
        "light": "none",
        "since_ms": None,
        "ringing": False,
        "inputs": {},
        "pending": 0,
    }
    shown = {"light": "not_delivered", "since_ms": 90_812_400, "ringing": True, "inputs": inputs, "pending": 3}
    return [
        {"type": "hello", "jws": hello(PI, 2, "")["jws"]},
        {"type": "heartbeat", "t1_ms": 812_345},
        status,
        status | shown,
        {"type": "event", "jws": EVENTS[1]["jws"]},
        {"type": "event", "jws": EVENTS[2]["jws"]},
    ]


def odd_events() -> list[dict[str, Any]]:
    """Payloads that are signed all right, and what a hub makes of them."""
    usual = json.loads(EVENTS[1]["payload"])
    nothing = {"terminal": PI, "boot": 0, "seq": 0, "mono_ms": 0, "event_ms": None, "error_ms": None}
    unknown = {**usual, "what": "unknown"}
    untimed = {"event_ms": None, "error_ms": None}
    return [
        {"payload": plain(usual | {"later": [1, {"a": None}]}), "event": usual},
        {"payload": plain(usual | {"what": "smoke"}), "event": unknown},
        {"payload": plain(usual | {"terminal": NODE}), "event": unknown},
        {"payload": plain(usual | {"input": "Panic!"}), "event": unknown | {"input": ""}},
        {"payload": plain(usual | {"input": ""}), "event": unknown | {"input": ""}},
        {"payload": plain(usual | {"boot": True, "seq": "2"}), "event": usual | {"boot": 0, "seq": 0}},
        {"payload": plain(usual | {"mono_ms": -1}), "event": usual | {"mono_ms": 0}},
        {"payload": plain(usual | {"error_ms": None}), "event": usual | untimed},
        {"payload": plain(usual | {"event_ms": 2**53}), "event": usual | untimed},
        {"payload": "[]", "event": nothing | {"input": "", "what": "unknown"}},
        {"payload": plain(usual | {"event_ms": 0.5}), "event": usual | untimed},
        {"payload": EVENTS[1]["payload"][:-1], "event": nothing | {"input": "", "what": "unknown"}},
        {"payload": plain(usual)[:-1] + ',"seq":3}', "event": nothing | {"input": "", "what": "unknown"}},
    ]


def frames_file() -> dict[str, Any]:
    return {
        "about": "Every frame, both ways, as it is sent; and payloads that are odd, with what a hub understands.",
        "hub": [plain(frame) for frame in hub_frames()],
        "terminal": [plain(frame) for frame in terminal_frames()],
        "odd_events": odd_events(),
    }


def receipts_file() -> dict[str, Any]:
    key = b"\x01" + public_key(LOG_SEED)
    made = [(EVENTS[0], 4), (EVENTS[0], 10), (EVENTS[1], 8), (EVENTS[2], 10), (EVENTS[6], 10)]
    return {
        "about": "A log whose key is this seed (hex), and receipts that hold: the event's JWS and the hub's frame.",
        "seed": LOG_SEED.hex(),
        "vkey": f"{LOG}+{key_id(LOG).hex()}+{b64(key)}",
        "receipts": [{"jws": event["jws"], "frame": plain(receipt(event, size))} for event, size in made],
    }


def files() -> dict[str, str]:
    """Name and text of each file."""
    made = {"signed.json": signed_file(), "frames.json": frames_file(), "receipts.json": receipts_file()}
    return {name: json.dumps(vectors, indent=1, ensure_ascii=False) + "\n" for name, vectors in made.items()}


if __name__ == "__main__":
    for file_name, text in files().items():
        (HERE / file_name).write_text(text, "utf-8")
