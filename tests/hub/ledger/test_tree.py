"""How the tree grows: in any batches, across the borders of tiles, from a stored state, through failed commits."""

from itertools import pairwise

import pytest
from firstbell.merkle import EMPTY_ROOT, leaf_hash, verify_consistency, verify_inclusion
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.errors import LedgerDamaged
from hub.ledger.tiles import TILE_BYTES, width_at
from hub.ledger.tree import Tree, root_of
from tests.hub.ledger.logs import LEAVES, LEAVES_MAX, Shelf, Uniform, recursive_root

# Where a tile, and a tile of tiles, becomes full; and trees of every number of levels up to there.
BORDERS = (0, 1, 2, 255, 256, 257, 511, 512, 513, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, LEAVES_MAX)


@pytest.fixture(scope="module")
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture(scope="module")
def grown(shelf: Shelf) -> dict[int, Tree]:
    """The tree at each of the BORDERS, grown in batches over one shelf."""
    tree = Tree.empty(shelf.read_tile)
    found = {0: tree}
    for start, end in pairwise(BORDERS):
        tree = tree.append(LEAVES[start:end])
        shelf.keep(tree)
        found[end] = tree
    return found


@given(st.lists(st.integers(0, 400), min_size=1, max_size=6))
def test_batches_make_no_difference(batches: list[int]) -> None:
    shelf, one_by_one = Shelf(), Shelf()
    tree, slow = Tree.empty(shelf.read_tile), Tree.empty(one_by_one.read_tile)
    for count in batches:
        tree = tree.append(LEAVES[tree.size : tree.size + count])
        shelf.keep(tree)
    for leaf in LEAVES[: tree.size]:
        slow = slow.append([leaf])
        one_by_one.keep(slow)
    assert tree == slow
    assert shelf.tiles == one_by_one.tiles
    assert tree.root() == root_of(b"".join(LEAVES[: tree.size]))


def test_a_failed_commit_undoes_nothing() -> None:
    shelf = Shelf()
    tree = Tree.empty(shelf.read_tile).append(LEAVES[:250])
    before = (tree.root(), tree.inclusion_proof(249, 250), tree.rows)
    lost = tree.append([leaf_hash(b"never committed")] * 700)
    assert lost.size == 950
    assert len(lost.filled) == 3
    assert (tree.root(), tree.inclusion_proof(249, 250), tree.rows) == before
    again = tree.append(LEAVES[250:260])
    assert again == Tree.empty(shelf.read_tile).append(LEAVES[:260])
    assert shelf.tiles == {}


def test_what_was_just_filled_need_not_be_stored_to_be_proved() -> None:
    shelf = Shelf()
    tree = Tree.empty(shelf.read_tile).append(LEAVES[:65_530]).append(LEAVES[65_530:65_540])
    assert [(tile.level, tile.n) for tile in tree.filled] == [(0, 255), (1, 0)]
    for index in range(65_530, 65_540):
        verify_inclusion(LEAVES[index], index, tree.size, tree.inclusion_proof(index, tree.size), tree.root())
    assert shelf.reads == 0


def test_tiles_hold_what_the_format_says(shelf: Shelf, grown: dict[int, Tree]) -> None:
    assert sorted(shelf.tiles) == [(0, n) for n in range(273)] + [(1, 0)]
    for n in range(273):
        assert shelf.tiles[0, n] == b"".join(LEAVES[n * 256 : (n + 1) * 256])
    above = b"".join(recursive_root(n * 256, (n + 1) * 256) for n in range(273))
    assert shelf.tiles[1, 0] == above[:TILE_BYTES]
    tree = grown[LEAVES_MAX]
    assert tree.tile(0, 273, 112) == b"".join(LEAVES[273 * 256 :])
    assert tree.tile(1, 1, 17) == above[TILE_BYTES:]
    assert tree.tile(2, 0, 1) == recursive_root(0, 65_536)


def test_every_width_that_ever_was_is_still_served(grown: dict[int, Tree]) -> None:
    now = grown[LEAVES_MAX]
    for size, then in grown.items():
        for level in range(3):
            n = size >> 8 * (level + 1)
            if width := width_at(level, n, size):
                assert now.tile(level, n, width) == then.tile(level, n, width)
    assert now.tile(0, 3, 256) == b"".join(LEAVES[768:1024])
    assert now.tile(0, 3, 5) == b"".join(LEAVES[768:773])


