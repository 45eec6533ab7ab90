"""What a field of a message may hold, and the error for what can't be taken. `firstbell.messages` says where."""

import binascii

from firstbell import json_text
from firstbell.jws import JWS_BYTES_MAX, JwsError, unb64url
from firstbell.merkle import HASH_BYTES
from firstbell.note import base64_text

try:
    from collections.abc import Callable
    from typing import Any

    Check = Callable[[Any], bool]
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

NONCE_BYTES = 32
PROOF_HASHES_MAX = 63
INPUT_CHARS_MAX = 16
INPUTS_MAX = 16
PART_BYTES_MAX = 1024
"""Of a node's next program in one frame."""

WHATS = ("panic", "perimeter", "tamper", "supply", "stuck", "restored", "started")
INPUT_STATES = ("open", "closed", "stuck", "unknown")

_ID_CHARACTERS = "abcdefghijklmnopqrstuvwxyz234567"
_NAME_CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789_"
_HEX_CHARACTERS = "0123456789abcdef"
_DIGITS = "0123456789"


class FrameError(Exception):
    """A frame or payload that can't be taken. `reason`: malformed or oversized; `detail`: which field, for a log."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason + ": " + detail)
        self.reason = reason
        self.detail = detail


def _made_of(text: "Any", characters: str, chars_min: int, chars_max: int) -> bool:
    if not isinstance(text, str) or not chars_min <= len(text) <= chars_max:
        return False
    return not text.strip(characters)


def is_terminal(value: "Any") -> bool:
    """A terminal's id: `t-` and ten of a–z, 2–7."""
    return isinstance(value, str) and value[:2] == "t-" and _made_of(value[2:], _ID_CHARACTERS, 10, 10)


def is_digest(value: "Any") -> bool:
    """64 lower hex digits."""
    return _made_of(value, _HEX_CHARACTERS, 64, 64)


def is_input(value: "Any") -> bool:
    """An input's name."""
    return _made_of(value, _NAME_CHARACTERS, 1, INPUT_CHARS_MAX)


def is_ipv4_address(value: str) -> bool:
    """Where a node may be told that its hub is: an IPv4 address and a port, written as one writes numbers."""
    host, _, port = value.rpartition(":")
    numbers = host.split(".")
    return len(numbers) == 4 and all(_is_number(one, 0, 255) for one in numbers) and _is_number(port, 1, 65_535)


def _is_number(text: str, least: int, most: int) -> bool:
    return _made_of(text, _DIGITS, 1, 5) and str(int(text)) == text and least <= int(text) <= most


def is_count(value: "Any") -> bool:
    """A whole number from 0 to 2^53 - 1. `True` is none, although Python counts with it."""
    return type(value) is int and 0 <= value <= json_text.INTEGER_MAX


def is_sequence(value: "Any") -> bool:
    return is_count(value) and value > 0


def is_count_or_null(value: "Any") -> bool:
    return value is None or is_count(value)


def is_bool(value: "Any") -> bool:
    return value is True or value is False


def is_32_bytes(value: "Any") -> bool:
    """In base64url: a nonce, a MAC."""
    try:
        return isinstance(value, str) and len(unb64url(value)) == NONCE_BYTES
    except JwsError:
        return False


def is_jws(value: "Any") -> bool:
    if isinstance(value, str) and len(value) > JWS_BYTES_MAX:
        raise FrameError("oversized", "jws")
    return isinstance(value, str)


def is_proof(value: "Any") -> bool:
    if not isinstance(value, list) or len(value) > PROOF_HASHES_MAX:
        return False
    return all(is_hash(item) for item in value)


def is_hash(value: "Any") -> bool:
    """32 bytes in base64."""
    try:
        data = binascii.a2b_base64(value) if isinstance(value, str) else b""
    except ValueError:
        return False
    return len(data) == HASH_BYTES and base64_text(data) == value


def is_inputs(value: "Any") -> bool:
    if not isinstance(value, dict) or len(value) > INPUTS_MAX:
        return False
    return all(is_input(name) and state in INPUT_STATES for name, state in value.items())


def is_part(value: "Any") -> bool:
    try:
        return isinstance(value, str) and len(binascii.a2b_base64(value)) <= PART_BYTES_MAX
    except ValueError:
        return False


def one_of(words: "tuple[str, ...]") -> "Check":
    return lambda value: isinstance(value, str) and value in words


def at_most(chars_max: int) -> "Check":
    return lambda value: isinstance(value, str) and len(value) <= chars_max


def is_what(value: "Any") -> bool:
    return isinstance(value, str) and value in WHATS


def is_input_or_none(value: "Any") -> bool:
    return value == "" or is_input(value)
