"""Snapshots as the hub sends them to a board (PROTOCOL.md, "Board")."""

from typing import Any

from tests.browser.frames import NOW_MS, Frame


def board(*incidents: Frame, **changes: Any) -> Frame:
    return {
        "type": "snapshot",
        "hub_ms": NOW_MS,
        "utc_ms": NOW_MS + 1_763_000_000_000,
        "zone_minutes": 480,
        "campus": {"name": "明德实验学校"},
        "fault": False,
        "reachable": True,
        "drills": [],
        "ledger": {"size": 12_042, "writing": True},
        "incidents": list(incidents),
        "more": 0,
        "guards": [guard("a-wang"), guard("a-li")],
        "bells": [{"name": "值班室", "state": "ready"}],
        "terminals": [terminal("t-1"), terminal("t-2"), terminal("t-3", zone="西区")],
        "troubles": [],
        **changes,
    }


def guard(account: str, state: str = "ready", **changes: Any) -> Frame:
    name = {"a-wang": "王建国", "a-li": "李敏"}.get(account, account)
    return {
        "id": account,
        "name": name,
        "zones": ["东区"],
        "state": state,
        "ready": state != "not_ready",
        "reasons": [],
        **changes,
    }


def terminal(name: str, **changes: Any) -> Frame:
    return {
        "id": name,
        "name": name,
        "zone": "东区",
        "place": "",
        "linked": True,
        "light": "none",
        "inputs": {},
        **changes,
    }


def trouble(what: str = "lost", about: str = "t-1", since_ms: int = NOW_MS, seen: bool = False) -> Frame:
    return {"what": what, "about": about, "about_name": "图书馆北门", "since_ms": since_ms, "seen": seen}


def step(what: str, after_ms: int, *who: str, detail: str = "", **changes: Any) -> Frame:
    at_ms = NOW_MS - 40_000 + after_ms
    return {"what": what, "at_ms": at_ms, "who": list(who), "detail": detail, "times": 1, "last_ms": at_ms, **changes}


RAISED = (
    step("pressed", 0),
    step("light", 12, detail="recorded"),
    step("rings", 31, "王建国", "李敏"),
    step("bell", 46),
)


def incident(name: str = "i-1", state: str = "raised", **changes: Any) -> Frame:
    return {
        "incident": name,
        "state": state,
        "drill": False,
        "test": False,
        "severity": "panic",
        "zone": "东区",
        "building": "二号教学楼",
        "floor": "3 层",
        "place": "女卫生间外走廊",
        "way": "楼梯 B 上，右转 12 米",
        "raised_ms": NOW_MS - 40_000,
        "event_ms": NOW_MS - 40_000,
        "presses": 1,
        "tier": 0,
        "light": "recorded",
        "crew": [
            {"id": "a-wang", "name": "王建国", "state": "ringing", "lead": False},
            {"id": "a-li", "name": "李敏", "state": "delivered", "lead": False},
        ],
        "steps": list(RAISED),
        "next": {"what": "accepted", "due_ms": NOW_MS + 9_000, "guard": "a-wang"},
        "responder": None,
        **changes,
    }


def going(name: str = "i-1", **changes: Any) -> Frame:
    """王建国 has accepted and is on the way; 李敏's pager is quiet."""
    crew = [
        {"id": "a-wang", "name": "王建国", "state": "accepted", "lead": True},
        {"id": "a-li", "name": "李敏", "state": "silenced", "lead": False},
    ]
    made = {
        "crew": crew,
        "light": "coming",
        "steps": [*RAISED, step("accepted", 6_420, "王建国", detail="lead")],
        "next": {"what": "on_scene", "due_ms": NOW_MS - 40_000 + 126_420, "guard": "a-wang"},
        "responder": responder(),
    }
    return incident(name, "dispatched", **{**made, **changes})


def responder(**changes: Any) -> Frame:
    due_ms = NOW_MS - 40_000 + 126_420
    waited = {"what": "on_scene", "guard": "a-wang", "due_ms": due_ms, "total_ms": 120_000}
    return {**waited, "asked": 0, "late_ms": None, **changes}


def overdue(name: str = "i-1", **changes: Any) -> Frame:
    """王建国 accepted and does not arrive: asked in vain, everybody is called again and again."""
    people = ("王建国", "李敏")
    steps = [
        *RAISED,
        step("accepted", 6_420, "王建国", detail="lead"),
        step("asked", 126_420, "王建国", detail="arrival", times=4, last_ms=NOW_MS + 176_420),
        step("tier", 141_420, "李敏", detail="not_on_scene"),
        step("rings", 141_460, "李敏"),
        step("tier", 156_420, *people, detail="not_on_scene", times=12, last_ms=NOW_MS + 290_000),
    ]
    made = {
        "steps": steps,
        "next": {"what": "accepted", "due_ms": NOW_MS + 9_000, "guard": ""},
        "responder": responder(due_ms=NOW_MS + 5_000, asked=4, late_ms=NOW_MS - 55_000),
    }
    return going(name, **{**made, **changes})
