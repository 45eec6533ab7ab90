"""How a new terminal and its hub come to know each other: request, answer, token (hub/PROTOCOL.md, "Enrolment").

Request and answer hold no secret: a Raspberry Pi tells its public key, and a node's key is agreed (X25519, RFC 7748;
HKDF, RFC 5869). So the same two go over the wire or lie on a stick.
"""

import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from firstbell.jws import KEY_BYTES, JwsError, b64url, unb64url
from msgspec import Meta

from firstbell_linux.named_file import read_named
from firstbell_linux.parsing import parse_json
from firstbell_linux.private_file import write_private

REQUEST_BYTES_MAX = 4_096
ANSWER_BYTES_MAX = 16_384
STATE_BYTES_MAX = 1_024
SECRET_BYTES = 16
FINGERPRINT_BYTES = 32
TOKEN_CHARS_MAX = 512
PORT_MAX = 65_535
KEY_INFO = b"firstbell/enrolment/v1"

Board = Literal["pi", "pico"]
Part = Literal["settings.toml", "key", "ca.pem", "log.vkey"]
Key = Annotated[str, Meta(min_length=43, max_length=43)]
"""32 bytes in base64url."""

_ADDRESS = re.compile(r"(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([0-9]{1,5})")


class EnrolmentError(Exception):
    """What one side can't take from the other. `reason`: oversized, malformed, bad_key."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EnrolRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key`: of a Pi its public Ed25519 key, of a node a public X25519 key made for this."""

    board: Board
    key: Key


class EnrolAnswer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`key`: the request's. `settings`, `ca`, `vkey`: the texts of settings.toml, ca.pem and log.vkey. `hub_key`: the
    hub's public X25519 key for a node, null for a Pi.
    """

    key: Key
    settings: str
    ca: str
    vkey: str
    hub_key: Key | None


class EnrolState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What became of the terminal of a token. `linked`: now. `tested_at_ms`: hub time of its newest alarm that was
    marked as a test and is on the hub's disk.
    """

    terminal: str
    linked: bool
    tested_at_ms: int | None


Message = TypeVar("Message", EnrolRequest, EnrolAnswer, EnrolState)
_BYTES_MAX: dict[type, int] = {
    EnrolRequest: REQUEST_BYTES_MAX,
    EnrolAnswer: ANSWER_BYTES_MAX,
    EnrolState: STATE_BYTES_MAX,
}


def encode(message: EnrolRequest | EnrolAnswer | EnrolState) -> bytes:
    """JSON, as it is sent or lies in a file."""
    return msgspec.json.encode(message)


def decode(data: bytes, kind: type[Message]) -> Message:
    """Raises EnrolmentError."""
    if len(data) > _BYTES_MAX[kind]:
        raise EnrolmentError("oversized")
    try:
        return parse_json(data, kind)
    except ValueError as error:
        raise EnrolmentError("malformed") from error


def read_message(path: Path, kind: type[Message]) -> Message:
    """From a file. Raises EnrolmentError, OSError."""
    return decode(read_named(path, _BYTES_MAX[kind] + 1), kind)


def key_bytes(text: str) -> bytes:
    """The 32 bytes of a key. Raises EnrolmentError."""
    try:
        key = unb64url(text)
    except (JwsError, UnicodeEncodeError) as error:
        raise EnrolmentError("bad_key") from error
    if len(key) != KEY_BYTES:
        raise EnrolmentError("bad_key")
    return key


# ── a node's key ────────────────────────────────────────────────────────────────────────────────────────────


def agree_at_node(own: X25519PrivateKey, hub: bytes) -> bytes:
    """The node's HS256 key, 32 bytes, from its own half and the hub's public one. Raises EnrolmentError."""
    return _agree(own, hub, own.public_key().public_bytes_raw() + hub)


def agree_at_hub(own: X25519PrivateKey, node: bytes) -> bytes:
    """The same, at the hub. Raises EnrolmentError."""
    return _agree(own, node, node + own.public_key().public_bytes_raw())


def _agree(own: X25519PrivateKey, other: bytes, both: bytes) -> bytes:
    try:
        shared = own.exchange(X25519PublicKey.from_public_bytes(other))
    except ValueError as error:
        # A point of low order, such as 0: everybody would know what comes of it.
        raise EnrolmentError("bad_key") from error
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=KEY_INFO + both).derive(shared)


# ── the token ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class Token:
    """`address`: the hub's host:port. `fingerprint`: SHA-256 of the campus certificate (DER). `secret`: 16 bytes in
    base64url.
    """

    address: str
    fingerprint: bytes
    secret: str = field(repr=False)

    @property
    def host(self) -> tuple[str, int]:
        """Name or address, and port."""
        host, _, port = self.address.rpartition(":")
        return host.strip("[]"), int(port)

    def text(self) -> str:
        """One word to copy."""
        return f"{self.address}/{b64url(self.fingerprint)}/{self.secret}"


def parse_token(text: str) -> Token:
    """Raises EnrolmentError."""
    parts = text.strip().split("/")
    if len(text) > TOKEN_CHARS_MAX or len(parts) != 3 or not is_address(parts[0]):
        raise EnrolmentError("malformed")
    try:
        fingerprint, secret = map(unb64url, parts[1:])
    except (JwsError, UnicodeEncodeError) as error:
        raise EnrolmentError("malformed") from error
    if len(fingerprint) != FINGERPRINT_BYTES or len(secret) != SECRET_BYTES:
        raise EnrolmentError("malformed")
    return Token(parts[0], fingerprint, parts[2])


def is_address(text: str) -> bool:
    """Whether it is host:port: a name, an IPv4 address or a bracketed IPv6 address, and where it listens there."""
    found = _ADDRESS.fullmatch(text)
    return found is not None and 0 < int(found[1]) <= PORT_MAX


def fingerprint_of(data: bytes) -> bytes:
    """Of a certificate (DER), or of an answer's file."""
    return sha256(data).digest()


def shown(fingerprint: bytes) -> str:
    """In pairs of hex digits, as phones and browsers show it."""
    return fingerprint.hex(":").upper()


# ── the folder ──────────────────────────────────────────────────────────────────────────────────────────────


def write_parts(folder: Path, settings: str, key: str, ca: str, vkey: str) -> None:
    """A terminal's home: the four files that it starts with. Raises OSError."""
    parts: dict[Part, str] = {"settings.toml": settings, "key": key, "ca.pem": ca, "log.vkey": vkey}
    for part, text in parts.items():
        write_private(folder / part, text.encode())
