"""Our JSON against the standard library's, and against whatever a stranger sends."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

from firstbell.fields import FrameError
from firstbell.json_text import INTEGER_MAX, NESTING_MAX, ODD_NUMBER, quote_plainly, read, read_plainly, write
from firstbell.messages import parse_hub_frame, parse_terminal_frame, understand_event
from hypothesis import example, given, settings
from hypothesis import strategies as st

TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
LEAVES = st.none() | st.booleans() | st.integers(-INTEGER_MAX, INTEGER_MAX) | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)


def depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    return 1 + max(map(depth, value), default=0) if isinstance(value, list) else 0


def as_pairs(value: Any) -> object:
    if isinstance(value, dict):
        return tuple((name, as_pairs(item)) for name, item in value.items())
    return [as_pairs(item) for item in value] if isinstance(value, list) else value


@given(VALUES, st.sampled_from([None, 0, 3]), st.sampled_from([(",", ":"), (", ", ": "), (" ,\t", "\r: ")]))
def test_reads_what_the_standard_library_writes(value: object, indent: int | None, marks: tuple[str, str]) -> None:
    if depth(value) <= NESTING_MAX:
        assert read(json.dumps(value, indent=indent, separators=marks)) == value


@given(VALUES)
def test_writes_what_the_standard_library_writes(value: object) -> None:
    text = write(as_pairs(value))
    assert text.isascii()
    assert json.loads(text) == value
    # The standard library leaves DEL alone; it is no printable character, so we don't.
    assert text == json.dumps(value, separators=(",", ":")).replace("\x7f", "\\u007f")


JSON_LIKE = st.text(st.sampled_from('{}[]",:\\/0123456789.-+eEtrufalsn \n\tx\u00e9\0'), max_size=24)


def no_name_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def odd(text: str) -> object:
    return int(text) if text.lstrip("-").isdigit() and abs(int(text)) <= INTEGER_MAX else ODD_NUMBER


def refuse(text: str) -> object:
    raise ValueError(text)


@settings(max_examples=600)
@given(JSON_LIKE)
@example("[1.5,-0,1e5]")
def test_takes_exactly_what_is_json(text: str) -> None:
    try:
        expected = json.loads(
            text, object_pairs_hook=no_name_twice, parse_int=odd, parse_float=odd, parse_constant=refuse
        )
        fits = text.isascii() and depth(expected) <= NESTING_MAX
    except ValueError:
        fits = False
    try:
        found = read(text)
    except ValueError:
        assert not fits, text
    else:
        assert fits, text
        assert found == expected, text


ANYTHING = st.text(max_size=200) | JSON_LIKE | VALUES.map(json.dumps)
WORDS = st.sampled_from(
    ["type", "jws", "heartbeat", "t1_ms", "event", "status", "inputs", "hello", "receipt", "proof", "refused"]
)
FRAME_LIKE = st.dictionaries(WORDS, WORDS | VALUES, max_size=6).map(json.dumps)


@settings(max_examples=400)
@given(ANYTHING | FRAME_LIKE)
def test_no_text_breaks_a_reader(text: str) -> None:
    for parse in (parse_hub_frame, parse_terminal_frame):
        with contextlib.suppress(FrameError):
            assert parse(text)["type"] in text


@given(st.binary(max_size=100) | FRAME_LIKE.map(str.encode))
def test_every_payload_is_understood_somehow(payload: bytes) -> None:
    event = understand_event(payload, "t-abcdefghij")
    assert event["what"] == "unknown"
    assert event["terminal"] == "t-abcdefghij"
    assert event["boot"] == event["seq"] == 0


PIECES = st.sampled_from(
    [*'{}[]:,-+.0123456789eE \t\n"\\/ntu\x7f\x01', "true", "null", "NaN", "-Infinity", '"a":', "1e400", "\\ud83d"]
)


@given(st.lists(PIECES, max_size=30).map("".join) | VALUES.map(json.dumps), st.integers(0, 1 << 20), PIECES)
@example('{"a":1,"a":2}', 0, " ")
@example("[" * (NESTING_MAX + 1) + "]" * (NESTING_MAX + 1), 0, " ")
@settings(max_examples=600)
def test_the_plain_reader_reads_the_same(text: str, place: int, piece: str) -> None:
    """Whole texts, damaged ones and heaps of pieces; MicroPython has the plain one alone."""
    at = place % (len(text) + 1)
    for said in (text, text[:at] + piece + text[at:], text[:at] + text[at + 1 :]):
        assert outcome(read, said) == outcome(read_plainly, said), said


def outcome(reading: Callable[[str], object], text: str) -> str:
    try:
        return repr(reading(text))
    except ValueError:
        return "refused"


@given(TEXTS | st.text('\ud83d\udc00\x7f\x00\n"\\/é😀'))
def test_the_plain_writer_writes_the_same(text: str) -> None:
    assert write(text) == quote_plainly(text)
