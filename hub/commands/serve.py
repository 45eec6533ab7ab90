"""`firstbell-hub serve`: runs the hub until it is told to stop. What happens is logged on stderr."""

import errno
import logging
import sys
from typing import TextIO, cast

import click
import structlog
import uvloop
from firstbell_linux.problems import DEVICE, FAILED, OK, Problem, reason_of
from firstbell_linux.shell import command
from firstbell_linux.standard_files import LogFile, log_libraries

from hub.commands.shell import Run
from hub.database import HubRunning
from hub.ledger.errors import LedgerDamaged
from hub.service import serve
from hub.settings import load_settings

SWITCH_S = 0.0001
"""After so long a thread that computes lets another one on. With Python's own 5 ms the writer of a busy hub stands in
line that long after each of its statements, and receipts with it: with a thousand presses within a second p50 is 36 ms
instead of 18, p99 84 instead of 34. A page takes 7.8 ms there instead of 5.4, at p99 as long as before
(`python -m tests.bench --only storm`)."""

_OF_A_PORT = (errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES)


def build(run: Run) -> click.Command:
    return command(run, "serve", start)


def start(run: Run) -> int:
    home = run.home
    _log(as_json=run.as_json)
    sys.setswitchinterval(SWITCH_S)
    try:
        uvloop.run(serve(home.path))
    except HubRunning as error:
        run.complain(Problem("hub_running", str(home.path), {"pid": error.pid}))
        return FAILED
    except LedgerDamaged as error:
        run.complain(Problem("ledger_damaged", str(home.database), {"reason": str(error)}))
        return FAILED
    except OSError as error:
        where = str(error.filename or home.path)
        if error.filename is None and error.errno in _OF_A_PORT:
            listen = load_settings(home.settings).listen
            where = f"{listen.address}:{listen.port}"
        run.complain(Problem("cannot_serve", where, {"reason": reason_of(error)}))
        return DEVICE
    return OK


def _log(*, as_json: bool) -> None:
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    log_libraries()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, LogFile())),
    )
