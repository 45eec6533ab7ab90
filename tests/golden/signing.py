"""Keys, encodings and signed texts of the golden files, from the standard library and `cryptography` alone."""

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PI = "t-pi22222222"
PI_SEED = bytes(range(32))
NODE = "t-node222222"
NODE_SECRET = bytes(range(32, 64))
LOG_SEED = bytes(range(64, 96))
NONCE = bytes(range(96, 128))

EVENT = "firstbell-event"
HELLO = "firstbell-hello"


def plain(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def b64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def public_key(seed: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def ed25519(seed: bytes, message: bytes) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(seed).sign(message)


def digest_of(jws: str) -> str:
    return hashlib.sha256(jws.encode()).hexdigest()


def header(terminal: str, typ: str) -> str:
    return plain({"alg": "EdDSA" if terminal == PI else "HS256", "kid": terminal, "typ": typ})


def signature_of(terminal: str, message: bytes) -> bytes:
    return ed25519(PI_SEED, message) if terminal == PI else hmac.digest(NODE_SECRET, message, "sha256")


def jws_of(terminal: str, head: str, payload: str) -> str:
    message = f"{b64url(head.encode())}.{b64url(payload.encode())}"
    return f"{message}.{b64url(signature_of(terminal, message.encode()))}"


def signed(terminal: str, typ: str, payload: str) -> dict[str, str]:
    head = header(terminal, typ)
    jws = jws_of(terminal, head, payload)
    return {
        "terminal": terminal,
        "typ": typ,
        "header": head,
        "payload": payload,
        "jws": jws,
        "digest": digest_of(jws),
    }


def hello(terminal: str, seq: int, checkpoint: str, tried: str | None = None) -> dict[str, str]:
    said = {"terminal": terminal, "nonce": b64url(NONCE), "boot": 7, "seq": seq, "mono_ms": 812345}
    said |= {"software": "0.1.0", "checkpoint": checkpoint}
    return signed(terminal, HELLO, plain(said if tried is None else said | {"tried": tried}))


def program(version: str, files: dict[str, bytes]) -> bytes:
    """A node's program as it is carried."""
    lines = [f"{hashlib.sha256(data).hexdigest()} {len(data)} {path}" for path, data in files.items()]
    return "\n".join([f"firstbell {version} 1", *lines, "", ""]).encode() + b"".join(files.values())


def update(version: str, carried: bytes) -> dict[str, Any]:
    """What a snapshot offers to the node."""
    digest = hashlib.sha256(carried).hexdigest()
    text = f"firstbell-update\n{version}\n{len(carried)}\n{digest}\n"
    return {
        "digest": digest,
        "mac": b64url(signature_of(NODE, text.encode())),
        "size": len(carried),
        "version": version,
    }


PROGRAM = program("0.2.0+1a2b3c4d", {"node/main.mpy": b"M\x06\x00\x1f", "lib/firstbell/light.mpy": bytes(range(256))})
UPDATE = update("0.2.0+1a2b3c4d", PROGRAM)


def event(
    terminal: str, seq: int, name: str, what: str, times: tuple[int | None, ...], boot: int = 7
) -> dict[str, str]:
    said = {"terminal": terminal, "boot": boot, "seq": seq, "input": name, "what": what}
    times_of = dict(zip(("mono_ms", "event_ms", "error_ms"), times, strict=True))
    return signed(terminal, EVENT, plain(said | times_of))


STARTED, PRESS, NODE_PRESS, FENCE, FENCE_RESTORED, COVER, STUCK = (
    event(PI, 1, "", "started", (1, None, None)),
    event(PI, 2, "panic", "panic", (812400, 90812400, 3)),
    event(NODE, 1, "panic", "panic", (900123, 90900120, 12)),
    event(PI, 3, "fence_north", "perimeter", (812500, 90812500, 3)),
    event(PI, 4, "fence_north", "restored", (815500, 90815500, 4)),
    event(PI, 5, "cover", "tamper", (820000, 90820000, 4)),
    event(NODE, 2, "panic", "stuck", (960123, 90960120, 25)),
)
AGAIN = event(PI, 2, "panic", "panic", (830000, 90830000, 5))
"""A second text at one (terminal, boot, seq)."""
SMOKE = event(PI, 6, "attic", "smoke", (840000, 90840000, 5))
"""Signed all right, with a word that no hub knows."""
PRESS_LATER = event(PI, 7, "panic", "panic", (990000, 91400000, 3))
NODE_LATER = (
    event(NODE, 1, "", "started", (5, None, None), boot=8),
    event(NODE, 2, "cover", "tamper", (4100, 91404100, 40), boot=8),
    event(NODE, 3, "cover", "restored", (9300, 91409298, 9), boot=8),
)

SUPPLY = (
    event(PI, 8, "buffer", "supply", (995000, 91405000, 3)),
    event(NODE, 4, "supply", "supply", (12000, 91411999, 8), boot=8),
)

EVENTS = [STARTED, PRESS, NODE_PRESS, FENCE, FENCE_RESTORED, COVER, STUCK, AGAIN, PRESS_LATER, *NODE_LATER, *SUPPLY]
"""What a terminal of this protocol says."""


def signed_file(checkpoint: str) -> dict[str, Any]:
    hellos = [hello(PI, 2, ""), hello(PI, 5, checkpoint), hello(NODE, 0, ""), hello(NODE, 2, checkpoint)]
    hellos += [hello(NODE, 0, "", ""), hello(NODE, 2, "", "0.2.0+1a2b3c4d")]
    return {
        "about": "Signed texts of a Pi (EdDSA) and of a node (HS256). Keys and secrets in hex.",
        "keys": {
            PI: {"algorithm": "EdDSA", "seed": PI_SEED.hex(), "public": public_key(PI_SEED).hex()},
            NODE: {"algorithm": "HS256", "secret": NODE_SECRET.hex()},
        },
        "program": {"carried": PROGRAM.hex(), "update": UPDATE},
        "signed": [*hellos, *EVENTS],
    }
