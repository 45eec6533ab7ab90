"""How two new terminals come to a hub: token, request, answer, and the key that a node and its hub agree on."""

import hashlib
import hmac
import ssl
from typing import Any

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from tests.golden import signing as s
from tests.golden.homes import homes_file
from tests.golden.pagers import PORT, SERVER_NAME

NODE_HALF = bytes(range(160, 192))
HUB_HALF = bytes(range(192, 224))
TOKEN_SECRET = bytes(range(224, 240))
LOW_ORDER = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)
"""Every point of low order on Curve25519 and its twist, as bytes of u below 2^255."""


def half(secret: bytes) -> bytes:
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def agreed(node: bytes, hub: bytes) -> bytes:
    """RFC 5869 with SHA-256, no salt, one block."""
    shared = X25519PrivateKey.from_private_bytes(node).exchange(X25519PublicKey.from_public_bytes(half(hub)))
    pseudorandom = hmac.digest(bytes(32), shared, "sha256")
    info = b"firstbell/enrolment/v1" + half(node) + half(hub)
    return hmac.digest(pseudorandom, info + b"\x01", "sha256")


def enrolment(
    board: str, terminal: str, secret: bytes, public: bytes, key: bytes, hub_key: str | None
) -> dict[str, str]:
    home = homes_file()["homes"][terminal]
    texts = {"settings": home["settings.toml"], "ca": home["ca.pem"], "vkey": home["log.vkey"]}
    answer = {"key": s.b64url(public), **texts, "hub_key": hub_key}
    return {
        "terminal": terminal,
        "secret": secret.hex(),
        "request": s.plain({"board": board, "key": s.b64url(public)}),
        "answer": s.plain(answer),
        "key": key.hex(),
    }


def enrolments_file() -> dict[str, Any]:
    certificate = ssl.PEM_cert_to_DER_cert(homes_file()["homes"][s.PI]["ca.pem"])
    fingerprint = hashlib.sha256(certificate).digest()
    address = f"{SERVER_NAME}:{PORT}"
    node_key = agreed(NODE_HALF, HUB_HALF)
    return {
        "about": "A token, and for a Pi and a node what each keeps (`secret`), its request, an answer, and its `key`. "
        "Numbers in hex. The settings and certificates are those of homes.json.",
        "token": {
            "address": address,
            "fingerprint": fingerprint.hex(),
            "secret": TOKEN_SECRET.hex(),
            "text": f"{address}/{s.b64url(fingerprint)}/{s.b64url(TOKEN_SECRET)}",
        },
        "hub_secret": HUB_HALF.hex(),
        "enrolments": [
            enrolment("pi", s.PI, s.PI_SEED, s.public_key(s.PI_SEED), s.PI_SEED, None),
            enrolment("pico", s.NODE, NODE_HALF, half(NODE_HALF), node_key, s.b64url(half(HUB_HALF))),
        ],
        "refused_keys": list(LOW_ORDER),
    }
