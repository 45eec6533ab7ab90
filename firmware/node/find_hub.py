"""Where the hub may be: the address in the settings, and what answers on the LAN for our campus."""

import asyncio
import socket

from firstbell import mdns

ANSWER_MS_MAX = 1_000
LOOK_MS = 20


class FindHub:
    """A fixed address and the LAN take turns; where there is none, the LAN is asked each time."""

    def __init__(self, address: str, campus: str) -> None:
        host, _, port = address.rpartition(":")
        self._fixed = (host, int(port)) if address else None
        self._campus = campus
        self._found: list[tuple[str, int]] = []
        self._turn = 0

    async def next_address(self) -> "tuple[str, int] | None":
        """The address for the next attempt; None when nobody is known. Raises OSError: there is no network."""
        self._turn += 1
        if self._fixed is not None and self._turn % 2:
            return self._fixed
        if not self._found:
            self._found = await self._ask()
        return self._found.pop(0) if self._found else self._fixed

    async def _ask(self) -> "list[tuple[str, int]]":
        """One question, and the first answer that names our hub."""
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            asking.setblocking(False)
            asking.sendto(mdns.question(), socket.getaddrinfo(mdns.GROUP, mdns.PORT)[0][-1])
            for _ in range(ANSWER_MS_MAX // LOOK_MS):
                await asyncio.sleep_ms(LOOK_MS)
                found = mdns.find_hubs(_received(asking), self._campus)
                if found:
                    return found
            return []
        finally:
            asking.close()


def _received(asking: socket.socket) -> bytes:
    try:
        return asking.recv(mdns.ANSWER_BYTES_MAX)
    except OSError:
        return b""  # nothing is there yet
