"""`FIRSTBELL_RP2_UF2=FILE python -m tests.rp2`: the tests that need MicroPython's release firmware. See README.md."""

import sys

import pytest

from tests.rp2.board import ROOT, UF2, why_no_image

USAGE = 2


def main() -> int:
    why = why_no_image()
    if why:
        print(f"test-rp2: {why}", file=sys.stderr)
        return USAGE
    print(f"test-rp2: {UF2}")
    return pytest.main(["--timeout=900", "-rA", str(ROOT / "tests/rp2")])


if __name__ == "__main__":
    sys.exit(main())
