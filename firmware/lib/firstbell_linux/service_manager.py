"""What the service manager is told: that a program is ready, that it still does its rounds, that it ends.

The protocol of sd_notify(3); where nobody asked for it, nothing is told.
"""

import asyncio
import os
import socket
from collections.abc import Mapping

ALIVES_PER_WATCHDOG = 3
"""So often within the time after which we would be begun anew."""


class ServiceManager:
    """As the environment says. `watchdog_ms`: 0 when nobody waits for a sign of life."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Takes no note of what was meant for another process."""
        self._address = environment.get("NOTIFY_SOCKET", "")
        named = environment.get("WATCHDOG_USEC", "0")
        ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self.watchdog_ms = int(named) // 1_000 if ours and named.isdecimal() else 0

    def ready(self) -> None:
        self._tell("READY=1")

    def ending(self) -> None:
        self._tell("STOPPING=1")

    async def keep_alive(self) -> None:
        """Says so again and again, from the loop that does the work: when that stands still, we are begun anew."""
        while True:
            if not self.watchdog_ms:
                await asyncio.Event().wait()
            self._tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_ms / 1_000 / ALIVES_PER_WATCHDOG)

    def _tell(self, text: str) -> None:
        if not self._address:
            return
        # A name that begins with @ is in the abstract namespace.
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as telling:
            try:
                telling.sendto(text.encode(), name)
            except OSError:
                pass  # it will notice our silence
