"""Two logs of one hub, the second begun after a restore, and receipts: those that hold and those that don't."""

import functools
import json
from typing import Any

from hub.dispatch.entries import CampusFounded, Entry, EventRecorded, LogBegan, RunStarted, encode
from tests.golden import signing as s
from tests.golden.trees import hashed, leaf, path, root

LOG = "firstbell.example/c-campus2222/1"
SUCCESSOR = "firstbell.example/c-campus2222/2"

_FIRST = [s.STARTED, s.PRESS, s.NODE_PRESS, s.FENCE, s.FENCE_RESTORED, s.COVER, s.STUCK, s.AGAIN, s.SMOKE]
_SECOND = [s.PRESS_LATER, *s.NODE_LATER]


def recorded(made: dict[str, str]) -> EventRecorded:
    said = json.loads(made["payload"])
    fields = ("terminal", "boot", "seq", "input", "mono_ms", "event_ms", "error_ms")
    first = s.PRESS if made is s.AGAIN else made
    return EventRecorded(
        at_ms=90_999_000,
        received_ms=90_998_999,
        incident="i-" + first["digest"][:20] if said["what"] in ("panic", "perimeter") else "",
        again=made is s.AGAIN,
        digest=made["digest"],
        jws=made["jws"],
        what="unknown" if made is s.SMOKE else said["what"],
        **{name: said[name] for name in fields},
    )


@functools.cache
def log(origin: str) -> list[str]:
    """The entries, as text. The second log begins where a backup after five entries of the first was restored."""
    entries: list[Entry]
    if origin == LOG:
        entries = [
            LogBegan(at_ms=0, origin=LOG),
            CampusFounded(at_ms=0, campus="c-campus2222", details="0" * 64),
            RunStarted(at_ms=0, run=1, version="0.1.0", due_ms=0),
            *map(recorded, _FIRST),
        ]
    else:
        began = LogBegan(
            at_ms=91_300_000,
            origin=SUCCESSOR,
            previous_origin=LOG,
            previous_size=5,
            previous_root=root(leaves(LOG)[:5]).hex(),
            remembered_size=8,
            remembered_root=root(leaves(LOG)[:8]).hex(),
        )
        entries = [began, RunStarted(at_ms=91_300_000, run=2, version="0.1.0", due_ms=0), *map(recorded, _SECOND)]
    return [encode(entry).decode() for entry in entries]


@functools.cache
def leaves(origin: str) -> list[bytes]:
    return [leaf(entry.encode()) for entry in log(origin)]


def key_id(name: str, seed: bytes = s.LOG_SEED) -> bytes:
    return hashed(name.encode(), b"\n\x01", s.public_key(seed))[:4]


def vkey(name: str) -> str:
    return f"{name}+{key_id(name).hex()}+" + s.b64(b"\x01" + s.public_key(s.LOG_SEED))


def signature_line(text: str, name: str, seed: bytes = s.LOG_SEED, of_key: bytes = b"") -> str:
    """`of_key`: the key ID, where it is not the one of this name and key."""
    return f"— {name} {s.b64((of_key or key_id(name, seed)) + s.ed25519(seed, text.encode()))}\n"


def checkpoint_text(origin: str, size: int) -> str:
    return f"{origin}\n{size}\n{s.b64(root(leaves(origin)[:size]))}\n"


def checkpoint(origin: str, size: int) -> str:
    text = checkpoint_text(origin, size)
    return f"{text}\n{signature_line(text, origin)}"


def receipt(made: dict[str, str], size: int) -> dict[str, Any]:
    """The hub's frame, under the checkpoint of this size."""
    origin = LOG if made in _FIRST else SUCCESSOR
    index = 3 + _FIRST.index(made) if origin == LOG else 2 + _SECOND.index(made)
    return {
        "type": "receipt",
        "event": made["digest"],
        "index": index,
        "entry": log(origin)[index],
        "proof": [s.b64(item) for item in path(index, leaves(origin)[:size])],
        "checkpoint": checkpoint(origin, size),
    }


def _case(case: str, made: dict[str, str], frame: dict[str, Any]) -> dict[str, str]:
    return {"case": case, "jws": made["jws"], "frame": s.plain(frame)}


def receipts_file() -> dict[str, Any]:
    press, text = receipt(s.PRESS, 8), checkpoint_text(LOG, 8)
    stranger = signature_line(text, "witness.example/w1", bytes(32))
    longer = text + "a line that is not known\n"
    held = [
        _case("started, the last entry", s.STARTED, receipt(s.STARTED, 4)),
        _case("started, in a larger tree", s.STARTED, receipt(s.STARTED, 10)),
        _case("panic", s.PRESS, press),
        _case("panic, HS256", s.NODE_PRESS, receipt(s.NODE_PRESS, 10)),
        _case("stuck, HS256", s.STUCK, receipt(s.STUCK, 10)),
        _case("perimeter", s.FENCE, receipt(s.FENCE, 9)),
        _case("restored", s.FENCE_RESTORED, receipt(s.FENCE_RESTORED, 9)),
        _case("tamper", s.COVER, receipt(s.COVER, 9)),
        _case("recorded with again:true", s.AGAIN, receipt(s.AGAIN, 12)),
        _case("recorded as unknown", s.SMOKE, receipt(s.SMOKE, 12)),
        _case("panic, in the successor", s.PRESS_LATER, receipt(s.PRESS_LATER, 6)),
        _case("tamper, HS256, in the successor", s.NODE_LATER[1], receipt(s.NODE_LATER[1], 5)),
        _case("signed by a stranger, too", s.PRESS, press | {"checkpoint": press["checkpoint"] + stranger}),
        _case(
            "a checkpoint with a fourth line",
            s.PRESS,
            press | {"checkpoint": f"{longer}\n{signature_line(longer, LOG)}"},
        ),
    ]
    return {
        "about": "A log whose key is this seed (hex), its successor, and receipts that hold for who has `vkey`: "
        "the event's JWS and the hub's frame. `successor` is the verifier key that follows from `vkey`.",
        "seed": s.LOG_SEED.hex(),
        "vkey": vkey(LOG),
        "successor": vkey(SUCCESSOR),
        "receipts": held,
    }
