"""Merkle hashes and proof checks, on CPython and MicroPython, against published roots and proofs."""

import json

from firstbell.merkle import (
    EMPTY_ROOT,
    ProofError,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)

ROOT = __file__.rsplit("/", 3)[0]
with open(ROOT + "/tests/golden/merkle.json") as file:
    GOLDEN = json.load(file)

ENTRIES = [bytes.fromhex(entry) for entry in GOLDEN["entries"]]
ROOTS = [bytes.fromhex(root) for root in GOLDEN["roots"]]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
SIZE_MAX = 40


def split(size: int) -> int:
    """The largest power of two below `size`."""
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def root_of(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1, word for word; so are the next three, from 2.1.1 and 2.1.2."""
    if not leaves:
        return EMPTY_ROOT
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def path_to(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return path_to(index, leaves[:k]) + [root_of(leaves[k:])]
    return path_to(index - k, leaves[k:]) + [root_of(leaves[:k])]


def proof_from(old_size: int, leaves: list[bytes]) -> list[bytes]:
    return subproof(old_size, leaves, True)


def subproof(old_size: int, leaves: list[bytes], known: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if known else [root_of(leaves)]
    k = split(len(leaves))
    if old_size <= k:
        return subproof(old_size, leaves[:k], known) + [root_of(leaves[k:])]
    return subproof(old_size - k, leaves[k:], False) + [root_of(leaves[:k])]


def from_hex(hashes: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in hashes]


def other(value: bytes) -> bytes:
    """`value` with one bit changed."""
    return bytes([value[0] ^ 1]) + value[1:]


def refused_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> str:
    try:
        verify_inclusion(leaf, index, size, proof, root)
    except ProofError as error:
        return str(error)
    raise AssertionError("this proof of inclusion was believed")


def refused_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: list[bytes]) -> str:
    try:
        verify_consistency(old_size, old_root, new_size, new_root, proof)
    except ProofError as error:
        return str(error)
    raise AssertionError("this proof of consistency was believed")


def test_published_roots() -> None:
    assert ROOTS[0] == EMPTY_ROOT
    for size in range(len(ROOTS)):
        assert root_of(LEAVES[:size]) == ROOTS[size]


def test_published_inclusion_proofs() -> None:
    assert len(GOLDEN["inclusion"]) == 5
    for case in GOLDEN["inclusion"]:
        index, size, proof = case["index"], case["size"], from_hex(case["proof"])
        assert path_to(index, LEAVES[:size]) == proof
        verify_inclusion(LEAVES[index], index, size, proof, ROOTS[size])


def test_published_consistency_proofs() -> None:
    assert len(GOLDEN["consistency"]) == 4
    for case in GOLDEN["consistency"]:
        old_size, new_size, proof = case["old_size"], case["new_size"], from_hex(case["proof"])
        assert proof_from(old_size, LEAVES[:new_size]) == proof
        verify_consistency(old_size, ROOTS[old_size], new_size, ROOTS[new_size], proof)


def test_every_inclusion_in_small_trees() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(SIZE_MAX)]
    for size in range(1, SIZE_MAX + 1, 3):
        root = root_of(leaves[:size])
        for index in range(size):
            proof = path_to(index, leaves[:size])
            verify_inclusion(leaves[index], index, size, proof, root)
            wrong_place = index ^ 1 if index ^ 1 < size else index - 1
            if wrong_place >= 0:
                refused_inclusion(leaves[index], wrong_place, size, proof, root)


def test_every_consistency_of_small_trees() -> None:
    leaves = [leaf_hash(bytes([number])) for number in range(SIZE_MAX)]
    roots = [root_of(leaves[:size]) for size in range(SIZE_MAX + 1)]
    for new_size in range(1, SIZE_MAX + 1, 3):
        for old_size in range(1, new_size + 1):
            proof = proof_from(old_size, leaves[:new_size])
            verify_consistency(old_size, roots[old_size], new_size, roots[new_size], proof)
            if old_size < new_size:
                refused_consistency(old_size, roots[old_size - 1], new_size, roots[new_size], proof)


def test_inclusion_refused_when_any_hash_differs() -> None:
    proof = path_to(5, LEAVES)
    reason = "the proof leads to another root"
    assert refused_inclusion(other(LEAVES[5]), 5, 8, proof, ROOTS[8]) == reason
    assert refused_inclusion(LEAVES[5], 5, 8, proof, other(ROOTS[8])) == reason
    for at in range(len(proof)):
        changed = proof[:at] + [other(proof[at])] + proof[at + 1 :]
        assert refused_inclusion(LEAVES[5], 5, 8, changed, ROOTS[8]) == reason


def test_inclusion_refused_when_the_length_is_wrong() -> None:
    proof = path_to(5, LEAVES)
    assert refused_inclusion(LEAVES[5], 5, 8, proof[:-1], ROOTS[8]) == "the proof is too short"
    assert refused_inclusion(LEAVES[5], 5, 8, proof + [EMPTY_ROOT], ROOTS[8]) == "the proof is too long"
    assert refused_inclusion(LEAVES[0], 0, 1, [EMPTY_ROOT], ROOTS[1]) == "the proof is too long"
    short = "a hash of another length than 32 bytes"
    assert refused_inclusion(LEAVES[5][:31], 5, 8, proof, ROOTS[8]) == short
    assert refused_inclusion(LEAVES[5], 5, 8, proof, ROOTS[8] + b"\x00") == short
    assert refused_inclusion(LEAVES[5], 5, 8, proof[:2] + [b""], ROOTS[8]) == short


def test_inclusion_refused_outside_the_tree() -> None:
    for index, size in ((8, 8), (-1, 8), (0, 0), (0, -1)):
        assert refused_inclusion(LEAVES[0], index, size, [], ROOTS[1]) == "the index is outside the tree"


def test_an_inner_node_is_no_entry() -> None:
    """The two hashes differ in their first byte, so that a node can't be passed off as an entry."""
    pair = LEAVES[0] + LEAVES[1]
    assert node_hash(LEAVES[0], LEAVES[1]) == ROOTS[2]
    assert leaf_hash(pair) != ROOTS[2]
    assert refused_inclusion(leaf_hash(pair), 0, 1, [], ROOTS[2]) == "the proof leads to another root"


def test_consistency_refused_when_any_hash_differs() -> None:
    for old_size in (4, 6):
        proof = proof_from(old_size, LEAVES)
        old_root, new_root = ROOTS[old_size], ROOTS[8]
        for at in range(len(proof)):
            changed = proof[:at] + [other(proof[at])] + proof[at + 1 :]
            assert "another" in refused_consistency(old_size, old_root, 8, new_root, changed)
        # A whole subtree of 4 is itself where the walk starts; from 6 on both roots are reached from the proof.
        said = "the proof leads to another " + ("old root" if old_size == 6 else "new root")
        assert refused_consistency(old_size, other(old_root), 8, new_root, proof) == said
        assert refused_consistency(old_size, old_root, 8, other(new_root), proof).endswith("new root")


def test_consistency_refused_when_the_length_is_wrong() -> None:
    for old_size in (4, 5, 6, 7):
        proof = proof_from(old_size, LEAVES)
        old_root, new_root = ROOTS[old_size], ROOTS[8]
        for length in range(len(proof)):
            reason = refused_consistency(old_size, old_root, 8, new_root, proof[:length])
            assert reason == "the proof is too short"
        reason = refused_consistency(old_size, old_root, 8, new_root, proof + [EMPTY_ROOT])
        assert reason == "the proof is too long"
        short = proof[:-1] + [proof[-1][:31]]
        assert "32 bytes" in refused_consistency(old_size, old_root, 8, new_root, short)


def test_consistency_where_nothing_is_to_be_shown() -> None:
    verify_consistency(0, ROOTS[0], 0, ROOTS[0], [])
    verify_consistency(0, ROOTS[0], 8, ROOTS[8], [])
    verify_consistency(8, ROOTS[8], 8, ROOTS[8], [])
    assert refused_consistency(8, ROOTS[8], 8, other(ROOTS[8]), []) == "two roots for one size"
    assert refused_consistency(8, ROOTS[8], 8, ROOTS[8], [EMPTY_ROOT]) == "the proof is too long"
    assert refused_consistency(0, ROOTS[0], 8, ROOTS[8], [EMPTY_ROOT]) == "the proof is too long"
    assert refused_consistency(0, ROOTS[1], 8, ROOTS[8], []) == "an empty tree has another root"
    assert refused_consistency(0, ROOTS[0], 0, ROOTS[1], []) == "an empty tree has another root"


def test_consistency_refused_when_a_tree_shrinks() -> None:
    reason = "the new tree is smaller than the old one"
    assert refused_consistency(8, ROOTS[8], 7, ROOTS[7], []) == reason
    assert refused_consistency(-1, ROOTS[0], 7, ROOTS[7], []) == reason
