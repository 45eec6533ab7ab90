"""The hub with a stop-watch at the stages of a press: `python -m tests.bench.staged_hub …`, as `firstbell-hub …`.

At its end it writes to the file that STAGES_FILE names what each call of a stage took: its name, when it began and
ended (`time.time_ns`), and how much of that were stages within it.
"""

import functools
import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp._websocket.writer import WebSocketWriter
from firstbell.jws import Ed25519Verifier

from hub.commands.main import main
from hub.dispatch import engine
from hub.dispatch.engine import Engine
from hub.ledger.store import Store
from hub.links import pagers
from hub.links.pagers import PagerTalk
from hub.links.terminal_session import HubSession

STAGES_FILE = "FIRSTBELL_STAGES"
STAGES: tuple[tuple[str, Any, str], ...] = (
    ("frame read", HubSession, "frame"),
    ("signature verified", Ed25519Verifier, "verify"),
    ("step, besides what follows", Engine, "step"),
    ("decided", engine, "decide"),
    ("applied, to both campuses", engine, "apply"),
    ("entries encoded", engine, "encode"),
    ("alerts", engine, "alerts"),
    ("lights", engine, "lights"),
    ("shown to every outlet", Engine, "_show"),
    ("pager's snapshot rendered", pagers, "pager_body"),
    ("frames written: WebSocket, TLS, kernel", WebSocketWriter, "_write_websocket_frame"),
    ("head signed, proofs", Store, "_prepare"),
    ("rows of entries", Store, "_insert_entries"),
    ("rows beside them", Store, "_insert_beside"),
    ("BEGIN, head, COMMIT with its fsync", Store, "_write"),
    ("durable fold, answers", Engine, "_fold"),
    ("what the pager says back", PagerTalk, "take"),
)

Call = tuple[str, int, int, int]


class StopWatch:
    def __init__(self) -> None:
        self.calls: list[Call] = []
        self._local = threading.local()

    def on(self, name: str, owner: Any, attribute: str) -> None:
        wrapped: Callable[..., Any] = getattr(owner, attribute)

        @functools.wraps(wrapped)
        def timed(*arguments: Any, **named: Any) -> Any:
            outer = getattr(self._local, "within_ns", 0)
            self._local.within_ns = 0
            began_ns = time.time_ns()
            try:
                return wrapped(*arguments, **named)
            finally:
                ended_ns = time.time_ns()
                self.calls.append((name, began_ns, ended_ns, self._local.within_ns))
                self._local.within_ns = outer + ended_ns - began_ns

        setattr(owner, attribute, timed)


if __name__ == "__main__":
    watch = StopWatch()
    for stage in STAGES:
        watch.on(*stage)
    try:
        main()
    finally:
        Path(os.environ[STAGES_FILE]).write_text(json.dumps(watch.calls))
