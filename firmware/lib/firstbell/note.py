"""Reads signed notes and checkpoints, and checks who signed them.

The formats are C2SP signed-note v1.0.0 and tlog-checkpoint v1.0.0. The signature check itself is handed in,
`verify(public_key, signature, message) -> bool`, for MicroPython has no Ed25519.
"""

import binascii
import hashlib

from firstbell.merkle import HASH_BYTES

try:
    from collections.abc import Callable, Iterable
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

# Room for 16 post-quantum signatures, as the format asks; ours are small.
NOTE_BYTES_MAX = 131_072
SIGNATURES_MAX = 64
SIZE_MAX = (1 << 63) - 1

ED25519 = 0x01
ED25519_KEY_BYTES = 32
KEY_ID_BYTES = 4

DASH = "\u2014"

# White space outside ASCII, as Unicode has it: a key's name may hold none.
_WIDE_SPACES = (
    "\u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)


class NoteError(Exception):
    """A note, checkpoint or verifier key that must not be believed; the message says why, for a log."""


class Vkey:
    """A verifier key: whose signatures to believe. `kind` is the signature type, 0x01 for Ed25519."""

    def __init__(self, name: str, kind: int, public_key: bytes) -> None:
        """Raises NoteError for a name that can't stand in a note and for a key that isn't Ed25519."""
        if not _is_key_name(name):
            raise NoteError("a key's name may hold no space, no plus and no control character")
        if kind != ED25519 or len(public_key) != ED25519_KEY_BYTES:
            raise NoteError("the key is no Ed25519 key")
        self.name = name
        self.kind = kind
        self.public_key = public_key
        named = name.encode() + b"\n" + bytes([kind]) + public_key
        self.key_id = hashlib.sha256(named).digest()[:KEY_ID_BYTES]

    def text(self) -> str:
        """The form that is kept on paper: `name+key ID+key`."""
        return self.name + "+" + self.key_id.hex() + "+" + base64_text(bytes([self.kind]) + self.public_key)


class Checkpoint:
    """The head of a log at one size. `root`: 32 bytes."""

    def __init__(self, origin: str, size: int, root: bytes) -> None:
        self.origin = origin
        self.size = size
        self.root = root


def parse_vkey(text: str) -> Vkey:
    """Raises NoteError; also when the key ID in `text` is not the key's own."""
    # The base64 part may itself hold a plus.
    parts = text.split("+", 2)
    if len(parts) != 3:
        raise NoteError("a verifier key has three parts, joined by plus signs")
    name, key_id, encoded = parts
    data = _from_base64(encoded)
    if not data:
        raise NoteError("the key is not in base64")
    vkey = Vkey(name, data[0], data[1:])
    if vkey.key_id.hex() != key_id:
        raise NoteError("the key ID does not belong to this name and key")
    return vkey


def check_note(
    note: str, vkeys: Iterable[Vkey], verify: Callable[[bytes, bytes, bytes], bool]
) -> tuple[str, list[Vkey]]:
    """The text of `note`, and which of `vkeys` signed it: at least one.

    Signatures by other keys are passed over. Raises NoteError: malformed; nobody of `vkeys` signed; or a
    signature in the name of one of them is bad, whatever else the note carries.
    """
    text, lines = _split(note)
    message = text.encode()
    known = {(vkey.name, vkey.key_id): vkey for vkey in vkeys}
    signers: list[Vkey] = []
    for line in lines:
        name, key_id, signature = _parse_signature(line)
        vkey = known.get((name, key_id))
        if vkey is None:
            continue
        if not verify(vkey.public_key, signature, message):
            raise NoteError("a signature of a known key is bad")
        if vkey not in signers:
            signers.append(vkey)
    if not signers:
        raise NoteError("no known key has signed")
    return text, signers


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note that was checked. Lines after the third are passed over. Raises NoteError."""
    lines = text.split("\n")
    if lines.pop() or len(lines) < 3 or "" in lines:
        raise NoteError("a checkpoint is three lines or more, none of them empty")
    root = _from_base64(lines[2])
    if root is None or len(root) != HASH_BYTES:
        raise NoteError("the checkpoint's root is not 32 bytes in base64")
    return Checkpoint(lines[0], _parse_size(lines[1]), root)


def open_checkpoint(note: str, vkey: Vkey, verify: Callable[[bytes, bytes, bytes], bool]) -> Checkpoint:
    """The checkpoint in `note`, signed by `vkey`, whose name is the log's origin. Raises NoteError."""
    text, _ = check_note(note, [vkey], verify)
    checkpoint = parse_checkpoint(text)
    if checkpoint.origin != vkey.name:
        raise NoteError("the checkpoint is of another log")
    return checkpoint


def base64_text(data: bytes) -> str:
    """Standard base64, padded."""
    return binascii.b2a_base64(data, newline=False).decode()


def vkey_of_log(vkey: "Vkey", origin: str) -> "Vkey":
    """The verifier key of the log `origin`, where that is a later log of the same hub; `vkey` itself otherwise.

    A hub that was restored from a backup begins a new log: its name ends in a higher number, its key is the same.
    """
    base, _, number = origin.rpartition("/")
    own_base, _, own_number = vkey.name.rpartition("/")
    if base != own_base or not (_is_number(number) and _is_number(own_number)) or int(number) < int(own_number):
        return vkey
    return Vkey(origin, vkey.kind, vkey.public_key)


def _is_number(text: str) -> bool:
    return 0 < len(text) <= len(str(SIZE_MAX)) and text.isdigit() and text[0] != "0"


def check_characters(text: str) -> None:
    """Raise NoteError when `text` may not stand in a note: too long, not UTF-8, control characters."""
    # Counted before it is encoded: what is too long should cost nothing.
    if len(text) > NOTE_BYTES_MAX:
        raise NoteError("the note is too long")
    data = _utf8(text)
    if len(data) > NOTE_BYTES_MAX:
        raise NoteError("the note is too long")
    # As bytes: MicroPython keeps each character that it is asked for, for ever.
    for byte in data:
        if byte < 0x20 and byte != 0x0A:
            raise NoteError("a control character in the note")


def _utf8(text: str) -> bytes:
    data = None
    try:
        data = text.encode()
    except ValueError:  # CPython only: MicroPython would encode half a surrogate pair
        pass
    if data is None:
        raise NoteError("the note is not UTF-8")
    return data


def _split(note: str) -> tuple[str, list[str]]:
    """Text with its final newline, and the signature lines without theirs."""
    check_characters(note)
    blank = note.rfind("\n\n")
    if blank < 0 or not note.endswith("\n"):
        raise NoteError("the note has no signatures")
    lines = note[blank + 2 : -1].split("\n")
    if len(lines) > SIGNATURES_MAX:
        raise NoteError("too many signatures")
    return note[: blank + 1], lines


def _parse_signature(line: str) -> tuple[str, bytes, bytes]:
    """Key name, key ID and signature of one line."""
    parts = line.split(" ")
    if len(parts) == 3 and parts[0] == DASH and _is_key_name(parts[1]):
        blob = _from_base64(parts[2])
        if blob is not None and len(blob) > KEY_ID_BYTES:
            return parts[1], blob[:KEY_ID_BYTES], blob[KEY_ID_BYTES:]
    raise NoteError("a malformed signature line")


def _is_key_name(name: str) -> bool:
    # Everything up to the blank is white space or control.
    return bool(name) and not any(c <= " " or c == "+" or c in _WIDE_SPACES for c in name)


def _parse_size(digits: str) -> int:
    # `isdigit` would let other scripts' digits through, and `int` blanks, signs and underscores.
    if not digits or len(digits) > len(str(SIZE_MAX)) or not all(c in "0123456789" for c in digits):
        raise NoteError("the checkpoint's size is not a decimal number")
    size = int(digits)
    if str(size) != digits or size > SIZE_MAX:
        raise NoteError("the checkpoint's size has a leading zero or is too large")
    return size


def _from_base64(text: str) -> bytes | None:
    """Decode padded standard base64; None for anything that is not exactly the encoding of its bytes."""
    data = None
    try:
        data = binascii.a2b_base64(text)
    except ValueError:
        pass
    # Both interpreters pass over stray characters and stray bits, so the way back decides.
    if data is None or base64_text(data) != text:
        return None
    return data
