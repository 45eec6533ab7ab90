"""The node's outbox, on CPython and MicroPython: what is kept, and what a cut at any byte leaves of it."""

import os

from firstbell.jws import digest_of
from node import outbox as outbox_module
from node import segments as segments_module
from node.outbox import BOOT_JUMP_MIN, LAZY_MS, MOVE_EVENTS_MAX, RETRY_MS, UNSTORED_EVENTS_MAX, Memory, Outbox
from node.segments import SEGMENT_BYTES

from tests.node.flash import new_folder, read_all, remove, write_all

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass


def chance(count: int) -> bytes:
    return b"\x5a" * count


def nobody() -> None:
    """In the place of a watchdog."""


def opened(folder: str) -> "tuple[Outbox, Memory]":
    box = Outbox(folder)
    return box, box.open(chance, nobody)


def event(number: int) -> str:
    return "event-" + str(number) + "." * 400


def add(box: Outbox, *numbers: int, panic: bool = True) -> None:
    for number in numbers:
        box.add(digest_of(event(number)), event(number), panic, 1000 + number)


def receipt(box: Outbox, *numbers: int) -> None:
    for number in numbers:
        box.receipted(digest_of(event(number)))


def drop(box: Outbox, *numbers: int) -> None:
    box.drop([digest_of(event(number)) for number in numbers])


def numbers(box: Outbox) -> "list[int]":
    """Which events it has, in order."""
    return [int(kept.jws.partition(".")[0][6:]) for kept in box.after(0, 10_000)]


def kept_in(folder: str) -> "list[int]":
    return numbers(opened(folder)[0])


def test_each_start_has_a_number_of_its_own_and_knows_what_the_last_one_learnt() -> None:
    folder = new_folder()
    box, memory = opened(folder)
    assert (memory.boot, memory.checkpoint, memory.silent, box.problem) == (1, "", False, "")
    box.remember(checkpoint="a note\n")
    box.remember(silent=True)
    box.store(0)
    _, memory = opened(folder)
    assert (memory.boot, memory.checkpoint, memory.silent) == (2, "a note\n", True)
    assert opened(folder)[1].boot == 3
    remove(folder)


def test_events_outlive_a_restart_as_they_were() -> None:
    folder = new_folder()
    box, _ = opened(folder)
    add(box, 1, 2)
    add(box, 3, panic=False)
    receipt(box, 2)
    assert (box.pending, box.kept) == (2, 3)
    assert [one.pressed_ms for one in box.after(0, 9)] == [1001, 1002, 1003]
    assert box.store(0) is None
    again, _ = opened(folder)
    assert (again.pending, again.kept) == (2, 3)
    found = again.after(0, 9)
    assert [(one.jws, one.panic, one.receipted, one.pressed_ms) for one in found] == [
        (event(1), True, False, 0),
        (event(2), True, True, 0),
        (event(3), False, False, 0),
    ]
    assert [one.jws for one in again.after(found[0].place, 1)] == [event(2)]
    receipt(again, 1)
    drop(again, 2)
    again.store(LAZY_MS)
    assert kept_in(folder) == [1, 2, 3], "it is not urgent"
    again.store(2 * LAZY_MS)
    assert kept_in(folder) == [1, 3]
    remove(folder)


def test_a_press_is_written_at_once_and_a_receipt_when_there_is_company() -> None:
    folder = new_folder()
    box, _ = opened(folder)
    assert box.store(5) is None
    add(box, 1)
    assert box.store(1000) is None
    receipt(box, 1)
    assert box.store(2000) == 2000 + LAZY_MS
    assert box.store(2000 + LAZY_MS - 1) == 2000 + LAZY_MS
    add(box, 2)
    assert box.store(2500) is None, "a press takes along what waits"
    assert opened(folder)[0].pending == 1
    remove(folder)


def test_what_is_dropped_leaves_no_files_behind() -> None:
    folder = new_folder()
    box, _ = opened(folder)
    for number in range(1, 201):
        add(box, number)
        box.store(number)
        receipt(box, number)
        drop(box, number)
    box.store(300)
    box.store(300 + LAZY_MS)
    assert len(os.listdir(folder)) <= 2
    assert sum(len(data) for data in read_all(folder).values()) <= 2 * SEGMENT_BYTES
    assert kept_in(folder) == []
    remove(folder)


def test_an_event_that_stays_moves_on_before_there_are_too_many_segments() -> None:
    folder = new_folder()
    most, outbox_module.SEGMENTS_MAX = outbox_module.SEGMENTS_MAX, 2
    try:
        box, _ = opened(folder)
        add(box, 1, 2)
        receipt(box, 2)
        for number in range(3, 203):
            add(box, number)
            box.store(number)
            drop(box, number)
        assert len(os.listdir(folder)) <= 3
        assert numbers(box)[:2] == [1, 2]
        again, _ = opened(folder)
        assert [(one.jws, one.receipted) for one in again.after(0, 2)] == [(event(1), False), (event(2), True)]
    finally:
        outbox_module.SEGMENTS_MAX = most
    remove(folder)


def test_the_watchdog_is_fed_while_a_full_flash_is_read() -> None:
    """A board needs milliseconds for each record, and bites after 8 s."""
    folder = new_folder()
    box, _ = opened(folder)
    fed: list[int] = []
    for first in range(1, 101, 20):
        add(box, *range(first, first + 20))
        box.store(first)
    again = Outbox(folder)
    again.open(chance, lambda: fed.append(again.kept))
    assert set(range(100)) <= set(fed), "at each event"
    remove(folder)


