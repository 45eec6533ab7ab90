"""Where tiles and entry bundles are served, how wide they are, and how a bundle is written (C2SP tlog-tiles).

A tile is named by its level, its number `n` within the level from the left, and its width: 256 when full. An
entry bundle is named the same way; its level is "entries" and its entries are those beneath tile `0/n`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from firstbell.merkle import HASH_BYTES

from hub.ledger.errors import LedgerDamaged, TilePathError

TILE_HEIGHT = 8
TILE_HASHES = 1 << TILE_HEIGHT
TILE_BYTES = TILE_HASHES * HASH_BYTES
LEVEL_MAX = 63

ENTRY_BYTES_MAX = 65_535
_LENGTH_BYTES = 2

Level = int | Literal["entries"]

# Six groups are more than the largest tree has tiles. Digits are named: `\d` would take other scripts' too.
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<n>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?"
)


@dataclass(frozen=True, slots=True)
class TileName:
    """What a path names. `width`: 1–256, hashes of a tile or entries of a bundle."""

    level: Level
    n: int
    width: int


def parse_path(path: str) -> TileName:
    """Read `tile/…` (no slash before it). Raises TilePathError for all but the one way to write a name."""
    match = _PATH.fullmatch(path)
    if match is None:
        raise TilePathError(f"no tile has the path {path[:80]!r}")
    level: Level = "entries" if match["level"] == "entries" else int(match["level"])
    name = TileName(level, int(re.sub("[x/]", "", match["n"])), int(match["width"] or TILE_HASHES))
    if level != "entries" and level > LEVEL_MAX:
        raise TilePathError(f"level {level} is above {LEVEL_MAX}")
    if not 0 < name.width <= TILE_HASHES:
        raise TilePathError(f"a tile is never {name.width} wide")
    # Zeros too many, or a full tile written as a partial one: two paths for one thing would be cached twice.
    if tile_path(level, name.n, name.width) != path:
        raise TilePathError(f"the path {path!r} is written otherwise")
    return name


def tile_path(level: Level, n: int, width: int = TILE_HASHES) -> str:
    """Number 1234067 is written x001/x234/067; a width below 256 follows as `.p/width`."""
    groups = [f"{n % 1000:03}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03}")
    return f"tile/{level}/{'/'.join(groups)}" + (f".p/{width}" if width < TILE_HASHES else "")


def width_at(level: Level, n: int, size: int) -> int:
    """How many hashes (or entries) tile `n` has in a tree of `size`: 0 when it isn't there, 256 when full.

    Every width from 1 up to this one is served: each was once, or could have been, the tree of a checkpoint.
    """
    height = 0 if level == "entries" else level * TILE_HEIGHT
    return min(max((size >> height) - n * TILE_HASHES, 0), TILE_HASHES)


def encode_bundle(entries: Iterable[bytes]) -> bytes:
    """Each entry after its length in two bytes, big-endian. Raises ValueError above ENTRY_BYTES_MAX."""
    parts: list[bytes] = []
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise ValueError(f"an entry of {len(entry)} bytes fits no bundle: at most {ENTRY_BYTES_MAX}")
        parts += [len(entry).to_bytes(_LENGTH_BYTES), entry]
    return b"".join(parts)


def decode_bundle(data: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle. Raises LedgerDamaged when there are fewer, or bytes left over."""
    entries: list[bytes] = []
    at = 0
    for _ in range(width):
        start = at + _LENGTH_BYTES
        end = start + int.from_bytes(data[at:start])
        if len(data) < end:
            raise LedgerDamaged(f"the bundle ends within entry {len(entries)} of {width}")
        entries.append(data[start:end])
        at = end
    if at != len(data):
        raise LedgerDamaged(f"{len(data) - at} bytes after the last of {width} entries")
    return entries
