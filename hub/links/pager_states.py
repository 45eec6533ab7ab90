"""What a pager's browsers say of themselves, and what that makes of the pager: one cookie may be open in two tabs."""

from collections.abc import Collection, Iterable
from itertools import chain
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from hub.dispatch.rules_people import BATTERY_PERCENT_MIN


class State(msgspec.Struct, frozen=True, tag_field="type", tag="state"):
    """The whole state of a pager, as its screen knows it."""

    sound: Literal["unarmed", "running", "suspended"]
    visible: bool
    awake: bool
    have: tuple[str, ...]
    seen: tuple[str, ...]
    ringing: tuple[str, ...]
    battery_percent: Annotated[int, Meta(ge=0, le=100)] | None = None
    charging: bool | None = None


def together(said: Collection[State]) -> State:
    """The pager can do what its best browser can, and has what any of them has. `said`: at least one."""
    return msgspec.structs.replace(
        max(said, key=_worth),
        have=_any(state.have for state in said),
        seen=_any(state.seen for state in said),
        ringing=_any(state.ringing for state in said),
    )


def _worth(state: State) -> int:
    """How much of what it takes to ring and to be seen is there (rules_people.py tells the reasons)."""
    battery = state.battery_percent is None or state.battery_percent >= BATTERY_PERCENT_MIN or state.charging is True
    return (state.sound == "running") + (state.visible and state.awake) + battery


def _any(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(chain.from_iterable(lists)))
