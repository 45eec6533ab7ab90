"""Whole stories of a node, from its start to the light: what happens, and what it says, shows and keeps then.

The expected frames are made by this script; their numbers are reckoned by hand. Hub time is mono + AHEAD_MS, and each
exchange takes 4 ms, so that an estimate is 4 ms wrong at most: 4/2 + 1, and 200 ppm of less than 5 s, up to 1.
"""

import functools
from typing import Any

from hub.dispatch.entries import LogBegan, encode
from tests.golden import signing as s
from tests.golden.receipts import LOG, recorded, signature_line, vkey
from tests.golden.trees import leaf, path, root

AHEAD_MS = 90_000_000
ERROR_MS = 4
SOFTWARE = "0.1.0"
BOOT = 7

Step = dict[str, Any]


def _event(seq: int, name: str, what: str, mono_ms: int, timed: bool = True) -> dict[str, str]:
    times = (mono_ms, mono_ms + AHEAD_MS, ERROR_MS) if timed else (mono_ms, None, None)
    return s.event(s.NODE, seq, name, what, times, BOOT)


STARTED = _event(1, "", "started", 0, timed=False)
PRESS = _event(2, "panic", "panic", 2_000)
LATER = _event(3, "panic", "panic", 2_600)
SILENT = _event(2, "panic", "panic", 1_800)
RECORDED = (STARTED, PRESS, LATER)


@functools.cache
def _entries() -> list[str]:
    entries = [LogBegan(at_ms=0, origin=LOG), *map(recorded, RECORDED)]
    return [encode(entry).decode() for entry in entries]


def _checkpoint(size: int) -> str:
    text = f"{LOG}\n{size}\n{s.b64(root([leaf(entry.encode()) for entry in _entries()[:size]]))}\n"
    return f"{text}\n{signature_line(text, LOG)}"


def _receipt(made: dict[str, str], size: int) -> dict[str, Any]:
    index = 1 + RECORDED.index(made)
    leaves = [leaf(entry.encode()) for entry in _entries()[:size]]
    return {
        "type": "receipt",
        "event": made["digest"],
        "index": index,
        "entry": _entries()[index],
        "proof": [s.b64(item) for item in path(index, leaves)],
        "checkpoint": _checkpoint(size),
    }


# ── what happens, and what follows ──────────────────────────────────────────────────────────────────────────


def _step(at_ms: int, do: str, *says: dict[str, Any], **more: Any) -> Step:
    """`more`: closed, frame; and what is to be: light, status, kept, closes."""
    frame = {"frame": s.plain(more.pop("frame"))} if "frame" in more else {}
    status = {"status": s.plain(more.pop("status"))} if "status" in more else {}
    return {"at_ms": at_ms, "do": do, **frame, "says": [s.plain(said) for said in says], **status, **more}


def _hears(at_ms: int, frame: dict[str, Any], *says: dict[str, Any], **more: Any) -> Step:
    return _step(at_ms, "hear", *says, frame=frame, **more)


def _hello(seq: int, mono_ms: int, checkpoint: str) -> dict[str, str]:
    said = {"terminal": s.NODE, "nonce": s.b64url(s.NONCE), "boot": BOOT, "seq": seq, "mono_ms": mono_ms}
    payload = s.plain(said | {"software": SOFTWARE, "checkpoint": checkpoint})
    return {"type": "hello", "jws": s.signed(s.NODE, s.HELLO, payload)["jws"]}


def _sent(made: dict[str, str]) -> dict[str, str]:
    return {"type": "event", "jws": made["jws"]}


def _beat(t1_ms: int) -> dict[str, Any]:
    return {"type": "heartbeat", "t1_ms": t1_ms}


def _answer(t1_ms: int) -> Step:
    """4 ms after it was asked."""
    hub_ms = t1_ms + 2 + AHEAD_MS
    return _hears(t1_ms + 4, {"type": "heartbeat", "t1_ms": t1_ms, "t2_ms": hub_ms, "t3_ms": hub_ms})


def _challenge(at_ms: int, protocol: int = 1) -> dict[str, Any]:
    return {"type": "challenge", "protocol": protocol, "nonce": s.b64url(s.NONCE), "hub_ms": at_ms + AHEAD_MS}


def _snapshot(at_ms: int, light: str, ring: str = "none", silent: bool = False) -> dict[str, Any]:
    return {"type": "snapshot", "hub_ms": at_ms + AHEAD_MS, "light": light, "ring": ring, "silent": silent}


def _status(light: str, since_mono_ms: int, pending: int, panic: str = "open") -> dict[str, Any]:
    since_ms = since_mono_ms + AHEAD_MS
    told = {"light": light, "since_ms": since_ms, "ring": "none", "inputs": {"panic": panic}, "pending": pending}
    return {"type": "status", **told}


def _refused(reason: str) -> dict[str, Any]:
    return {"type": "refused", "reason": reason}


START = _step(0, "start", light="none", kept=1)
CONNECTED = [
    START,
    _step(1_000, "connect"),
]
GREETED = [
    *CONNECTED,
    _hears(1_000, _challenge(1_000), _hello(1, 1_000, ""), _beat(1_000), _sent(STARTED)),
]
LINKED = [
    *GREETED,
    _answer(1_000),
    _hears(1_005, _snapshot(1_005, "none"), status=_status("none", 0, 1)),
]


