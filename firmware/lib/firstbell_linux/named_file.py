"""A file that a person named: whatever lies there, reading it ends."""

import errno
import os
import stat
from pathlib import Path


def read_named(path: Path, bytes_most: int) -> bytes:
    """The first so many bytes of a regular file. Raises OSError: a folder, or (ESPIPE) a device or a pipe, too."""
    with open(path, "rb", opener=_without_waiting) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.ESPIPE, os.strerror(errno.ESPIPE), str(path))
        return file.read(bytes_most)


def _without_waiting(path: str, flags: int) -> int:
    """For whoever would write into a pipe."""
    return os.open(path, flags | os.O_NONBLOCK)
