"""Personal data and free text: the ledger holds only a commitment, the text and its salt stay outside.

The commitment is SHA-256(domain ‖ 00 ‖ salt ‖ text in UTF-8). Without the salt nobody can try names on it: with text
and salt gone it says nothing any more, and the tree is none the worse. Nothing erases them yet; until an entry can say
that they were, `verify` takes a text that is gone for one that was taken away.
"""

import hmac
from hashlib import sha256

from hub.dispatch.batch import Sealed
from hub.ledger.errors import SealError

SALT_BYTES = 32
SEALED_TEXT_BYTES_MAX = 16_384
DOMAIN_BYTES_MAX = 64


def seal(domain: str, text: str, salt: bytes) -> Sealed:
    """`salt`: 32 random bytes, never used before. Raises SealError."""
    return Sealed(_commitment(domain, text, salt).hex(), domain, salt, text)


def opens(sealed: Sealed) -> bool:
    """Whether text, salt and domain are the ones that the commitment was made of."""
    try:
        made = _commitment(sealed.domain, sealed.text, sealed.salt)
    except SealError:
        return False
    return hmac.compare_digest(made.hex().encode(), sealed.commitment.encode())


def _commitment(domain: str, text: str, salt: bytes) -> bytes:
    # The 00 and the salt's length keep the three apart: no byte can move from one to the next unnoticed.
    if not (domain.isascii() and domain.isprintable() and 0 < len(domain) <= DOMAIN_BYTES_MAX):
        raise SealError(f"a domain is 1 to {DOMAIN_BYTES_MAX} printable ASCII characters")
    if len(salt) != SALT_BYTES:
        raise SealError(f"a salt has {SALT_BYTES} bytes")
    try:
        body = text.encode()
    except UnicodeEncodeError as error:
        raise SealError("the text can't be written as UTF-8") from error
    if len(body) > SEALED_TEXT_BYTES_MAX:
        raise SealError(f"a sealed text has at most {SEALED_TEXT_BYTES_MAX} bytes")
    return sha256(domain.encode() + b"\x00" + salt + body).digest()
