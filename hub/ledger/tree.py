"""The Merkle tree over the entries, grown at its right edge and kept as tiles.

RFC 6962 over SHA-256, laid out after C2SP tlog-tiles: a tile of level 0 is 256 leaf hashes, a tile of level
L + 1 is the roots of 256 full tiles of level L. Full tiles never change and live with the caller; a tree
holds only those that are still partial, at most 16 KiB a level. `firstbell.merkle` checks proofs, for
terminals do it too.

A node is named by its height above the leaves and its place in that row, counted from the left: it is the
root over the entries from `place << height` up to `(place + 1) << height`.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256

from firstbell.merkle import EMPTY_ROOT, HASH_BYTES, node_hash

from hub.ledger.errors import LedgerDamaged
from hub.ledger.tiles import TILE_BYTES, TILE_HASHES, TILE_HEIGHT, width_at

# `read_tile(level, n)`: the 8,192 bytes of a full tile. It raises LedgerDamaged when the tile isn't there.
ReadTile = Callable[[int, int], bytes]
# The same tile with its eight rows of nodes, as `Tree.rows` has those of the partial ones.
ReadRows = Callable[[int, int], Sequence[bytes]]


@dataclass(frozen=True, slots=True)
class FullTile:
    """A tile that has just become full, to be stored for good. `hashes`: 8,192 bytes."""

    level: int
    n: int
    hashes: bytes


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree of `size` entries. It never changes: `append` makes the next, so a failed commit undoes nothing.

    `rows[height]`: the nodes of that height, side by side, in the partial tile of level `height // 8`.
    `filled`: the tiles that this tree's append filled, each after those beneath it. They are to be stored
    before the next append; until then the tree has them itself, so that proofs need not wait for the disk.
    """

    size: int
    rows: tuple[bytes, ...] = field(repr=False)
    read_tile: ReadTile = field(repr=False, compare=False)
    filled: tuple[FullTile, ...] = field(default=(), repr=False, compare=False)

    @classmethod
    def empty(cls, read_tile: ReadTile) -> "Tree":
        return cls(0, (), read_tile)

    @classmethod
    def load(cls, size: int, leaf_hashes: Sequence[bytes], read_tile: ReadTile) -> "Tree":
        """The tree of `size` entries, from the stored tiles and the last `size % 256` leaf hashes.

        Reads at most 255 tiles a level. The caller compares `root()` with the signed head.
        Raises LedgerDamaged.
        """
        if len(leaf_hashes) != size % TILE_HASHES:
            raise LedgerDamaged(f"{len(leaf_hashes)} leaf hashes after the last full tile of a tree of {size}")
        rows: list[bytes] = []
        row = b"".join(leaf_hashes)
        for level in range(-(-size.bit_length() // TILE_HEIGHT)):
            if level:
                row = b"".join(root_of(_stored_tile(read_tile, level - 1, n)) for n in _full_tiles_below(size, level))
            for _ in range(TILE_HEIGHT):
                rows.append(row)
                row = _pairs(row)
        return cls(size, tuple(rows[: size.bit_length()]), read_tile)

    def append(self, leaf_hashes: Iterable[bytes]) -> "Tree":
        """The tree with these leaves added."""
        rows = list(self.rows)
        filled: list[FullTile] = []
        row = b"".join(leaf_hashes)
        size = self.size + len(row) // HASH_BYTES
        height = 0
        while row:
            if height == len(rows):
                rows.append(b"")
            alone = rows[height][-HASH_BYTES:] if self.size >> height & 1 else b""
            rows[height] += row
            row = _pairs(alone + row)
            height += 1
            if height % TILE_HEIGHT == 0:
                filled += _cut_full_tiles(rows, height - TILE_HEIGHT, self.size)
        return Tree(size, tuple(rows), self.read_tile, tuple(filled))

    def root(self) -> bytes:
        return self.root_at(self.size)

    def root_at(self, size: int) -> bytes:
        """The root of the first `size` entries; 32 bytes. Raises ValueError beyond this tree."""
        self._check_size(size)
        return self._span(0, size, self._rows_reader()) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int) -> list[bytes]:
        """The hashes beside the way up from entry `index` in the tree of `size`, leaf side first.

        RFC 6962, section 2.1.1. Raises ValueError for what is not in this tree.
        """
        return self.inclusion_proofs([index], size)[0]

    def inclusion_proofs(self, indices: Iterable[int], size: int) -> list[list[bytes]]:
        """As `inclusion_proof`, one for each; what they share is computed once."""
        self._check_size(size)
        read, proofs = self._rows_reader(), []
        for index in indices:
            if not 0 <= index < size:
                raise ValueError(f"entry {index} is not in a tree of {size}")
            proofs.append(self._beside_the_way_up(index, 0, size, read))
        return proofs

    def consistency_proof(self, old_size: int, new_size: int) -> list[bytes]:
        """What shows that the tree of `new_size` begins with the one of `old_size`.

        Empty when `old_size` is 0 or `new_size`: there is nothing to show. RFC 6962, section 2.1.2. Raises
        ValueError for what is not in this tree.
        """
        self._check_size(new_size)
        if not 0 <= old_size <= new_size:
            raise ValueError(f"a tree of {new_size} has no part of {old_size}")
        if old_size in (0, new_size):
            return []
        read = self._rows_reader()
        # The largest whole subtree that ends where the old tree ends. When it is the old tree, it is known.
        height = _trailing_zeros(old_size)
        place = (old_size - 1) >> height
        shared = [self._node(height, place, read)] if place else []
        return shared + self._beside_the_way_up(place, height, new_size, read)

    def tile(self, level: int, n: int, width: int) -> bytes:
        """The first `width` hashes of a tile, as it is served. Raises ValueError for more than there are."""
        if not 0 < width <= width_at(level, n, self.size):
            raise ValueError(f"tile {level}/{n} has not {width} hashes in a tree of {self.size}")
        if n == self._partial_tile(level):
            return self.rows[level * TILE_HEIGHT][: width * HASH_BYTES]
        return self._full_tile(level, n)[: width * HASH_BYTES]

    def _beside_the_way_up(self, place: int, height: int, size: int, read: ReadRows) -> list[bytes]:
        proof = []
        last = (size - 1) >> height
        while last:
            if place & 1:
                proof.append(self._node(height, place - 1, read))
            elif place < last:
                start = (place + 1) << height
                proof.append(self._span(start, min(start + (1 << height), size), read))
            place >>= 1
            last >>= 1
            height += 1
        return proof

    def _span(self, start: int, end: int, read: ReadRows) -> bytes:
        """The root over the entries from `start` up to `end`.

        `start` is a multiple of a power of two that is no smaller than the span, as RFC 6962 splits trees.
        """
        peaks = []
        while start < end:
            height = (end - start).bit_length() - 1
            peaks.append(self._node(height, start >> height, read))
            start += 1 << height
        root = peaks.pop()
        while peaks:
            root = node_hash(peaks.pop(), root)
        return root

    def _node(self, height: int, place: int, read: ReadRows) -> bytes:
        level, rise = divmod(height, TILE_HEIGHT)
        n = (place << rise) // TILE_HASHES
        row = self.rows[height] if n == self._partial_tile(level) else read(level, n)[rise]
        at = (place - (n * TILE_HASHES >> rise)) * HASH_BYTES
        return row[at : at + HASH_BYTES]

    def _partial_tile(self, level: int) -> int:
        return self.size >> (level + 1) * TILE_HEIGHT

    def _rows_reader(self) -> ReadRows:
        """Reads each tile once: one proof asks the same tile up to eight times, those of one commit a few tiles."""
        return cache(lambda level, n: _rows_of(self._full_tile(level, n)))

    def _full_tile(self, level: int, n: int) -> bytes:
        for tile in self.filled:
            if (tile.level, tile.n) == (level, n):
                return tile.hashes
        return _stored_tile(self.read_tile, level, n)

    def _check_size(self, size: int) -> None:
        if not 0 <= size <= self.size:
            raise ValueError(f"a tree of {self.size} has no part of {size}")


def root_of(hashes: bytes) -> bytes:
    """The root over any number of hashes laid side by side; of a full tile, its hash in the tile above."""
    if not hashes:
        return EMPTY_ROOT
    while len(hashes) > HASH_BYTES:
        odd = len(hashes) % (2 * HASH_BYTES)
        hashes = _pairs(hashes) + hashes[len(hashes) - odd :]
    return hashes


def _rows_of(tile: bytes) -> list[bytes]:
    rows = [tile]
    for _ in range(TILE_HEIGHT - 1):
        rows.append(_pairs(rows[-1]))
    return rows


def _pairs(row: bytes) -> bytes:
    """The row above: one hash over each two; a last one without a partner is left out."""
    pair = 2 * HASH_BYTES
    return b"".join([sha256(b"\x01" + row[at : at + pair]).digest() for at in range(0, len(row) - pair + 1, pair)])


def _cut_full_tiles(rows: list[bytes], bottom: int, size: int) -> Iterator[FullTile]:
    """Takes the tiles that became full out of the rows from `bottom` up to the next level's. `size`: before that."""
    level = bottom // TILE_HEIGHT
    first = size >> bottom + TILE_HEIGHT
    full = len(rows[bottom]) // TILE_BYTES
    for number in range(full):
        yield FullTile(level, first + number, rows[bottom][number * TILE_BYTES : (number + 1) * TILE_BYTES])
    for rise in range(TILE_HEIGHT if full else 0):
        rows[bottom + rise] = rows[bottom + rise][full * TILE_BYTES >> rise :]


def _stored_tile(read_tile: ReadTile, level: int, n: int) -> bytes:
    hashes = read_tile(level, n)
    if len(hashes) != TILE_BYTES:
        raise LedgerDamaged(f"tile {level}/{n} has {len(hashes)} bytes, {TILE_BYTES} expected")
    return hashes


def _full_tiles_below(size: int, level: int) -> range:
    """Which full tiles of the level below have their roots in the partial tile of `level`."""
    end = size >> level * TILE_HEIGHT
    return range(end - end % TILE_HASHES, end)


def _trailing_zeros(number: int) -> int:
    return (number & -number).bit_length() - 1
