"""Frames and payloads at the limits of the page: what is taken, and the word with which the rest is refused."""

from typing import Any

from tests.golden import signing as s
from tests.golden.receipts import receipt

FRAME_BYTES_MAX = 4096
NESTING_MAX = 8
INTEGER_MAX = 2**53 - 1
TAKEN = ""
MALFORMED = "malformed"
OVERSIZED = "oversized"


def _heartbeat(t1_ms: str = "1", later: str = "") -> str:
    """As it stands on the wire; `later`: the value of a field that is not named in the page."""
    return '{"type":"heartbeat","t1_ms":' + t1_ms + (f',"later":{later}' if later else "") + "}"


def _filled(size: int) -> str:
    """A heartbeat of this many bytes."""
    return _heartbeat(later='"' + "a" * (size - len(_heartbeat(later='""'))) + '"')


def _nested(depth: int) -> str:
    """A heartbeat nested so deep; the frame itself is the first."""
    return _heartbeat(later="[" * (depth - 1) + "]" * (depth - 1))


def _sizes_and_shapes() -> list[tuple[str, str, str]]:
    return [
        ("4096 bytes", _filled(FRAME_BYTES_MAX), TAKEN),
        ("4097 bytes", _filled(FRAME_BYTES_MAX + 1), OVERSIZED),
        ("8 deep", _nested(NESTING_MAX), TAKEN),
        ("9 deep", _nested(NESTING_MAX + 1), MALFORMED),
        ("blanks between", '{ "type" : "heartbeat" ,\r\n\t"t1_ms" : 1 }', TAKEN),
        ("other order", '{"t1_ms":1,"type":"heartbeat"}', TAKEN),
        ("a name twice", '{"type":"heartbeat","t1_ms":1,"t1_ms":1}', MALFORMED),
        ("a name twice, once with an escape", '{"type":"heartbeat","t1_ms":1,"t1\\u005fms":1}', MALFORMED),
        ("a name twice, deeper, in what is ignored", _heartbeat(later='{"a":1,"a":1}'), MALFORMED),
        ("a letter as an escape", '{"type":"heart\\u0062eat","t1_ms":1}', TAKEN),
        ("beyond ASCII as escapes", _heartbeat(later='"\\u738b\\ud83d\\ude00"'), TAKEN),
        ("beyond ASCII as it is", _heartbeat(later='"王"'), MALFORMED),
        ("half a surrogate pair", _heartbeat(later='"\\ud83d"'), MALFORMED),
        ("a line feed in a string", _heartbeat(later='"a\nb"'), MALFORMED),
        ("a comma too many", '{"type":"heartbeat","t1_ms":1,}', MALFORMED),
        ("something after it", _heartbeat() + "x", MALFORMED),
        ("a list", "[" + _heartbeat() + "]", MALFORMED),
        ("nothing", "", MALFORMED),
        ("no type", '{"t1_ms":1}', MALFORMED),
        ("an unknown type", '{"type":"press"}', MALFORMED),
        ("a missing field", '{"type":"heartbeat"}', MALFORMED),
        (
            "a frame of the other side",
            '{"type":"snapshot","hub_ms":1,"light":"none","ring":"none","silent":false}',
            MALFORMED,
        ),
    ]


def _numbers() -> list[tuple[str, str, str]]:
    named = [
        ("0", "0", TAKEN),
        ("2^53 - 1", str(INTEGER_MAX), TAKEN),
        ("2^53", str(INTEGER_MAX + 1), MALFORMED),
        ("a negative number", "-1", MALFORMED),
        ("a fraction", "0.5", MALFORMED),
        ("a whole number written as a fraction", "1.0", MALFORMED),
        ("a whole number with an exponent", "1e3", MALFORMED),
        ("a zero before it", "01", MALFORMED),
        ("a number in a string", '"1"', MALFORMED),
        ("true for a number", "true", MALFORMED),
        ("null for a number", "null", MALFORMED),
    ]
    ignored = [
        ("2^53 in what is ignored", str(INTEGER_MAX + 1), TAKEN),
        ("a negative fraction in what is ignored", "-0.5e-7", TAKEN),
        ("NaN in what is ignored", "NaN", MALFORMED),
    ]
    return [
        *[(case, _heartbeat(number), verdict) for case, number, verdict in named],
        *[(case, _heartbeat(later=number), verdict) for case, number, verdict in ignored],
    ]


