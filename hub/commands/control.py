"""What the commands say to the running hub: HTTP with JSON over the Unix socket in its home."""

import http.client
import json
import os
import socket
from pathlib import Path
from typing import Any

from firstbell_linux.parsing import parse_json
from firstbell_linux.problems import Problem, reason_of

from hub.problems import HubUnreachable

READ_S_MAX = 5.0
"""What only reads waits for nothing at the hub."""
CHANGE_S_MAX = 15.0
"""A change waits for the disk, and the hub says itself when that takes too long."""


class Declined(Exception):
    """The hub answered that it doesn't. `code` is a word of the catalogue (`refused.<code>`); `status` HTTP's; `name`
    what was to have one, "" for nothing.
    """

    def __init__(self, status: int, code: str, name: str) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.name = name


def call(control: Path, method: str, path: str, body: object = None) -> dict[str, Any]:
    """The answer's JSON. Raises Declined; HubUnreachable when no hub listens at `control`, or it says nothing."""
    wait_s = READ_S_MAX if method == "GET" else CHANGE_S_MAX
    connection = _Connection(control, wait_s)
    try:
        text = None if body is None else json.dumps(body)
        connection.request(method, path, text, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = parse_json(answer.read() or b"{}", dict[str, Any])
    except PermissionError as error:
        raise HubUnreachable(Problem("hub_denied", str(control))) from error
    except (FileNotFoundError, ConnectionRefusedError) as error:
        raise HubUnreachable(Problem("hub_not_running", str(control.parent))) from error
    except TimeoutError as error:
        raise HubUnreachable(Problem("hub_stalled", str(control), {"wait_s": round(wait_s)})) from error
    except OSError as error:
        raise HubUnreachable(Problem("hub_silent", str(control), {"reason": reason_of(error)})) from error
    except (http.client.HTTPException, ValueError) as error:
        raise HubUnreachable(Problem("hub_silent", str(control), {"reason": str(error)})) from error
    finally:
        connection.close()
    if answer.status >= http.HTTPStatus.BAD_REQUEST:
        raise Declined(answer.status, str(said.get("code", f"http_{answer.status}")), _name_in(body))
    return said


def _name_in(body: object) -> str:
    return str(body.get("name") or _name_in(body.get("plan"))) if isinstance(body, dict) else ""


class _Connection(http.client.HTTPConnection):
    """Its path may be longer than a socket's address has room for: it is reached through its folder."""

    def __init__(self, control: Path, wait_s: float) -> None:
        super().__init__("hub", timeout=wait_s)
        self._control = control

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        folder = os.open(self._control.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            self.sock.connect(f"/proc/self/fd/{folder}/{self._control.name}")
        finally:
            os.close(folder)
