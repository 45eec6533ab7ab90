"""Reading signed notes and checkpoints, on CPython and MicroPython.

A stand-in for Ed25519 signs here, for MicroPython has none; the hub's tests use the real one.
"""

import binascii
import hashlib
import json

from firstbell.note import (
    DASH,
    ED25519,
    SIGNATURES_MAX,
    SIZE_MAX,
    Checkpoint,
    NoteError,
    Vkey,
    base64_text,
    check_note,
    open_checkpoint,
    parse_checkpoint,
    parse_vkey,
    vkey_of_log,
)

ROOT = __file__.rsplit("/", 3)[0]
with open(ROOT + "/tests/golden/notes.json", encoding="utf-8") as file:
    SIGNED = json.load(file)["signed"]

OURS = Vkey("campus.example/log", 1, b"\x11" * 32)
THEIRS = Vkey("witness.example", 1, b"\x22" * 32)
HASH = base64_text(b"\x33" * 32)
TEXT = "campus.example/log\n7\n" + HASH + "\n"


def stand_in(public_key: bytes, message: bytes) -> bytes:
    """A signature that anybody could make: the format is tested here, not the cipher."""
    return hashlib.sha256(public_key + message).digest() * 2


def verify(public_key: bytes, signature: bytes, message: bytes) -> bool:
    return signature == stand_in(public_key, message)


def line(vkey: Vkey, signature: bytes) -> str:
    return DASH + " " + vkey.name + " " + base64_text(vkey.key_id + signature) + "\n"


def signed_line(vkey: Vkey, text: str) -> str:
    return line(vkey, stand_in(vkey.public_key, text.encode()))


def signed(text: str) -> str:
    return text + "\n" + signed_line(OURS, text)


def refused(note: str) -> str:
    try:
        check_note(note, [OURS, THEIRS], verify)
    except NoteError as error:
        return str(error)
    raise AssertionError("this note was believed: " + note)


def refused_vkey(text: str) -> str:
    try:
        parse_vkey(text)
    except NoteError as error:
        return str(error)
    raise AssertionError("this key was taken: " + text)


def refused_checkpoint(text: str) -> str:
    try:
        parse_checkpoint(text)
    except NoteError as error:
        return str(error)
    raise AssertionError("this checkpoint was taken: " + text)


def test_notes_of_other_programs_are_read_to_the_byte() -> None:
    for case in SIGNED:
        vkey = parse_vkey(case["vkey"])
        assert vkey.text() == case["vkey"]
        asked: list[bytes] = []

        def note_down(public_key: bytes, signature: bytes, message: bytes, asked: list[bytes] = asked) -> bool:
            asked.extend([public_key, signature, message])
            return True

        text, signers = check_note(case["note"], [vkey], note_down)
        assert signers == [vkey]
        public_key, signature, message = asked
        assert public_key == vkey.public_key and len(signature) == 64
        assert message.decode() == text == case["note"].split("\n\n")[0] + "\n"
        if "origin" in case:
            checkpoint = parse_checkpoint(text)
            assert (checkpoint.origin, checkpoint.size) == (case["origin"], case["size"])
            assert checkpoint.root == binascii.a2b_base64(case["root"])


def test_a_good_note() -> None:
    assert check_note(signed(TEXT), [OURS], verify) == (TEXT, [OURS])


def test_the_text_may_hold_blank_lines() -> None:
    for text in ("\n", "a\n\nb\n", "a\n\n\n", "\n\na\n", "第一\n\n铃\n"):
        assert check_note(signed(text), [OURS], verify)[0] == text


def test_other_signers_are_passed_over() -> None:
    stranger = Vkey("stranger.example", 1, b"\x44" * 32)
    same_name = Vkey(OURS.name, 1, b"\x55" * 32)
    cosigned = DASH + " witness.example " + base64_text(b"\x00\x01\x02\x03" + bytes(72)) + "\n"
    note = TEXT + "\n" + line(stranger, b"?" * 64) + line(same_name, b"?" * 64) + cosigned + signed_line(OURS, TEXT)
    assert check_note(note, [OURS, THEIRS], verify) == (TEXT, [OURS])
    assert refused(TEXT + "\n" + line(stranger, b"?" * 64)) == "no known key has signed"
    try:
        check_note(signed(TEXT), [], verify)
        raise AssertionError("believed without a key")
    except NoteError:
        pass


