"""Runs one file of tests under MicroPython: `micropython -X heapsize=192K run_micropython.py ROOT tests/…/test_x.py`.

The files are plain functions with plain asserts, so that the same file runs under pytest and here. Every module-level
`test_*` is called with no arguments. The last line is `N passed, N failed`; the traceback of the first failure comes
before it. The exit status is 1 when a test failed, or the file has none.
"""

import gc
import sys

COLLECT_BYTES = 16 * 1024
"""As a node's loader has it. Left to itself, MicroPython collects when nothing fits any more, and what has been read
in by then stands so that no piece of 4 KB is left: in the same heap, some lengths of a path pass and others do not."""


def run_file(name: str) -> int:
    module = __import__(name)
    passed = 0
    failed = 0
    for attribute in sorted(dir(module)):
        if not attribute.startswith("test_"):
            continue
        gc.collect()
        try:
            # A coroutine or generator would come back unrun, and count as passed.
            if getattr(module, attribute)() is not None:
                raise TypeError("a test returned something: it must be a plain function")
            passed += 1
        except Exception as error:
            failed += 1
            print("FAILED", name + "." + attribute)
            if failed == 1:
                sys.print_exception(error, sys.stdout)  # type: ignore[attr-defined]  # MicroPython's
    print(passed, "passed,", failed, "failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    gc.threshold(COLLECT_BYTES)  # type: ignore[attr-defined]  # MicroPython's
    root = sys.argv[1]
    folder, _, name = sys.argv[2].rpartition("/")
    sys.path[:] = [root, root + "/firmware", root + "/firmware/lib", root + "/" + folder, ".frozen"]
    sys.exit(run_file(name[:-3]))
