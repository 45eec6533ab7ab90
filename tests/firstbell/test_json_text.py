"""JSON as the wire uses it: the same on CPython and MicroPython, whatever their own readers do."""

from firstbell.json_text import INTEGER_MAX, NESTING_MAX, ODD_NUMBER, read, write

TAKEN: "tuple[tuple[str, object], ...]" = (
    ("null", None),
    ("true", True),
    (" false\n", False),
    ("0", 0),
    ("-1", -1),
    ("9007199254740991", INTEGER_MAX),
    ("-9007199254740991", -INTEGER_MAX),
    ("-0", 0),
    ("1.0", ODD_NUMBER),
    ("-0.5", ODD_NUMBER),
    ("1e3", ODD_NUMBER),
    ("0E-0", ODD_NUMBER),
    ("12.25e+3", ODD_NUMBER),
    ("9007199254740992", ODD_NUMBER),
    ("-9007199254740992", ODD_NUMBER),
    ("10000000000000000", ODD_NUMBER),
    ("9" * 4000, ODD_NUMBER),
    ('""', ""),
    ('"a b"', "a b"),
    ('"\\"\\\\\\/\\b\\f\\n\\r\\t"', '"\\/\b\f\n\r\t'),
    ('"\\u0041\\u4e2d\\ud83d\\udd14\\u0000"', "A\u4e2d\U0001f514\0"),
    ('"x\\\\"', "x\\"),
    ('"\x7f"', "\x7f"),
    ("[]", []),
    ("[ ]", []),
    ("[1,[2],{}]", [1, [2], {}]),
    ("{}", {}),
    ("{ }", {}),
    ('\t{ "b" : [ 1 , "x" ] ,\r\n"a":{"b":null}} ', {"b": [1, "x"], "a": {"b": None}}),
    ('{"\\u0061":1}', {"a": 1}),
    ("[" * NESTING_MAX + "]" * NESTING_MAX, [[[[[[[[]]]]]]]]),
)

REFUSED = (
    "",
    " ",
    "nul",
    "nulll",
    "True",
    "NaN",
    "Infinity",
    "-Infinity",
    "-",
    "+1",
    "00",
    "01",
    "1.",
    "1.e1",
    "1.-1",
    "1e",
    "1e+",
    "1e1.5",
    "1.0.0",
    "- 1",
    "1 .5",
    "--1",
    ".5",
    "0x10",
    "1_000",
    "\u0661",
    '"',
    '"\\"',
    '"\\',
    '"\\x41"',
    '"\\u004"',
    '"\\u00 41"',
    '"\\u+041"',
    '"\\u00_1"',
    '"\n"',
    '"\0"',
    '"\x1f\\n"',
    '"\\ud83d"',
    '"\\udd14"',
    '"\\ud83d\\ud83d"',
    '"\\ud83d\\n"',
    '"\\ud83dx"',
    '"\\udd14\\ud83d"',
    '"\u4e2d"',
    '"\u00e9"',
    "\ufeff{}",
    "[",
    "[1",
    "[1,",
    "[1,]",
    "[,1]",
    "[1 2]",
    "[1;2]",
    "[1}",
    "]",
    "{",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{"a" 1}',
    '{"a",1}',
    '{"a":1 "b":2}',
    "{a:1}",
    "{'a':1}",
    "{1:2}",
    '{"a":1]',
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"b":{"a":1,"a":2}}',
    "{}{}",
    "{} x",
    "{}\0",
    "\0",
    "[" * (NESTING_MAX + 1) + "]" * (NESTING_MAX + 1),
    '{"a":' * 4000,
    "[" * 4000,
)


def test_what_is_read() -> None:
    for text, value in TAKEN:
        found = read(text)
        assert found == value and type(found) is type(value), text


def test_what_is_refused() -> None:
    for text in REFUSED:
        try:
            read(text)
        except ValueError:
            continue
        raise AssertionError("read: " + text)


def test_an_odd_number_is_no_number() -> None:
    assert not isinstance(read("0.5"), int)
    assert repr(read("0.5")) == "an odd number"


def test_half_a_surrogate_pair_is_refused() -> None:
    """CPython alone can hold one in a str; MicroPython's source would not."""
    try:
        read('"' + chr(0xD800) + '"')
    except ValueError:
        return
    raise AssertionError("read")


def test_every_name_and_order_is_kept() -> None:
    pairs = (("z", 1), ("a", (("y", None), ("b", [True, False, "x"]))), ("m", -5))
    assert write(pairs) == '{"z":1,"a":{"y":null,"b":[true,false,"x"]},"m":-5}'


def test_texts_are_ascii() -> None:
    assert write("\u4e2d\u00e9\U0001f514") == '"\\u4e2d\\u00e9\\ud83d\\udd14"'
    assert write('\0\b\t\n\f\r\x1f"\\/\x7f ~') == '"\\u0000\\b\\t\\n\\f\\r\\u001f\\"\\\\/\\u007f ~"'
    assert write('a"\\b') == '"a\\"\\\\b"'
    assert write("") == '""'


def test_what_is_written_is_read() -> None:
    for value in ("", "a", '"\\', "\u4e2d\n", "\U0001f514", 0, -7, INTEGER_MAX, None, True, False, ["x", [1]]):
        assert read(write(value)) == value


def test_what_has_no_form() -> None:
    for value in (1.5, b"a", {"a": 1}, [{}], (("a", 0.0),), object()):
        try:
            write(value)
        except TypeError:
            continue
        raise AssertionError("written: " + repr(value))
    for number in (INTEGER_MAX + 1, -INTEGER_MAX - 1):
        try:
            write([number])
        except ValueError:
            continue
        raise AssertionError("written")