def test_every_known_signer_is_named_once() -> None:
    note = signed(TEXT) + signed_line(THEIRS, TEXT) + signed_line(OURS, TEXT)
    assert check_note(note, [OURS, THEIRS], verify) == (TEXT, [OURS, THEIRS])
    assert check_note(note, [THEIRS], verify) == (TEXT, [THEIRS])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    bad = "a signature of a known key is bad"
    assert refused(TEXT + "\n" + line(OURS, b"?" * 64)) == bad
    assert refused(signed(TEXT) + line(THEIRS, b"?" * 64)) == bad
    assert refused(signed(TEXT) + line(OURS, b"?" * 64)) == bad
    assert refused(signed(TEXT).replace("\n7\n", "\n8\n")) == bad


def test_what_is_no_note() -> None:
    none = "the note has no signatures"
    for note in ("", "\n", TEXT, signed(TEXT)[:-1], TEXT + signed_line(OURS, TEXT)):
        assert refused(note) == none


def test_malformed_signature_lines() -> None:
    blob = base64_text(OURS.key_id + b"?" * 64)
    for bad in (
        "",
        "\u2013 " + OURS.name + " " + blob,
        "- " + OURS.name + " " + blob,
        DASH + OURS.name + " " + blob,
        DASH + "  " + OURS.name + " " + blob,
        DASH + " " + OURS.name + "  " + blob,
        DASH + " " + OURS.name + " " + blob + " ",
        DASH + " " + OURS.name,
        DASH + " " + OURS.name + " ",
        DASH + "  " + blob,
        DASH + " a+b " + blob,
        DASH + " a\u00a0b " + blob,
        DASH + " " + OURS.name + " " + base64_text(OURS.key_id),
        DASH + " " + OURS.name + " " + blob[:-1],
        DASH + " " + OURS.name + " " + blob[:-2],
        DASH + " " + OURS.name + " " + blob.replace("=", "", 1),
        DASH + " " + OURS.name + " " + blob[:4] + "\u00e9" + blob[5:],
        DASH + " " + OURS.name + " " + blob[:4] + "-" + blob[5:],
        DASH + " " + OURS.name + " " + blob[:4] + "=" + blob[5:],
        "anything",
    ):
        # Beside a good signature, so that it alone is what is refused.
        assert refused(signed(TEXT) + bad + "\n") in (
            "a malformed signature line",
            "the note has no signatures",
        ), bad


def test_base64_has_one_spelling() -> None:
    """Stray bits after the last byte would let one signature be written in four ways."""
    spelled = base64_text(OURS.key_id + b"?" * 64)
    assert spelled.endswith("Pz8=")
    for last in "9+/":
        assert refused(signed(TEXT) + DASH + " " + OURS.name + " " + spelled[:-2] + last + "=\n").startswith(
            "a malformed"
        )


def test_control_characters() -> None:
    said = "a control character in the note"
    for character in "\x00\t\x0b\r\x1f":
        assert refused(signed("a" + character + "b\n")) == said
        assert refused(signed(TEXT)[:-1] + character + "\n") == said
    assert check_note(signed("\x7f\u0085\n"), [OURS], verify)[0] == "\x7f\u0085\n"


def test_too_many_signatures() -> None:
    stranger = line(Vkey("s", 1, b"\x44" * 32), b"?" * 64)
    check_note(signed(TEXT) + stranger * (SIGNATURES_MAX - 1), [OURS], verify)
    assert refused(signed(TEXT) + stranger * SIGNATURES_MAX) == "too many signatures"


def test_key_names() -> None:
    assert Vkey("\u6821\u56ed.example/\u949f", 1, b"\x11" * 32).name
    for name in ("", "a b", "a+b", "a\tb", "a\nb", "a\x00", "a\u00a0b", "a\u2003b", "a\u3000b", "a\u0085"):
        try:
            Vkey(name, 1, b"\x11" * 32)
            raise AssertionError("taken as a name: " + repr(name))
        except NoteError:
            pass


