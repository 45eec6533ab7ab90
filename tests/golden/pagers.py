"""A pager's frames with the hub's answers, a snapshot with one page, and how the hub is announced on the LAN."""

import json
from typing import Any

from tests.golden import signing as s

CAMPUS = "c-campus2222"
SERVER_NAME = "firstbell.school.internal"
PORT = 8443
PAGER, OTHER_PAGER = "p-pager22222", "p-pager33333"
GUARD, OTHER_GUARD = "a-guard22222", "a-guard33333"
INCIDENT = "i-" + s.PRESS["digest"][:20]
NOW_MS = 90_815_000
UTC_OFFSET_MS = 1_767_225_600_000
DOS = ("accept", "decline", "release", "on_scene", "sign", "backup")
NO_ANSWERS = ("unknown_incident", "not_signed_on", "busy")
ANSWERS = (
    "not_yours",
    "already_accepted",
    "not_accepted",
    "outcome_missing",
    "not_covered",
    "already_resolved",
    "hub_fault",
)
"""Refusals of a command that are answers to it, besides `malformed`."""


def written(frame: object) -> str:
    """As the hub writes to a screen: UTF-8, no escapes."""
    return json.dumps(frame, separators=(",", ":"), ensure_ascii=False)


def _state(**said: Any) -> dict[str, Any]:
    state = {"sound": "running", "visible": True, "awake": True, "battery_percent": 80, "charging": False}
    return {"type": "state", **state, "have": [], "seen": [], "ringing": [], **said}


def _command(number: int, do: str, **said: Any) -> dict[str, Any]:
    return {"type": "command", "id": f"command-{number:08}", "do": do, "incident": INCIDENT, **said}


def _receipt(command: dict[str, Any], index: int | None) -> dict[str, Any]:
    return {"type": "receipt", "command": command["id"], "index": index}


def _refused(command: str | None, reason: str) -> dict[str, Any]:
    return {"type": "refused", "command": command, "reason": reason}


def _states() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    held = [INCIDENT]
    without = _state(sound="unarmed", visible=False, awake=False)
    del without["battery_percent"], without["charging"]
    return [
        (_state(), []),
        (_state(have=held, seen=held, ringing=held), []),
        (_state(sound="suspended", battery_percent=None, charging=None, have=held), []),
        (without, []),
        (
            {"type": "heartbeat", "t1_ms": 4_500},
            [{"type": "heartbeat", "t1_ms": 4_500, "t2_ms": NOW_MS, "t3_ms": NOW_MS}],
        ),
        ({"type": "evidence", "jws": []}, []),
        (
            {"type": "evidence", "jws": [s.PRESS["jws"], s.NODE_PRESS["jws"]]},
            [{"type": "receipt", "jws": made["jws"]} for made in (s.PRESS, s.NODE_PRESS)],
        ),
        (
            {"type": "evidence", "jws": [s.PRESS["jws"]]},
            [_refused(None, "revoked") | {"jws": s.PRESS["jws"]}],
        ),
        ({"type": "sign_off"}, []),
        ({"type": "sign_off"}, [_refused(None, "responding")]),
    ]


def _commands() -> list[tuple[dict[str, Any], list[dict[str, Any]]]]:
    nothing: dict[str, Any] = {"covers": [], "outcome": None, "note": ""}
    covers = [s.PRESS["digest"], s.AGAIN["digest"]]
    taken = [_command(number, do, **nothing) for number, do in enumerate(DOS, 1)]
    resolve = _command(7, "resolve", covers=covers, outcome="mistaken", note="球砸到了按钮")
    short = _command(8, "accept")
    refused = [(_command(20 + at, "accept"), reason) for at, reason in enumerate((*ANSWERS, *NO_ANSWERS))]
    return [
        *[(command, [_receipt(command, 40 + at)]) for at, command in enumerate((*taken, resolve, short))],
        (short, [_receipt(short, None)]),
        *[(command, [_refused(command["id"], reason)]) for command, reason in refused],
    ]


