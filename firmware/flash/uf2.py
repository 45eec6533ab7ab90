"""UF2, the form in which a Pico takes what is dragged onto its drive: blocks of 512 bytes, each with its place.

Source: github.com/microsoft/uf2. A page is 256 bytes, which is what the flash of an RP2040 is written in.
"""

import struct
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from firstbell_flash.problems import FileError
from firstbell_linux.named_file import read_named
from firstbell_linux.problems import Phrase, Problem

BLOCK_BYTES = 512
PAGE_BYTES = 256
FLASH_START = 0x10000000
FLASH_BYTES = 2 * 1024 * 1024
FILES_START = 0x1012C000
"""Where MicroPython keeps its files on a Pico W: the last 848 KiB."""
FAMILY_RP2040 = 0xE48BFF56
UF2_BYTES_MAX = 2 * FLASH_BYTES

_HEAD = struct.Struct("<8I")
_TAIL = struct.Struct("<I")
_MAGIC = (0x0A324655, 0x9E5D5157)
_MAGIC_END = 0x0AB16F30
_HAS_FAMILY = 0x2000

RELEASES = {
    "a0210c9c8a085391cb66f530c298a5a4fb804a9d072289254c24df5fdf210f7a": "RPI_PICO_W 1.28.0",
    "f918c0a082c6daf53e27998b7f990ba5f065db2e298b21a34024532a20786794": "RPI_PICO_W 1.29.0",
}
"""MicroPython's releases for a Pico W, by the SHA-256 of their files as micropython.org hands them out."""


def parse(data: bytes, where: str) -> dict[int, bytes]:
    """Each page by its address. `where`: the file's name. Raises FileError: cut off, no UF2, not for a Pico W."""
    if not data or len(data) % BLOCK_BYTES:
        raise _broken(where, "cut")
    pages: dict[int, bytes] = {}
    total = len(data) // BLOCK_BYTES
    for number in range(total):
        block = data[number * BLOCK_BYTES : (number + 1) * BLOCK_BYTES]
        *magic, flags, address, size, said, of, family = _HEAD.unpack_from(block)
        if tuple(magic) != _MAGIC or _TAIL.unpack_from(block, BLOCK_BYTES - _TAIL.size) != (_MAGIC_END,):
            raise _broken(where, "no_uf2")
        if (said, of) != (number, total):
            raise _broken(where, "cut")
        if not flags & _HAS_FAMILY or family != FAMILY_RP2040:
            raise _broken(where, "other_chip")
        in_flash = FLASH_START <= address <= FLASH_START + FLASH_BYTES - PAGE_BYTES
        if size != PAGE_BYTES or address % PAGE_BYTES or not in_flash or address in pages:
            raise _broken(where, "other_place")
        pages[address] = block[_HEAD.size : _HEAD.size + PAGE_BYTES]
    return pages


def build(pages: Mapping[int, bytes]) -> bytes:
    """One UF2 of these pages, in the order of their addresses."""
    blocks = []
    for number, address in enumerate(sorted(pages)):
        head = _HEAD.pack(*_MAGIC, _HAS_FAMILY, address, PAGE_BYTES, number, len(pages), FAMILY_RP2040)
        body = (head + pages[address]).ljust(BLOCK_BYTES - _TAIL.size, b"\0")
        blocks.append(body + _TAIL.pack(_MAGIC_END))
    return b"".join(blocks)


def read_firmware(path: Path, digest: str) -> bytes:
    """A MicroPython that may go onto a board: one of RELEASES, or the one that `digest` (SHA-256, hex; "" for none)
    names. Raises FileError, OSError.
    """
    data = read_uf2(path)
    found = sha256(data).hexdigest()
    if digest and found != digest.lower():
        raise FileError(Problem("uf2_differs", str(path), {"found": found}))
    if not digest and found not in RELEASES:
        raise FileError(Problem("uf2_unknown", str(path), {"found": found, "known": list(RELEASES.values())}))
    if max(parse(data, str(path))) >= FILES_START:
        raise _broken(str(path), "other_place")
    return data


def read_uf2(path: Path) -> bytes:
    """Raises FileError, OSError."""
    data = read_named(path, UF2_BYTES_MAX + 1)
    if len(data) > UF2_BYTES_MAX:
        raise _broken(str(path), "other_place")
    return data


def _broken(where: str, why: str) -> FileError:
    return FileError(Problem("uf2_broken", where, {"reason": Phrase(f"uf2.{why}")}))
