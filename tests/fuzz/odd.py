"""Odd things to say: values, and small damages to what is right.

Hypothesis draws a token for each message and everything about the message follows from it: drawing each field would
take thirty times as long, and a failure shrinks to the one token that matters all the same.
"""

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

TOKEN_BYTES = 8
tokens = st.binary(min_size=TOKEN_BYTES, max_size=TOKEN_BYTES)

WORDS = (
    "",
    "\x00",
    "\ud800",
    "é",
    "王建国",
    "<script>alert(1)</script>",
    "'; DROP TABLE entries; --",
    "../../etc/passwd",
    "%2e%2e%2f",
    "t-aaaaaaaaaa",
    "i-" + "0" * 20,
    "0" * 64,
    "a.b.c",
    "panic",
    "accept",
    "resolve",
    "genuine",
    "guard",
    "x" * 300,
    "9" * 400,
    "1" + "0" * 5_000,
)
NUMBERS = (
    *(0, 1, -1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**4_000),
    *(1e308, float("inf"), float("nan"), 0.5, -0.0),
)
JSON_PARTS = (
    '"',
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\\",
    "\\u0000",
    "\\ud800",
    "[" * 100,
    '{"a":' * 100,
    "-",
    "9" * 4_500,
    "1e999",
    "9" * 4_500,
    "\ufeff",
)
DEPTH_MAX = 4


def odd_text(random: Random) -> str:
    if random.random() < 0.5:
        return random.choice(WORDS)
    return "".join(
        chr(random.choice((random.randrange(128), random.randrange(0x3000)))) for _ in range(random.randrange(20))
    )


def odd_value(random: Random, depth: int = 0) -> Any:
    """Anything that JSON can say, and NaN, half characters and endless numbers besides."""
    kind = random.randrange(8 if depth < DEPTH_MAX else 6)
    if kind == 0:
        return random.choice((None, True, False))
    if kind == 1:
        return random.choice(NUMBERS)
    if kind == 2:
        return random.randint(-(2**70), 2**70) >> random.randrange(70)
    if kind < 6:
        return odd_text(random)
    if kind == 6:
        return [odd_value(random, depth + 1) for _ in range(random.randrange(4))]
    return {odd_text(random): odd_value(random, depth + 1) for _ in range(random.randrange(4))}


class Damage:
    """What is done to an object, one time in two: a field is dropped, or gets an odd value, or one more is added."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def done_to(self, whole: dict[str, Any]) -> dict[str, Any]:
        random = self._random
        if not whole or random.random() < 0.5:
            return whole
        name = random.choice(list(whole))
        do = random.randrange(5)
        if do == 0:
            return {one: value for one, value in whole.items() if one != name}
        if do == 1:
            return {**whole, odd_text(random): odd_value(random)}
        return {**whole, name: odd_value(random)}


def cut(random: Random, whole: str) -> str:
    """What is done to a text, one time in four: cut off, a part of it twice, something put in."""
    if random.random() < 0.75:
        return whole
    at, length = random.randrange(len(whole) + 1), random.randrange(60)
    do = random.randrange(3)
    if do == 0:
        return whole[:at]
    if do == 1:
        return whole[: at + length] + whole[at:]
    return whole[:at] + random.choice((*JSON_PARTS, *WORDS)) + whole[at + length % 4 :]


def text_of(value: object) -> str:
    """As JSON, NaN and all."""
    return json.dumps(value, separators=(",", ":"))
