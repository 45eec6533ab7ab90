"""Signing with a real Ed25519 key, and reading what other programs signed."""

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from firstbell.jws import verify_ed25519
from firstbell.merkle import EMPTY_ROOT
from firstbell.note import NOTE_BYTES_MAX, SIZE_MAX, NoteError, check_note, parse_vkey
from hypothesis import given
from hypothesis import strategies as st

from hub.ledger.checkpoint import checkpoint_text, open_checkpoint, sign_checkpoint
from hub.ledger.note import Signer

SIGNED = json.loads((Path(__file__).parents[2] / "golden/notes.json").read_text("utf-8"))["signed"]
SIGNER = Signer("campus.example/log/1", Ed25519PrivateKey.from_private_bytes(b"\x07" * 32))
OTHER = Signer("campus.example/log/1", Ed25519PrivateKey.from_private_bytes(b"\x08" * 32))
ROOT = bytes(range(32))


@pytest.mark.parametrize("case", SIGNED, ids=lambda case: case["note"].split("\n")[1] or "message")
def test_notes_of_other_programs_verify(case: dict[str, str]) -> None:
    vkey = parse_vkey(case["vkey"])
    text, signers = check_note(case["note"], [vkey], verify_ed25519)
    assert case["note"].startswith(text + "\n")
    assert signers == [vkey]
    with pytest.raises(NoteError, match="bad"):
        check_note("x" + case["note"], [vkey], verify_ed25519)


def test_the_bytes_of_a_note_of_ours() -> None:
    """Ed25519 gives one signature for one key and text: written down, so that the format can't drift."""
    assert SIGNER.vkey.text() == "campus.example/log/1+b566a616+AepKbGPinFIKvvVQexMuxfmVR3auvr57kkIe6mkURtIs"
    assert sign_checkpoint(SIGNER, 7, ROOT) == (
        "campus.example/log/1\n"
        "7\n"
        "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
        "\n"
        "— campus.example/log/1 "
        "tWamFrebzC8dyKtF1U2qsr3p1V+WTbiD+G/I1mmF7FhnEmUH2jrRw9gKItrH+UYWsIK5+rffN0SFmKB+j2sEBLsamw8=\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=200))
def test_what_is_signed_is_read_back(text: str) -> None:
    note = SIGNER.sign_note(text + "\n")
    assert check_note(note, [SIGNER.vkey], verify_ed25519) == (text + "\n", [SIGNER.vkey])


@given(st.data())
def test_no_character_of_a_signed_note_can_change(data: st.DataObject) -> None:
    note = sign_checkpoint(SIGNER, 70_000, ROOT)
    at = data.draw(st.integers(0, len(note) - 1))
    new = data.draw(st.one_of(st.just(""), st.characters()).filter(lambda character: character != note[at]))
    with pytest.raises(NoteError):
        check_note(note[:at] + new + note[at + 1 :], [SIGNER.vkey], verify_ed25519)


def test_another_key_of_the_same_name_is_another_signer() -> None:
    note = SIGNER.sign_note("text\n")
    with pytest.raises(NoteError, match="no known key"):
        check_note(note, [OTHER.vkey], verify_ed25519)
    both = note + OTHER.sign_note("text\n").split("\n\n")[1]
    assert check_note(both, [SIGNER.vkey, OTHER.vkey], verify_ed25519)[1] == [SIGNER.vkey, OTHER.vkey]


@pytest.mark.parametrize("signature", [b"", b"\x00" * 63, b"\x00" * 64, b"\x00" * 65])
def test_a_signature_of_the_wrong_form_is_bad(signature: bytes) -> None:
    assert not verify_ed25519(SIGNER.vkey.public_key, signature, b"message")


def test_what_can_not_be_signed() -> None:
    for text in ("", "no newline", "a\n "):
        with pytest.raises(ValueError, match="newline"):
            SIGNER.sign_note(text)
    for text in ("a\r\n", "\x00\n", "half a pair \ud800\n"):
        with pytest.raises(NoteError):
            SIGNER.sign_note(text)
    with pytest.raises(NoteError, match="name"):
        Signer("campus example", Ed25519PrivateKey.generate())


def test_a_note_has_a_largest_size() -> None:
    signature = len(SIGNER.sign_note("\n").encode()) - 1
    text = "a" * (NOTE_BYTES_MAX - signature - 1) + "\n"
    note = SIGNER.sign_note(text)
    assert len(note.encode()) == NOTE_BYTES_MAX
    assert check_note(note, [SIGNER.vkey], verify_ed25519)[0] == text
    for longer in ("a" + note, "é" + note[1:], "a" * NOTE_BYTES_MAX + note):
        with pytest.raises(NoteError, match="too long"):
            check_note(longer, [SIGNER.vkey], verify_ed25519)


@given(st.integers(0, SIZE_MAX), st.binary(min_size=32, max_size=32))
def test_checkpoints_are_read_back(size: int, root: bytes) -> None:
    checkpoint = open_checkpoint(sign_checkpoint(SIGNER, size, root), SIGNER.vkey)
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (SIGNER.vkey.name, size, root)


def test_the_checkpoint_of_an_empty_log() -> None:
    text = checkpoint_text("campus.example/log", 0, EMPTY_ROOT)
    assert text == "campus.example/log\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"


def test_a_checkpoint_of_another_log_is_refused() -> None:
    text = checkpoint_text("campus.example/log/2", 7, ROOT)
    with pytest.raises(NoteError, match="another log"):
        open_checkpoint(SIGNER.sign_note(text), SIGNER.vkey)
    with pytest.raises(NoteError, match="no known key"):
        open_checkpoint(OTHER.sign_note(text), SIGNER.vkey)


@pytest.mark.parametrize(("size", "root"), [(-1, ROOT), (SIZE_MAX + 1, ROOT), (1, ROOT[:31]), (1, ROOT + b"\x00")])
def test_no_checkpoint_of_what_is_no_tree(size: int, root: bytes) -> None:
    with pytest.raises(ValueError, match="no tree has"):
        sign_checkpoint(SIGNER, size, root)
