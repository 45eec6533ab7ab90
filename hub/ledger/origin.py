"""The names of a hub's logs: `base/1`, and after a restore `base/2` …, all signed with one key.

A log's origin is its key's name, so each log has a verifier key of its own; they differ in the name alone. Who has
the verifier key of one knows those of all.
"""

from firstbell.note import ED25519, SIZE_MAX, Checkpoint, NoteError, Vkey

from hub.ledger.checkpoint import open_checkpoint

EPOCH_FIRST = 1


def origin_of(base: str, epoch: int) -> str:
    """`base`: a URL without its scheme, e.g. "firstbell.invalid/c-…"."""
    return f"{base}/{epoch}"


def split_origin(origin: str) -> tuple[str, int]:
    """Base and epoch. Raises NoteError for what no hub's log is called."""
    base, _, digits = origin.rpartition("/")
    if not (base and digits.isascii() and digits.isdecimal() and len(digits) < len(str(SIZE_MAX))):
        raise NoteError("the origin does not end in a log's number")
    epoch = int(digits)
    if origin_of(base, epoch) != origin or epoch < EPOCH_FIRST:
        raise NoteError("the origin's number is written otherwise")
    return base, epoch


def open_any_checkpoint(signed: str, vkey: Vkey) -> tuple[int, Checkpoint]:
    """Epoch and checkpoint of any log of the hub that `vkey` belongs to, whichever of its logs that is.

    Raises NoteError: also when the checkpoint is another hub's.
    """
    origin = signed.partition("\n")[0]
    base, epoch = split_origin(origin)
    if base != split_origin(vkey.name)[0]:
        raise NoteError("the checkpoint is of another hub")
    return epoch, open_checkpoint(signed, Vkey(origin, ED25519, vkey.public_key))
