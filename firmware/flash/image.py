"""A node's flash as one UF2: its file system (littlefs), as MicroPython mounts it on a Pico W.

Only those blocks are in it that a reader looks at. Blank ones among them are, too: where a board was used before, the
old block would be taken for the newer half of a pair.
"""

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

from firstbell_flash.problems import FileError
from firstbell_flash.uf2 import FILES_START, PAGE_BYTES, build, parse
from firstbell_linux.private_file import write_private
from firstbell_linux.problems import Problem
from littlefs import LittleFS, LittleFSError, UserContext

BLOCK_BYTES = 4096
BLOCKS = 212


class _Flash(UserContext):
    """Blank at first. `seen`: the blocks that were read."""

    def __init__(self) -> None:
        super().__init__(BLOCK_BYTES * BLOCKS)
        self.seen: set[int] = set()

    def read(self, cfg: object, block: int, off: int, size: int) -> bytearray:
        self.seen.add(block)
        start = block * BLOCK_BYTES + off
        return self.buffer[start : start + size]


def _mountable(flash: _Flash) -> LittleFS:
    """As the firmware of an RP2040 does it (ports/rp2/modules/_boot.py)."""
    return LittleFS(
        context=flash,
        mount=False,
        block_size=BLOCK_BYTES,
        block_count=BLOCKS,
        prog_size=PAGE_BYTES,
        read_size=32,
        cache_size=1024,
        lookahead_size=32,
        disk_version=0x00020001,
    )


def image_of(files: Mapping[str, bytes]) -> dict[int, bytes]:
    """The pages of a flash that holds these files, by address. Raises FileError: they do not fit."""
    flash = _Flash()
    system = _mountable(flash)
    try:
        system.format()
        system.mount()
        for path, data in files.items():
            above = str(PurePosixPath(path).parent)
            if above != ".":
                system.makedirs(above, exist_ok=True)
            with system.open(path, "wb") as file:
                file.write(data)
        system.unmount()
    except LittleFSError as error:
        raise FileError(Problem("image_full", str(len(files)), {"reason": str(error)})) from error
    flash.seen.clear()
    _files_on(flash)
    pages = {}
    for block in flash.seen:
        for offset in range(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES, PAGE_BYTES):
            pages[FILES_START + offset] = bytes(flash.buffer[offset : offset + PAGE_BYTES])
    return pages


def write_image(path: Path, files: Mapping[str, bytes], firmware: bytes) -> None:
    """For its owner alone, for a key is in it; read back. `firmware`: a UF2 to be one with it.

    Raises FileError, OSError.
    """
    pages = image_of(files)
    if firmware:
        pages |= parse(firmware, str(path))
    write_private(path, build(pages))
    if files_in(parse(path.read_bytes(), str(path)), str(path)) != files:
        raise FileError(Problem("image_differs", str(path)))


def files_in(pages: Mapping[int, bytes], where: str) -> dict[str, bytes]:
    """What `image_of` was made of, or a board was left with. `where`: the file's name. Raises FileError."""
    flash = _Flash()
    for address, page in pages.items():
        offset = address - FILES_START
        if 0 <= offset < BLOCK_BYTES * BLOCKS:
            flash.buffer[offset : offset + PAGE_BYTES] = page
    try:
        return _files_on(flash)
    except LittleFSError as error:
        raise FileError(Problem("no_file_system", where, {"reason": str(error)})) from error


def _files_on(flash: _Flash) -> dict[str, bytes]:
    system = _mountable(flash)
    system.mount()
    found = {}
    for folder, _, names in system.walk("/"):
        for name in names:
            path = f"{folder}/{name}".lstrip("/")
            with system.open(path, "rb") as file:
                found[path] = file.read()
    system.unmount()
    return found
