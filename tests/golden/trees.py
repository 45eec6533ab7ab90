"""Merkle trees as RFC 6962, section 2.1, words them. A leaf is the hash of one entry."""

import hashlib


def hashed(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def leaf(entry: bytes) -> bytes:
    return hashed(b"\x00", entry)


def _middle(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)


def root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 6962, section 2.1."""
    if len(leaves) == 1:
        return leaves[0]
    middle = _middle(len(leaves))
    return hashed(b"\x01", root(leaves[:middle]), root(leaves[middle:]))


def path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of RFC 6962, section 2.1.1."""
    if len(leaves) == 1:
        return []
    middle = _middle(len(leaves))
    if index < middle:
        return [*path(index, leaves[:middle]), root(leaves[middle:])]
    return [*path(index - middle, leaves[middle:]), root(leaves[:middle])]


def proof(old_size: int, leaves: list[bytes], known: bool = True) -> list[bytes]:
    """PROOF and SUBPROOF of RFC 6962, section 2.1.2; 0 < `old_size` <= the number of leaves."""
    if old_size == len(leaves):
        return [] if known else [root(leaves)]
    middle = _middle(len(leaves))
    if old_size <= middle:
        return [*proof(old_size, leaves[:middle], known), root(leaves[middle:])]
    return [*proof(old_size - middle, leaves[middle:], False), root(leaves[:middle])]
