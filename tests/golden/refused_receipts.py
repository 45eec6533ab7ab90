"""Receipts that a terminal must not take, each with the code's word for why."""

from typing import Any, NamedTuple

from tests.golden import signing as s
from tests.golden.receipts import LOG, SUCCESSOR, checkpoint_text, key_id, receipt, signature_line, vkey

_UNSIGNED = "no known key has signed"
_BAD_SIGNATURE = "a signature of a known key is bad"
_OTHER_EVENT = "it is for another event"
_OTHER_ENTRY = "the entry does not record this event"
_OTHER_ROOT = "the proof leads to another root"
_OTHER_KEY = bytes(31) + b"\x01"


class Refused(NamedTuple):
    """`change`: what is other than in the receipt of PRESS in the first log that holds. `key`: whose name the
    terminal's verifier key has."""

    case: str
    reason: str
    change: dict[str, Any]
    key: str = LOG


def _note(text: str, *lines: str) -> dict[str, str]:
    return {"checkpoint": text + "\n" + "".join(lines)}


def _signers() -> list[Refused]:
    text = checkpoint_text(LOG, 8)
    with_other_id = signature_line(text, LOG, of_key=key_id(SUCCESSOR))
    in_other_name = signature_line(text, "firstbell.example/c-campus3333/1")
    by_other_key = signature_line(text, LOG, _OTHER_KEY)
    spoilt = signature_line(text, LOG, _OTHER_KEY, key_id(LOG))
    return [
        Refused("a bad signature", _BAD_SIGNATURE, _note(text, spoilt)),
        Refused("a bad one after a good one", _BAD_SIGNATURE, _note(text, signature_line(text, LOG), spoilt)),
        Refused("the key ID of another name", _UNSIGNED, _note(text, with_other_id)),
        Refused("signed in another name", _UNSIGNED, _note(text, in_other_name)),
        Refused("signed by another key in the log's name", _UNSIGNED, _note(text, by_other_key)),
        Refused("a text without a signature", "the note has no signatures", {"checkpoint": text}),
        Refused("a signature line without its dash", "a malformed signature line", _note(text, "- x y\n")),
    ]


def _logs() -> list[Refused]:
    """Checkpoints signed by the log's key, under origins that are not the log's."""
    later = receipt(s.PRESS_LATER, 6)["checkpoint"]
    cases = []
    for case, origin in (
        ("another campus", "firstbell.example/c-campus3333/1"),
        ("a successor's number with a zero before it", f"{LOG[:-1]}02"),
        ("no number", LOG[:-2]),
    ):
        text = checkpoint_text(LOG, 8).replace(LOG, origin)
        cases.append(Refused(case, _UNSIGNED, _note(text, signature_line(text, origin))))
    text = checkpoint_text(LOG, 8).replace(LOG, "firstbell.example/c-campus3333/1")
    in_own_name = _note(text, signature_line(text, LOG))
    text = checkpoint_text(LOG, 8).replace(LOG, SUCCESSOR)
    as_first = _note(text, signature_line(text, LOG))
    text = checkpoint_text(SUCCESSOR, 6)
    by_other_key = _note(text, signature_line(text, SUCCESSOR, _OTHER_KEY))
    return [
        *cases,
        Refused("another campus in the log's name", "the checkpoint is of another log", in_own_name),
        Refused("a successor in the first log's name", _UNSIGNED, as_first),
        Refused("a successor with another key", _UNSIGNED, by_other_key),
        Refused("a successor that does not hold it", "the proof is too long", {"checkpoint": later}),
        Refused("a lower number than the verifier key's", _UNSIGNED, {}, SUCCESSOR),
    ]


def _heads() -> list[Refused]:
    """Checkpoints that are signed and can't be read."""
    text = checkpoint_text(LOG, 8)
    head = f"{LOG}\n8\n"
    zero = "the checkpoint's size has a leading zero or is too large"
    texts = [
        ("a size with a zero before it", zero, text.replace("\n8\n", "\n08\n")),
        ("a size that is no number", "the checkpoint's size is not a decimal number", text.replace("\n8\n", "\n-8\n")),
        ("a root of 31 bytes", "the checkpoint's root is not 32 bytes in base64", head + s.b64(bytes(31)) + "\n"),
        ("no root", "a checkpoint is three lines or more, none of them empty", head),
    ]
    return [Refused(case, reason, _note(text, signature_line(text, LOG))) for case, reason, text in texts]


def _proofs() -> list[Refused]:
    held = receipt(s.PRESS, 8)
    right = held["proof"]
    return [
        Refused("a shortened proof", "the proof is too short", {"proof": right[:-1]}),
        Refused("a lengthened proof", "the proof is too long", {"proof": [*right, right[0]]}),
        Refused("a proof in the other order", _OTHER_ROOT, {"proof": right[::-1]}),
        Refused("another index", _OTHER_ROOT, {"index": held["index"] + 1}),
        Refused("an index beyond the tree", "the index is outside the tree", {"index": 8}),
        Refused(
            "the checkpoint of another size",
            "the proof is too short",
            {"checkpoint": receipt(s.PRESS, 9)["checkpoint"]},
        ),
    ]


def _entries() -> list[Refused]:
    held, other = receipt(s.PRESS, 8), receipt(s.NODE_PRESS, 8)
    entry = held["entry"]
    theirs = {name: other[name] for name in ("index", "entry", "proof")}
    twice = entry[:-1] + ',"again":false}'
    return [
        Refused("the digest of another event", _OTHER_EVENT, {"event": other["event"]}),
        Refused("the entry of another event", _OTHER_ENTRY, theirs),
        Refused("another kind of entry", _OTHER_ENTRY, {"entry": entry.replace("event_recorded", "event_counted")}),
        Refused("another JWS in the entry", _OTHER_ENTRY, {"entry": entry.replace(s.PRESS["jws"], other["event"])}),
        Refused("an entry that is cut off", "the entry can't be read", {"entry": entry[:-1]}),
        Refused("a name twice in the entry", "the entry can't be read", {"entry": twice}),
        Refused("a blank more in the entry", _OTHER_ROOT, {"entry": entry + " "}),
    ]


def refused_receipts_file() -> dict[str, Any]:
    held = receipt(s.PRESS, 8)
    cases = []
    for one in (*_signers(), *_logs(), *_heads(), *_proofs(), *_entries()):
        # Without Ed25519 a bad signature can't be told: the pinned TLS stands for it.
        on_node = "" if one.reason == _BAD_SIGNATURE else one.reason
        cases.append(
            {"case": one.case, "vkey": vkey(one.key), "change": one.change, "refused": one.reason, "on_node": on_node}
        )
    return {
        "about": "Receipts that prove nothing. Each is `frame`, with the fields of `change` put in, for the event "
        "`jws` and a terminal that has `vkey`. `refused` is our terminal's word for why (any will do for yours); "
        "`on_node` is what one says that leaves out the signature, empty where it takes the receipt.",
        "jws": s.PRESS["jws"],
        "frame": s.plain(held),
        "cases": cases,
    }