@pytest.mark.parametrize(
    ("level", "n", "width"), [(0, 273, 113), (0, 274, 1), (0, 0, 257), (0, 0, 0), (3, 0, 1), (2, 1, 1)]
)
def test_a_tile_that_is_not_there_is_refused(grown: dict[int, Tree], level: int, n: int, width: int) -> None:
    with pytest.raises(ValueError, match=f"tile {level}/{n} has not {width} hashes"):
        grown[LEAVES_MAX].tile(level, n, width)


@pytest.mark.parametrize("size", BORDERS)
def test_a_loaded_tree_is_the_grown_one(shelf: Shelf, grown: dict[int, Tree], size: int) -> None:
    shelf.reads = 0
    loaded = Tree.load(size, LEAVES[size - size % 256 : size], shelf.read_tile)
    assert shelf.reads <= 255 * 2
    assert loaded == grown[size]
    assert loaded.root() == (recursive_root(0, size) if size else EMPTY_ROOT)
    more = [leaf_hash(b"one more")] * 300
    assert loaded.append(more) == grown[size].append(more)
    assert loaded.append(more).filled == grown[size].append(more).filled


def test_proofs_across_the_borders(grown: dict[int, Tree]) -> None:
    tree = grown[LEAVES_MAX]
    sizes = [size for size in BORDERS if size]
    for size in sizes:
        root = tree.root_at(size)
        assert root == grown[size].root()
        for index in {0, 255, 256, 65_535, 65_536, size // 2, size - 1}:
            if index < size:
                verify_inclusion(LEAVES[index], index, size, tree.inclusion_proof(index, size), root)
        for old_size in sizes:
            if old_size <= size:
                proof = tree.consistency_proof(old_size, size)
                verify_consistency(old_size, grown[old_size].root(), size, root, proof)


@given(st.data())
def test_random_proofs_in_a_big_tree(shelf: Shelf, grown: dict[int, Tree], data: st.DataObject) -> None:
    tree = grown[LEAVES_MAX]
    size = data.draw(st.integers(1, LEAVES_MAX))
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(0, size))
    root = tree.root_at(size)
    verify_inclusion(LEAVES[index], index, size, tree.inclusion_proof(index, size), root)
    verify_consistency(old_size, tree.root_at(old_size), size, root, tree.consistency_proof(old_size, size))


def test_the_newest_entry_is_proved_without_reading(shelf: Shelf, grown: dict[int, Tree]) -> None:
    tree = grown[LEAVES_MAX]
    shelf.reads = 0
    tree.root()
    tree.inclusion_proof(LEAVES_MAX - 1, LEAVES_MAX)
    tree.consistency_proof(LEAVES_MAX - 20, LEAVES_MAX)
    assert shelf.reads == 0
    tree.inclusion_proof(0, LEAVES_MAX)
    assert shelf.reads == 2


@pytest.mark.parametrize("size", [2**24, 2**32, 2**40])
def test_three_levels_and_more_fill_at_once(size: int) -> None:
    uniform = Uniform()
    tree = uniform.load(size - 1)
    assert tree.root() == uniform.root(size - 1)
    tree = tree.append(uniform.whole[:1] * 3)
    assert [tile.level for tile in tree.filled] == list(range(size.bit_length() // 8))
    assert [tile.n for tile in tree.filled] == [(size >> 8 * (level + 1)) - 1 for level in range(len(tree.filled))]
    assert tree == uniform.load(size + 2)
    assert tree.root() == uniform.root(size + 2)
    verify_inclusion(uniform.whole[0], size - 1, size, tree.inclusion_proof(size - 1, size), tree.root_at(size))
    verify_consistency(
        size - 1, tree.root_at(size - 1), size + 2, tree.root(), tree.consistency_proof(size - 1, size + 2)
    )


def test_a_damaged_shelf_is_told() -> None:
    shelf = Shelf()
    tree = Tree.empty(shelf.read_tile).append(LEAVES[:600])
    shelf.keep(tree)
    tree = tree.append([])
    shelf.tiles[0, 1] = shelf.tiles[0, 1][:-1]
    for ask in (lambda: tree.inclusion_proof(300, 600), lambda: tree.tile(0, 1, 3)):
        with pytest.raises(LedgerDamaged, match="tile 0/1 has 8191 bytes, 8192 expected"):
            ask()
    with pytest.raises(LedgerDamaged, match="tile 0/1"):
        Tree.load(600, LEAVES[512:600], shelf.read_tile)
    with pytest.raises(LedgerDamaged, match="87 leaf hashes after the last full tile of a tree of 600"):
        Tree.load(600, LEAVES[512:599], shelf.read_tile)
