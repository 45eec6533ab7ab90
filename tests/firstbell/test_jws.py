"""Signed texts, on CPython and MicroPython."""

from firstbell import jws
from firstbell.jws import JWS_BYTES_MAX, Hs256Key, JwsError, b64url, header, open_jws, sign, unb64url

try:
    from collections.abc import Callable
except ImportError:  # interpreter: MicroPython
    pass

TERMINAL = "t-abcdefghij"
KEY = Hs256Key(bytes(range(32)))
HEADER = header("HS256", TERMINAL, jws.EVENT_TYP)
PAYLOAD = b'{"what":"panic"}'
SIGNED = sign(PAYLOAD, HEADER, KEY)


def reason(text: str, segment: str = HEADER, verify: "Callable[[bytes, bytes], bool]" = KEY.verify) -> str:
    """Why `text` is not believed; empty if it is."""
    try:
        open_jws(text, segment, verify)
    except JwsError as error:
        return error.reason
    return ""


def test_base64url_of_rfc_4648() -> None:
    for data, text in (
        (b"", ""),
        (b"f", "Zg"),
        (b"fo", "Zm8"),
        (b"foo", "Zm9v"),
        (b"foob", "Zm9vYg"),
        (b"fooba", "Zm9vYmE"),
        (b"foobar", "Zm9vYmFy"),
        (b"\xfb\xff\xbe", "-_--"),
    ):
        assert b64url(data) == text
        assert unb64url(text) == data


def test_base64url_takes_nothing_but_what_it_writes() -> None:
    for text in (
        "Zg==",  # padding
        "Zg=",
        "Z",  # no byte
        "Zh",  # stray bits
        "Zm9",
        "Zm8 ",
        " Zm8",
        "Zm\n8",
        "Zm9v\n",
        "+_--",
        "-/--",
        "Zm9.",
        "Zm9\u00e9",
        "Zm9\u4e2d",
        "=",
        "A\0AA",
    ):
        try:
            unb64url(text)
        except JwsError as error:
            assert error.reason == "malformed"
        else:
            raise AssertionError("taken: " + repr(text))


def test_header_is_byte_exact() -> None:
    text = b'{"alg":"HS256","kid":"t-abcdefghij","typ":"firstbell-event"}'
    assert unb64url(HEADER) == text
    assert unb64url(header("EdDSA", TERMINAL, jws.HELLO_TYP)) == text.replace(b"HS256", b"EdDSA").replace(
        b"event", b"hello"
    )


def test_hmac_of_rfc_4231() -> None:
    """Test case 1 and 2 have shorter keys, which HMAC fills up with zeros; so do we."""
    mac = Hs256Key(b"\x0b" * 20 + bytes(12)).sign(b"Hi There")
    assert mac.hex() == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
    mac = Hs256Key(b"Jefe" + bytes(28)).sign(b"what do ya want for nothing?")
    assert mac.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"


def test_a_key_has_32_bytes() -> None:
    for length in (0, 31, 33, 64):
        try:
            Hs256Key(bytes(length))
        except ValueError:
            continue
        raise AssertionError("taken")


def test_what_is_signed_opens() -> None:
    assert open_jws(SIGNED, HEADER, KEY.verify) == PAYLOAD
    assert jws.unverified_payload(SIGNED) == PAYLOAD


def test_another_key_another_signature() -> None:
    other = Hs256Key(bytes(32))
    assert reason(sign(PAYLOAD, HEADER, other)) == "bad_signature"
    assert reason(SIGNED, verify=other.verify) == "bad_signature"


def test_every_byte_of_the_signature_counts() -> None:
    signature = KEY.sign(b"message")
    assert KEY.verify(signature, b"message")
    for at in range(len(signature)):
        changed = signature[:at] + bytes([signature[at] ^ 1]) + signature[at + 1 :]
        assert not KEY.verify(changed, b"message")
    for wrong in (b"", signature[:-1], signature + b"\0"):
        assert not KEY.verify(wrong, b"message")


def test_the_header_must_be_the_registered_one() -> None:
    for segment in (
        header("EdDSA", TERMINAL, jws.EVENT_TYP),
        header("none", TERMINAL, jws.EVENT_TYP),
        header("HS256", "t-abcdefghik", jws.EVENT_TYP),
        header("HS256", TERMINAL, jws.HELLO_TYP),
        b64url(b'{"alg": "HS256","kid":"t-abcdefghij","typ":"firstbell-event"}'),
        "",
    ):
        assert reason(sign(PAYLOAD, segment, KEY)) == "wrong_header"


def test_what_is_no_jws() -> None:
    head, body, signature = SIGNED.split(".")
    for text in (
        "",
        "..",
        "...",
        head + "." + body,
        SIGNED + ".",
        SIGNED + "." + head,
        head + "." + body + "=." + signature,
        head + "." + body + "." + signature + "=",
        head + "." + body + "." + signature[:-1] + " ",
        head + "." + body + "." + signature[:-1],
        head + ".\u4e2d." + signature,
    ):
        assert reason(text) in ("malformed", "wrong_header"), text
    assert reason("..") == "wrong_header"
    assert reason(head + "." + body + "." + signature + "=") == "malformed"


def test_a_changed_payload_is_a_bad_signature() -> None:
    head, _, signature = SIGNED.split(".")
    assert reason(head + "." + b64url(b'{"what":"tamper"}') + "." + signature) == "bad_signature"


def test_the_limit_of_length() -> None:
    room = JWS_BYTES_MAX - len(HEADER) - 2 - 43
    payload = b"x" * (room * 3 // 4)
    text = sign(payload, HEADER, KEY)
    assert JWS_BYTES_MAX - 3 <= len(text) <= JWS_BYTES_MAX
    assert open_jws(text, HEADER, KEY.verify) == payload
    for call in (
        lambda: sign(payload + b"xxx", HEADER, KEY),
        lambda: open_jws("x" * (JWS_BYTES_MAX + 1), HEADER, KEY.verify),
        lambda: jws.unverified_payload("x" * (JWS_BYTES_MAX + 1)),
    ):
        try:
            call()
        except JwsError as error:
            assert error.reason == "oversized"
        else:
            raise AssertionError("taken")


def test_the_digest_is_of_the_text() -> None:
    assert jws.digest_of("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_ed25519_of_rfc_8032() -> None:
    """Test 3 of section 7.1, where there is an Ed25519."""
    if not jws.HAS_ED25519:
        return  # interpreter: MicroPython
    signer = jws.Ed25519Signer(bytes.fromhex("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7"))
    public = bytes.fromhex("fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025")
    signature = bytes.fromhex(
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
    )
    assert signer.public_key() == public
    assert signer.sign(b"\xaf\x82") == signature
    verifier = jws.Ed25519Verifier(public)
    assert verifier.verify(signature, b"\xaf\x82")
    assert not verifier.verify(signature, b"\xaf\x83")
    assert not verifier.verify(signature[:-1], b"\xaf\x82")
    assert jws.verify_ed25519(public, signature, b"\xaf\x82")
    assert not jws.verify_ed25519(bytes(32), signature, b"\xaf\x82")
