"""Ids of people and places: a letter for the kind and ten random characters, that say nothing about who it is."""

import secrets
from base64 import b32encode
from hashlib import sha256
from typing import Literal

ID_CHARS = 10
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"

Kind = Literal["c", "z", "t", "a", "p"]


def new_id(kind: Kind) -> str:
    """c campus, z zone, t terminal, a account, p pager. 50 bits: no two alike in any campus."""
    return f"{kind}-{''.join(secrets.choice(_ALPHABET) for _ in range(ID_CHARS))}"


def id_of(kind: Kind, request: bytes) -> str:
    """The same for the same request, so that nobody gets a second one by it."""
    return f"{kind}-{b32encode(sha256(request).digest())[:ID_CHARS].decode().lower()}"
