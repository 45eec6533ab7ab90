"""Merkle tree hashes and the checking of proofs, over SHA-256.

Hashing after RFC 6962, section 2.1; the two checks give the same answers as the algorithms of RFC 9162,
sections 2.1.3.2 and 2.1.4.2. A row of the tree is numbered from the left; going up one row halves a node's
place, and the last node of a row of odd length moves up as it is. All hashes are 32 bytes.
"""

import hashlib

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


class ProofError(Exception):
    """A proof does not show what it was given for; the message says why, for a log."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry, as it stands at the bottom of the tree."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above `left` and `right`."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def verify_inclusion(leaf: bytes, index: int, size: int, proof: list[bytes], root: bytes) -> None:
    """Check that the tree of `size` entries under `root` has the leaf hash `leaf` at `index` (from 0).

    `proof`: the hashes beside the way up, leaf side first. Raises ProofError.
    """
    if not 0 <= index < size:
        raise ProofError("the index is outside the tree")
    _check_lengths([leaf, root], proof)
    node = leaf
    used = 0
    place = index
    last = size - 1
    while last:
        if place & 1 or place < last:
            beside = _take(proof, used)
            used += 1
            node = node_hash(beside, node) if place & 1 else node_hash(node, beside)
        place >>= 1
        last >>= 1
    _check_all_used(proof, used)
    if node != root:
        raise ProofError("the proof leads to another root")


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: list[bytes]) -> None:
    """Check that the first `old_size` entries under `new_root` are the ones under `old_root`.

    Every tree goes on from the empty one; that, and a tree compared with itself, needs an empty proof.
    Raises ProofError.
    """
    if not 0 <= old_size <= new_size:
        raise ProofError("the new tree is smaller than the old one")
    _check_lengths([old_root, new_root], proof)
    for size, root in ((old_size, old_root), (new_size, new_root)):
        if size == 0 and root != EMPTY_ROOT:
            raise ProofError("an empty tree has another root")
    if old_size in (0, new_size):
        _check_all_used(proof, 0)
        if old_size and old_root != new_root:
            raise ProofError("two roots for one size")
        return
    _walk_both(old_size, old_root, new_size, new_root, proof)


def _walk_both(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: list[bytes]) -> None:
    place = old_size - 1
    last = new_size - 1
    # Up to the largest whole subtree that ends where the old tree ends: both trees have it.
    while place & 1:
        place >>= 1
        last >>= 1
    used = 0
    shared = old_root
    if place:
        shared = _take(proof, used)
        used += 1
    old_node = shared
    new_node = shared
    while last:
        if place & 1:
            beside = _take(proof, used)
            used += 1
            old_node = node_hash(beside, old_node)
            new_node = node_hash(beside, new_node)
        elif place < last:
            new_node = node_hash(new_node, _take(proof, used))
            used += 1
        place >>= 1
        last >>= 1
    _check_all_used(proof, used)
    if old_node != old_root:
        raise ProofError("the proof leads to another old root")
    if new_node != new_root:
        raise ProofError("the proof leads to another new root")


def _check_lengths(hashes: list[bytes], proof: list[bytes]) -> None:
    for value in hashes + proof:
        if len(value) != HASH_BYTES:
            raise ProofError("a hash of another length than 32 bytes")


def _take(proof: list[bytes], used: int) -> bytes:
    if used == len(proof):
        raise ProofError("the proof is too short")
    return proof[used]


def _check_all_used(proof: list[bytes], used: int) -> None:
    if used != len(proof):
        raise ProofError("the proof is too long")
