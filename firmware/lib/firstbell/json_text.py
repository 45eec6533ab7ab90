"""JSON (RFC 8259) as the wire uses it: ASCII, whole numbers, every name once, shallow. The same on both interpreters.

MicroPython's own reader takes text that is no JSON, and its writer keeps no order; CPython's takes NaN and endless
digits, lets a name stand twice, and gives up on a deep text by its stack. What is signed must be read alike by all.
A number that the wire has no use for is read, for it may stand in a field that nobody asks for, but it has no value.
What CPython's reader and writer do exactly so is left to them: they take a tenth of the time.
"""

import re

try:
    from json import JSONDecoder
    from json.encoder import encode_basestring_ascii

    HAS_JSON = True
except ImportError:  # interpreter: MicroPython
    HAS_JSON = False

INTEGER_MAX = (1 << 53) - 1
"""The largest number, either way from 0: what every JSON reader keeps exactly (RFC 7493, section 2.2)."""
NESTING_MAX = 8


class OddNumber:
    """What stands for a fraction, or for a number beyond INTEGER_MAX."""

    def __repr__(self) -> str:
        return "an odd number"


ODD_NUMBER = OddNumber()

_CONTROL = re.compile("[^ -\x7f]")
_UNPLAIN = re.compile("[^ -~]")
_DIGITS = "0123456789"
_HEX = "0123456789abcdefABCDEF"
_ESCAPES = {'"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def read(text: str) -> object:
    """The value of `text`: None, bool, int, ODD_NUMBER, str, list or dict. Raises ValueError, and says where."""
    # An encoder refuses half a surrogate pair (CPython), and anything outside ASCII gets longer.
    if len(text.encode()) != len(text):
        raise ValueError("not ASCII")
    # Neither too deep nor with half a surrogate pair.
    if HAS_JSON and text.count("{") + text.count("[") <= NESTING_MAX and "\\u" not in text:
        return _decoder.decode(text)
    return read_plainly(text)


def read_plainly(text: str) -> object:
    """As `read`, for ASCII, by our own code."""
    reader = _Reader(text)
    try:
        value = reader.value(0)
        if reader.is_done():
            return value
    except IndexError:
        pass  # it ends where something has to stand
    raise reader.error()


_BLANKS = " \n\r\t"


class _Reader:
    """Raises IndexError where the text ends too early."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def error(self) -> ValueError:
        return ValueError("not what stands here, at character " + str(self._at))

    def is_done(self) -> bool:
        """Whether nothing but blanks is left."""
        return not self._text[self._at :].strip(_BLANKS)

    def _next_character(self) -> str:
        """The next one that is no blank; it is not taken."""
        while self._text[self._at] in _BLANKS:
            self._at += 1
        return self._text[self._at]

    def _take(self, expected: str) -> bool:
        if self._next_character() != expected:
            return False
        self._at += 1
        return True

    def value(self, depth: int) -> object:
        first = self._next_character()
        if first == '"':
            return self._string()
        if first == "{":
            return self._object(depth + 1)
        if first == "[":
            return self._array(depth + 1)
        for word, meaning in (("true", True), ("false", False), ("null", None)):
            if self._text[self._at : self._at + len(word)] == word:
                self._at += len(word)
                return meaning
        return self._number()

    def _enter(self, depth: int) -> None:
        if depth > NESTING_MAX:
            raise ValueError("too deep")
        self._at += 1

    def _object(self, depth: int) -> "dict[str, object]":
        self._enter(depth)
        found: dict[str, object] = {}
        if self._take("}"):
            return found
        while True:
            if self._next_character() != '"':
                raise self.error()
            name = self._string()
            if name in found:
                raise ValueError("a name twice")
            if not self._take(":"):
                raise self.error()
            found[name] = self.value(depth)
            if self._take("}"):
                return found
            if not self._take(","):
                raise self.error()

    def _array(self, depth: int) -> "list[object]":
        self._enter(depth)
        found: list[object] = []
        if self._take("]"):
            return found
        while True:
            found.append(self.value(depth))
            if self._take("]"):
                return found
            if not self._take(","):
                raise self.error()

    def _number(self) -> object:
        negative = self._skip("-")
        digits = self._digits()
        if digits[0] == "0" and len(digits) > 1:
            raise self.error()
        whole = True
        if self._skip("."):
            self._digits()
            whole = False
        if self._skip("eE"):
            self._skip("+-")
            self._digits()
            whole = False
        return _integer("-" + digits if negative else digits) if whole else ODD_NUMBER

    def _skip(self, characters: str) -> bool:
        """Takes the next one if it is one of these; blanks are none."""
        if self._at == len(self._text) or self._text[self._at] not in characters:
            return False
        self._at += 1
        return True

    def _digits(self) -> str:
        start = self._at
        while self._skip(_DIGITS):
            pass
        if self._at == start:
            raise self.error()
        return self._text[start : self._at]

    def _string(self) -> str:
        self._at += 1
        parts: list[str] = []
        while True:
            end = self._text.find('"', self._at)
            if end < 0:
                raise self.error()
            piece = self._text[self._at : end]
            escape = piece.find("\\")
            if escape >= 0:
                piece = piece[:escape]
            if _CONTROL.search(piece):
                raise self.error()
            self._at += len(piece)
            if escape < 0:
                self._at += 1
                # Most have no escape, and then this is no copy.
                return "".join(parts) + piece if parts else piece
            parts.append(piece)
            parts.append(self._escape())

    def _escape(self) -> str:
        kind = self._text[self._at + 1]
        if kind in _ESCAPES:
            self._at += 2
            return _ESCAPES[kind]
        unit = self._unit()
        if 0xD800 <= unit < 0xDC00:
            low = self._unit()
            if not 0xDC00 <= low < 0xE000:
                raise ValueError("half a surrogate pair")
            return chr(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00))
        if 0xDC00 <= unit < 0xE000:
            raise ValueError("half a surrogate pair")
        return chr(unit)

    def _unit(self) -> int:
        digits = self._text[self._at + 2 : self._at + 6]
        hexadecimal = len(digits) == 4 and all(digit in _HEX for digit in digits)
        if self._text[self._at : self._at + 2] != "\\u" or not hexadecimal:
            raise self.error()
        self._at += 6
        return int(digits, 16)


def _integer(digits: str) -> object:
    # Length first: turning endless digits into a number takes endless time.
    if len(digits) > len(str(-INTEGER_MAX)) or abs(int(digits)) > INTEGER_MAX:
        return ODD_NUMBER
    return int(digits)


def _odd(_digits: str) -> object:
    return ODD_NUMBER


def _once(pairs: "list[tuple[str, object]]") -> "dict[str, object]":
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name twice")
    return found


def _no_number(word: str) -> object:
    raise ValueError(word + " is no JSON")


if HAS_JSON:
    _decoder = JSONDecoder(object_pairs_hook=_once, parse_int=_integer, parse_float=_odd, parse_constant=_no_number)


def write(value: object) -> str:
    """JSON without blanks. An object is a tuple of (name, value) pairs, written in their order.

    Raises TypeError for what the wire has no form for (floats, other classes), ValueError for a number out of bounds.
    """
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, int):
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise ValueError("a number out of bounds")
        return str(value)
    if isinstance(value, list):
        return "[" + ",".join([write(item) for item in value]) + "]"
    if isinstance(value, tuple):
        return "{" + ",".join([_quote(name) + ":" + write(item) for name, item in value]) + "}"
    raise TypeError("no form on the wire")


def quote_plainly(text: str) -> str:
    """A string by our own code."""
    if _UNPLAIN.search(text):
        return '"' + "".join([_SHORT_ESCAPES.get(character) or _escaped(character) for character in text]) + '"'
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _escaped(character: str) -> str:
    code = ord(character)
    if 0x20 <= code < 0x7F:
        return character
    if code > 0xFFFF:
        code -= 0x10000
        return "\\u%04x\\u%04x" % (0xD800 + (code >> 10), 0xDC00 + (code & 0x3FF))
    return "\\u%04x" % code


_quote = encode_basestring_ascii if HAS_JSON else quote_plainly