def _statuses() -> list[tuple[str, str, str]]:
    usual: dict[str, Any] = {"type": "status", "light": "none", "since_ms": None, "ring": "none"}
    usual |= {"inputs": {"panic": "open"}, "pending": 0}
    many = {f"input_{number}": "open" for number in range(17)}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("16 inputs", {"inputs": dict(list(many.items())[:16])}, TAKEN),
        ("17 inputs", {"inputs": many}, MALFORMED),
        ("an input's name of 16 characters", {"inputs": {"a" * 16: "open"}}, TAKEN),
        ("an input's name of 17 characters", {"inputs": {"a" * 17: "open"}}, MALFORMED),
        ("an input's name with a capital", {"inputs": {"Panic": "open"}}, MALFORMED),
        ("an input without a name", {"inputs": {"": "open"}}, MALFORMED),
        ("an input's unknown word", {"inputs": {"panic": "pressed"}}, MALFORMED),
        ("a light's unknown word", {"light": "on"}, MALFORMED),
        ("a ring's unknown word", {"ring": "loud"}, MALFORMED),
    ]
    return [(case, s.plain(usual | change), verdict) for case, change, verdict in cases]


def _jws_sizes() -> list[tuple[str, str, str]]:
    return [
        ("an event's jws of 1025 bytes", s.plain({"type": "event", "jws": "a" * 1025}), OVERSIZED),
        ("a jws that is no string", s.plain({"type": "event", "jws": None}), MALFORMED),
    ]


def _hub_cases() -> list[tuple[str, str, str]]:
    held = receipt(s.PRESS, 8)
    snapshot = {"type": "snapshot", "hub_ms": 1, "light": "none", "ring": "none", "silent": False}
    challenge: dict[str, Any] = {"type": "challenge", "protocol": 1, "nonce": s.b64url(bytes(32)), "hub_ms": 1}
    refused = {"type": "refused", "reason": "busy"}
    padded = s.b64url(bytes(32)) + "="
    unpadded = [held["proof"][0].rstrip("="), *held["proof"][1:]]
    cases: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
        ("a nonce of 31 bytes", challenge, {"nonce": s.b64url(bytes(31))}, MALFORMED),
        ("a nonce with padding", challenge, {"nonce": padded}, MALFORMED),
        ("a light of the terminal's own", snapshot, {"light": "heard"}, MALFORMED),
        ("an unknown ring", snapshot, {"ring": "bell"}, MALFORMED),
        ("an entry of 2048 characters", held, {"entry": "a" * 2048, "proof": []}, TAKEN),
        ("an entry of 2049 characters", held, {"entry": "a" * 2049, "proof": []}, MALFORMED),
        ("a checkpoint of 384 characters", held, {"checkpoint": "a" * 384, "entry": ""}, TAKEN),
        ("a checkpoint of 385 characters", held, {"checkpoint": "a" * 385, "entry": ""}, MALFORMED),
        ("a proof without padding", held, {"proof": unpadded, "entry": ""}, MALFORMED),
        ("a digest in capitals", refused, {"event": s.PRESS["digest"].upper()}, MALFORMED),
        ("a field that is not named", refused, {"later": [1]}, TAKEN),
        ("a frame of the terminal", {"type": "heartbeat", "t1_ms": 1}, {}, MALFORMED),
    ]
    return [(case, s.plain(frame | change), verdict) for case, frame, change, verdict in cases]


def _hellos() -> list[tuple[str, str, str]]:
    """Payloads of a hello."""
    usual: dict[str, Any] = {"terminal": s.PI, "nonce": s.b64url(s.NONCE), "boot": 7, "seq": 2, "mono_ms": 812345}
    usual |= {"software": "0.1.0", "checkpoint": ""}
    cases: list[tuple[str, dict[str, Any], str]] = [
        ("software of 32 characters", {"software": "a" * 32}, TAKEN),
        ("software of 33 characters", {"software": "a" * 33}, MALFORMED),
        ("a checkpoint of 385 characters", {"checkpoint": "a" * 385}, MALFORMED),
        ("no checkpoint is empty, not null", {"checkpoint": None}, MALFORMED),
        ("a terminal's id with a capital", {"terminal": "t-Pi22222222"}, MALFORMED),
        ("a terminal's id with a 1", {"terminal": "t-pi11111111"}, MALFORMED),
        ("a field that is not named", {"later": {"a": 0.5}}, TAKEN),
        ("boot as a fraction", {"boot": 7.5}, MALFORMED),
    ]
    return [(case, s.plain(usual | change), verdict) for case, change, verdict in cases]


def limits_file() -> dict[str, Any]:
    def listed(cases: list[tuple[str, str, str]]) -> list[dict[str, str]]:
        return [{"case": case, "text": text, "refused": verdict} for case, text, verdict in cases]

    return {
        "about": "Texts at the limits. `refused` is the word with which the reader refuses one, empty where it is "
        "taken. On a WebSocket a frame over the limit is not refused: the connection closes with 1009.",
        "terminal": listed([*_sizes_and_shapes(), *_numbers(), *_statuses(), *_jws_sizes()]),
        "hub": listed(_hub_cases()),
        "hello_payloads": listed(_hellos()),
        "binary": [{"case": "a heartbeat in a binary frame", "hex": _heartbeat().encode().hex(), "refused": MALFORMED}],
    }
