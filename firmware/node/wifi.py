"""Keeps the node on one of its networks."""

import asyncio

import network

from node.settings import Network

JOIN_MS_MAX = 15_000
"""A network that has not taken us by then is given up for the next."""
LOOK_MS = 1_000


class Wifi:
    """`run` it for as long as the node runs."""

    def __init__(self, networks: list[Network]) -> None:
        self._networks = networks
        self._wlan = network.WLAN(network.STA_IF)
        self.ssid = ""

    async def run(self) -> None:
        self._wlan.active(True)
        turn = 0
        while self._networks:
            if not self._wlan.isconnected():
                await self._join(self._networks[turn % len(self._networks)])
                turn += 1
            await asyncio.sleep_ms(LOOK_MS)

    async def _join(self, wanted: Network) -> None:
        self.ssid = ""
        self._wlan.disconnect()
        if wanted.address is not None:
            self._wlan.ifconfig(wanted.address)
        self._wlan.connect(wanted.ssid, wanted.password)
        for _ in range(JOIN_MS_MAX // LOOK_MS):
            if self._wlan.isconnected():
                self.ssid = wanted.ssid
                return
            await asyncio.sleep_ms(LOOK_MS)
