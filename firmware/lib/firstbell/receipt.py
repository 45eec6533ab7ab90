"""What makes an event delivered: the hub's proof that it stands in the ledger."""

import binascii

from firstbell import json_text
from firstbell.jws import digest_of
from firstbell.merkle import ProofError, leaf_hash, verify_inclusion
from firstbell.note import NoteError, open_checkpoint, vkey_of_log

try:
    from collections.abc import Callable
    from typing import Any

    from firstbell.note import Checkpoint, Vkey
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation


class ReceiptError(Exception):
    """A receipt that proves nothing about this event; the message says why, for a log."""


def check_receipt(
    receipt: "dict[str, Any]", jws: str, vkey: "Vkey", verify: "Callable[[bytes, bytes, bytes], bool]"
) -> "Checkpoint":
    """The checkpoint under which the ledger holds the event `jws`. Raises ReceiptError.

    `receipt`: the hub's frame, as `messages.parse_hub_frame` gives it. `vkey`: the log's. `verify(public_key,
    signature, message)`: `jws.verify_ed25519`, or `trust_link` where there is no Ed25519.
    """
    if receipt["event"] != digest_of(jws):
        raise ReceiptError("it is for another event")
    entry = _read_entry(receipt["entry"])
    if entry.get("kind") != "event_recorded" or entry.get("jws") != jws:
        raise ReceiptError("the entry does not record this event")
    why = ""
    try:
        note = receipt["checkpoint"]
        checkpoint = open_checkpoint(note, vkey_of_log(vkey, note.partition("\n")[0]), verify)
        proof = [binascii.a2b_base64(item) for item in receipt["proof"]]
        leaf = leaf_hash(receipt["entry"].encode())
        verify_inclusion(leaf, receipt["index"], checkpoint.size, proof, checkpoint.root)
    except (NoteError, ProofError) as error:
        why = str(error)
    if why:
        raise ReceiptError(why)
    return checkpoint


def trust_link(_public_key: bytes, _signature: bytes, _message: bytes) -> bool:
    """For a node, which has no Ed25519: the pinned TLS says that the hub signed. The proof is checked all the same."""
    return True


def _read_entry(text: str) -> "dict[str, Any]":
    entry = None
    try:
        entry = json_text.read(text)
    except ValueError:
        pass
    if not isinstance(entry, dict):
        raise ReceiptError("the entry can't be read")
    return entry
