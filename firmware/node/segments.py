"""Append-only files of checksummed records: what the outbox is kept in, on flash that may lose power at any moment.

A record is kind (1 byte), size (2), payload, CRC-32 of all these (4); numbers are big-endian. What was cut off while it
was written ends its segment: the records before it count, it and whatever follows it there do not. Nothing is appended
behind such an end, for a new segment is begun at each start and after each failed write.
"""

import binascii
import os

try:
    from collections.abc import Iterator
    from typing import BinaryIO
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

SEGMENT_BYTES = 16_384
PAYLOAD_BYTES_MAX = 4_096
_HEAD_BYTES = 3
_CRC_BYTES = 4
_SUFFIX = ".seg"
_DIGITS = 8
_FULL = SEGMENT_BYTES + 1


def record(kind: int, payload: bytes) -> bytes:
    head = bytes((kind,)) + len(payload).to_bytes(2, "big")
    return head + payload + _crc(head + payload)


def _crc(data: bytes) -> bytes:
    crc: int = binascii.crc32(data) & 0xFFFFFFFF
    return crc.to_bytes(4, "big")


class Segments:
    """The segments in one folder, by their number. Raises OSError where the flash does."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._numbers: list[int] = []
        self._used_bytes = _FULL

    def open(self) -> None:
        """Looks what there is; makes the folder when it is not there."""
        try:
            os.mkdir(self._folder)
        except OSError:
            pass  # the listing tells whether it is there
        self._numbers = sorted(
            int(name[:_DIGITS], 16) for name in os.listdir(self._folder) if name[_DIGITS:] == _SUFFIX
        )

    @property
    def numbers(self) -> "list[int]":
        """Oldest first; the last one is written to."""
        return self._numbers

    def is_full(self, size: int) -> bool:
        """Whether `size` bytes more belong into a new segment."""
        return self._used_bytes + size > SEGMENT_BYTES

    def begin(self) -> None:
        """The next `append` begins a segment."""
        self._used_bytes = _FULL

    def append(self, records: "list[bytes]") -> int:
        """Where these records begin in the last segment; they outlive a loss of power when this returns."""
        size = sum(map(len, records))
        new = self.is_full(size)
        start = 0 if new else self._used_bytes
        number = self._numbers[-1] if self._numbers else 0
        # Until it is known to be whole, nothing may follow it.
        self._used_bytes = _FULL
        with open(self._path(number + new), "wb" if new else "ab") as file:
            if new:
                self._numbers.append(number + 1)
            for one in records:
                file.write(one)
            file.flush()
        self._used_bytes = start + size
        return start

    def read(self, number: int) -> "Iterator[tuple[int, int, bytes]]":
        """Offset, kind and payload of each whole record of a segment."""
        with open(self._path(number), "rb") as file:
            offset = 0
            while True:
                found = _read_record(file)
                if found is None:
                    return
                yield offset, found[0], found[1]
                offset += _HEAD_BYTES + len(found[1]) + _CRC_BYTES

    def read_at(self, number: int, offset: int) -> "tuple[int, bytes] | None":
        """Kind and payload of the record there; None when it is not whole any more."""
        with open(self._path(number), "rb") as file:
            file.seek(offset)
            return _read_record(file)

    def drop_oldest(self) -> None:
        os.remove(self._path(self._numbers[0]))
        del self._numbers[0]

    def _path(self, number: int) -> str:
        return self._folder + "/" + "%08x" % number + _SUFFIX


def _read_record(file: "BinaryIO") -> "tuple[int, bytes] | None":
    head = file.read(_HEAD_BYTES)
    if len(head) < _HEAD_BYTES:
        return None
    size = int.from_bytes(head[1:], "big")
    if size > PAYLOAD_BYTES_MAX:
        return None
    rest = file.read(size + _CRC_BYTES)
    if len(rest) < size + _CRC_BYTES or rest[size:] != _crc(head + rest[:size]):
        return None
    return head[0], rest[:size]
