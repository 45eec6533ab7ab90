"""The node's program, from power to press. The loader (firmware/loader) calls `main`."""

import asyncio
import json
import os
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

    from loader.main import Loader
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation


def main(loader: "Loader", beside: "Callable[[Daemon], Any] | None") -> None:
    """Until a part of it raises: then the loader begins anew. `beside(daemon)`: a coroutine to run as well."""
    asyncio.run(_run(loader, beside))


async def _run(loader: "Loader", beside: "Callable[[Daemon], Any] | None") -> None:
    settings = load_settings(loader.root + "/settings.json")
    clock = WallClock(_now_s, _set_now_s, loader.root + "/clock", settings.flashed_s)
    clock.start()
    finder = FindHub(settings.hub_address, settings.campus)
    wifi = Wifi(settings.networks)
    daemon = Daemon(loader, settings, clock, finder.next_address, os.urandom, tell)
    program = {"program": loader.program, "software": daemon.software, "tried": loader.tried}
    tell({"boot": daemon.boot, "reset_cause": machine.reset_cause(), "runs": program})
    await daemon.run((wifi.run(daemon),) if beside is None else (wifi.run(daemon), beside(daemon)))


def tell(said: "dict[str, Any]") -> None:
    """A line on the console, for whoever is plugged in."""
    print(json.dumps(said))


def _now_s() -> int:
    return int(time.time())


def _set_now_s(now_s: int) -> None:
    year, month, day, hour, minute, second, weekday = time.gmtime(now_s)[:7]
    machine.RTC().datetime((year, month, day, weekday, hour, minute, second, 0))
