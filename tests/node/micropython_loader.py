"""The loader: which of two programs it starts, and how it comes back from a new one.

MicroPython alone: what it starts is a program there. tests/firmware runs this file.
"""

import json
import os
import sys

from tests.node.board import Machine, Reset, put, put_machine, read
from tests.node.flash import new_folder

try:
    from typing import Any
except ImportError:
    pass

GOOD = """
import machine
ARMED = list(machine.armed)
def main(loader, beside):
    beside(loader.program + (" on trial" if loader.on_trial else "") + (" back" if loader.tried else ""))
    assert ARMED, "a program that hangs while it is imported would hang for ever"
    loader.feed()
"""
KEPT = GOOD + "    loader.keep()\n"
BROKEN = "raise ValueError('at import')\n"


def board(boot: "Any", **programs: str) -> str:
    root = new_folder()
    os.mkdir(root)
    if boot is not None:
        put(root, "boot.json", boot if isinstance(boot, bytes) else json.dumps(boot).encode())
    for name, source in programs.items():
        put(root, name + "/manifest", b"")
        put(root, name + "/node/main.py", source.encode())
    return root


def power(root: str) -> "tuple[str, Machine]":
    """What ran, until the board was reset or the console came."""
    machine = put_machine()
    from loader import main as loader  # noqa: PLC0415  # with the machine that was put there

    loader.RESTART_MS = 0
    ran: list[str] = []
    path = list(sys.path)
    try:
        loader.start(root, ran.append)
        ran.append("console")
    except Reset:
        pass
    sys.path[:] = path
    for name in ("node.main", "node"):
        sys.modules.pop(name, None)
    return ", ".join(ran), machine


def boot_of(root: str) -> "dict[str, str]":
    said: dict[str, str] = json.loads(read(root + "/boot.json").decode())
    return said


def test_it_starts_the_program_that_boot_json_names() -> None:
    for name in ("a", "b"):
        ran, machine = power(board({"program": name}, a=GOOD, b=GOOD))
        assert (ran, machine.fed) == (name, 1)
        assert 0 < machine.armed[0] <= 8_388, "the longest that the board's watchdog can wait"


def test_a_program_that_is_not_kept_has_one_trial() -> None:
    root = board({"program": "a", "trial": "b"}, a=GOOD, b=GOOD)
    assert power(root)[0] == "b on trial"
    assert boot_of(root) == {"program": "a", "tried": "b"}
    assert power(root)[0] == "a back"
    assert power(root)[0] == "a back"


def test_a_program_that_is_kept_stays() -> None:
    root = board({"program": "a", "trial": "b"}, a=GOOD, b=KEPT)
    assert power(root)[0] == "b on trial"
    assert boot_of(root) == {"program": "b"}
    assert power(root)[0] == "b"


def test_a_program_that_breaks_at_its_import_is_gone_back_on() -> None:
    root = board({"program": "b", "trial": "a"}, a=BROKEN, b=GOOD)
    ran, machine = power(root)
    assert (ran, len(machine.armed)) == ("", 1)
    assert power(root)[0] == "b back"


def test_a_trial_ends() -> None:
    root = board({"program": "a", "trial": "b"}, a=GOOD, b=GOOD)
    put_machine()
    from loader import main as loader  # noqa: PLC0415  # with the machine that was put there

    started = loader.Loader(root)
    started.arm()
    started.feed()
    loader.TRIAL_MS = -1
    try:
        started.feed()
    except Reset:
        assert power(root)[0] == "a back"
        return
    raise AssertionError("it goes on")


def test_half_a_program_is_never_started() -> None:
    root = board({"program": "a", "trial": "b"}, a=GOOD, b=GOOD)
    os.remove(root + "/b/manifest")
    assert power(root)[0] == "a"
    root = board({"program": "a"}, a=GOOD, b=GOOD)
    os.remove(root + "/a/manifest")
    assert power(root)[0] == "b"


def test_without_a_word_it_starts_what_is_there() -> None:
    for boot in (None, b"", b'{"program', b"{}", {"program": "c", "trial": "d"}):
        assert power(board(boot, b=GOOD))[0] == "b", boot


def test_a_trial_that_cannot_be_noted_is_none() -> None:
    root = board({"program": "a", "trial": "b"}, a=GOOD, b=GOOD)
    os.mkdir(root + "/boot.new")
    assert power(root)[0] == "a", "else it would be tried for ever"


def test_who_maintains_it_gets_the_console_once() -> None:
    root = board({"program": "a"}, a=GOOD)
    put(root, "maintain", b"")
    ran, machine = power(root)
    assert (ran, machine.armed) == ("console", [])
    assert power(root)[0] == "a"


def test_without_a_program_there_is_the_console() -> None:
    ran, machine = power(board(None))
    assert (ran, machine.armed) == ("console", [])
