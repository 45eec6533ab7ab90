"""How much is tried altogether; each test counts its own part."""

from tests.fuzz import test_frames, test_process, test_requests

CASES_MIN = 20_000


def test_twenty_thousand() -> None:
    frames = test_frames.TERMINAL_CASES + test_frames.PAGER_CASES
    asked = test_requests.REQUEST_CASES + test_requests.RAW_CASES
    assert frames + asked + test_process.CASES >= CASES_MIN
