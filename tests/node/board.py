"""What the loader and the program find on a board: `machine`, whose reset ends the test's run, and programs."""

import hashlib
import os
import sys

from firstbell.program import check_program, write_manifest

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


class Reset(BaseException):
    """The board was reset."""


class Machine:
    """`armed`: the watchdogs' times, in ms; `fed`: how often."""

    def __init__(self) -> None:
        self.armed: list[int] = []
        self.fed = 0

    def WDT(self, timeout: int) -> "Machine":
        self.armed.append(timeout)
        return self

    def feed(self) -> None:
        self.fed += 1

    def reset(self) -> None:
        raise Reset


def put_machine() -> Machine:
    """In the place of the board's own, for what is imported next."""
    machine = Machine()
    double: Any = machine
    sys.modules["machine"] = double
    for name in ("loader.main", "loader"):
        sys.modules.pop(name, None)
    return machine


def carried(release: str, files: "list[tuple[str, bytes]]") -> bytes:
    return write_manifest(release, files) + b"".join([data for _, data in files])


def put_program(folder: str, program: bytes) -> None:
    """As it was flashed: the manifest last."""
    head, _, rest = program.partition(b"\n\n")
    os.mkdir(folder)
    for line in head.decode().split("\n")[1:]:
        _, size, path = line.split(" ")
        put(folder, path, rest[: int(size)])
        rest = rest[int(size) :]
    put(folder, "manifest", head + b"\n\n")


def put(folder: str, path: str, data: bytes) -> None:
    parts = path.split("/")[:-1]
    for count in range(1, len(parts) + 1):
        try:
            os.mkdir(folder + "/" + "/".join(parts[:count]))
        except OSError:
            pass  # it is there
    with open(folder + "/" + path, "wb") as file:
        file.write(data)


def read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read()


def version_on(folder: str) -> str:
    """Of the program there. Raises OSError, ProgramError: it is not whole."""
    manifest = read(folder + "/manifest")
    paths = [line.split(" ")[2] for line in manifest.decode().strip().split("\n")[1:]]
    return check_program(manifest + b"".join([read(folder + "/" + path) for path in paths]))[0]


def digest_of(data: bytes) -> str:
    return hashlib.sha256(data).digest().hex()
