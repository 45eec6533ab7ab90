"""The demo's line, from what the hub tells."""

from typing import Any

from hub.demo.line import Line

PRESSED_MS = 100_000


def decided(kind: str, at_ms: int, **fields: Any) -> dict[str, Any]:
    return {"what": "decided", "at_ms": at_ms, "entry": {"kind": kind, "at_ms": at_ms, **fields}}


def press(received_ms: int) -> dict[str, Any]:
    times = {"event_ms": PRESSED_MS, "received_ms": received_ms}
    return decided("event_recorded", received_ms, incident="i-1", terminal="t-1", **times)


def light(shown: str, at_ms: int, since_ms: int | None) -> dict[str, Any]:
    return decided("light_shown", at_ms, terminal="t-1", light=shown, since_ms=since_ms)


def rings(at_ms: int) -> dict[str, Any]:
    return decided("page_progressed", at_ms, incident="i-1", to="ringing", due_ms=at_ms + 15_000)


def told(*happenings: dict[str, Any]) -> list[tuple[str, int, int | None]]:
    line = Line()
    for happening in happenings:
        line.hear(happening)
    return [(step["what"], step["after_ms"], step["limit_ms"]) for step in line.frame()["steps"]]


def test_what_was_promised_stands_beside_what_was_measured() -> None:
    steps = told(press(100_009), light("heard", 100_020, 100_008), rings(100_030))
    assert steps == [("pressed", 0, None), ("light", 8, 50), ("pager", 30, 500)]


def test_a_light_without_the_hub_s_time_is_no_answer() -> None:
    assert told(press(100_009), light("heard", 111_700, None)) == [("pressed", 0, None)]


def test_nothing_is_held_against_what_was_cut_off() -> None:
    """The light answered at once; what comes when the network is back: when it gave up, and that it is heard now."""
    pressed, gave_up, again = press(111_650), light("not_delivered", 111_640, 103_000), light("heard", 111_660, 111_655)
    late = [("pressed", 0, None), ("undelivered", 3_000, None), ("late", 11_650, None), ("pager", 11_690, None)]
    assert told(gave_up, pressed, again, rings(111_690)) == late
    assert told(pressed, gave_up, again, rings(111_690)) == late


def test_a_light_that_gave_up_on_an_earlier_press_says_nothing_of_this_one() -> None:
    earlier = light("not_delivered", 90_000, 90_000)
    assert told(earlier, press(100_009), light("heard", 100_020, 100_008)) == [("pressed", 0, None), ("light", 8, 50)]
