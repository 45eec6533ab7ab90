"""The log as anybody reads it: trees about the size of one tile, tiles, bundles, paths; and commitments."""

import hashlib
from typing import Any

from tests.golden.trees import leaf, path, proof, root

SIZES = (255, 256, 257)
INCLUSIONS = ((0, 255), (254, 255), (127, 256), (255, 256), (0, 257), (128, 257), (256, 257))
CONSISTENCIES = ((1, 257), (128, 256), (254, 257), (255, 256), (255, 257), (256, 257), (257, 257))
PATH_NUMBERS = (0, 255, 256, 1000, 1_234_067)

ENTRIES = [str(index).encode() for index in range(max(SIZES))]
LEAVES = [leaf(entry) for entry in ENTRIES]
ROOTS = {size: root(LEAVES[:size]).hex() for size in SIZES}


def _hex(hashes: list[bytes]) -> list[str]:
    return [one.hex() for one in hashes]


def _inclusion(index: int, size: int) -> dict[str, Any]:
    return {"index": index, "size": size, "proof": _hex(path(index, LEAVES[:size])), "root": ROOTS[size]}


def _consistency(old_size: int, new_size: int) -> dict[str, Any]:
    roots = {"old_root": root(LEAVES[:old_size]).hex(), "new_root": ROOTS[new_size]}
    return {
        "old_size": old_size,
        "new_size": new_size,
        "proof": _hex(proof(old_size, LEAVES[:new_size])),
        **roots,
    }


def _refused_inclusions() -> list[dict[str, Any]]:
    held = {"entry": 128} | _inclusion(128, 257)
    last = {"entry": 256} | _inclusion(256, 257)
    right = held["proof"]
    other_root = "the proof leads to another root"
    return [
        held | {"index": 129, "refused": other_root},
        held | {"index": 257, "refused": "the index is outside the tree"},
        held | {"size": 256, "refused": "the proof is too long"},
        held | {"root": ROOTS[256], "refused": other_root},
        held | {"proof": right[:-1], "refused": "the proof is too short"},
        held | {"proof": [*right, right[-1]], "refused": "the proof is too long"},
        held | {"proof": [*right[1:], right[0]], "refused": other_root},
        held | {"proof": [right[0][:-2], *right[1:]], "refused": "a hash of another length than 32 bytes"},
        last | {"proof": [], "refused": "the proof is too short"},
    ]


def _refused_consistencies() -> list[dict[str, Any]]:
    held = _consistency(254, 257)
    right = held["proof"]
    return [
        held | {"old_root": ROOTS[255], "refused": "the proof leads to another old root"},
        held | {"new_root": ROOTS[256], "refused": "the proof leads to another new root"},
        held | {"proof": right[:-1], "refused": "the proof is too short"},
        held | {"proof": [*right, right[-1]], "refused": "the proof is too long"},
        held | {"old_size": 257, "new_size": 254, "refused": "the new tree is smaller than the old one"},
        _consistency(257, 257) | {"old_root": ROOTS[256], "refused": "two roots for one size"},
        _consistency(256, 257) | {"proof": [], "refused": "the proof is too short"},
    ]


def _bundle(entries: list[bytes]) -> str:
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries).hex()


def _tiles() -> list[dict[str, str]]:
    """Of the tree of 257 entries."""
    above = root(LEAVES[:256])
    return [
        {"path": "tile/0/000", "hashes": b"".join(LEAVES[:256]).hex()},
        {"path": "tile/0/000.p/3", "hashes": b"".join(LEAVES[:3]).hex()},
        {"path": "tile/0/001.p/1", "hashes": LEAVES[256].hex()},
        {"path": "tile/1/000.p/1", "hashes": above.hex()},
    ]


def _bundles() -> list[dict[str, Any]]:
    long = bytes(range(256)) + b"\n"
    contents = [ENTRIES[:3], [b"first", b"", b"third"], [b""], [long]]
    return [{"entries": _hex(entries), "bundle": _bundle(entries)} for entries in contents]


def _path(level: int | str, n: int, width: int) -> dict[str, Any]:
    digits = f"{n:0{-(-len(str(n)) // 3) * 3}}"
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    written = "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])
    return {
        "level": level,
        "n": n,
        "width": width,
        "path": f"tile/{level}/{written}" + (f".p/{width}" if width < 256 else ""),
    }


def _refused_paths() -> list[str]:
    return [
        "tile/0/0",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/1000",
        "tile/00/000",
        "tile/64/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/01",
        "tile/entry/000",
    ]


def _commitments() -> list[dict[str, str]]:
    texts = (
        ("firstbell/zone-details/v1", '{"name":"East zone"}'),
        ("firstbell/account-details/v1", '{"name":"王建国"}'),
        ("firstbell/resolve-note/v1", "mistaken: a ball hit the button"),
        ("firstbell/resolve-note/v1", ""),
    )
    made = []
    for number, (domain, text) in enumerate(texts):
        salt = bytes(range(number, number + 32))
        commitment = hashlib.sha256(domain.encode() + b"\x00" + salt + text.encode()).hexdigest()
        made.append({"domain": domain, "salt": salt.hex(), "text": text, "commitment": commitment})
    return made


def log_file() -> dict[str, Any]:
    return {
        "about": "A log whose entries are the decimal numbers of their indices, in ASCII (0, 1, 2 ...), about "
        "the size of one tile; tiles of its tree of 257; bundles; paths; commitments. Hashes, entries, "
        "bundles and salts in hex.",
        "roots": {str(size): of_size for size, of_size in ROOTS.items()},
        "inclusion": [_inclusion(*one) for one in INCLUSIONS],
        "refused_inclusion": _refused_inclusions(),
        "consistency": [_consistency(*one) for one in CONSISTENCIES],
        "refused_consistency": _refused_consistencies(),
        "tiles": _tiles(),
        "bundles": _bundles(),
        "refused_bundles": [
            {"width": 2, "bundle": _bundle(ENTRIES[:1]), "case": "an entry too few"},
            {"width": 1, "bundle": _bundle(ENTRIES[:2]), "case": "an entry too many"},
            {"width": 1, "bundle": "000361", "case": "an entry that is cut off"},
        ],
        "paths": [
            *[_path(0, n, 256) for n in PATH_NUMBERS],
            *[_path("entries", n, 256) for n in PATH_NUMBERS],
            _path(1, 1_234_067, 7),
            _path("entries", 256, 255),
        ],
        "refused_paths": _refused_paths(),
        "commitments": _commitments(),
    }
