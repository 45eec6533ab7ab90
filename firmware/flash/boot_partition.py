"""The boot partition of a card: its files by their path, in a FAT file system of an image or a device, or where it is
mounted.

A write that is cut off may leave a part of the file, or none. mtools does the FAT: what Debian ships, needs no root for
an image and no mount for a device.
"""

import os
import re
import shutil
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Protocol

from firstbell_flash.problems import CardError, Unreadable
from firstbell_linux.private_file import PRIVATE_FILE, naming
from firstbell_linux.problems import Problem

CLUSTER_BYTES_MAX = 32 * 1024
"""A FAT gives a file so much more than it asks for, at most (Microsoft, FAT: General Overview of On-Disk Format)."""
SECTOR_BYTES = 512
_FAT_KINDS = (0x06, 0x0B, 0x0C, 0x0E)
"""Of an entry in an MBR: FAT16 and FAT32, with and without LBA."""
_ENTRY_AT, _SIGNATURE = 446, b"\x55\xaa"
_READ = os.O_RDONLY | os.O_NOFOLLOW
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW


class BootPartition(Protocol):
    """`where`: the card, as it was typed. Every call raises CardError or OSError."""

    where: Path

    def names(self) -> set[str]:
        """Every file, by its path from the top."""

    def read(self, path: str) -> bytes: ...

    def write(self, path: str, data: bytes) -> None: ...

    def remove(self, path: str) -> None: ...

    def free_bytes(self) -> int: ...

    def settle(self) -> None:
        """All of it is on the card, and no more in this machine's memory: what is read next comes from the card."""


class Folder:
    """Mounted by somebody else. A FAT has no links; what has some is no card, and none is followed."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def names(self) -> set[str]:
        found = set()
        for path in self.where.rglob("*"):
            of_path = path.lstat()
            if stat.S_ISREG(of_path.st_mode) and of_path.st_nlink == 1:
                found.add(str(path.relative_to(self.where)))
            elif not stat.S_ISDIR(of_path.st_mode):
                raise CardError(Problem("card_has_links", str(path)))
        return found

    def read(self, path: str) -> bytes:
        with self._inner(path) as inner, os.fdopen(os.open(_name(path), _READ, dir_fd=inner), "rb") as file:
            return file.read()

    def write(self, path: str, data: bytes) -> None:
        with (
            naming(self.where / path),
            self._inner(path, make=True) as inner,
            os.fdopen(os.open(_name(path), _WRITE, PRIVATE_FILE, dir_fd=inner), "wb") as file,
        ):
            file.write(data)

    def remove(self, path: str) -> None:
        with self._inner(path) as inner:
            os.unlink(_name(path), dir_fd=inner)
            empty = not os.listdir(inner)
        folder = str(PurePosixPath(path).parent)
        if empty and folder != ".":
            with self._inner(folder) as outer:
                os.rmdir(_name(folder), dir_fd=outer)

    @contextmanager
    def _inner(self, path: str, *, make: bool = False) -> Iterator[int]:
        """The folder that `path` is in, open: whoever owns the card's may put a link in its place at any time."""
        inner = os.open(self.where, os.O_RDONLY | os.O_DIRECTORY)
        try:
            for name in PurePosixPath(path).parts[:-1]:
                if make:
                    with suppress(FileExistsError):
                        os.mkdir(name, dir_fd=inner)
                outer, inner = inner, os.open(name, _READ | os.O_DIRECTORY, dir_fd=inner)
                os.close(outer)
            yield inner
        finally:
            os.close(inner)

    def free_bytes(self) -> int:
        return shutil.disk_usage(self.where).free

    def settle(self) -> None:
        os.sync()
        for name in self.names():
            _forget(self.where / name)


_NOTHING_IN_IT = 'mdir: File "::" not found'
"""So mtools calls an empty root."""


class Fat:
    """In an image, or on a device that is not mounted: `where`. It begins at `offset`, in bytes."""

    def __init__(self, where: Path, offset: int) -> None:
        self.where = where
        self._image = f"{where}@@{offset}"

    def names(self) -> set[str]:
        return {name for name in self._listed() if not name.endswith("/")}

    def _listed(self) -> set[str]:
        """Folders, too: their names end in a slash."""
        try:
            lines = self._run("mdir", "-/", "-b", "::").decode("utf-8", "replace").splitlines()
        except CardError as error:
            if error.problem.fields.get("reason") != _NOTHING_IN_IT:
                raise
            return set()
        return {line.removeprefix("::/") for line in lines if line.startswith("::/")}

    def read(self, path: str) -> bytes:
        return self._run("mcopy", f"::/{path}", "-")

    def write(self, path: str, data: bytes) -> None:
        listed = self._listed()
        for folder in reversed(PurePosixPath(path).parents[:-1]):
            if f"{folder}/" not in listed:
                self._run("mmd", f"::/{folder}")
        self._run("mcopy", "-o", "-", f"::/{path}", given=data)

    def remove(self, path: str) -> None:
        self._run("mdel", f"::/{path}")

    def free_bytes(self) -> int:
        said = self._run("mdir", "::").decode("utf-8", "replace")
        found = re.search(r"([\d ]+) bytes free\s*$", said)
        if not found:
            raise CardError(Problem("fat_fails", str(self.where), {"reason": said.strip().rpartition("\n")[2]}))
        return int(found[1].replace(" ", ""))

    def settle(self) -> None:
        _forget(self.where)

    def _run(self, tool: str, *arguments: str, given: bytes = b"") -> bytes:
        # Whatever this person's own mtools are set up to do; and a card's geometry, which nobody uses any more.
        environment = {**os.environ, "LC_ALL": "C.UTF-8", "MTOOLSRC": os.devnull, "MTOOLS_SKIP_CHECK": "1"}
        command = [tool, "-i", self._image, *arguments]
        try:
            return subprocess.run(command, input=given, capture_output=True, env=environment, check=True).stdout
        except FileNotFoundError as error:
            raise CardError(Problem("no_mtools", tool)) from error
        except subprocess.CalledProcessError as error:
            reason = error.stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
            raise CardError(Problem("fat_fails", str(self.where), {"reason": reason})) from error


def _name(path: str) -> str:
    return PurePosixPath(path).name


def _forget(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def open_fat(where: Path) -> Fat:
    """The first partition of an image or a device. Raises Unreadable; CardError: there is none, or no FAT."""
    try:
        with where.open("rb") as file:
            start = file.read(SECTOR_BYTES)
    except OSError as error:
        raise Unreadable("card_unreadable", where, error) from error
    entry = start[_ENTRY_AT : _ENTRY_AT + 16]
    if not start.endswith(_SIGNATURE) or len(start) < SECTOR_BYTES or entry[4] not in _FAT_KINDS:
        raise CardError(Problem("no_boot_partition", str(where)))
    return Fat(where, int.from_bytes(entry[8:12], "little") * SECTOR_BYTES)
