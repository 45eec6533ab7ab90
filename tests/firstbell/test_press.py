"""What edges mean, on CPython and MicroPython."""

from firstbell.press import BOUNCE_MS, LOST_EDGE_MS, PULSE_MS_MAX, STUCK_MS, Happening, PressFilter

START = 1000


def told(line: PressFilter, edges: "list[tuple[int, bool]]", until_ms: int = 0, ticks: bool = True) -> "list[str]":
    """What the line tells when these edges come, ticked when it asks for it; `what@ms` after START."""
    happened = []
    for at_ms, closed in edges:
        if ticks:
            happened += run(line, START + at_ms)
        happened += line.edge(START + at_ms, closed)
    happened += run(line, START + until_ms) if ticks else line.tick(START + until_ms)
    return [item.what + "@" + str(item.at_ms - START) for item in happened]


def run(line: PressFilter, until_ms: int) -> "list[Happening]":
    happened: list[Happening] = []
    due_ms = line.next_ms()
    while due_ms is not None and due_ms < until_ms:
        happened += line.tick(due_ms)
        after_ms = line.next_ms()
        assert after_ms is None or after_ms > due_ms, "it asks again and again"
        due_ms = after_ms
    return happened


def button(press_ms_min: int = 30) -> PressFilter:
    line = PressFilter("panic", press_ms_min)
    assert line.state() == "unknown"
    assert line.read(START - 500, False) == []
    assert line.state() == "open"
    return line


def loop(kind: str = "perimeter") -> PressFilter:
    line = PressFilter(kind)
    assert line.read(START - 500, True) == []
    assert line.state() == "closed"
    return line


def pulse(at_ms: int, width_ms: int) -> "list[tuple[int, bool]]":
    return [(at_ms, True), (at_ms + width_ms, False)]


def test_a_press_is_told_while_it_is_held() -> None:
    line = button()
    assert line.next_ms() is None
    assert line.edge(START, True) == []
    assert line.next_ms() == START + 30
    assert line.tick(START + 29) == []
    assert line.state() == "open"
    assert repr(line.tick(START + 30)) == "[panic@1000]"
    assert line.state() == "closed"
    assert line.tick(START + 31) == []
    assert line.edge(START + 100, False) == []
    assert line.state() == "closed"
    assert line.next_ms() == START + 130
    assert line.tick(START + 130) == []
    assert line.state() == "open"
    assert line.next_ms() is None


def test_widths_with_and_without_ticks() -> None:
    for press_ms_min in (20, 30, 250, 400):
        for width_ms in (1, 10, 19, 20, 21, 29, 30, 31, 249, 250, 399, 400, 401, 5000):
            expected = ["panic@0"] if width_ms >= press_ms_min else []
            for ticks in (True, False):
                found = told(button(press_ms_min), pulse(0, width_ms), 6000, ticks)
                assert found == expected, (press_ms_min, width_ms, ticks)


def test_a_bouncing_press_is_one_from_its_first_edge() -> None:
    bounces = [(0, True), (1, False), (2, True), (5, False), (7, True), (8, False), (11, True)]
    release = [(200, False), (203, True), (204, False), (215, True), (218, False)]
    for ticks in (True, False):
        assert told(button(), bounces + release, 1000, ticks) == ["panic@0"]


def test_a_short_bouncing_press_counts_from_its_first_edge() -> None:
    assert told(button(), [(0, True), (3, False), (6, True), (30, False)], 100) == ["panic@0"]
    assert told(button(), [(0, True), (3, False), (6, True), (29, False)], 100) == []


def test_one_still_stretch_is_enough() -> None:
    assert told(button(), [(0, True), (25, False), (28, True), (31, False)], 100) == ["panic@0"]
    edges = [(0, True), (25, False), (28, True), (40, False), (43, True), (51, False)]
    assert told(button(50), edges, 100) == ["panic@0"]


def test_a_pulse_does_not_live_on_the_last_ones_stretch() -> None:
    noise: list[tuple[int, bool]] = []
    for at_ms in range(1000, 1060, 10):
        noise += pulse(at_ms, 8)
    assert told(button(), pulse(0, 100) + noise, 2000) == ["panic@0"]


def test_an_interruption_that_is_no_bounce_ends_it() -> None:
    gap = BOUNCE_MS
    assert told(button(), [(0, True), (25, False), (25 + gap, True), (50 + gap, False)], 100) == []
    assert told(button(), [(0, True), (25, False), (25 + gap - 1, True), (50, False)], 100) == ["panic@0"]


