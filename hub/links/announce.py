"""Tells the campus LAN where the hub is (DNS-SD over mDNS, RFC 6763), so that terminals find it by themselves."""

import ipaddress
import socket

import ifaddr
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

SERVICE = "_firstbell._tcp.local."
LOOPBACK = "127.0.0.1"


def reachable_addresses(listening: str) -> list[str]:
    """Where a hub that listens at `listening` is reached: there, or at every IPv4 address of this machine."""
    if not ipaddress.ip_address(listening).is_unspecified:
        return [listening]
    everywhere = [str(ip.ip) for adapter in ifaddr.get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [address for address in everywhere if not ipaddress.ip_address(address).is_loopback] or [LOOPBACK]


class Announcement:
    """Announces from `start` to `stop`. A loopback address is announced on loopback only (a hub on one machine)."""

    def __init__(self, campus: str, server_name: str, addresses: list[str], port: int) -> None:
        self._loopback = all(ipaddress.ip_address(address).is_loopback for address in addresses)
        self._info = AsyncServiceInfo(
            SERVICE,
            f"{campus}.{SERVICE}",
            port=port,
            addresses=[socket.inet_aton(address) for address in addresses],
            properties={"campus": campus, "name": server_name},
            server=f"{campus}.local.",
        )
        self._zeroconf: AsyncZeroconf | None = None

    async def start(self) -> None:
        """Raises OSError where the machine has no multicast."""
        interfaces = [LOOPBACK] if self._loopback else None
        try:
            self._zeroconf = (
                AsyncZeroconf(interfaces=interfaces, ip_version=IPVersion.V4Only)
                if interfaces
                else AsyncZeroconf(ip_version=IPVersion.V4Only)
            )
        except RuntimeError as error:
            # What zeroconf says where there is no network at all.
            raise OSError(str(error)) from error
        await self._zeroconf.async_register_service(self._info)

    async def stop(self) -> None:
        if self._zeroconf:
            await self._zeroconf.async_unregister_service(self._info)
            await self._zeroconf.async_close()
