"""One-time links: a code of 32 random bytes that makes a device a pager or a board, or lets a person choose a PIN.

The hub keeps only the code's SHA-256, one link for each owner: a new one ends the one before. A link is used up with
the commit that gives what it is for.
"""

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from typing import Literal, get_args

from firstbell.jws import b64url

from hub.dispatch.batch import Secret, Submission
from hub.dispatch.requests import GiveKey, MakeLink, Refused
from hub.people.keyring import Keyring

CODE_BYTES = 32
CODE_CHARS_MAX = 64
LINK_MS = 30 * 60_000
FIRST_LINK_MS = 7 * 86_400_000
"""How long the first administrator's link holds."""
_UNTIL_BYTES = 8

Use = Literal["pager", "pin", "board"]
_USES: tuple[Use, ...] = get_args(Use)


@dataclass(frozen=True, slots=True)
class Link:
    """What a code is good for: the key of pager `owner`, a PIN for account `owner`, a board in its name."""

    owner: str
    use: Use
    until_ms: int


def make_link(owner: str, use: Use, by: str, now_ms: int, length_ms: int = LINK_MS) -> tuple[str, Submission]:
    """The code, and what the engine is to be asked."""
    code = b64url(secrets.token_bytes(CODE_BYTES))
    until_ms = now_ms + length_ms
    kept = bytes([_USES.index(use)]) + until_ms.to_bytes(_UNTIL_BYTES) + _digest(code)
    request = MakeLink(now_ms=now_ms, owner=owner, until_ms=until_ms, by=by)
    return code, Submission(request, secrets=(Secret(owner, "link", kept),))


def open_link(link: Link, now_ms: int, given: tuple[Secret, ...] = ()) -> Submission:
    """Uses the link up; `given` is the key that the owner has from now on."""
    used = Secret(link.owner, "link", None)
    return Submission(GiveKey(now_ms=now_ms, owner=link.owner), secrets=(*given, used))


class Links:
    """The open links, as the keyring has them."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._opening: set[str] = set()

    def look(self, code: str, now_ms: int) -> Link:
        """What it is good for. Raises Refused("link_spent"): used, replaced, expired, never made."""
        digest = _digest(code)
        for owner, kept in self._keyring.of_kind("link").items():
            use, until_ms = _USES[kept[0]], int.from_bytes(kept[1 : 1 + _UNTIL_BYTES])
            if hmac.compare_digest(kept[1 + _UNTIL_BYTES :], digest) and now_ms < until_ms:
                return Link(owner, use, until_ms)
        raise Refused("link_spent")

    @contextmanager
    def opening(self, code: str, now_ms: int) -> Iterator[Link]:
        """As `look`, and nobody else can begin to open it meanwhile."""
        link = self.look(code, now_ms)
        if link.owner in self._opening:
            raise Refused("link_spent")
        self._opening.add(link.owner)
        try:
            yield link
        finally:
            self._opening.discard(link.owner)


def _digest(code: str) -> bytes:
    return sha256(code.encode()).digest()
