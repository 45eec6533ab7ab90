"""The node's time of day, on CPython and MicroPython: enough to judge a certificate by."""

import os

from node.wall_clock import KEEP_S, STEP_S, WallClock, parse_date

from tests.node.flash import new_folder, remove

BOOT_S = 1_609_459_200
"""Where a Pico's clock stands when power comes: 2021."""
FLASHED_S = 1_790_000_000
DAY_S = 86_400


class Machine:
    def __init__(self) -> None:
        self.now_s = BOOT_S

    def now(self) -> int:
        return self.now_s

    def set_now(self, now_s: int) -> None:
        self.now_s = now_s


def powered(folder: str) -> "tuple[Machine, WallClock]":
    machine = Machine()
    clock = WallClock(machine.now, machine.set_now, folder + "/clock", FLASHED_S)
    clock.start()
    return machine, clock


def date(now_s: int) -> str:
    """As a hub says it; for whole days of 2026 from the 27th of September on."""
    days = (now_s - 1_790_467_200) // DAY_S
    return "Sun, " + str(27 + days) + " Sep 2026 00:00:00 GMT"


def test_dates() -> None:
    for text, seconds in (
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
        ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
        ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
        ("Sun, 27 Sep 2026 00:00:00 GMT", 1_790_467_200),
        ("Sun, 06 Nov 1994 08:49:37 CET", None),
        ("Sunday, 06-Nov-94 08:49:37 GMT", None),
        ("Sun, xx Nov 1994 08:49:37 GMT", None),
        ("Sun, 06 Nov 1994 08:49 GMT", None),
        ("Sun, 06 Foo 1994 08:49:37 GMT", None),
        ("", None),
    ):
        assert parse_date(text) == seconds, text


def test_it_begins_no_earlier_than_it_was_flashed_and_no_earlier_than_a_hub_has_said() -> None:
    folder = new_folder()
    os.mkdir(folder)
    machine, clock = powered(folder)
    assert machine.now_s == FLASHED_S
    later_s = 1_790_467_200 + DAY_S
    clock.hub_said(date(later_s))
    assert machine.now_s == later_s
    machine, clock = powered(folder)
    assert machine.now_s == later_s
    clock.hub_said(date(later_s))
    machine.now_s += 5 * DAY_S
    clock.hub_said("no date")
    assert machine.now_s == later_s + 5 * DAY_S
    with open(folder + "/clock", "w") as file:
        file.write("17900")
    assert powered(folder)[0].now_s == FLASHED_S
    with open(folder + "/clock", "w") as file:
        file.write("torn")
    assert powered(folder)[0].now_s == FLASHED_S
    remove(folder)


def test_the_flash_is_told_once_a_day() -> None:
    folder = new_folder()
    os.mkdir(folder)
    _, clock = powered(folder)
    clock.hub_said(date(1_790_467_200))
    os.remove(folder + "/clock")
    clock.hub_said(date(1_790_467_200))
    assert os.listdir(folder) == []
    clock.hub_said(date(1_790_467_200 + KEEP_S))
    assert os.listdir(folder) == ["clock"]
    remove(folder)


def test_a_certificate_of_the_future_moves_it_on_and_an_expired_one_back() -> None:
    folder = new_folder()
    os.mkdir(folder)
    machine, clock = powered(folder)
    for _ in range(3):
        clock.certificate_is_of_the_future()
    assert machine.now_s == FLASHED_S + 3 * STEP_S
    clock.hub_said(date(1_790_467_200 + DAY_S))
    clock.certificate_has_expired()
    assert machine.now_s == FLASHED_S
    assert powered(folder)[0].now_s == FLASHED_S, "what was said is not believed again"
    remove(folder)
