"""Whether a recorded event is what its terminal signed. Pure, and with public keys alone."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from firstbell.jws import EDDSA, EVENT_TYP, Ed25519Verifier, JwsError, digest_of, header, open_jws, unb64url
from firstbell.messages import understand_event

from hub.dispatch.entries import EventRecorded, TerminalEnrolled
from hub.ledger.verdict import Why

KEYS_KEPT = 1_024
_SIGNED_FIELDS = ("boot", "seq", "mono_ms", "event_ms", "error_ms", "input", "what")


@dataclass(frozen=True, slots=True)
class Judgement:
    """`wrong`: digest, terminal, signature or fields; "" when all that can be checked is right.

    `checkable`: whether the signature could be; that of an HS256 terminal needs a key that only it and the hub have.
    """

    wrong: Why | Literal[""] = ""
    checkable: bool = True


def judge_event(entry: EventRecorded, enrolled: TerminalEnrolled | None) -> Judgement:
    """`enrolled`: the newest enrolment of the event's terminal before this entry."""
    if digest_of(entry.jws) != entry.digest:
        return Judgement("digest")
    if enrolled is None or enrolled.terminal != entry.terminal:
        return Judgement("terminal")
    checkable = enrolled.algorithm == EDDSA
    try:
        verify = _verifier(enrolled.key).verify if checkable else _unchecked
        payload = open_jws(entry.jws, header(enrolled.algorithm, entry.terminal, EVENT_TYP), verify)
    except (JwsError, ValueError):
        return Judgement("signature", checkable)
    said = understand_event(payload, entry.terminal)
    if any(said[name] != getattr(entry, name) for name in _SIGNED_FIELDS):
        return Judgement("fields", checkable)
    return Judgement(checkable=checkable)


@lru_cache(KEYS_KEPT)
def _verifier(key: str) -> Ed25519Verifier:
    return Ed25519Verifier(unb64url(key))


def _unchecked(_signature: bytes, _message: bytes) -> bool:
    return True
