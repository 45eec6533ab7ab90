"""Standard input, output and error of a program on CPython, which may be closed, full, or read by nobody.

An alarm must not fail because a log can't be written.
"""

import logging
import os
import select
import sys
from typing import TextIO, cast

LINE_BYTES_MAX = 4096
"""A pipe that is ready takes so much without making us wait (PIPE_BUF on Linux)."""


def open_missing() -> None:
    """Opens /dev/null in the place of each that is closed, or the next file that is opened would take it."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    sys.stdin = sys.stdin or open(0, encoding="utf-8")  # noqa: SIM115
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8")  # noqa: SIM115


class LogFile:
    """Standard error for a log: a line that it can't take now is lost, nobody waits for it, nothing is raised."""

    def write(self, text: str) -> None:
        data = text.encode("utf-8", "backslashreplace")[:LINE_BYTES_MAX]
        try:
            poll = select.poll()
            poll.register(2, select.POLLOUT)
            if any(ready == select.POLLOUT for _, ready in poll.poll(0)):
                os.write(2, data)
        except OSError:
            pass

    def flush(self) -> None:
        pass


def log_libraries() -> None:
    """What libraries have to say goes there, too."""
    logging.basicConfig(stream=cast(TextIO, LogFile()), format="%(message)s")
    logging.getLogger("zeroconf").addFilter(_without_traceback)


def _without_traceback(record: logging.LogRecord) -> bool:
    """A network that goes away is no defect: zeroconf would show its own code for that."""
    record.exc_info = None
    return True
