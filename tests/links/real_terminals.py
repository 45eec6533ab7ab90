"""The real terminal's daemon, in a process of its own, at a hub of `Doors`."""

from pathlib import Path
from typing import Any

import pytest

from terminal.settings import Home
from tests.links.campus import Doors, Enrolled
from tests.terminal.real_terminal import RealTerminal

of_each_kind = pytest.mark.parametrize("algorithm", ["EdDSA", "HS256"], ids=["pi", "node"])
"""A Raspberry Pi and a node differ in their keys, and by them the test's hub knows what to write for them."""


async def start_terminal(hub: Doors, folder: Path, enrolled: Enrolled, port: int = 0) -> RealTerminal:
    """Started, linked, and the hub has everything; `folder` is to be its home. `port`: see `write_terminal`."""
    hub.write_terminal(folder, enrolled, port=port)
    terminal = RealTerminal(Home(folder))
    hub.terminals.append(terminal)
    await terminal.start()
    await terminal.until(is_quiet)
    return terminal


def is_quiet(state: dict[str, Any]) -> bool:
    """Linked, and the hub has everything."""
    return bool(state["linked"]) and state["pending"] == 0


def receipts(terminal: RealTerminal) -> set[str]:
    """The events whose receipts it has checked and taken."""
    return {receipt["event"] for state in terminal.states for receipt in state["receipts"]}


def lights(terminal: RealTerminal) -> list[str]:
    """What its light has shown, one after the other."""
    shown = [state["light"] for state in terminal.states]
    return [light for number, light in enumerate(shown) if number == 0 or light != shown[number - 1]]
