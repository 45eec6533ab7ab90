"""A WebSocket in a test's hand: `micropython micropython_websocket.py ROOT`; on CPython a test imports `fed`.

On stdin a JSON line each, `{"open":true,"pieces":["8105…",…]}`: pieces (hex) of what a server sends, behind its upgrade
or instead of it. On stdout a line each: what came of it. It ends with its stdin.
"""

import json
import sys

if __name__ == "__main__":
    root = sys.argv[1]
    sys.path[:] = [root, root + "/firmware/lib", ".frozen"]

from firstbell.websocket import Closed, Message, Opened, Write

from tests.firstbell.test_websocket import new, opened


def fed(is_open: bool, pieces: "list[str]") -> "list[list[object]]":
    """What came of these pieces, and how the WebSocket is then."""
    socket = opened() if is_open else new()
    found: list[list[object]] = []
    for piece in pieces:
        for action in socket.receive(bytes.fromhex(piece)):
            if isinstance(action, Opened):
                found.append(["opened", action.date])
            elif isinstance(action, Message):
                found.append(["message", action.text.encode().hex()])
            elif isinstance(action, Write):
                found.append(["write", action.data.hex()])
            elif isinstance(action, Closed):
                found.append(["closed", action.code])
    found.append([socket.state])
    return found


if __name__ == "__main__":
    for line in sys.stdin:
        said = json.loads(line)
        print(json.dumps(fed(said["open"], said["pieces"])))
