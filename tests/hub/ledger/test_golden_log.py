"""The golden log: the hub's tree, tiles, bundles, paths and commitments are those that another hand made."""

import json
from pathlib import Path
from typing import Any

import pytest
from firstbell.merkle import ProofError, leaf_hash, verify_consistency, verify_inclusion

from hub.dispatch.batch import Sealed
from hub.ledger.errors import LedgerDamaged, TilePathError
from hub.ledger.sealed import opens, seal
from hub.ledger.tiles import TileName, decode_bundle, encode_bundle, parse_path, tile_path
from hub.ledger.tree import Tree
from tests.hub.ledger.logs import Shelf

VECTORS = json.loads((Path(__file__).parents[2] / "golden/log.json").read_text("utf-8"))
SIZE = 257
LEAVES = [leaf_hash(str(index).encode()) for index in range(SIZE)]


def tree() -> Tree:
    shelf = Shelf()
    grown = Tree.empty(shelf.read_tile).append(LEAVES)
    shelf.keep(grown)
    return grown


def hashes(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def check_inclusion(case: dict[str, Any], index: int) -> None:
    proof, root = hashes(case["proof"]), bytes.fromhex(case["root"])
    verify_inclusion(LEAVES[index], case["index"], case["size"], proof, root)


def check_consistency(case: dict[str, Any]) -> None:
    old_root, new_root = bytes.fromhex(case["old_root"]), bytes.fromhex(case["new_root"])
    verify_consistency(case["old_size"], old_root, case["new_size"], new_root, hashes(case["proof"]))


def test_roots() -> None:
    for size, root in VECTORS["roots"].items():
        assert tree().root_at(int(size)).hex() == root


def test_inclusion_proofs() -> None:
    for case in VECTORS["inclusion"]:
        assert tree().inclusion_proof(case["index"], case["size"]) == hashes(case["proof"])
        check_inclusion(case, case["index"])


def test_consistency_proofs() -> None:
    for case in VECTORS["consistency"]:
        assert tree().consistency_proof(case["old_size"], case["new_size"]) == hashes(case["proof"])
        check_consistency(case)


@pytest.mark.parametrize("case", VECTORS["refused_inclusion"])
def test_what_is_not_shown_to_be_in_it(case: dict[str, Any]) -> None:
    with pytest.raises(ProofError) as refusal:
        check_inclusion(case, case["entry"])
    assert str(refusal.value) == case["refused"]


@pytest.mark.parametrize("case", VECTORS["refused_consistency"])
def test_what_is_not_shown_to_go_on(case: dict[str, Any]) -> None:
    with pytest.raises(ProofError) as refusal:
        check_consistency(case)
    assert str(refusal.value) == case["refused"]


def test_tiles() -> None:
    for case in VECTORS["tiles"]:
        name = parse_path(case["path"])
        assert isinstance(name.level, int)
        assert tree().tile(name.level, name.n, name.width).hex() == case["hashes"]


def test_bundles() -> None:
    for case in VECTORS["bundles"]:
        entries, bundle = hashes(case["entries"]), bytes.fromhex(case["bundle"])
        assert encode_bundle(entries) == bundle
        assert decode_bundle(bundle, len(entries)) == entries


@pytest.mark.parametrize("case", VECTORS["refused_bundles"], ids=lambda case: case["case"])
def test_a_bundle_that_is_none(case: dict[str, Any]) -> None:
    with pytest.raises(LedgerDamaged):
        decode_bundle(bytes.fromhex(case["bundle"]), case["width"])


def test_paths() -> None:
    for case in VECTORS["paths"]:
        name = (case["level"], case["n"], case["width"])
        assert tile_path(*name) == case["path"]
        assert parse_path(case["path"]) == TileName(*name)


@pytest.mark.parametrize("path", VECTORS["refused_paths"])
def test_a_path_that_is_none(path: str) -> None:
    with pytest.raises(TilePathError):
        parse_path(path)


def test_commitments() -> None:
    for case in VECTORS["commitments"]:
        domain, salt, text = case["domain"], bytes.fromhex(case["salt"]), case["text"]
        assert seal(domain, text, salt).commitment == case["commitment"]
        assert not opens(Sealed(case["commitment"], domain, salt, text + " "))