def _press_to_help() -> list[Step]:
    return [
        _hears(1_008, _receipt(STARTED, 2), light="none", kept=1),
        *[step for t1_ms in (1_250, 1_500, 1_750) for step in (_step(t1_ms, "wait", _beat(t1_ms)), _answer(t1_ms))],
        _step(2_000, "edge", closed=True, light="none"),
        _step(2_030, "wait", _sent(PRESS), status=_status("heard", 2_030, 1, "closed"), light="heard", kept=2),
        _step(2_060, "edge", closed=False),
        _step(2_090, "wait", status=_status("heard", 2_030, 1)),
        # Proven; but the hub has not said what the light is to be.
        _hears(2_100, _receipt(PRESS, 3), light="heard"),
        _hears(2_104, _snapshot(2_104, "recorded"), status=_status("recorded", 2_104, 0), light="recorded"),
        _step(2_500, "lose", light="recorded"),
        _step(2_600, "edge", closed=True),
        _step(2_630, "wait", light="heard", kept=3),
        _step(2_700, "edge", closed=False),
        _step(5_599, "wait", light="heard"),
        _step(5_600, "wait", light="not_delivered"),
        _step(6_000, "connect"),
        _hears(
            6_000,
            _challenge(6_000),
            *(_hello(3, 6_000, _checkpoint(3)), _beat(6_000), _sent(STARTED), _sent(PRESS), _sent(LATER)),
        ),
        _hears(6_003, _snapshot(6_003, "recorded"), status=_status("not_delivered", 5_600, 1), light="not_delivered"),
        _answer(6_000),
        _hears(6_006, _receipt(STARTED, 4)),
        _hears(6_007, _receipt(PRESS, 4), light="not_delivered"),
        # The light is told at once; a count that alone has changed waits for company.
        _hears(6_008, _receipt(LATER, 4), status=_status("recorded", 6_008, 1), light="recorded"),
        _hears(6_020, _snapshot(6_020, "coming"), status=_status("coming", 6_020, 0), light="coming"),
        *[_step(t1_ms, "wait", _beat(t1_ms)) for t1_ms in (6_250, 6_500, 6_750)],
        _hears(6_800, _snapshot(6_800, "here"), status=_status("here", 6_800, 0), light="here"),
        _hears(7_000, _snapshot(7_000, "none"), status=_status("none", 7_000, 0), light="none", kept=3),
        *[step for t1_ms in (9_750, 12_750, 15_750) for step in (_step(t1_ms, "wait", _beat(t1_ms)), _answer(t1_ms))],
        # Ten seconds after the last receipt, and the light is out.
        _step(17_500, "wait", kept=0),
    ]


def _silent() -> list[Step]:
    return [
        _hears(1_100, _snapshot(1_100, "none", silent=True)),
        *[_step(t1_ms, "wait", _beat(t1_ms)) for t1_ms in (1_250, 1_500, 1_750)],
        _step(1_800, "edge", closed=True),
        _step(1_830, "wait", _sent(SILENT), status=_status("none", 0, 2, "closed"), light="none"),
    ]


def _stories() -> dict[str, tuple[str, list[Step]]]:
    """By what they are about: how they begin, and how they go on."""
    unasked = {"type": "heartbeat", "t1_ms": 5, "t2_ms": 5, "t3_ms": 5}
    empty = _receipt(STARTED, 2) | {"proof": []}
    early, other = _snapshot(1_001, "none"), _challenge(1_001, protocol=2)
    return {
        "a press, a cut, another press, and help": ("linked", _press_to_help()),
        "a hub that is silent": ("linked", [*_unanswered(), _step(10_005, "wait", closes="silence")]),
        "a silent terminal": ("linked", _silent()),
        "a snapshot before the challenge": ("connected", [_hears(1_001, early, closes="protocol")]),
        "another protocol": ("connected", [_hears(1_001, other, closes="protocol")]),
        "an answer to a heartbeat that was never asked": ("linked", [_hears(1_009, unasked, closes="protocol")]),
        "a frame of a terminal": ("linked", [_hears(1_009, _beat(5), closes="malformed")]),
        "a terminal that is not known": (
            "greeted",
            [_hears(1_010, _refused("unknown_terminal"), closes="refused")],
        ),
        "a receipt that proves nothing": (
            "linked",
            [_hears(1_008, empty, kept=1), _hears(1_009, _receipt(STARTED, 2))],
        ),
    }


def _unanswered() -> list[Step]:
    return [_step(t1_ms, "wait", _beat(t1_ms)) for t1_ms in (1_250, 1_500, 1_750, 4_750, 7_750)]


def conversations_file() -> dict[str, Any]:
    return {
        "about": "Stories of one node (HS256, `secret` in hex) with one button, step by step. Up to `at_ms` it steps "
        "whenever it said that it would; then this happens: start, connect, hear a frame, lose the connection, an edge "
        "of the button, or nothing but time (wait). `says`: the frames that it sends from the step before up to this "
        "one, without its status; `status`: the last of those, where it is told one. `light`: what it shows. `kept`: "
        "how many events its outbox holds. `closes`: why it ends the connection. Each story goes on after one of "
        "`beginnings`.",
        "terminal": s.NODE,
        "secret": s.NODE_SECRET.hex(),
        "boot": BOOT,
        "software": SOFTWARE,
        "vkey": vkey(LOG),
        "beginnings": {"connected": CONNECTED, "greeted": GREETED, "linked": LINKED},
        "stories": [
            {"story": story, "begins": begins, "steps": steps} for story, (begins, steps) in _stories().items()
        ],
    }
