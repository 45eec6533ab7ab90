"""The node's program, from power to press. On the board `/main.py` is `from node.main import main; main()`."""

import asyncio
import json
import os
import sys
import time

import machine

from node.daemon import Daemon
from node.find_hub import FindHub
from node.settings import load_settings
from node.wall_clock import WallClock
from node.wifi import Wifi

try:
    from collections.abc import Callable
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

WATCHDOG_MS = 8_000
"""A loop that stands still so long is begun anew by the hardware. It can't be stopped once started."""
RESTART_MS = 2_000
"""After a defect; long enough for whoever looks at the console."""


def main(folder: str = "", beside: "Callable[[Daemon], Any] | None" = None) -> None:
    """Never returns: a defect begins everything anew, with its outbox. `beside(daemon)`: a coroutine to run as well."""
    try:
        asyncio.run(_run(folder, beside))
    except Exception as error:
        sys.print_exception(error)
        tell({"failed": repr(error)})
    time.sleep_ms(RESTART_MS)
    machine.reset()


async def _run(folder: str, beside: "Callable[[Daemon], Any] | None") -> None:
    settings = load_settings(folder + "/settings.json")
    clock = WallClock(_now_s, _set_now_s, folder + "/clock", settings.flashed_s)
    clock.start()
    finder = FindHub(settings.hub_address, settings.campus)
    wifi = Wifi(settings.networks)
    watchdog = machine.WDT(timeout=WATCHDOG_MS)
    daemon = Daemon(folder, settings, clock, finder.next_address, os.urandom, watchdog.feed, tell)
    tell({"boot": daemon.boot, "reset_cause": machine.reset_cause()})
    await daemon.run((wifi.run(),) if beside is None else (wifi.run(), beside(daemon)))


def tell(said: "dict[str, Any]") -> None:
    """A line on the console, for whoever is plugged in."""
    print(json.dumps(said))


def _now_s() -> int:
    return int(time.time())


def _set_now_s(now_s: int) -> None:
    year, month, day, hour, minute, second, weekday, _ = time.gmtime(now_s)
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
