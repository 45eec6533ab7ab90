"""A hub tells the LAN an address that a terminal can dial."""

import ipaddress
from typing import Any

import pytest
from zeroconf import IPVersion
from zeroconf.asyncio import AsyncZeroconf

from hub.links import announce
from hub.links.announce import LOOPBACK, SERVICE, Announcement, reachable_addresses

FIND_MS_MAX = 5_000


def test_an_address_is_itself() -> None:
    assert reachable_addresses("192.168.7.7") == ["192.168.7.7"]


def test_everywhere_is_nowhere_to_dial() -> None:
    found = reachable_addresses("0.0.0.0")  # noqa: S104
    assert found
    assert not any(ipaddress.ip_address(address).is_unspecified for address in found)


def test_without_a_network_there_is_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ifaddr.get_adapters", list)
    assert reachable_addresses("0.0.0.0") == [LOOPBACK]  # noqa: S104


async def test_it_is_found_with_its_campus() -> None:
    announcement = Announcement("c-abcdefghij", "hub.school.internal", [LOOPBACK], 8443)
    await announcement.start()
    looking = AsyncZeroconf(interfaces=[LOOPBACK], ip_version=IPVersion.V4Only)
    try:
        found = await looking.async_get_service_info(SERVICE, f"c-abcdefghij.{SERVICE}", FIND_MS_MAX)
        assert found is not None
        assert (found.parsed_addresses(), found.port) == ([LOOPBACK], 8443)
        assert found.properties == {b"campus": b"c-abcdefghij", b"name": b"hub.school.internal"}
    finally:
        await looking.async_close()
        await announcement.stop()


def no_network(**_interfaces: Any) -> None:
    """As zeroconf says it where not even loopback has an address."""
    raise RuntimeError("No interfaces to listen on")


async def test_without_a_network_there_is_nobody_to_tell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announce, "AsyncZeroconf", no_network)
    with pytest.raises(OSError, match="interfaces"):
        await Announcement("c-abcdefghij", "hub.school.internal", ["192.168.7.7"], 8443).start()