def _malformed() -> list[tuple[str, list[dict[str, Any]]]]:
    """Texts that nobody hands to the engine."""

    def refused(text: str, command: str | None) -> tuple[str, list[dict[str, Any]]]:
        return text, [_refused(command, "malformed")]

    accept = _command(9, "accept")
    without_id = {name: value for name, value in accept.items() if name != "id"}
    return [
        refused(s.plain(accept | {"do": "ignore"}), accept["id"]),
        refused(s.plain(accept | {"do": "close"}), accept["id"]),
        refused(s.plain(accept | {"outcome": "unknown"}), accept["id"]),
        refused(s.plain(accept | {"covers": [s.PRESS["digest"][:63]]}), accept["id"]),
        refused(s.plain(accept | {"note": "a" * 2001}), accept["id"]),
        refused(s.plain(accept | {"id": "seven-7"}), "seven-7"),
        refused(s.plain(accept | {"id": "eight.88"}), "eight.88"),
        refused(s.plain(without_id), None),
        refused(s.plain({"type": "press"}), None),
        refused(s.plain(_state(sound="loud")), None),
        refused(s.plain(_state(have=["i"] * 65)), None),
        refused(s.plain(_state(battery_percent=101)), None),
        refused(s.plain(accept | {"id": "l" * 65}), "l" * 64),
        refused('{"type":"sign_off"', None),
    ]


def snapshot() -> dict[str, Any]:
    """What the pager of GUARD is shown while one incident calls, with one page."""
    page = {
        "incident": INCIDENT,
        "state": "raised",
        "drill": False,
        "test": False,
        "severity": "panic",
        "zone": "East zone",
        "building": "2号楼",
        "floor": "3",
        "place": "走廊",
        "way": "Stairs B",
        "raised_ms": 90_812_420,
        "event_ms": 90_812_400,
        "presses": 1,
        "tier": 0,
        "mine": "delivered",
        "ring": "alarm",
        "due_ms": None,
        "due_total_ms": None,
        "asked": "",
        "asked_times": 0,
        "late_ms": None,
        "lead": False,
        "light": "recorded",
        "outcome": None,
        "crew": [
            {"id": GUARD, "name": "王建国", "state": "ringing", "lead": False},
            {"id": OTHER_GUARD, "name": "李敏", "state": "lost", "lead": False},
        ],
        "covers": [s.PRESS["digest"]],
        "evidence": [s.PRESS["jws"]],
    }
    return {
        "type": "snapshot",
        "hub_ms": NOW_MS,
        "utc_ms": NOW_MS + UTC_OFFSET_MS,
        "zone_minutes": 480,
        "campus": {
            "name": "第二中学",
            "guard_room_phone": "010-5550100",
            "terminals": 1,
            "terminals_linked": 1,
            "troubles": 0,
            "reachable": True,
        },
        "pager": {"id": PAGER, "name": "Pager 1", "reasons": []},
        "guard": {"id": GUARD, "name": "王建国", "zones": ["East zone"]},
        "drill_until_ms": None,
        "fault": False,
        "pages": [page],
        "more": 0,
    }


def _announced() -> dict[str, Any]:
    strings = [f"campus={CAMPUS}", f"name={SERVER_NAME}"]
    txt = b"".join(bytes([len(one)]) + one.encode() for one in strings)
    return {
        "service": "_firstbell._tcp.local.",
        "instance": f"{CAMPUS}._firstbell._tcp.local.",
        "port": PORT,
        "strings": strings,
        "txt": txt.hex(),
    }


def pagers_file() -> dict[str, Any]:
    talk = [(s.plain(frame), answers) for frame, answers in (*_states(), *_commands())]
    return {
        "about": "What the pager of a guard on duty sends, and what the hub answers: whether a command is taken "
        "depends on the incident, so one frame may have several answers. `snapshot`: one page that rings. "
        "`announced`: the DNS-SD record of the hub, its TXT data in hex (RFC 6763, section 6).",
        "pager": [{"frame": frame, "answers": [written(one) for one in answers]} for frame, answers in talk],
        "malformed": [{"frame": text, "answers": [written(one) for one in answers]} for text, answers in _malformed()],
        "snapshot": written(snapshot()),
        "announced": _announced(),
    }