def test_noise_is_no_press() -> None:
    hum = []
    for at_ms in range(0, 5000, 20):
        hum += pulse(at_ms, 10)
    assert told(button(), hum, 6000) == []
    spikes = []
    for at_ms in range(0, 5000, 25):
        spikes += pulse(at_ms, 19)
    assert told(button(), spikes, 6000) == []
    dense = []
    for at_ms in range(0, 380, 20):
        dense += pulse(at_ms, 19)
    assert told(button(), dense, 6000) == []


def test_a_press_that_chatters_all_the_while_is_found() -> None:
    chatter: list[tuple[int, bool]] = []
    for at_ms in range(0, PULSE_MS_MAX + 20, 10):
        chatter += pulse(at_ms, 8)
    for ticks in (True, False):
        assert told(button(), chatter, 6000, ticks) == ["panic@0"]


def test_every_press_is_one() -> None:
    assert told(button(), pulse(0, 100) + pulse(110, 100) + pulse(5000, 50), 6000) == [
        "panic@0",
        "panic@110",
        "panic@5000",
    ]


def test_a_held_button_is_stuck_and_then_restored() -> None:
    line = button()
    assert told(line, [(0, True)], STUCK_MS + 1) == ["panic@0", "stuck@60000"]
    assert line.state() == "stuck"
    assert line.next_ms() is None
    # A wobble is no release, and another press counts all the same.
    assert told(line, [(70_000, False), (70_010, True)], 70_100) == ["panic@70010"]
    assert line.state() == "stuck"
    assert told(line, [(80_000, False)], 80_031) == ["restored@80000"]
    assert line.state() == "open"
    assert told(line, pulse(90_000, 100), 91_000) == ["panic@90000"]


def test_held_long_seen_late() -> None:
    assert told(button(), pulse(0, 70_000), 80_000, ticks=False) == ["panic@0", "stuck@60000", "restored@70000"]


def test_a_loop_that_opens_is_an_alarm() -> None:
    for kind in ("perimeter", "tamper", "supply"):
        line = loop(kind)
        assert told(line, [(0, False)], 100) == [kind + "@0"]
        assert line.state() == "open"
        assert told(line, [(500, True)], 600) == ["restored@500"]
        assert line.state() == "closed"
        assert told(line, [(700, False), (719, True)], 800) == []
        assert line.next_ms() is None


def test_an_open_loop_stays_an_alarm_and_is_never_stuck() -> None:
    line = loop()
    assert told(line, [(0, False)], 10 * STUCK_MS) == ["perimeter@0"]
    assert line.state() == "open"


def test_a_fluttering_loop_is_one_alarm() -> None:
    flutter: list[tuple[int, bool]] = [(0, False)]
    for at_ms in range(100, 2000, 100):
        flutter += pulse(at_ms, 20)
    line = loop()
    assert told(line, flutter, 2010) == ["perimeter@0"]
    assert told(line, [(3000, True), (3010, False), (3012, True)], 4000) == ["restored@3012"]


def test_a_button_held_at_the_start_is_a_press() -> None:
    line = PressFilter("panic")
    assert line.next_ms() is None
    assert line.tick(START) == []
    assert line.read(START, True) == []
    assert line.state() == "unknown"
    assert told(line, [], STUCK_MS + 1) == ["panic@0", "stuck@60000"]
    assert told(line, [(70_000, False)], 71_000) == ["restored@70000"]


def test_the_first_edge_tells_what_the_line_is() -> None:
    line = PressFilter("panic")
    assert told(line, pulse(0, 10), 100) == []
    assert line.state() == "open"
    assert told(PressFilter("panic"), pulse(0, 50), 100) == ["panic@0"]
    assert told(PressFilter("tamper"), [(0, True)], 100) == []
    assert told(PressFilter("tamper"), [(0, False)], 100) == ["tamper@0"]


def test_a_repeated_edge_hides_a_short_move() -> None:
    """Two times closed: it was open between, unseen."""
    assert told(button(), [(0, True), (15, True), (34, False)], 100) == []
    assert told(button(), [(0, True), (15, True), (35, False)], 100) == ["panic@0"]
    assert told(button(), [(0, False), (50, True), (100, False), (103, False)], 1000) == ["panic@50"]


def test_a_press_after_a_lost_release_is_a_press() -> None:
    line = button()
    assert told(line, [(0, True)], 2000) == ["panic@0"]
    assert told(line, [(9000, True)], 9100) == ["panic@9000"]


