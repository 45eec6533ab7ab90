"""Snapshots as the hub sends them to a pager (PROTOCOL.md, "Pager"), and what a device knows of itself."""

from typing import Any

Frame = dict[str, Any]

NOW_MS = 1_000_000


def snapshot(*pages: Frame, reasons: tuple[str, ...] = (), guard: bool = True, **changes: Any) -> Frame:
    return {
        "type": "snapshot",
        "hub_ms": NOW_MS,
        "utc_ms": NOW_MS + 1_763_000_000_000,
        "zone_minutes": 480,
        "campus": {
            "name": "明德实验学校",
            "guard_room_phone": "8001",
            "terminals": 3,
            "terminals_linked": 3,
            "troubles": 0,
            "reachable": True,
        },
        "pager": {"id": "p-aaaaaaaaaa", "name": "东门 2 号", "reasons": list(reasons)},
        "guard": {"id": "a-wang", "name": "王建国", "zones": ["东区"]} if guard else None,
        "drill_until_ms": None,
        "fault": False,
        "pages": list(pages),
        "more": 0,
        **changes,
    }


def page(incident: str = "i-1", **changes: Any) -> Frame:
    return {
        "incident": incident,
        "state": "raised",
        "mine": "seen",
        "ring": "alarm",
        "drill": False,
        "test": False,
        "severity": "panic",
        "zone": "东区",
        "building": "二号教学楼",
        "floor": "3 层",
        "place": "女卫生间外走廊",
        "way": "楼梯 B 上，右转 12 米",
        "raised_ms": NOW_MS - 6_000,
        "event_ms": NOW_MS - 6_000,
        "presses": 1,
        "tier": 0,
        "due_ms": None,
        "due_total_ms": None,
        "asked": "",
        "asked_times": 0,
        "late_ms": None,
        "lead": False,
        "light": "recorded",
        "outcome": None,
        "crew": [
            {"id": "a-wang", "name": "王建国", "state": "seen", "lead": False},
            {"id": "a-li", "name": "李敏", "state": "ringing", "lead": False},
        ],
        "covers": ["d" * 64],
        "evidence": [f"signed.{incident}"],
        **changes,
    }


GOING: Frame = {"state": "dispatched", "mine": "accepted", "ring": "none", "lead": True}
ON_SCENE: Frame = {"state": "on_scene", "mine": "on_scene", "ring": "none", "lead": True}
ANSWERED: Frame = {"state": "dispatched", "mine": "seen", "ring": "none"}

WELL: Frame = {"linked": True, "sound": "running", "awake": True, "visible": True}
"""A device on which nothing is wrong."""
