"""Golden vectors: none of the shared modules is without."""

from pathlib import Path

from tests.house.imports import ROOT, Import, imports_of, source_files

SHARED = "firmware/lib/firstbell"
HELPERS = "tests.firstbell."


def needed(path: Path) -> list[Import]:
    """What it can't be run without, and what those of its neighbours need that it uses."""
    own = [item for item in imports_of(path, "tests.firstbell") if not item.guarded]
    beside = {item.module for item in own if item.module.startswith(HELPERS)}
    return own + [item for name in beside for item in needed(ROOT / f"{name.replace('.', '/')}.py")]


def test_every_shared_module_has_golden_vectors() -> None:
    """tests/firmware runs each file of tests/firstbell on MicroPython, too."""
    readers = [path for path in (ROOT / "tests/firstbell").glob("test_*.py") if "golden" in path.read_text("utf-8")]
    found = [item for path in readers for item in needed(path)]
    modules = {f"firstbell.{path.stem}" for path in source_files(SHARED) if path.stem != "__init__"}
    lacking = sorted(module for module in modules if not any(item.reaches(module) for item in found))
    assert lacking == [], f"no test of tests/firstbell that reads golden vectors is about {', '.join(lacking)}"