def test_a_repeated_edge_just_after_a_reading_is_a_bounce() -> None:
    line = button()
    assert told(line, [(0, True)], 100) == ["panic@0"]
    assert line.read(START + 5000, True) == []
    assert line.edge(START + 5000 + BOUNCE_MS - 1, True) == []
    assert line.tick(START + 5100) == []


def test_a_lost_edge_is_found_by_reading() -> None:
    line = button()
    assert line.read(START, True) == []
    assert line.next_ms() == START + LOST_EDGE_MS
    assert line.tick(START + 50) == []
    assert line.read(START + LOST_EDGE_MS - 1, True) == []
    assert repr(line.read(START + LOST_EDGE_MS, True)) == "[panic@1000]"
    assert line.read(START + 500, False) == []
    assert line.read(START + 550, False) == []
    assert line.read(START + 500 + LOST_EDGE_MS, False) == []
    assert line.state() == "open"


def test_a_press_found_by_reading_is_one_of_its_own() -> None:
    line = button()
    assert told(line, pulse(0, 100), 100, ticks=False) == ["panic@0"]
    assert line.read(START + 5000, True) == []
    assert repr(line.read(START + 5000 + LOST_EDGE_MS, True)) == "[panic@6000]"


def test_a_reading_does_not_make_a_pulse_longer() -> None:
    """The edge that ended a short pulse is late, and the reading says so before it comes."""
    line = button()
    assert line.edge(START, True) == []
    assert line.read(START + 35, False) == []
    assert line.tick(START + 50) == []
    assert line.edge(START + 15, False) == []
    assert line.read(START + 400, False) == []
    assert line.state() == "open"
    # The edge never comes: known closed until 10 only.
    assert line.edge(START + 1000, True) == []
    assert line.read(START + 1010, True) == []
    assert line.read(START + 1035, False) == []
    assert line.read(START + 1035 + LOST_EDGE_MS, False) == []
    assert line.state() == "open"


def test_a_late_edge_makes_a_long_pulse_count() -> None:
    line = button()
    assert line.edge(START, True) == []
    assert line.read(START + 60, False) == []
    assert repr(line.edge(START + 40, False)) == "[panic@1000]"


def test_an_edge_that_contradicts_a_reading() -> None:
    """Closed, read as open, closed again: the release between them was lost."""
    line = button()
    assert line.edge(START, True) == []
    assert line.read(START + 10, False) == []
    assert line.edge(START + 50, True) == []
    assert line.next_ms() == START + 80
    assert repr(line.tick(START + 80)) == "[panic@1050]"
    # Closed, closed again before the reading, read as open: what the reading saw is still to come.
    line = button()
    assert line.edge(START, True) == []
    assert line.read(START + 10, False) == []
    assert line.edge(START + 8, True) == []
    assert line.tick(START + 60) == []
    assert line.edge(START + 9, False) == []
    assert line.tick(START + 500) == []
    assert line.state() == "open"
    # The edge's own clock may be a little ahead of the reading's.
    line = button()
    assert line.edge(START, True) == []
    assert line.read(START + 29, False) == []
    assert repr(line.edge(START + 30, False)) == "[panic@1000]"
    # Closed, read as open, then an opening that can't be the one the reading saw.
    line = button()
    assert line.edge(START, True) == []
    assert line.read(START + 10, False) == []
    assert line.edge(START + 60, False) == []
    assert line.tick(START + 500) == []
    assert line.state() == "open"


def test_a_reading_that_agrees_again_ends_the_doubt() -> None:
    line = button()
    assert line.read(START, True) == []
    assert line.read(START + 1, False) == []
    assert line.next_ms() is None
    assert line.read(START + 2 * LOST_EDGE_MS, True) == []
    assert line.read(START + 2 * LOST_EDGE_MS + 1, False) == []


def test_an_edge_that_comes_out_of_order_moves_up() -> None:
    line = button()
    assert line.edge(START, True) == []
    assert line.edge(START - 10, False) == []
    assert line.tick(START + 100) == []
    assert line.state() == "open"
    assert told(button(), [(0, True), (-10, False), (2, True), (30, False)], 100, ticks=False) == ["panic@0"]


def test_settings_out_of_bounds() -> None:
    for kind, press_ms_min in (("smoke", 30), ("panic", 19), ("panic", 401), ("", 30)):
        try:
            PressFilter(kind, press_ms_min)
        except ValueError:
            continue
        raise AssertionError("taken")