def test_verifier_keys() -> None:
    text = OURS.text()
    again = parse_vkey(text)
    assert (again.name, again.kind, again.public_key, again.key_id) == (
        OURS.name,
        1,
        OURS.public_key,
        OURS.key_id,
    )
    name, key_id, key = text.split("+", 2)
    assert refused_vkey(name + "+" + key_id).startswith("a verifier key has three parts")
    assert refused_vkey(name + "+" + key_id + "+") == "the key is not in base64"
    assert refused_vkey(name + "+" + key_id + "+" + key[:-1]) == "the key is not in base64"
    other = "the key ID does not belong to this name and key"
    assert refused_vkey("x" + text) == other
    assert refused_vkey(name + "+00000000+" + key) == other
    assert refused_vkey(name + "+" + key_id.upper() + "+" + key) == other
    assert refused_vkey(name + "++" + key) == other
    for data in (b"\x01" + b"\x11" * 31, b"\x01" + b"\x11" * 33, b"\x04" + b"\x11" * 32, b"\x01"):
        assert refused_vkey(name + "+" + key_id + "+" + base64_text(data)) == "the key is no Ed25519 key"


def test_a_plus_in_the_key_is_no_separator() -> None:
    plus = Vkey("a", 1, b"\x11\x11" + b"\xfb\xef\xbe" * 10)
    assert plus.text().count("+") > 2
    assert parse_vkey(plus.text()).public_key == plus.public_key


def test_checkpoints() -> None:
    assert_head(parse_checkpoint(TEXT), "campus.example/log", 7)
    assert_head(parse_checkpoint(TEXT + "more\nand more\n"), "campus.example/log", 7)
    assert_head(parse_checkpoint("a\n0\n" + HASH + "\n"), "a", 0)
    assert_head(parse_checkpoint("a\n" + str(SIZE_MAX) + "\n" + HASH + "\n"), "a", SIZE_MAX)


def assert_head(checkpoint: Checkpoint, origin: str, size: int) -> None:
    assert (checkpoint.origin, checkpoint.size, checkpoint.root) == (origin, size, b"\x33" * 32)


def test_what_is_no_checkpoint() -> None:
    lines = "a checkpoint is three lines or more, none of them empty"
    for text in (
        "",
        "\n",
        "a\n7\n",
        TEXT[:-1],
        "\n7\n" + HASH + "\n",
        TEXT + "\n",
        TEXT + "\nmore\n",
        "a\n\n" + HASH + "\n",
    ):
        assert refused_checkpoint(text) == lines
    for size in ("07", "00", str(SIZE_MAX + 1)):
        assert "leading zero or is too large" in refused_checkpoint("a\n" + size + "\n" + HASH + "\n")
    for size in ("-7", "+7", " 7", "7 ", "7_0", "0x7", "7.0", "\u0667", "\u00b2", "1" * 20):
        assert "not a decimal number" in refused_checkpoint("a\n" + size + "\n" + HASH + "\n")
    for root in (HASH[:-1], HASH + "=", base64_text(b"\x33" * 31), base64_text(b"\x33" * 33), "\u00e9", "*"):
        assert "not 32 bytes in base64" in refused_checkpoint("a\n7\n" + root + "\n")


def test_a_checkpoint_is_of_the_log_that_the_key_names() -> None:
    assert_head(open_checkpoint(signed(TEXT), OURS, verify), OURS.name, 7)
    elsewhere = "x" + TEXT
    for note in (signed(elsewhere), signed(TEXT).replace("\n7\n", "\n8\n"), TEXT):
        try:
            open_checkpoint(note, OURS, verify)
            raise AssertionError("believed: " + note)
        except NoteError:
            pass


def test_a_later_log_of_the_same_hub_has_the_same_key() -> None:
    first = Vkey("firstbell.invalid/c-x/1", ED25519, bytes(32))
    third = vkey_of_log(first, "firstbell.invalid/c-x/3")
    assert (third.name, third.public_key) == ("firstbell.invalid/c-x/3", first.public_key)
    assert third.key_id != first.key_id


def test_no_other_log_has_this_key() -> None:
    second = Vkey("firstbell.invalid/c-x/2", ED25519, bytes(32))
    others = (
        "firstbell.invalid/c-x/1",
        "firstbell.invalid/c-y/3",
        "firstbell.invalid/c-x/03",
        "firstbell.invalid/c-x/",
        "c",
    )
    for origin in others:
        assert vkey_of_log(second, origin) is second
