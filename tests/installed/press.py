"""Presses at a terminal that runs as a service, and waits for the receipt: python -m tests.installed.press HOME."""

import asyncio
import sys
from pathlib import Path

from terminal.settings import Home
from tests.terminal.real_terminal import RealTerminal


class Installed(RealTerminal):
    async def start(self, **_environment: str) -> "Installed":
        """Others have started it."""
        self._keep(self._watch())
        return self


async def press(folder: Path) -> str:
    """The digest."""
    terminal = await Installed(Home(folder)).start()
    await terminal.until(lambda state: state["linked"])
    digest = await terminal.press()
    await terminal.until(lambda state: digest in [receipt["event"] for receipt in state["receipts"]])
    return digest


if __name__ == "__main__":
    print(asyncio.run(press(Path(sys.argv[1]))))
