"""What makes a receipt hold, on CPython and MicroPython: one that does, and everything that can be wrong with it."""

import json

from firstbell import jws
from firstbell.jws import digest_of
from firstbell.messages import parse_hub_frame
from firstbell.note import Vkey, parse_vkey
from firstbell.receipt import ReceiptError, check_receipt, trust_link

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass

with open(__file__.rsplit("/", 2)[0] + "/golden/receipts.json", encoding="utf-8") as file:
    GOLDEN = json.load(file)

VKEY = parse_vkey(GOLDEN["vkey"])
CASE = GOLDEN["receipts"][2]
JWS = CASE["jws"]
FRAME = parse_hub_frame(CASE["frame"])


def refusal(frame: "dict[str, Any]", text: str = JWS, vkey: Vkey = VKEY) -> str:
    try:
        check_receipt(frame, text, vkey, trust_link)
    except ReceiptError as error:
        return str(error)
    return ""


def test_it_holds() -> None:
    checkpoint = check_receipt(FRAME, JWS, VKEY, trust_link)
    assert (checkpoint.origin, checkpoint.size) == (VKEY.name, 8)


def test_the_digest_must_be_ours() -> None:
    assert refusal(FRAME | {"event": "0" * 64}) == "it is for another event"
    assert refusal(FRAME, JWS + "x") == "it is for another event"


def test_the_entry_must_record_this_event() -> None:
    entry = FRAME["entry"]
    for changed in (
        entry.replace("event_recorded", "event_refused"),
        entry.replace('"jws":"', '"jws":"x'),
        entry.replace('"jws":', '"text":'),
        entry.replace('"kind":', '"sort":'),
        "{}",
    ):
        assert changed != entry
        assert refusal(FRAME | {"entry": changed}) == "the entry does not record this event"
    for changed in ("", "[]", "null", "x", entry[:-1], entry + "}", '{"kind":"event_recorded",' + entry[1:]):
        assert refusal(FRAME | {"entry": changed}) == "the entry can't be read"
    assert digest_of(JWS) == FRAME["event"]


def test_the_entry_must_be_the_one_in_the_ledger() -> None:
    """One that says the same with another time is another entry."""
    assert refusal(FRAME | {"entry": FRAME["entry"].replace('"at_ms":', '"at_ms":1')}) != ""
    assert refusal(FRAME | {"entry": FRAME["entry"].replace("{", "{ ", 1)}) != ""


def test_the_proof_must_lead_to_the_root() -> None:
    proof = FRAME["proof"]
    assert len(proof) == 3
    for changed in (
        [],
        proof[:-1],
        proof + proof[:1],
        proof[1:] + proof[:1],
        [proof[1], proof[1], proof[2]],
    ):
        assert refusal(FRAME | {"proof": changed}) != ""
    for index in (0, FRAME["index"] - 1, FRAME["index"] + 1, 8, 1 << 40):
        assert refusal(FRAME | {"index": index}) != ""


def test_the_checkpoint_must_be_this_logs() -> None:
    note = FRAME["checkpoint"]
    other = json.loads(GOLDEN["receipts"][1]["frame"])["checkpoint"]
    for changed in ("", note[:-1], note.replace("\n8\n", "\n9\n"), note.replace("\n8\n", "\n08\n"), other, "x" + note):
        assert changed != note
        assert refusal(FRAME | {"checkpoint": changed}) != "", changed
    assert refusal(FRAME, vkey=Vkey("elsewhere.example", 1, VKEY.public_key)) == "no known key has signed"
    assert refusal(FRAME, vkey=Vkey(VKEY.name, 1, bytes(32))) == "no known key has signed"


def test_the_signature_counts_where_it_can_be_checked() -> None:
    note = FRAME["checkpoint"]
    at = len(note) - 10
    forged = FRAME | {"checkpoint": note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]}
    if jws.HAS_ED25519:
        check_receipt(FRAME, JWS, VKEY, jws.verify_ed25519)
        try:
            check_receipt(forged, JWS, VKEY, jws.verify_ed25519)
        except ReceiptError:
            return
        raise AssertionError("believed")
    assert refusal(forged) == "", "a node trusts the link for it"  # interpreter: MicroPython
