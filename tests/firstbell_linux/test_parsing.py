"""What others wrote: it is read, or it is a ValueError, whatever it is."""

from typing import Any

import pytest
from firstbell_linux.parsing import is_name, parse_json, parse_toml

DEEP = 100_000
ODD = [b"\xff", b"{", b'"\\ud800"', b"[" * DEEP, b'{"a":' * DEEP, b'{"a":' + b"[" * DEEP, b"7"]


@pytest.mark.parametrize("odd", [*ODD, b""], ids=range(len(ODD) + 1))
def test_what_is_no_json(odd: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_json(odd, dict[str, Any])


@pytest.mark.parametrize("odd", [*ODD, b"a = " + b"[" * DEEP, b"a = " + b"{a=" * DEEP], ids=range(len(ODD) + 2))
def test_what_is_no_toml(odd: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_toml(odd)


def test_what_is() -> None:
    assert parse_json(b'{"a": [1, "\xe9\x97\xa8"]}', dict[str, Any]) == {"a": [1, "门"]}
    assert parse_toml('a = [1, "门"]'.encode()) == {"a": [1, "门"]}


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("门", True), ("a b", True), ("", False), (" ", False), ("a\nb", False), ("a\u202eb", False), ("\x1b[31m", False)],
)
def test_a_name_is_shown_in_one_line(text: str, is_one: bool) -> None:
    assert is_name(text) is is_one
