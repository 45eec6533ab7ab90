"""The log's verifier key, as it lies in the hub's home and is carried to every terminal."""

from pathlib import Path

from firstbell.note import NoteError, Vkey, parse_vkey

from hub.problems import KeysError, Problem


def load_vkey(path: Path) -> Vkey:
    """Raises KeysError when the file holds something else, OSError."""
    try:
        return parse_vkey(path.read_text("utf-8").strip())
    except (NoteError, UnicodeDecodeError) as error:
        raise KeysError(Problem("vkey_unusable", str(path), {"reason": str(error)})) from error
