"""Our signed texts against joserfc's, both ways."""

import json

import pytest
from firstbell.jws import (
    EVENT_TYP,
    JWS_BYTES_MAX,
    Ed25519Signer,
    Ed25519Verifier,
    Hs256Key,
    JwsError,
    b64url,
    header,
    open_jws,
    sign,
    unb64url,
)
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws as joserfc
from joserfc.jwk import OctKey, OKPKey

TERMINAL = "t-abcdefghij"
KEYS = st.binary(min_size=32, max_size=32)
PAYLOADS = st.binary(max_size=500)


def joserfc_header(algorithm: str) -> dict[str, object]:
    return {"alg": algorithm, "kid": TERMINAL, "typ": EVENT_TYP}


@given(KEYS, PAYLOADS)
def test_hs256(secret: bytes, payload: bytes) -> None:
    key = Hs256Key(secret)
    theirs = OctKey.import_key(secret)
    ours = sign(payload, header("HS256", TERMINAL, EVENT_TYP), key)
    assert joserfc.deserialize_compact(ours, theirs, algorithms=["HS256"]).payload == payload
    text = joserfc.serialize_compact(joserfc_header("HS256"), payload, theirs, algorithms=["HS256"])
    assert text == ours
    assert open_jws(text, header("HS256", TERMINAL, EVENT_TYP), key.verify) == payload


# RFC 9864 would have the curve in the name; as our header is compared and never read, its word decides nothing.
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated")
@given(KEYS, PAYLOADS)
def test_eddsa(seed: bytes, payload: bytes) -> None:
    signer = Ed25519Signer(seed)
    verifier = Ed25519Verifier(signer.public_key())
    parts = {"x": b64url(signer.public_key()), "d": b64url(seed)}
    theirs = OKPKey.import_key({"kty": "OKP", "crv": "Ed25519", **parts})
    ours = sign(payload, header("EdDSA", TERMINAL, EVENT_TYP), signer)
    assert joserfc.deserialize_compact(ours, theirs, algorithms=["EdDSA"]).payload == payload
    text = joserfc.serialize_compact(joserfc_header("EdDSA"), payload, theirs, algorithms=["EdDSA"])
    assert text == ours
    assert open_jws(text, header("EdDSA", TERMINAL, EVENT_TYP), verifier.verify) == payload


def test_the_public_key_is_no_hs256_secret() -> None:
    """The classic confusion: what is public, used as a shared secret."""
    signer = Ed25519Signer(bytes(32))
    forged = sign(b"{}", header("HS256", TERMINAL, EVENT_TYP), Hs256Key(signer.public_key()))
    with pytest.raises(JwsError) as caught:
        open_jws(forged, header("EdDSA", TERMINAL, EVENT_TYP), Ed25519Verifier(signer.public_key()).verify)
    assert caught.value.reason == "wrong_header"


def test_what_the_header_says_chooses_nothing() -> None:
    for algorithm in ("none", "HS384", "ES256"):
        head = b64url(json.dumps(joserfc_header(algorithm), separators=(",", ":")).encode())
        with pytest.raises(JwsError) as caught:
            open_jws(f"{head}.e30.", header("HS256", TERMINAL, EVENT_TYP), lambda _s, _m: True)
        assert caught.value.reason == "wrong_header"


@given(KEYS, st.binary(max_size=60), st.data())
def test_one_changed_character_is_noticed(secret: bytes, payload: bytes, data: st.DataObject) -> None:
    key = Hs256Key(secret)
    segment = header("HS256", TERMINAL, EVENT_TYP)
    text = sign(payload, segment, key)
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(max_codepoint=0x2FF).filter(lambda character: character != text[at]))
    with pytest.raises(JwsError):
        open_jws(text[:at] + other + text[at + 1 :], segment, key.verify)


@given(st.binary(max_size=100))
def test_base64url_there_and_back(data: bytes) -> None:
    assert unb64url(b64url(data)) == data


@given(st.text(max_size=JWS_BYTES_MAX + 10))
def test_any_text_is_refused_with_a_reason(text: str) -> None:
    with pytest.raises(JwsError) as caught:
        open_jws(text, header("HS256", TERMINAL, EVENT_TYP), Hs256Key(bytes(32)).verify)
    assert caught.value.reason in ("malformed", "oversized", "wrong_header", "bad_signature")
