"""Logs for the tests of the tree: leaves, a shelf for full tiles, RFC 6962's recursion, a log of any size."""

from hashlib import sha256

from firstbell.merkle import leaf_hash, node_hash

from hub.ledger.tree import Tree

LEAVES_MAX = 70_000
LEAVES = [sha256(number.to_bytes(4)).digest() for number in range(LEAVES_MAX)]


class Shelf:
    """Where the tests' trees keep their full tiles; counts what is read."""

    def __init__(self) -> None:
        self.tiles: dict[tuple[int, int], bytes] = {}
        self.reads = 0

    def read_tile(self, level: int, n: int) -> bytes:
        self.reads += 1
        return self.tiles[level, n]

    def keep(self, tree: Tree) -> None:
        for tile in tree.filled:
            assert (tile.level, tile.n) not in self.tiles
            self.tiles[tile.level, tile.n] = tile.hashes


def split(size: int) -> int:
    return 1 << (size - 1).bit_length() - 1


def recursive_root(start: int, end: int) -> bytes:
    """MTH of RFC 6962, section 2.1, over LEAVES[start:end]."""
    if end - start == 1:
        return LEAVES[start]
    middle = start + split(end - start)
    return node_hash(recursive_root(start, middle), recursive_root(middle, end))


def recursive_path(index: int, start: int, end: int) -> list[bytes]:
    """PATH of section 2.1.1."""
    if end - start == 1:
        return []
    middle = start + split(end - start)
    if index < middle:
        return [*recursive_path(index, start, middle), recursive_root(middle, end)]
    return [*recursive_path(index, middle, end), recursive_root(start, middle)]


def recursive_proof(old_size: int, start: int, end: int, known: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if old_size == end:
        return [] if known else [recursive_root(start, end)]
    middle = start + split(end - start)
    if old_size <= middle:
        return [*recursive_proof(old_size, start, middle, known), recursive_root(middle, end)]
    return [*recursive_proof(old_size, middle, end, False), recursive_root(start, middle)]


class Uniform:
    """A log of any size whose entries are all the same, so that its tiles need no storing."""

    def __init__(self) -> None:
        self.whole = [leaf_hash(b"same")]
        while len(self.whole) < 48:
            self.whole.append(node_hash(self.whole[-1], self.whole[-1]))

    def read_tile(self, level: int, n: int) -> bytes:
        return self.whole[8 * level] * 256

    def load(self, size: int) -> Tree:
        return Tree.load(size, self.whole[:1] * (size % 256), self.read_tile)

    def root(self, size: int) -> bytes:
        if size == 1 << size.bit_length() - 1:
            return self.whole[size.bit_length() - 1]
        left = split(size)
        return node_hash(self.root(left), self.root(size - left))