def test_a_segment_moves_on_in_few_writes() -> None:
    """Each takes a new block of the flash."""
    folder = new_folder()
    most, outbox_module.SEGMENTS_MAX = outbox_module.SEGMENTS_MAX, 2
    writes: list[str] = []
    module: Any = segments_module

    def noted(path: str, mode: str) -> "Any":
        if mode != "rb":
            writes.append(mode)
        return open(path, mode)

    try:
        box, _ = opened(folder)
        number = 0
        while len(os.listdir(folder)) <= 2:
            add(box, *range(number + 1, number + 21))
            number += 20
            box.store(number)
        module.open = noted
        add(box, number + 1)
        box.store(number + 1)
        assert numbers(box) == list(range(1, number + 2))
        assert 2 < len(writes) <= 2 + SEGMENT_BYTES // 400 // MOVE_EVENTS_MAX + 1, writes
    finally:
        outbox_module.SEGMENTS_MAX = most
        module.open = open
    assert kept_in(folder) == list(range(1, number + 2))
    remove(folder)


def test_when_it_is_full_what_is_missed_least_goes_first() -> None:
    folder = new_folder()
    most, outbox_module.EVENTS_MAX = outbox_module.EVENTS_MAX, 4
    try:
        box, _ = opened(folder)
        add(box, 1, 2)
        add(box, 3, panic=False)
        add(box, 4)
        box.store(0)
        receipt(box, 2)
        add(box, 5)
        assert numbers(box) == [1, 3, 4, 5]
        # Four panics that nobody has a receipt for: the fifth is sent, but not kept.
        add(box, 6, 7)
        assert numbers(box) == [1, 4, 5, 6]
        box.store(0)
        assert kept_in(folder) == [1, 4, 5, 6]
    finally:
        outbox_module.EVENTS_MAX = most
    remove(folder)


def test_a_damaged_record_is_never_misread() -> None:
    folder = new_folder()
    box, _ = opened(folder)
    add(box, 1, 2, 3)
    box.store(0)
    ((name, data),) = read_all(folder).items()
    second = data.find(event(2).encode())
    for place in (second - 8, second - 5, second, second + 200, second + len(event(2)) + 1):
        other = new_folder()
        write_all(other, {name: data[:place] + bytes((data[place] ^ 1,)) + data[place + 1 :]})
        again, memory = opened(other)
        assert numbers(again) == [1], place
        assert memory.boot == 2
        add(again, 4)
        again.store(0)
        assert kept_in(other) == [1, 4]
        remove(other)
    remove(folder)


def test_an_event_that_rots_while_it_is_kept_is_told_and_given_up() -> None:
    folder = new_folder()
    box, _ = opened(folder)
    add(box, 1, 2)
    box.store(0)
    ((name, data),) = read_all(folder).items()
    with open(folder + "/" + name, "wb") as file:
        file.write(data.replace(event(1).encode(), event(7).encode()))
    assert numbers(box) == [2]
    assert box.problem
    assert box.kept == 1
    remove(folder)


def test_a_flash_that_fails_loses_nothing_while_there_is_power() -> None:
    folder = new_folder()
    with open(folder, "wb") as file:
        file.write(b"not a folder")
    box, memory = opened(folder)
    assert memory.boot >= BOOT_JUMP_MIN
    assert box.problem
    for number in range(UNSTORED_EVENTS_MAX + 3):
        add(box, number)
    assert box.store(1000) == 1000 + RETRY_MS
    assert box.store(2000) == 1000 + RETRY_MS
    assert numbers(box) == list(range(UNSTORED_EVENTS_MAX)), "more is only sent"
    receipt(box, 0)
    drop(box, 0)
    os.remove(folder)
    os.mkdir(folder)
    assert box.store(1000 + RETRY_MS) is None
    assert box.problem == ""
    again, later = opened(folder)
    assert numbers(again) == list(range(1, UNSTORED_EVENTS_MAX))
    assert later.boot == memory.boot + 1
    remove(folder)


# ── power that is lost while something is written ───────────────────────────────────────────────────────────


def test_a_cut_at_every_byte_of_a_write() -> None:
    """What was stored before is there, what was being written is there whole or not at all, in its order."""
    folder = new_folder()
    box, memory = opened(folder)
    add(box, 1, 2)
    box.store(0)
    before = read_all(folder)
    receipt(box, 1)
    add(box, 3)
    drop(box, 2)
    box.remember(checkpoint="a newer note")
    add(box, 4, panic=False)
    box.store(1)
    after = read_all(folder)
    (name,) = after
    states = set()
    for length in range(len(before[name]), len(after[name]) + 1):
        other = new_folder()
        write_all(other, {name: after[name][:length]})
        again, later = opened(other)
        assert later.boot == memory.boot + 1
        found = numbers(again)
        assert found[0] == 1
        assert [number for number in (1, 2, 3, 4) if number in found] == found
        assert 2 in found or again.after(0, 1)[0].receipted, "in the order in which it was written"
        assert 4 not in found or 3 in found
        states.add((tuple(found), again.pending, later.checkpoint))
        add(again, 9)
        again.store(0)
        assert kept_in(other) == found + [9]
        remove(other)
    assert len(states) >= 4
    remove(folder)
