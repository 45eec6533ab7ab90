"""PINs: which are fit, how one is kept, and that nobody's check holds up another's for long."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from argon2 import extract_parameters
from hypothesis import given
from hypothesis import strategies as st

from hub.dispatch.requests import Refused
from hub.people import pins
from hub.people.pins import Pins, check_fit, make_pin


@pytest.fixture
async def desk() -> AsyncIterator[Pins]:
    desk = Pins(time_cost=1, memory_kib=64)
    yield desk
    desk.close()


@pytest.mark.parametrize("pin", ["482913", "209311", "004711"])
def test_fit(pin: str) -> None:
    check_fit(pin)


@pytest.mark.parametrize(
    ("pin", "reason"),
    [
        ("", "pin_digits"),
        ("48291", "pin_digits"),
        ("4829130", "pin_digits"),
        ("48a913", "pin_digits"),
        ("٤٨٢٩١٣", "pin_digits"),
        (" 48291", "pin_digits"),
        ("111111", "pin_simple"),
        ("123456", "pin_simple"),
        ("987654", "pin_simple"),
        ("678901", "pin_simple"),
        ("246802", "pin_simple"),
        ("121212", "pin_simple"),
        ("121122", "pin_simple"),
        ("123123", "pin_simple"),
        ("147258", "pin_simple"),
    ],
)
def test_unfit(pin: str, reason: str) -> None:
    with pytest.raises(Refused, match=reason):
        check_fit(pin)


@given(st.integers(0, 9), st.integers(0, 9))
def test_no_row_of_the_keypad_is_fit(start: int, step: int) -> None:
    pin = "".join(str((start + step * n) % 10) for n in range(pins.PIN_DIGITS))
    with pytest.raises(Refused, match="pin_simple"):
        check_fit(pin)


def test_a_made_pin_is_fit() -> None:
    made = {make_pin() for _ in range(50)}
    assert len(made) > 45
    for pin in made:
        check_fit(pin)


async def test_only_the_right_pin_matches(desk: Pins) -> None:
    kept = await desk.hash("482913")
    assert await desk.matches(kept, "482913", known=True)
    assert not await desk.matches(kept, "482914", known=True)
    assert not await desk.matches(kept, "", known=False)
    assert not await desk.matches(None, "482913", known=False)
    assert not await desk.matches(b"not a hash", "482913", known=True)
    assert kept != await desk.hash("482913")


async def test_an_unfit_pin_is_never_kept(desk: Pins) -> None:
    with pytest.raises(Refused, match="pin_simple"):
        await desk.hash("123456")


async def test_it_is_argon2id_with_the_costs_that_are_named() -> None:
    desk = Pins()
    try:
        parameters = extract_parameters((await desk.hash("482913")).decode())
    finally:
        desk.close()
    assert parameters.type.name == "ID"
    assert (parameters.time_cost, parameters.memory_cost) == (pins.TIME_COST, pins.MEMORY_KIB)


async def test_a_crowd_of_strangers_keeps_only_strangers_waiting(desk: Pins) -> None:
    """The strangers' queue is full: the next of them is sent away, a pager is served."""
    kept = await desk.hash("482913")
    crowd = [asyncio.ensure_future(desk.matches(kept, "999999", known=False)) for _ in range(pins.WAITING_MAX)]
    await asyncio.sleep(0)
    with pytest.raises(Refused, match="busy"):
        await desk.matches(kept, "482913", known=False)
    assert await desk.matches(kept, "482913", known=True)
    assert await asyncio.gather(*crowd) == [False] * pins.WAITING_MAX
    assert await desk.matches(kept, "482913", known=False)
