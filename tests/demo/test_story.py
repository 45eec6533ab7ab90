"""The times of one press, as different clocks tell them."""

from hub.demo.story import STEPS, in_order


def test_no_effect_is_told_before_its_cause() -> None:
    """The terminal's clock is some milliseconds slow: its receipt seems older than the commit that it proves."""
    told = {step: 100 + 10 * number for number, step in enumerate(STEPS)}
    late = told | {"receipt_ms": told["recorded_ms"] - 2, "help_coming_ms": told["accepted_ms"] - 1}
    assert in_order(told) == told
    assert in_order(late) == told | {"receipt_ms": told["recorded_ms"], "help_coming_ms": told["accepted_ms"]}
