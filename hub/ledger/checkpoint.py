"""The signed head of the log (C2SP tlog-checkpoint): what it says, signing it, opening one."""

from firstbell import note
from firstbell.jws import verify_ed25519
from firstbell.merkle import HASH_BYTES
from firstbell.note import SIZE_MAX, Checkpoint, Vkey, base64_text

from hub.ledger.note import Signer


def checkpoint_text(origin: str, size: int, root: bytes) -> str:
    """The three lines that are signed. Raises ValueError for a size or root that no tree has."""
    if not 0 <= size <= SIZE_MAX or len(root) != HASH_BYTES:
        raise ValueError(f"no tree has the size {size} and a root of {len(root)} bytes")
    return f"{origin}\n{size}\n{base64_text(root)}\n"


def sign_checkpoint(signer: Signer, size: int, root: bytes) -> str:
    """The checkpoint of the signer's log, whose origin is the signer's name.

    A log never signs two heads of which one doesn't go on from the other: the caller makes sure.
    """
    return signer.sign_note(checkpoint_text(signer.vkey.name, size, root))


def open_checkpoint(signed: str, vkey: Vkey) -> Checkpoint:
    """The checkpoint, when `vkey` signed it and it is of the log of that name. Raises NoteError."""
    return note.open_checkpoint(signed, vkey, verify_ed25519)
