"""The golden stories of a terminal's inputs, and the rhythms of its lamp and sounder, on CPython and MicroPython."""

from firstbell import bell, light, rhythm
from firstbell.inputs import Inputs
from firstbell.outputs import Outputs
from firstbell.press import Happening
from firstbell.supply import Supply

from tests.firstbell.test_golden import load

try:
    from collections.abc import Callable
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


def plain(happened: "list[tuple[str, Happening]]") -> "list[list[object]]":
    return [[name, happening.what, happening.at_ms] for name, happening in happened]


def tell(inputs: Inputs, step: "dict[str, Any]", where: str) -> None:
    if step["do"] == "states":
        assert inputs.states() == step["states"], where
    elif step["do"] == "edge":
        assert plain(inputs.edge(step["input"], step["at_ms"], step["closed"])) == step["happened"], where
    else:
        assert plain(inputs.step(step["now_ms"], lambda: step["levels"])) == step["happened"], where


def test_each_story_of_the_inputs() -> None:
    vectors = load("presses.json")
    for story in vectors["stories"]:
        inputs = Inputs(vectors["kinds"], vectors["press_ms_min"])
        for number, step in enumerate(story["steps"]):
            tell(inputs, step, story["story"] + ", step " + str(number) + ": " + step.get("because", ""))


def test_each_story_of_a_supply() -> None:
    for story in load("presses.json")["supplies"]:
        supply = Supply(story["readings"][0][0])
        for number, (reading_mv, low, told_mv) in enumerate(story["readings"]):
            if number:
                supply.read(reading_mv)
            assert (supply.low, supply.mv) == (low, told_mv), story["story"] + ", reading " + str(number)


def moments(vectors: "dict[str, Any]", drive: "Callable[[Outputs, int], int | None]") -> "list[list[object]]":
    """When its pin went on and off, called whenever it wanted to be."""
    found: list[list[object]] = []
    now_ms: list[int] = [vectors["since_ms"]]

    def set_pin(on: bool) -> bool:
        found.append([now_ms[0], on])
        return True

    outputs = Outputs(set_pin, set_pin)
    while now_ms[0] < vectors["since_ms"] + vectors["shown_ms"]:
        next_ms = drive(outputs, now_ms[0])
        if next_ms is None:
            break
        assert next_ms > now_ms[0]
        now_ms[0] = next_ms
    return found


def test_each_light_and_each_sound() -> None:
    vectors = load("rhythms.json")
    for state, expected in vectors["lights"].items():
        shown = moments(vectors, lambda outputs, now_ms: outputs.show(state, vectors["since_ms"], now_ms))  # noqa: B023
        assert shown == expected, state
    for sound, expected in vectors["sounds"].items():
        assert moments(vectors, lambda outputs, now_ms: outputs.play(sound, now_ms)) == expected, sound  # noqa: B023
        for at_ms, on in expected:
            assert rhythm.is_on(bell.RHYTHMS_MS[sound], vectors["since_ms"], at_ms) == on, (sound, at_ms)
    assert set(vectors["lights"]) == set(light.RHYTHMS_MS)
    assert set(vectors["sounds"]) == set(bell.RHYTHMS_MS)


def test_which_light_and_which_sound() -> None:
    vectors = load("rhythms.json")
    for case in vectors["choices"]:
        names = ("undelivered", "receipted", "awaited", "hub", "linked", "silent")
        assert light.wanted_light(*[case[name] for name in names] + [10_000]) == case["shown"], case["because"]
    for case in vectors["rings"]:
        assert bell.wanted_sound(case["ring"], False) == case["linked"]
        assert bell.wanted_sound(case["ring"], True) == case["lost"]
