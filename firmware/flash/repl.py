"""A board's console with no program running: MicroPython, told what to do through mpremote."""

import errno
import os
import struct
import termios
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Self

from firstbell_flash.problems import BoardError
from firstbell_linux.problems import Problem, reason_of
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

ANSWER_S_MAX = 10
ENTER_S_MAX = 2
CHUNK_BYTES = 1_024
"""Of a file, in one command: four times as long in text, which a board has the memory for."""
_BESIDE = "/flash.new"

_TREE = """
import os, hashlib, binascii
def tree(folder):
    for entry in os.ilistdir(folder or '/'):
        path = folder + '/' + entry[0]
        if entry[1] & 0x4000:
            if path != '/outbox':
                tree(path)
            continue
        h = hashlib.sha256()
        with open(path, 'rb') as file:
            while True:
                data = file.read(512)
                if not data:
                    break
                h.update(data)
        print(binascii.hexlify(h.digest()).decode(), path)
tree('')
"""
_REMOVE = """
import os
def remove(path):
    try:
        if os.stat(path)[0] & 0x4000:
            for name in os.listdir(path):
                remove(path + '/' + name)
            os.rmdir(path)
        else:
            os.remove(path)
    except OSError as error:
        if error.errno != 2:
            raise
"""


class Repl:
    """Open until it is left. Every call raises BoardError: it is gone, it does not answer, it refuses."""

    def __init__(self, port: str) -> None:
        """Ends the program that runs there; its watchdog, if it has one, goes on."""
        self.port = port
        with _speaking(port):
            try:
                self._board: Any = SerialTransport(port, timeout=ANSWER_S_MAX)
            except TransportError as error:
                raise BoardError(_why_closed(port)) from error
            try:
                self._board.enter_raw_repl(soft_reset=False, timeout_overall=ENTER_S_MAX)
            except BaseException:
                self.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with suppress(OSError, termios.error):
            self._board.close()

    def run(self, code: str) -> str:
        """What it prints."""
        with _speaking(self.port):
            said: bytes = self._board.exec(code)
            return said.decode()

    def names(self) -> list[str]:
        """What lies in the root."""
        return self.run("import os\nfor name in os.listdir('/'): print(name)").splitlines()

    def digests(self) -> dict[str, str]:
        """SHA-256 in hex of every file but the outbox's, by its path without the first slash."""
        lines = [line.split(" ", 1) for line in self.run(_TREE).splitlines()]
        return {path.lstrip("/"): digest for digest, path in lines}

    def read(self, path: str) -> bytes:
        with _speaking(self.port):
            return bytes(self._board.fs_readfile(f"/{path}", CHUNK_BYTES))

    def write(self, path: str, data: bytes, wrote: Callable[[int], None]) -> None:
        """`wrote(size)` is told of each part. Cut off in its middle, it leaves a part of the file."""
        done = 0

        def told(now: int, _total: int) -> None:
            nonlocal done
            wrote(now - done)
            done = now

        with _speaking(self.port):
            self._board.fs_writefile(f"/{path}", data, CHUNK_BYTES, told)

    def replace(self, path: str, data: bytes) -> None:
        """Cut off anywhere, it leaves the old file or the new one."""
        with _speaking(self.port):
            self._board.fs_writefile(_BESIDE, data, CHUNK_BYTES)
            self._board.exec(f"import os\nos.rename({_BESIDE!r}, {'/' + path!r})")

    def make_folders(self, path: str) -> None:
        parts = path.split("/")
        for end in range(1, len(parts) + 1):
            folder = "/" + "/".join(parts[:end])
            self.run(f"import os\ntry: os.mkdir({folder!r})\nexcept OSError as e:\n if e.errno != 17: raise")

    def remove(self, path: str) -> None:
        """A file or a whole folder, if it is there."""
        self.run(f"{_REMOVE}\nremove({'/' + path!r})")

    def reset(self) -> None:
        """As if power had come; this console ends."""
        with _speaking(self.port), suppress(TransportError, OSError, termios.error, struct.error):
            self._board.exec_raw_no_follow("import machine\nmachine.reset()")
        self.close()


@contextmanager
def _speaking(port: str) -> Iterator[None]:
    """What mpremote raises, told as a BoardError."""
    try:
        yield
    except TransportExecError as error:
        lines = error.error_output.strip().splitlines()
        raise BoardError(Problem("board_refused", port, {"reason": lines[-1] if lines else "–"})) from error
    except (OSError, termios.error) as error:
        # The second is no OSError, though it says the same.
        known = error if isinstance(error, OSError) else OSError(*error.args)
        name = "board_full" if known.errno == errno.ENOSPC else "board_lost"
        raise BoardError(Problem(name, port, {"reason": reason_of(known)})) from error
    except (TransportError, struct.error, ValueError, SyntaxError) as error:
        # The last two: an answer that was cut off.
        raise BoardError(Problem("board_silent", port, {"reason": str(error)})) from error


def _why_closed(port: str) -> Problem:
    if not os.path.exists(port):
        return Problem("board_gone", port)
    return Problem("port_busy" if os.access(port, os.R_OK | os.W_OK) else "port_denied", port)
