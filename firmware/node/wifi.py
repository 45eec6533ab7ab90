"""Keeps the node on one of its networks, on the nearest access point.

One look each LOOK_MS, and at most one thing done in it:

| found | then |
|---|---|
| no connection | the same network again, and when it does not take us, the next |
| connected, and no hub for DEAF_MS | the next: this one leads nowhere, or its access point is cut off |
| weak for WEAK_MS, and all is quiet | the same again: the radio takes the strongest access point that it hears |

A scan would stop everything for seconds, so there is none.
"""

import asyncio

import network

from node.settings import Network

try:
    from typing import Protocol

    class Node(Protocol):
        """Whose network this is."""

        def mono_ms(self) -> int: ...
        def is_linked(self) -> bool: ...
        def is_quiet(self) -> bool: ...

except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

LOOK_MS = 1_000
JOIN_MS_MAX = 15_000
"""A network that has not taken us by then is given up for the next."""
DEAF_MS = 90_000
"""Longer than the link needs for several attempts."""
WEAK_DBM = -75
WEAK_MS = 30_000
ROAM_MS = 3_600_000
"""Where there is no better one, it is looked for so seldom."""


class Wifi:
    """`ssid`: the network that was joined last, or is being joined."""

    def __init__(self, networks: list[Network]) -> None:
        self._networks = networks
        self._wlan = network.WLAN(network.STA_IF)
        self._turn = -1
        self._connected = False
        self._begun_ms = 0
        self._well_ms = 0
        self._strong_ms = 0
        self.ssid = ""

    async def run(self, node: "Node") -> None:
        """For as long as the node runs."""
        self.start()
        while True:
            self.look(node.mono_ms(), node.is_linked(), node.is_quiet())
            await asyncio.sleep_ms(LOOK_MS)

    def start(self) -> None:
        self._wlan.active(True)
        # It hangs on the mains: a radio that sleeps would add a tenth of a second to every page.
        self._wlan.config(pm=network.WLAN.PM_NONE)

    def look(self, now_ms: int, is_linked: bool, is_quiet: bool) -> None:
        if not self._networks:
            return
        if not self._wlan.isconnected():
            if self._connected:
                self._join(0, now_ms)
            elif self._turn < 0 or now_ms - self._begun_ms >= JOIN_MS_MAX:
                self._join(1, now_ms)
            return
        if is_linked or not self._connected:
            self._connected = True
            self._well_ms = now_ms
        if self._wlan.status("rssi") >= WEAK_DBM:
            self._strong_ms = now_ms
        is_weak = now_ms - max(self._strong_ms, self._begun_ms) >= WEAK_MS
        if now_ms - self._well_ms >= DEAF_MS:
            self._join(1, now_ms)
        elif is_weak and is_quiet and now_ms - self._begun_ms >= ROAM_MS:
            self._join(0, now_ms)

    def _join(self, further: int, now_ms: int) -> None:
        self._turn = (self._turn + further) % len(self._networks)
        self._begun_ms = now_ms
        self._connected = False
        wanted = self._networks[self._turn]
        self.ssid = wanted.ssid
        self._wlan.disconnect()
        if wanted.address is None:
            # The network before may have had a fixed one.
            self._wlan.ipconfig(dhcp4=True)
        else:
            self._wlan.ifconfig(wanted.address)
        self._wlan.connect(wanted.ssid, wanted.password)
