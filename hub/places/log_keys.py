"""The log's two keys, as they lie in the hub's home; the verifier key is carried to every terminal."""

from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.note import NoteError, Vkey, parse_vkey
from firstbell_linux.problems import Phrase, Problem, reason_of

from hub.problems import KeysError


def load_vkey(path: Path) -> Vkey:
    """Raises KeysError when the file holds something else, OSError."""
    try:
        return parse_vkey(path.read_text("utf-8").strip())
    except (NoteError, UnicodeDecodeError) as error:
        raise KeysError(Problem("vkey_unusable", str(path), {"reason": Phrase("reason.no_vkey")})) from error


def load_log_key(path: Path) -> Ed25519PrivateKey:
    """Raises KeysError."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), None)
    except OSError as error:
        raise KeysError(Problem("key_unusable", str(path), {"reason": reason_of(error)}), error) from error
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeysError(Problem("key_unusable", str(path), {"reason": Phrase("reason.no_log_key")}))
    return key
