"""Files and folders for their owner alone: made whole or not at all, and on the disk when the call returns."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
PUBLIC_FILE = 0o644


def write_private(path: Path, data: bytes) -> None:
    """Puts `data` in the place of whatever `path` held. Raises OSError; then the old content is still there."""
    _write(path, data, PRIVATE_FILE)


def write_public(path: Path, data: bytes) -> None:
    """The same for a file that everybody may read."""
    _write(path, data, PUBLIC_FILE)


def _write(path: Path, data: bytes, mode: int) -> None:
    beside = path.with_name(f".{path.name}.new")
    with naming(path):
        beside.unlink(missing_ok=True)
        try:
            with _new_file(beside) as file:
                os.fchmod(file.fileno(), mode)
                file.write(data)
            beside.replace(path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        sync_folder(path.parent)


def copy_private(read: BinaryIO, to: Path) -> None:
    """`to` is new. Raises OSError."""
    with naming(to), _new_file(to) as written:
        shutil.copyfileobj(read, written)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """While `path` is written: an OSError names it where that says no file at all, as of a full disk, or one beside
    `path`, whose name nobody has typed.
    """
    try:
        yield
    except OSError as error:
        if error.filename is None or str(error.filename).startswith(str(path.with_name(f".{path.name}."))):
            error.filename = str(path)
        raise


@contextmanager
def _new_file(path: Path) -> Iterator[BinaryIO]:
    """Its owner's alone; on the disk when the block ends. Raises FileExistsError, OSError."""
    descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE)
    with os.fdopen(descriptor, "wb") as file:
        yield file
        file.flush()
        os.fsync(descriptor)


def sync_folder(folder: Path) -> None:
    """Makes names that were made, renamed or removed in `folder` last."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check_free(path: Path) -> None:
    """Nothing is there, or an empty folder. Raises FileExistsError, OSError."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise FileExistsError(path)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill: it becomes `path` when the block ends, and vanishes when the block fails.

    Only its owner may enter it. `path` may be there already when it is empty. Raises FileExistsError when it isn't,
    OSError.
    """
    # "." can't be replaced by that name.
    path = path.absolute()
    check_free(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        # A file stands where a folder above it would be.
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), error.filename) from error
    with naming(path):
        beside = Path(tempfile.mkdtemp(prefix=f".{path.name}.", dir=path.parent))
        try:
            yield beside
            for folder in (beside, *(one for one in beside.rglob("*") if one.is_dir())):
                sync_folder(folder)
            try:
                beside.rename(path)
            except OSError:
                # Somebody may have put something there meanwhile.
                check_free(path)
                raise
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            raise
        sync_folder(path.parent)
