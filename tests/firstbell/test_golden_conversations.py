"""The golden stories of a whole node, frame by frame, on CPython and MicroPython."""

from firstbell import actions
from firstbell.jws import Hs256Key
from firstbell.messages import parse_terminal_frame
from firstbell.note import parse_vkey
from firstbell.receipt import check_receipt, trust_link
from firstbell.session import TerminalSession

from tests.firstbell.test_golden import load
from tests.firstbell.test_terminal import Box, Wall

try:
    from typing import Any

    from firstbell.note import Checkpoint
except ImportError:  # interpreter: MicroPython
    pass


def new_session(vectors: "dict[str, Any]") -> TerminalSession:
    vkey = parse_vkey(vectors["vkey"])

    def verify(frame: "dict[str, Any]", jws: str) -> "Checkpoint":
        return check_receipt(frame, jws, vkey, trust_link)

    key = Hs256Key(bytes.fromhex(vectors["secret"]))
    return TerminalSession(vectors["terminal"], key, vectors["boot"], vectors["software"], verify, "", False, 16)


def happen(wall: Wall, step: "dict[str, Any]") -> None:
    at_ms, do = step["at_ms"], step["do"]
    wall.until(at_ms)
    if do == "connect":
        wall.terminal.connected(at_ms)
    elif do == "hear":
        wall.terminal.heard(step["frame"], at_ms)
    elif do == "lose":
        wall.terminal.lost(at_ms)
    elif do == "edge":
        wall.lines["panic"] = step["closed"]
        wall.terminal.edge("panic", at_ms, step["closed"], at_ms)
    wall.until(at_ms)


def check(wall: Wall, step: "dict[str, Any]", where: str) -> None:
    sent = [action.text for action in wall.actions if isinstance(action, actions.Send)]
    statuses = [text for text in sent if parse_terminal_frame(text)["type"] == "status"]
    closes = [action.reason for action in wall.actions if isinstance(action, actions.Close)]
    wall.actions = []
    assert [text for text in sent if text not in statuses] == step["says"], where
    assert statuses[-1:] == ([step["status"]] if "status" in step else []), where
    assert closes == ([step["closes"]] if "closes" in step else []), where
    if "light" in step:
        assert wall.light() == step["light"], where
    if "kept" in step:
        assert len(wall.box.events) == step["kept"], where


def test_each_story() -> None:
    vectors = load("conversations.json")
    for story in vectors["stories"]:
        wall = Wall(Box(), session=new_session(vectors))
        for step in vectors["beginnings"][story["begins"]] + story["steps"]:
            happen(wall, step)
            check(wall, step, story["story"] + " at " + str(step["at_ms"]) + " ms, " + step["do"])
