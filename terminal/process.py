"""The process around the daemon: one per home, ended by a signal, logging to stderr."""

import asyncio
import fcntl
import importlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO, cast

import structlog
from firstbell_linux.problems import Problem, reason_of
from firstbell_linux.service_manager import ServiceManager
from firstbell_linux.standard_files import LogFile, log_libraries

from terminal.daemon import Daemon
from terminal.problems import AlreadyRunning, SettingsError
from terminal.settings import Home, load_settings

_FIRST = ["timestamp", "level", "event"]


def run(home: Home, *, as_json: bool) -> None:
    """The daemon, until SIGTERM or SIGINT; its log as text or JSON. Raises TerminalError; anything else is a defect."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.processors.LogfmtRenderer(key_order=_FIRST)
    log_libraries()
    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.add_log_level,
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger("info"),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, LogFile())),
    )
    with locked(home):
        asyncio.run(_serve(home))


async def _serve(home: Home) -> None:
    loop = asyncio.get_running_loop()
    stopping = asyncio.Event()
    # First of all: who ends it while it starts gets a clean end too.
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    manager = ServiceManager(os.environ)
    alive = loop.create_task(manager.keep_alive())
    try:
        await _run(home, loop, stopping, manager.ready)
    finally:
        manager.ending()
        alive.cancel()


async def _run(home: Home, loop: asyncio.AbstractEventLoop, stopping: asyncio.Event, ready: Callable[[], None]) -> None:
    if load_settings(home.settings).simulated.board == "pico":
        # What it needs is not on every Pi.
        simulated_node = importlib.import_module("terminal.simulated_node")
        await simulated_node.SimulatedNode(home, stopping, ready).run()
    else:
        await Daemon(home, loop, stopping, ready).run()


@contextmanager
def locked(home: Home) -> Iterator[None]:
    """Two daemons of one identity would look like a cloned card. Raises TerminalError."""
    try:
        folder = os.open(home.path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise SettingsError(Problem("home_unreadable", str(home.path), {"reason": reason_of(error)}), error) from error
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRunning(Problem("already_running", str(home.path))) from None
        yield
    finally:
        os.close(folder)
