"""Sealing: the commitment binds domain, salt and text, each at its place."""

from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.batch import Sealed
from hub.ledger.errors import SealError
from hub.ledger.sealed import DOMAIN_BYTES_MAX, SALT_BYTES, SEALED_TEXT_BYTES_MAX, opens, seal

DOMAIN = "firstbell/terminal-details/v1"
SALT = bytes(range(32))

domains = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=1, max_size=DOMAIN_BYTES_MAX)
salts = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300)


def test_the_commitment_of_a_known_text() -> None:
    sealed = seal(DOMAIN, "二号教学楼", SALT)
    assert sealed.commitment == sha256(DOMAIN.encode() + b"\x00" + SALT + "二号教学楼".encode()).hexdigest()
    assert sealed == Sealed(sealed.commitment, DOMAIN, SALT, "二号教学楼")
    assert opens(sealed)


@given(domains, texts, salts)
def test_what_was_sealed_opens(domain: str, text: str, salt: bytes) -> None:
    assert opens(seal(domain, text, salt))


@given(st.tuples(domains, texts, salts), st.tuples(domains, texts, salts))
def test_nothing_else_opens(one: tuple[str, str, bytes], two: tuple[str, str, bytes]) -> None:
    domain, text, salt = two
    assert opens(replace(seal(*one), domain=domain, text=text, salt=salt)) == (one == two)


@given(domains, texts, salts, st.integers(0, 255))
def test_another_commitment_does_not_open(domain: str, text: str, salt: bytes, bit: int) -> None:
    sealed = seal(domain, text, salt)
    other = int(sealed.commitment, 16) ^ 1 << bit
    assert not opens(replace(sealed, commitment=f"{other:064x}"))


def test_no_byte_moves_from_one_part_to_the_next() -> None:
    """The hashed bytes are the same in each case; who may edit the table must not gain another reading from them."""
    sealed = seal("d", "text", SALT)
    for moved in (
        replace(sealed, salt=SALT + b"t", text="ext"),
        replace(sealed, salt=SALT[:31], text="\x1ftext"),
        replace(sealed, domain="d\x00\x00", salt=SALT[1:]),
        replace(sealed, domain="d\x00", salt=SALT[1:] + b"t", text="ext"),
    ):
        assert not opens(moved)


@pytest.mark.parametrize(
    "changes",
    [
        {"commitment": ""},
        {"commitment": "é" * 64},
        {"domain": ""},
        {"domain": "é"},
        {"salt": b""},
        {"text": "half a pair \ud800"},
        {"text": "x" * (SEALED_TEXT_BYTES_MAX + 1)},
    ],
)
def test_a_row_that_was_tampered_with_does_not_open(changes: dict[str, str]) -> None:
    assert not opens(replace(seal(DOMAIN, "text", SALT), **changes))  # type: ignore[arg-type]


def test_an_upper_case_commitment_is_another() -> None:
    sealed = seal(DOMAIN, "text", SALT)
    assert not opens(replace(sealed, commitment=sealed.commitment.upper()))


@pytest.mark.parametrize("domain", ["", "a\x00", "a\n", "é", "x" * (DOMAIN_BYTES_MAX + 1)])
def test_domains_are_short_printable_ascii(domain: str) -> None:
    with pytest.raises(SealError, match="domain"):
        seal(domain, "text", SALT)


@pytest.mark.parametrize("salt", [b"", SALT[:31], SALT + b"\x00"])
def test_salts_have_32_bytes(salt: bytes) -> None:
    with pytest.raises(SealError, match="32 bytes"):
        seal(DOMAIN, "text", salt)


def test_texts_have_a_largest_size_in_bytes() -> None:
    assert opens(seal(DOMAIN, "x" * SEALED_TEXT_BYTES_MAX, SALT))
    with pytest.raises(SealError, match="16384 bytes"):
        seal(DOMAIN, "钟" * (SEALED_TEXT_BYTES_MAX // 3 + 1), SALT)
    with pytest.raises(SealError, match="UTF-8"):
        seal(DOMAIN, "\udc00", SALT)


def test_a_log_line_holds_neither_text_nor_salt() -> None:
    shown = repr(seal(DOMAIN, "王建国", SALT))
    assert "王建国" not in shown
    assert repr(SALT) not in shown
    assert DOMAIN in shown
