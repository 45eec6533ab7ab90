"""The golden texts at the limits and the verdicts on signed texts, on CPython and MicroPython."""

from firstbell import messages
from firstbell.fields import FrameError
from firstbell.jws import EVENT_TYP, JwsError, header, open_jws

from tests.firstbell.test_golden import load, verify_of

try:
    from collections.abc import Callable
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


def refusal(read: "Callable[[Any], object]", text: "Any") -> str:
    try:
        read(text)
    except FrameError as error:
        return error.reason
    return ""


def test_frames_at_their_limits() -> None:
    vectors = load("limits.json")
    for who, read in (("terminal", messages.parse_terminal_frame), ("hub", messages.parse_hub_frame)):
        for case in vectors[who]:
            assert refusal(read, case["text"]) == case["refused"], case["case"]
    for case in vectors["hello_payloads"]:
        assert refusal(messages.parse_hello, case["text"].encode()) == case["refused"], case["case"]


def test_verdicts_on_signed_texts() -> None:
    keys = load("signed.json")["keys"]
    for case in load("verdicts.json")["cases"]:
        its = keys[case["terminal"]]
        verify = verify_of(its)
        if verify is None:
            continue
        said = ""
        try:
            open_jws(case["jws"], header(its["algorithm"], case["terminal"], EVENT_TYP), verify)
        except JwsError as error:
            said = error.reason
        assert said == case["refused"], case["case"]
