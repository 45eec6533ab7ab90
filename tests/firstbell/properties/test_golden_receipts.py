"""Receipts of the golden files that must not be taken, on CPython, which can tell a bad signature."""

import json
from pathlib import Path
from typing import Any

import pytest
from firstbell.jws import verify_ed25519
from firstbell.messages import parse_hub_frame
from firstbell.note import parse_vkey, vkey_of_log
from firstbell.receipt import ReceiptError, check_receipt, trust_link

GOLDEN = Path(__file__).parents[2] / "golden"
VECTORS = json.loads((GOLDEN / "refused_receipts.json").read_text("utf-8"))
HELD = json.loads((GOLDEN / "receipts.json").read_text("utf-8"))


def frame_of(case: dict[str, Any]) -> dict[str, Any]:
    return parse_hub_frame(json.dumps(json.loads(VECTORS["frame"]) | case["change"]))


def test_what_is_changed_holds_unchanged() -> None:
    check_receipt(parse_hub_frame(VECTORS["frame"]), VECTORS["jws"], parse_vkey(HELD["vkey"]), verify_ed25519)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["case"])
def test_it_is_refused(case: dict[str, Any]) -> None:
    with pytest.raises(ReceiptError) as refusal:
        check_receipt(frame_of(case), VECTORS["jws"], parse_vkey(case["vkey"]), verify_ed25519)
    assert str(refusal.value) == case["refused"]


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["case"])
def test_a_node_says_the_same_but_of_a_signature(case: dict[str, Any]) -> None:
    said = ""
    try:
        check_receipt(frame_of(case), VECTORS["jws"], parse_vkey(case["vkey"]), trust_link)
    except ReceiptError as error:
        said = str(error)
    assert said == case["on_node"]


def test_the_successors_verifier_key_follows_from_the_first() -> None:
    successor = parse_vkey(HELD["successor"])
    assert vkey_of_log(parse_vkey(HELD["vkey"]), successor.name).text() == HELD["successor"]
