"""What every part of the simulated world may use: time, the trace, the truth, and the way to the hub."""

from collections import deque
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from firstbell.note import Vkey

from tests.simulation.network import NetworkPath, Peer
from tests.simulation.truth import Truth
from tests.simulation.virtual_time import VirtualLoop

LINES_KEPT = 30


@dataclass(slots=True)
class Trace:
    """One line a thing that happens. Keeps the last ones; `aloud` prints all of them."""

    loop: VirtualLoop
    aloud: bool = False
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=LINES_KEPT))

    def say(self, who: str, what: str) -> None:
        line = f"{self.loop.now_ms / 1000:10.3f}  {who:<12} {what}"
        self.lines.append(line)
        if self.aloud:
            print(line)

    def take_log(self, _logger: Any, level: str, event: MutableMapping[str, Any]) -> str:
        """A processor of structlog's: what hub and terminals would log is told here, and nowhere else."""
        error, who = event.pop("exc_info", None), event.pop("who", "log")
        told = " ".join(f"{name}={value}" for name, value in event.items() if name != "event")
        self.say(who, f"{level}: {event['event']} {told} {error!r}" if error else f"{level}: {event['event']} {told}")
        raise structlog.DropEvent


@dataclass(frozen=True, slots=True)
class Surroundings:
    """`dial(peer, path, attempt)` calls the hub. `hub_ms(run, now_ms)`: what the clock of that run of the hub shows, or
    would.
    """

    loop: VirtualLoop
    trace: Trace
    truth: Truth
    dial: Callable[[Peer, NetworkPath, int], None]
    hub_ms: Callable[[int, int], int]
    folder: Path
    vkey: Vkey

    def say(self, who: str, what: str) -> None:
        self.trace.say(who, what)
