"""Every frame between a terminal and the hub as it is sent, and events that are odd."""

import json
from typing import Any

from tests.golden import signing as s
from tests.golden.receipts import receipt

HUB_LIGHTS = ("none", "recorded", "coming", "here")
RINGS = ("none", "alarm", "drill", "trouble", "fault")
LIGHTS = ("none", "heard", "recorded", "coming", "here", "not_delivered")
INPUT_STATES = ("open", "closed", "stuck", "unknown")
REFUSALS = (
    "malformed",
    "oversized",
    "protocol",
    "unknown_terminal",
    "revoked",
    "wrong_header",
    "bad_signature",
    "wrong_nonce",
    "too_slow",
    "too_many",
    "busy",
    "hub_fault",
)
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
EVENT_REFUSALS = ("malformed", "revoked", "wrong_header", "bad_signature", "busy", "hub_fault")
"""Those that may concern one event, and then name it."""


def _snapshot(hub_ms: int, light: str, ring: str, silent: bool = False) -> dict[str, Any]:
    return {"type": "snapshot", "hub_ms": hub_ms, "light": light, "ring": ring, "silent": silent}


def hub_frames() -> list[dict[str, Any]]:
    refused = {"type": "refused"}
    return [
        {"type": "challenge", "protocol": 1, "nonce": s.b64url(s.NONCE), "hub_ms": 90_812_345},
        *[_snapshot(90_812_346, light, "none") for light in HUB_LIGHTS],
        *[_snapshot(90_812_347, "none", ring) for ring in RINGS[1:]],
        _snapshot(90_812_348, "coming", "alarm", silent=True),
        _snapshot(90_812_349, "none", "none") | {"update": s.UPDATE},
        {"type": "part", "digest": s.UPDATE["digest"], "offset": 0, "data": s.b64(s.PROGRAM)},
        {"type": "part", "digest": s.UPDATE["digest"], "offset": len(s.PROGRAM), "data": ""},
        receipt(s.PRESS, 8),
        {"type": "heartbeat", "t1_ms": 812_345, "t2_ms": 90_812_346, "t3_ms": 90_812_347},
        *[refused | {"reason": reason} for reason in REFUSALS],
        *[refused | {"reason": reason, "event": s.PRESS["digest"]} for reason in EVENT_REFUSALS],
    ]


def _status(light: str, **said: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = {"since_ms": None, "ring": "none", "inputs": {}, "pending": 0}
    return {"type": "status", "light": light, **nothing, **said}


def terminal_frames() -> list[dict[str, Any]]:
    inputs = dict(
        zip(("cover", "fence_north", "panic", "panic_2"), ("closed", "open", "stuck", "unknown"), strict=True)
    )
    since = {"since_ms": 90_812_400, "inputs": {"panic": "open"}}
    return [
        {"type": "hello", "jws": s.hello(s.PI, 2, "")["jws"]},
        {"type": "hello", "jws": s.hello(s.NODE, 0, "")["jws"]},
        {"type": "hello", "jws": s.hello(s.NODE, 0, "", "0.2.0+1a2b3c4d")["jws"]},
        {"type": "fetch", "digest": s.UPDATE["digest"], "offset": 1024},
        *[{"type": "fetched", "digest": s.UPDATE["digest"], "result": result} for result in RESULTS],
        {"type": "heartbeat", "t1_ms": 812_345},
        _status("none"),
        _status("not_delivered", since_ms=90_812_400, ring="alarm", inputs=inputs, pending=3),
        *[_status(light, **since) for light in LIGHTS[1:]],
        *[_status("none", inputs={"panic": state}) for state in INPUT_STATES],
        *[{"type": "event", "jws": made["jws"]} for made in (s.PRESS, s.NODE_PRESS)],
    ]


def odd_events() -> list[dict[str, Any]]:
    """Payloads that are signed all right, and what a hub makes of them."""
    usual = json.loads(s.PRESS["payload"])
    nothing = {"terminal": s.PI, "boot": 0, "seq": 0, "mono_ms": 0, "event_ms": None, "error_ms": None}
    unknown = {**usual, "what": "unknown"}
    untimed = {"event_ms": None, "error_ms": None}
    unread = nothing | {"input": "", "what": "unknown"}
    return [
        {"payload": s.plain(usual | {"later": [1, {"a": None}]}), "event": usual},
        {"payload": s.plain(usual | {"what": "smoke"}), "event": unknown},
        {"payload": s.plain(usual | {"terminal": s.NODE}), "event": unknown},
        {"payload": s.plain(usual | {"input": "Panic!"}), "event": unknown | {"input": ""}},
        {"payload": s.plain(usual | {"input": ""}), "event": unknown | {"input": ""}},
        {"payload": s.plain(usual | {"boot": True, "seq": "2"}), "event": usual | {"boot": 0, "seq": 0}},
        {"payload": s.plain(usual | {"mono_ms": -1}), "event": usual | {"mono_ms": 0}},
        {"payload": s.plain(usual | {"error_ms": None}), "event": usual | untimed},
        {"payload": s.plain(usual | {"event_ms": 2**53}), "event": usual | untimed},
        {"payload": "[]", "event": unread},
        {"payload": s.plain(usual | {"event_ms": 0.5}), "event": usual | untimed},
        {"payload": s.PRESS["payload"][:-1], "event": unread},
        {"payload": s.plain(usual)[:-1] + ',"seq":3}', "event": unread},
    ]


def frames_file() -> dict[str, Any]:
    return {
        "about": "Every frame, both ways, as it is sent; and payloads that are odd, with what a hub understands.",
        "hub": [s.plain(frame) for frame in hub_frames()],
        "terminal": [s.plain(frame) for frame in terminal_frames()],
        "odd_events": odd_events(),
    }
