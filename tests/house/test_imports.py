"""The boundaries of the design, held by reading every file's imports."""

import ast
from pathlib import Path

import pytest

from tests.house.imports import ROOT, Import, calls_of, imports_of, source_files

OURS = {
    "firstbell": "firmware/lib/firstbell",
    "firstbell_flash": "firmware/flash",
    "firstbell_linux": "firmware/lib/firstbell_linux",
    "terminal": "terminal",
    "hub": "hub",
}

# What MicroPython has and what does no I/O; the rest of its modules would be I/O or a clock.
SHARED_MODULES = {
    "binascii",
    "collections",
    "errno",
    "gc",
    "hashlib",
    "json",
    "micropython",
    "re",
    "struct",
    "sys",
}
# On CPython alone, behind `except ImportError`.
SHARED_GUARDED_MODULES = {"typing", "hmac", "cryptography"}

# What a pure part of the hub may use: values and arithmetic, no I/O, no clock, no dice.
PURE_MODULES = {
    "__future__",
    "collections",
    "copy",
    "dataclasses",
    "enum",
    "functools",
    "itertools",
    "operator",
}
PURE_MODULES |= {"base64", "binascii", "bisect", "hashlib", "heapq", "hmac", "json", "math", "re", "struct"}
PURE_MODULES |= {"types", "typing", "msgspec"}
IO_BUILTINS = {"open", "print", "input", "breakpoint"}

PIN_MODULES = {"gpiozero", "machine", "lgpio", "gpiod", "pigpio", "RPi", "rp2"}

# The files of the ledger that read or write a database or start processes, and what they may use for it.
LEDGER_IO = {
    "writer.py": {"sqlite3", "threading", "errno", "traceback", "structlog"},
    "store.py": {"sqlite3", "pathlib"},
    "reader.py": {"sqlite3", "pathlib"},
    "lookups.py": {"asyncio", "concurrent", "sqlite3", "structlog"},
    "project.py": {"sqlite3"},
    "verify.py": {"os", "sqlite3", "pathlib"},
    "verify_events.py": {"os", "subprocess", "sys"},
    "verify_log.py": {"sqlite3"},
    "verify_tables.py": {"sqlite3"},
}


def imports_in(package: str) -> list[Import]:
    folder = ROOT / OURS[package]
    found = []
    for path in source_files(OURS[package]):
        parts = path.relative_to(folder).parent.parts
        found += imports_of(path, ".".join([package, *parts]))
    return found


def under(imports: list[Import], folder: str) -> list[Import]:
    return [item for item in imports if item.path.is_relative_to(ROOT / folder)]


@pytest.mark.parametrize("package", sorted(OURS))
def test_every_package_is_read(package: str) -> None:
    assert imports_in(package)


def test_firstbell_runs_anywhere_and_does_no_io() -> None:
    wrong = [
        item
        for item in imports_in("firstbell")
        if item.top != "firstbell"
        and item.top not in SHARED_MODULES
        and not (item.guarded and item.top in SHARED_GUARDED_MODULES)
    ]
    assert not wrong, [str(item) for item in wrong]


def test_what_linux_adds_to_it_knows_no_program_of_ours() -> None:
    below = ("firstbell", "firstbell_linux")
    ours = [item for item in imports_in("firstbell_linux") if item.top in OURS and item.top not in below]
    assert not ours, [str(item) for item in ours]


def test_terminal_and_hub_never_import_each_other() -> None:
    wrong = [item for item in imports_in("terminal") if item.top == "hub"]
    wrong += [item for item in imports_in("hub") if item.top == "terminal"]
    assert not wrong, [str(item) for item in wrong]


def test_flashing_knows_a_terminals_folder_and_no_hub() -> None:
    allowed = ("terminal", "terminal.settings", "terminal.credentials", "terminal.problems")
    wrong = [
        item
        for item in imports_in("firstbell_flash")
        if item.top == "hub" or (item.top == "terminal" and item.module not in allowed)
    ]
    wrong += [item for item in imports_in("hub") if item.top == "firstbell_flash"]
    assert not wrong, [str(item) for item in wrong]


def test_nothing_imports_the_tests() -> None:
    wrong = [item for package in OURS for item in imports_in(package) if item.top == "tests"]
    assert not wrong, [str(item) for item in wrong]


