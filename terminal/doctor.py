"""Looks a terminal over and says of each part whether it is well, and if not: what, where, what to do."""

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from firstbell.fields import FrameError
from firstbell.messages import PROTOCOL, parse_hub_frame
from firstbell_linux.problems import Problem, reason_of

from terminal.control import ask, parse_problem
from terminal.credentials import find_key_problem, load_ca, load_key, load_vkey, tls_context
from terminal.find_hub import Address, FindHub
from terminal.hub_link import CONNECT_MS_MAX, connect, explain, new_client
from terminal.panel import find_pin_problems
from terminal.problems import HubUnreachable, TerminalError
from terminal.settings import Home, Settings, check_home, check_real, load_settings

CA_EXPIRES_DAYS = 90
"""Said so long before: time to renew it and carry it to every terminal."""
DISK_FREE_MB_MIN = 50
CLOCK_ERROR_MS_MAX = 50
"""What an event's time is promised to be known to while the terminal is linked."""


@dataclass(frozen=True, slots=True)
class Finding:
    """`part`: a key under `doctor` in the catalogue. `detail`: what was seen, the same in every language.

    `problem`: None where all is well. That none runs is said as one, and is nothing wrong before the terminal is armed.
    """

    part: str
    detail: str
    problem: Problem | None

    @property
    def stopped(self) -> bool:
        return self.problem is not None and self.problem.name == "not_running"

    @property
    def ok(self) -> bool:
        return self.problem is None or self.stopped


def examine(home: Home) -> list[Finding]:
    """Everything that can be looked at; what hangs on bad settings is left out."""
    try:
        check_home(home)
    except TerminalError as error:
        return [Finding("home", "", error.problem)]
    found = []
    settings: Settings | None = None
    try:
        settings = load_settings(home.settings)
        found.append(Finding("settings", settings.name, None))
    except TerminalError as error:
        found.append(Finding("settings", "", error.problem))
    running: dict[str, Any] | None = None
    try:
        running = ask(home.control, {"do": "status"})
    except TerminalError as error:
        found.append(Finding("running", "", error.problem))
    if settings is not None:
        found.append(_look("key", str(home.key), lambda: _key(home, settings)))
    found.append(_look("ca", str(home.ca), lambda: _ca(home)))
    found.append(_look("vkey", str(home.vkey), lambda: _vkey(home)))
    if settings is not None:
        found += _pins(home, settings, running)
    found.append(_look("disk", str(home.path), lambda: _disk(home.path)))
    if settings is not None:
        found.append(_hub(home, settings))
    found += _running(running)
    return found


def _look(part: str, detail: str, look: Callable[[], Problem | None]) -> Finding:
    try:
        problem = look()
    except TerminalError as error:
        problem = error.problem
    return Finding(part, detail, problem)


def _key(home: Home, settings: Settings) -> Problem | None:
    problem = find_key_problem(home.key)
    load_key(home.key, settings.algorithm)
    return problem


def _ca(home: Home) -> Problem | None:
    ca = load_ca(home.ca)
    tls_context(home.ca)
    now = datetime.now(UTC)
    date = {"date": ca.not_valid_after_utc.date().isoformat()}
    if now < ca.not_valid_before_utc:
        return Problem("clock_behind", str(home.ca))
    if now > ca.not_valid_after_utc:
        return Problem("ca_expired", str(home.ca), date)
    if now > ca.not_valid_after_utc - timedelta(days=CA_EXPIRES_DAYS):
        return Problem("ca_expires", str(home.ca), date)
    return None


def _vkey(home: Home) -> Problem | None:
    load_vkey(home.vkey)
    return None


def _pins(home: Home, settings: Settings, running: dict[str, Any] | None) -> list[Finding]:
    try:
        check_real(settings, home.settings)
    except TerminalError as error:
        return [Finding("pins", "", error.problem)]
    if running is not None:
        # They are the daemon's; what is wrong with them, it says itself.
        return [Finding("pins", "", None)]
    problems = find_pin_problems(settings, home.path)
    return [Finding("pins", "", problem) for problem in problems] or [Finding("pins", "", None)]


def _disk(folder: Path) -> Problem | None:
    try:
        free_mb = shutil.disk_usage(folder).free // 1_000_000
    except OSError as error:
        return Problem("disk_fails", str(folder), {"reason": reason_of(error)})
    return Problem("disk_low", str(folder), {"free_mb": str(free_mb)}) if free_mb < DISK_FREE_MB_MIN else None


def _hub(home: Home, settings: Settings) -> Finding:
    try:
        address, clock_behind = asyncio.run(_greet_hub(home, settings))
        problem = Problem("clock_behind", str(address)) if clock_behind else None
        return Finding("hub", f"{address} {settings.hub.server_name}", problem)
    except TerminalError as error:
        return Finding("hub", "", error.problem)


async def _greet_hub(home: Home, settings: Settings) -> tuple[Address, bool]:
    """As far as anyone gets without signing: found, certificate and name right, its first frame.

    Returns where it is, and whether our clock is behind. Raises TerminalError.
    """
    finder = FindHub(settings.hub)
    address = None
    try:
        async with new_client() as client:
            address = await finder.next_address()
            hub, clock_behind = await connect(client, address, settings.hub.server_name, home.ca)
            async with asyncio.timeout(CONNECT_MS_MAX / 1000):
                challenge = parse_hub_frame(await hub.receive_str())
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise HubUnreachable(explain(error, address, settings.hub.server_name)) from error
    except (FrameError, TypeError) as error:
        raise HubUnreachable(Problem("hub_not_ours", str(address), {"reason": str(error)})) from error
    finally:
        await finder.close()
        # Leaving `client` cuts the connection; its socket goes in the loop's next turn, and this loop ends here.
        await asyncio.sleep(0)
    if challenge["type"] != "challenge" or challenge["protocol"] != PROTOCOL:
        raise HubUnreachable(Problem("hub_not_ours", str(address), {"reason": challenge["type"]}))
    return address, clock_behind


def _running(running: dict[str, Any] | None) -> list[Finding]:
    """What the daemon says of itself; nothing while none runs."""
    if running is None:
        return []
    found = [Finding("running", "", parse_problem(problem)) for problem in running["problems"]]
    error_ms = running["clock_error_ms"]
    clock = None
    if error_ms is None:
        clock = Problem("clock_unknown", running["address"])
    elif error_ms > CLOCK_ERROR_MS_MAX:
        clock = Problem("clock_uncertain", running["address"], {"error_ms": str(error_ms)})
    detail = "" if error_ms is None else f"± {error_ms} ms"
    return [*(found or [Finding("running", "", None)]), Finding("clock", detail, clock)]
