"""A file that a person named: whatever lies there, reading it ends."""

import errno
import os
import stat
from pathlib import Path


def read_named(path: Path, bytes_most: int) -> bytes:
    """The first so many bytes of a regular file. Raises OSError: a folder, or (ESPIPE) a device or a pipe, too."""
    # Without waiting for whoever would write into a pipe.
    with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode):
            number = errno.EISDIR if stat.S_ISDIR(mode) else errno.ESPIPE
            raise OSError(number, os.strerror(number), str(path))
        return file.read(bytes_most)
