"""What others wrote: whatever it is, it is read, or it is a ValueError."""

import tomllib
from typing import Any, TypeVar

import msgspec

Kind = TypeVar("Kind")


def parse_json(data: bytes, kind: type[Kind]) -> Kind:
    """Raises ValueError: no JSON, none of `kind`, or nested deeper than anybody means it."""
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def parse_toml(data: bytes) -> dict[str, Any]:
    """Raises ValueError: no TOML, or nested deeper than anybody means it."""
    try:
        return tomllib.loads(data.decode())
    except RecursionError as error:
        raise ValueError(str(error)) from error


def is_name(text: str) -> bool:
    """Whether it says something, and can be shown in one line."""
    return text.isprintable() and text.strip() != ""