def test_only_panel_touches_pins() -> None:
    everywhere = [item for package in OURS for item in imports_in(package)]
    pins = [item for item in everywhere if item.top in PIN_MODULES]
    wrong = [item for item in pins if item.path.name != "panel.py"]
    assert not wrong, [str(item) for item in wrong]
    assert pins, "no panel.py touches a pin: this test looks in the wrong place"


def test_dispatch_is_pure_but_for_the_engine() -> None:
    wrong = []
    for item in under(imports_in("hub"), "hub/dispatch"):
        if item.path.name != "engine.py" and not (item.top in PURE_MODULES or item.reaches("hub.dispatch")):
            wrong.append(item)
        if item.path.name != "engine.py" and item.reaches("hub.dispatch.engine"):
            wrong.append(item)
    assert not wrong, [str(item) for item in wrong]


def test_ledger_is_pure_but_for_the_database() -> None:
    """`cryptography` signs and checks with keys that are handed in; that is arithmetic too."""
    wrong = []
    for item in under(imports_in("hub"), "hub/ledger"):
        allowed = PURE_MODULES | {"cryptography"} | LEDGER_IO.get(item.path.name, set())
        ours = item.reaches("hub.ledger") or item.reaches("hub.dispatch") or item.top == "firstbell"
        database = item.path.name in LEDGER_IO and item.reaches("hub.database")
        if item.reaches("hub.dispatch.engine") or not (item.top in allowed or ours or database):
            wrong.append(item)
        pure = item.path.name not in LEDGER_IO
        if pure and any(item.reaches(f"hub.ledger.{Path(name).stem}") for name in LEDGER_IO):
            wrong.append(item)
    assert not wrong, [str(item) for item in wrong]


def test_engine_knows_no_link_no_screen_and_no_ledger() -> None:
    """It hands batches to whatever writes them."""
    wrong = [
        item
        for item in under(imports_in("hub"), "hub/dispatch")
        if item.top == "hub" and not item.reaches("hub.dispatch")
    ]
    assert not wrong, [str(item) for item in wrong]


def pure_files() -> list[Path]:
    dispatch = [path for path in source_files("hub/dispatch") if path.name != "engine.py"]
    ledger = [path for path in source_files("hub/ledger") if path.name not in LEDGER_IO]
    return source_files("firmware/lib/firstbell") + dispatch + ledger


def test_pure_files_open_and_print_nothing() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line} calls {name}()"
        for path in pure_files()
        for line, name in calls_of(path)
        if name in IO_BUILTINS
    ]
    assert not wrong


# The parts that are held open for the life of the process: who makes one is wiring.
WIRED = {
    "hub/service.py": {"Engine", "SqliteWriter", "HubClock"},
    "terminal/daemon.py": {"Panel", "Outbox", "HubLink"},
}


@pytest.mark.parametrize("wiring", sorted(WIRED))
def test_wiring_happens_in_one_place(wiring: str) -> None:
    folder = wiring.partition("/")[0]
    made: dict[str, set[str]] = {name: set() for name in WIRED[wiring]}
    for path in source_files(folder):
        for _, name in calls_of(path):
            if name in made:
                made[name].add(str(path.relative_to(ROOT)))
    # Founding decides a campus's first entries with an engine of its own, before any hub runs.
    made.get("Engine", set()).discard("hub/founding.py")
    assert made == {name: {wiring} for name in WIRED[wiring]}


def test_the_reader_of_imports_sees_them(tmp_path: Path) -> None:
    path = tmp_path / "sample.py"
    path.write_text(
        "import os.path, json as j\n"
        "from .. import web\n"
        "from hub.links import pagers\n"
        "try:\n    import hmac\nexcept (ImportError, OSError):\n    import binascii\n"
        "def late():\n    from asyncio import run\n    return open('x')\n"
    )
    found = imports_of(path, "hub.dispatch")
    assert [(item.module, item.name, item.guarded) for item in found] == [
        ("os.path", "", False),
        ("json", "", False),
        ("hub", "web", False),
        ("hub.links", "pagers", False),
        ("hmac", "", True),
        ("binascii", "", False),
        ("asyncio", "run", False),
    ]
    assert found[2].reaches("hub.web")
    assert found[3].reaches("hub.links.pagers")
    assert not found[3].reaches("hub.link")
    assert calls_of(path) == [(10, "open")]
    assert isinstance(ast.parse(path.read_text()), ast.Module)
