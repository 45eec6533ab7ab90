"""The programs that nodes are to run, as files in the hub's home named by their SHA-256."""

import hashlib
from collections.abc import Collection
from pathlib import Path

import structlog
from firstbell_linux.private_file import PRIVATE_FOLDER, write_private

log = structlog.get_logger()


def digest_of(program: bytes) -> str:
    return hashlib.sha256(program).hexdigest()


def load_programs(folder: Path, needed: Collection[str]) -> dict[str, bytes]:
    """Those that are needed, by digest; what nobody needs any more goes. No alarm waits for a program: a disk that
    can't give one is only logged."""
    found: dict[str, bytes] = {}
    try:
        paths = list(folder.iterdir()) if folder.exists() else []
    except OSError as error:
        log.error("programs for nodes can't be read", folder=str(folder), error=str(error))
        paths = []
    for path in paths:
        try:
            if path.name not in needed:
                path.unlink()
            elif digest_of(program := path.read_bytes()) == path.name:
                found[path.name] = program
        except OSError as error:
            log.error("a program for nodes can't be read or removed", path=str(path), error=str(error))
    return found


def keep_program(folder: Path, program: bytes) -> None:
    """On the disk when this returns. Raises OSError."""
    folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)
    write_private(folder / digest_of(program), program)
