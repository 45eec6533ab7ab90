"""Signs notes (C2SP signed-note) with the log's Ed25519 key; `firstbell.note` reads and checks them."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.note import DASH, ED25519, Vkey, base64_text, check_characters


class Signer:
    """A log's private key under the log's name. `vkey` is its public half."""

    def __init__(self, name: str, private_key: Ed25519PrivateKey) -> None:
        """`name`: the log's origin, a URL without its scheme. Raises NoteError for what can't be a name."""
        self.vkey = Vkey(name, ED25519, private_key.public_key().public_bytes_raw())
        self._private_key = private_key

    def sign_note(self, text: str) -> str:
        """The note: `text`, which ends in a newline, and our signature.

        Raises NoteError for text that no note can carry, ValueError without the newline.
        """
        check_characters(text)
        if not text.endswith("\n"):
            raise ValueError("the text of a note ends in a newline")
        blob = self.vkey.key_id + self._private_key.sign(text.encode())
        return f"{text}\n{DASH} {self.vkey.name} {base64_text(blob)}\n"
