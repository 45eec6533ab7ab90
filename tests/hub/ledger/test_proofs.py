"""Roots and proofs: against published ones and RFC 6962's own recursion, and that no altered one goes through."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from firstbell.merkle import EMPTY_ROOT, ProofError, leaf_hash, verify_consistency, verify_inclusion
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.tree import Tree, root_of
from tests.hub.ledger.logs import LEAVES, Shelf, Uniform, recursive_path, recursive_proof, recursive_root

GOLDEN = json.loads((Path(__file__).parents[2] / "golden/merkle.json").read_text())
EVERY_SIZE_MAX = 270


@cache
def small() -> Tree:
    shelf = Shelf()
    tree = Tree.empty(shelf.read_tile).append(LEAVES[: 3 * EVERY_SIZE_MAX])
    shelf.keep(tree)
    return tree


def trees_up_to(size: int) -> Iterator[Tree]:
    shelf = Shelf()
    tree = Tree.empty(shelf.read_tile)
    while tree.size < size:
        tree = tree.append([LEAVES[tree.size]])
        shelf.keep(tree)
        yield tree


def flipped(value: bytes, bit: int) -> bytes:
    at, shift = divmod(bit, 8)
    return value[:at] + bytes([value[at] ^ 1 << shift]) + value[at + 1 :]


def test_published_roots_and_proofs() -> None:
    leaves = [leaf_hash(bytes.fromhex(entry)) for entry in GOLDEN["entries"]]
    roots = [bytes.fromhex(root) for root in GOLDEN["roots"]]
    tree = Tree.empty(Shelf().read_tile)
    for size, root in enumerate(roots):
        tree = tree.append(leaves[tree.size : size])
        assert tree.root() == root
    assert [tree.root_at(size) for size in range(9)] == roots
    for case in GOLDEN["inclusion"]:
        proof = tree.inclusion_proof(case["index"], case["size"])
        assert [value.hex() for value in proof] == case["proof"]
    for case in GOLDEN["consistency"]:
        proof = tree.consistency_proof(case["old_size"], case["new_size"])
        assert [value.hex() for value in proof] == case["proof"]


def test_every_inclusion_proof_verifies() -> None:
    for tree in trees_up_to(EVERY_SIZE_MAX):
        root = tree.root()
        for index in range(tree.size):
            proof = tree.inclusion_proof(index, tree.size)
            verify_inclusion(LEAVES[index], index, tree.size, proof, root)


def test_every_consistency_proof_verifies() -> None:
    roots = [EMPTY_ROOT]
    for tree in trees_up_to(EVERY_SIZE_MAX):
        roots.append(tree.root())
        for old_size, old_root in enumerate(roots):
            proof = tree.consistency_proof(old_size, tree.size)
            verify_consistency(old_size, old_root, tree.size, roots[-1], proof)


@given(st.data())
def test_roots_and_proofs_are_the_recursion_of_the_rfc(data: st.DataObject) -> None:
    tree = small()
    size = data.draw(st.integers(1, tree.size))
    index = data.draw(st.integers(0, size - 1))
    old_size = data.draw(st.integers(1, size))
    assert tree.root_at(size) == recursive_root(0, size)
    assert tree.inclusion_proof(index, size) == recursive_path(index, 0, size)
    assert tree.consistency_proof(old_size, size) == recursive_proof(old_size, 0, size)


@given(st.integers(1, 2**40), st.data())
def test_trees_of_any_size(size: int, data: st.DataObject) -> None:
    uniform = Uniform()
    tree = uniform.load(size)
    assert tree.root() == uniform.root(size)
    index = data.draw(st.integers(0, size - 1))
    verify_inclusion(uniform.whole[0], index, size, tree.inclusion_proof(index, size), tree.root())


@given(st.data())
def test_a_flipped_bit_spoils_an_inclusion(data: st.DataObject) -> None:
    tree = small()
    size = data.draw(st.integers(1, tree.size))
    index = data.draw(st.integers(0, size - 1))
    parts = [LEAVES[index], tree.root_at(size), *tree.inclusion_proof(index, size)]
    at = data.draw(st.integers(0, len(parts) - 1))
    parts[at] = flipped(parts[at], data.draw(st.integers(0, 255)))
    leaf, root, *proof = parts
    with pytest.raises(ProofError, match="another root"):
        verify_inclusion(leaf, index, size, proof, root)


@given(st.data())
def test_a_flipped_bit_spoils_a_consistency(data: st.DataObject) -> None:
    tree = small()
    new_size = data.draw(st.integers(2, tree.size))
    old_size = data.draw(st.integers(1, new_size - 1))
    parts = [tree.root_at(old_size), tree.root_at(new_size), *tree.consistency_proof(old_size, new_size)]
    at = data.draw(st.integers(0, len(parts) - 1))
    parts[at] = flipped(parts[at], data.draw(st.integers(0, 255)))
    old_root, new_root, *proof = parts
    with pytest.raises(ProofError, match="another"):
        verify_consistency(old_size, old_root, new_size, new_root, proof)


@given(st.data())
def test_a_proof_is_for_one_place(data: st.DataObject) -> None:
    tree = small()
    size = data.draw(st.integers(2, tree.size))
    index = data.draw(st.integers(0, size - 1))
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda place: place != index))
    with pytest.raises(ProofError):
        verify_inclusion(LEAVES[index], elsewhere, size, tree.inclusion_proof(index, size), tree.root_at(size))


@given(st.data())
def test_no_proof_leads_from_a_fork(data: st.DataObject) -> None:
    tree = small()
    old_size = data.draw(st.integers(1, tree.size - 1))
    leaves = LEAVES[:old_size]
    leaves[data.draw(st.integers(0, old_size - 1))] = leaf_hash(b"other")
    proof = tree.consistency_proof(old_size, tree.size)
    with pytest.raises(ProofError, match="another"):
        verify_consistency(old_size, root_of(b"".join(leaves)), tree.size, tree.root(), proof)


def test_what_is_not_in_the_tree_is_refused() -> None:
    tree = small()
    for ask in (
        lambda: tree.root_at(tree.size + 1),
        lambda: tree.root_at(-1),
        lambda: tree.inclusion_proof(0, tree.size + 1),
        lambda: tree.inclusion_proof(5, 5),
        lambda: tree.inclusion_proof(-1, 5),
        lambda: tree.consistency_proof(1, tree.size + 1),
        lambda: tree.consistency_proof(6, 5),
        lambda: tree.consistency_proof(-1, 5),
    ):
        with pytest.raises(ValueError, match="tree of"):
            ask()


def test_the_root_over_loose_hashes() -> None:
    assert root_of(b"") == EMPTY_ROOT
    for count in range(1, 20):
        assert root_of(b"".join(LEAVES[:count])) == recursive_root(0, count)
