"""Signed texts: JWS compact serialisation (RFC 7515) with HS256 (RFC 7518) or EdDSA on Ed25519 (RFC 8037).

A header is never parsed: it must be, byte for byte, the one registered for the key. So nothing in a message chooses
how it is checked. HS256 is plain code, which MicroPython runs; EdDSA goes through `cryptography`, on CPython alone.
"""

import binascii
import hashlib

try:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

    HAS_ED25519 = True
except ImportError:  # interpreter: MicroPython
    HAS_ED25519 = False

try:
    from collections.abc import Callable
    from typing import Protocol

    class Signer(Protocol):
        """What signs: `algorithm` is the header's word for it."""

        algorithm: str

        def sign(self, message: bytes) -> bytes: ...

except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

JWS_BYTES_MAX = 1024

HS256 = "HS256"
EDDSA = "EdDSA"
ALGORITHMS = (EDDSA, HS256)
EVENT_TYP = "firstbell-event"
HELLO_TYP = "firstbell-hello"

KEY_BYTES = 32
"""Length of every key: an HS256 secret, an Ed25519 seed, an Ed25519 public key."""
_BLOCK_BYTES = 64


class JwsError(Exception):
    """A text that must not be believed. `reason`: malformed, oversized, wrong_header or bad_signature."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def b64url(data: bytes) -> str:
    """base64url without padding (RFC 7515, section 2)."""
    return binascii.b2a_base64(data, newline=False).decode().rstrip("=").replace("+", "-").replace("/", "_")


def unb64url(text: str) -> bytes:
    """The bytes that `b64url` makes `text` of. Raises JwsError("malformed") for any other text."""
    data = None
    try:
        data = binascii.a2b_base64(text.replace("-", "+").replace("_", "/") + "=" * (-len(text) % 4))
    except ValueError:
        pass
    # Both interpreters pass over stray characters and stray bits, so the way back decides.
    if data is None or b64url(data) != text:
        raise JwsError("malformed")
    return data


def header(algorithm: str, terminal: str, typ: str) -> str:
    """The protected header of everything that `terminal` signs as `typ`: its segment, as it stands in the JWS."""
    text = '{"alg":"' + algorithm + '","kid":"' + terminal + '","typ":"' + typ + '"}'
    return b64url(text.encode())


def sign(payload: bytes, header_segment: str, key: "Signer") -> str:
    """The JWS compact string. Raises JwsError("oversized") above JWS_BYTES_MAX."""
    signing_input = header_segment + "." + b64url(payload)
    text = signing_input + "." + b64url(key.sign(signing_input.encode()))
    if len(text) > JWS_BYTES_MAX:
        raise JwsError("oversized")
    return text


def open_jws(text: str, header_segment: str, verify: "Callable[[bytes, bytes], bool]") -> bytes:
    """The payload of a JWS compact string, once `verify(signature, message)` has agreed. Raises JwsError."""
    segments = _split(text)
    if segments[0] != header_segment:
        raise JwsError("wrong_header")
    payload = unb64url(segments[1])
    signature = unb64url(segments[2])
    if not verify(signature, (segments[0] + "." + segments[1]).encode()):
        raise JwsError("bad_signature")
    return payload


def unverified_payload(text: str) -> bytes:
    """The payload before anything is checked: good for finding out whose key to look up, for nothing else.

    Raises JwsError.
    """
    return unb64url(_split(text)[1])


def _split(text: str) -> "list[str]":
    if len(text) > JWS_BYTES_MAX:
        raise JwsError("oversized")
    segments = text.split(".")
    if len(segments) != 3:
        raise JwsError("malformed")
    return segments


def digest_of(text: str) -> str:
    """What a signed event is known by: SHA-256 of its JWS text, lower hex."""
    return hashlib.sha256(text.encode()).digest().hex()


class Hs256Key:
    """A shared secret of 32 bytes. Raises ValueError for another length."""

    algorithm = HS256

    def __init__(self, secret: bytes) -> None:
        if len(secret) != KEY_BYTES:
            raise ValueError("an HS256 key has 32 bytes")
        # HMAC (RFC 2104) with its pads made once: on a node that is six times faster.
        padded = secret + bytes(_BLOCK_BYTES - KEY_BYTES)
        self._inner = bytes([byte ^ 0x36 for byte in padded])
        self._outer = bytes([byte ^ 0x5C for byte in padded])

    def sign(self, message: bytes) -> bytes:
        inner = hashlib.sha256(self._inner)
        inner.update(message)
        return hashlib.sha256(self._outer + inner.digest()).digest()

    def verify(self, signature: bytes, message: bytes) -> bool:
        return _equal(signature, self.sign(message))


def _equal(one: bytes, other: bytes) -> bool:
    """Compares in a time that does not tell where they differ."""
    if len(one) != len(other):
        return False
    difference = 0
    for at in range(len(one)):
        difference |= one[at] ^ other[at]
    return difference == 0


class Ed25519Signer:
    """A private key, from its seed of 32 bytes (RFC 8032). Raises ValueError for another length. CPython only."""

    algorithm = EDDSA

    def __init__(self, seed: bytes) -> None:
        self._key = Ed25519PrivateKey.from_private_bytes(seed)

    def sign(self, message: bytes) -> bytes:
        return self._key.sign(message)

    def public_key(self) -> bytes:
        """32 bytes."""
        return self._key.public_key().public_bytes_raw()


class Ed25519Verifier:
    """A public key, 32 bytes. Raises ValueError for another length. CPython only."""

    algorithm = EDDSA

    def __init__(self, public_key: bytes) -> None:
        self._key = Ed25519PublicKey.from_public_bytes(public_key)

    def verify(self, signature: bytes, message: bytes) -> bool:
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def verify_ed25519(public_key: bytes, signature: bytes, message: bytes) -> bool:
    """The check that `note.open_checkpoint` wants. CPython only."""
    return Ed25519Verifier(public_key).verify(signature, message)
