"""How long a node waits between two attempts, on CPython and MicroPython."""

from node.hub_link import BACKOFF_MS_MAX, BACKOFF_MS_MIN, HubLink

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


def new(chance: int) -> HubLink:
    nobody: Any = None
    return HubLink(nobody, "hub.test", b"", nobody, lambda count: bytes((chance,)) * count, nobody)


def test_the_pause_doubles_up_to_its_limit_and_chance_spreads_it() -> None:
    shortest, longest = new(0), new(255)
    wanted_ms = BACKOFF_MS_MIN
    for _ in range(8):
        assert shortest._pause_ms() == wanted_ms // 2
        assert longest._pause_ms() == wanted_ms // 2 + wanted_ms
        wanted_ms = min(2 * wanted_ms, BACKOFF_MS_MAX)
    assert wanted_ms == BACKOFF_MS_MAX


def test_a_hub_that_took_us_is_tried_soon_again() -> None:
    link = new(0)
    for _ in range(5):
        link._pause_ms()
    link.accepted()
    assert link._pause_ms() == BACKOFF_MS_MIN // 2
