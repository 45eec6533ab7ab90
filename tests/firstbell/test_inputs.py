"""What inputs make of edges and readings, on CPython and MicroPython."""

from firstbell.inputs import READ_MS, Inputs

try:
    from firstbell.press import Happening
except ImportError:  # interpreter: MicroPython
    pass

KINDS = {"panic": "panic", "door": "perimeter"}


class Lines:
    """What the pins would read, and how often they were."""

    def __init__(self, panic: bool | None, door: bool | None) -> None:
        self.levels: dict[str, bool | None] = {"panic": panic, "door": door}
        self.reads = 0

    def __call__(self) -> "dict[str, bool | None]":
        self.reads += 1
        return self.levels


def told(happened: "list[tuple[str, Happening]]") -> "list[tuple[str, str]]":
    return [(name, repr(happening)) for name, happening in happened]


def test_a_button_held_while_the_terminal_starts_is_pressed() -> None:
    inputs, lines = Inputs(KINDS, 30), Lines(True, True)
    assert inputs.states() == {"panic": "unknown", "door": "unknown"}
    assert inputs.step(1000, lines) == []
    assert inputs.next_ms() == 1030
    assert told(inputs.step(1030, lines)) == [("panic", "panic@1000")]
    assert inputs.states() == {"panic": "closed", "door": "closed"}


def test_an_edge_that_was_lost_is_found_by_reading() -> None:
    inputs, lines = Inputs(KINDS, 30), Lines(False, True)
    inputs.step(1000, lines)
    lines.levels["panic"] = True  # no edge was handed in
    happened = []
    now_ms = 1000
    while now_ms < 4000:
        now_ms = inputs.next_ms()
        happened += inputs.step(now_ms, lines)
    assert told(happened) == [("panic", "panic@2000")]


def test_lines_are_read_every_second_and_no_more_often_than_asked() -> None:
    inputs, lines = Inputs(KINDS, 30), Lines(False, True)
    inputs.step(0, lines)
    assert inputs.next_ms() == READ_MS
    assert inputs.step(READ_MS - 1, lines) == []
    assert lines.reads == 1
    inputs.step(READ_MS, lines)
    assert lines.reads == 2


def test_a_line_that_cannot_be_read_is_unknown_and_its_edges_still_count() -> None:
    inputs, lines = Inputs(KINDS, 30), Lines(False, True)
    inputs.step(0, lines)
    lines.levels["panic"] = None
    inputs.step(READ_MS, lines)
    assert inputs.unreadable == {"panic"}
    assert inputs.states() == {"panic": "unknown", "door": "closed"}
    assert inputs.edge("panic", 1500, True) == []
    assert told(inputs.step(1530, lines)) == [("panic", "panic@1500")]
    lines.levels["panic"] = True
    inputs.step(2600, lines)
    assert inputs.states()["panic"] == "closed"


def test_the_setting_decides_how_long_a_press_is() -> None:
    inputs = Inputs(KINDS, 200)
    inputs.step(0, Lines(False, True))
    inputs.edge("panic", 100, True)
    assert inputs.edge("panic", 299, False) == []
    inputs.edge("panic", 400, True)
    assert told(inputs.edge("panic", 600, False)) == [("panic", "panic@400")]
