"""On which network a node is, on CPython and MicroPython: one that takes it, leads to its hub, and is near."""

import sys

from node.settings import Network

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass

FIXED = ("192.168.7.20", "255.255.255.0", "192.168.7.1", "192.168.7.1")


class Radio:
    """MicroPython's WLAN. `takes`: the networks that take us."""

    PM_NONE = 16

    def __init__(self, interface: int) -> None:
        self.takes: list[str] = []
        self.joined = ""
        self.dbm = -60
        self._did: list[Any] = []

    def active(self, on: bool) -> None:
        self._did.append("on")

    def config(self, pm: int) -> None:
        self._did.append(pm)

    def isconnected(self) -> bool:
        return self.joined in self.takes

    def status(self, what: str) -> int:
        assert what == "rssi"
        return self.dbm

    def disconnect(self) -> None:
        self.joined = ""

    def ipconfig(self, dhcp4: bool) -> None:
        self._did.append("dhcp")

    def ifconfig(self, address: "tuple[str, ...]") -> None:
        self._did.append(address)

    def connect(self, ssid: str, password: str) -> None:
        assert password == ssid + "-secret"
        self.joined = ssid
        self._did.append(ssid)

    def did(self) -> "list[Any]":
        """Since the last time."""
        did, self._did = self._did, []
        return did


class Module:
    STA_IF = 0
    WLAN = Radio


_double: "Any" = Module
sys.modules["network"] = _double
from node import wifi  # noqa: E402

del sys.modules["network"]


def made(*names: str) -> "tuple[Any, Radio]":
    networks = [Network(name, name + "-secret", FIXED if name == "fixed" else None) for name in names]
    of_node = wifi.Wifi(networks)
    of_node.start()
    radio: Any = of_node._wlan
    assert radio.did() == ["on", Radio.PM_NONE], "mains power: the radio never sleeps"
    return of_node, radio


def look(of_node: "Any", from_s: int, to_s: int, is_linked: bool = True, is_quiet: bool = True) -> None:
    """Once a second, `to_s` left out."""
    for second in range(from_s, to_s):
        of_node.look(second * 1000, is_linked, is_quiet)


def test_the_first_that_takes_us() -> None:
    of_node, radio = made("hall", "fixed")
    look(of_node, 0, 15, is_linked=False)
    assert radio.did() == ["dhcp", "hall"]
    look(of_node, 15, 30, is_linked=False)
    assert radio.did() == [FIXED, "fixed"]
    look(of_node, 30, 31, is_linked=False)
    assert radio.did() == ["dhcp", "hall"], "and no address of the other's stays"
    radio.takes = ["hall"]
    look(of_node, 31, 500)
    assert (radio.did(), of_node.ssid) == ([], "hall")


def test_a_lost_one_is_asked_first_again() -> None:
    of_node, radio = made("hall", "yard")
    radio.takes = ["hall", "yard"]
    look(of_node, 0, 10)
    assert radio.did() == ["dhcp", "hall"]
    radio.takes = ["yard"]
    look(of_node, 10, 12, is_linked=False)
    assert radio.did() == ["dhcp", "hall"]
    look(of_node, 12, 40, is_linked=False)
    assert radio.did() == ["dhcp", "yard"]


def test_one_that_leads_nowhere_is_left() -> None:
    of_node, radio = made("hall", "yard")
    radio.takes = ["hall", "yard"]
    look(of_node, 0, 91, is_linked=False)
    assert radio.did() == ["dhcp", "hall"]
    look(of_node, 91, 93, is_linked=False)
    assert radio.did() == ["dhcp", "yard"]
    look(of_node, 93, 1_000)
    assert radio.did() == []
    # The hub is gone for a while, wherever we are: each has its turn.
    look(of_node, 1_000, 1_182, is_linked=False)
    assert radio.did() == ["dhcp", "hall", "dhcp", "yard"]


def test_a_weak_one_is_joined_anew_when_all_is_quiet_and_not_again_soon() -> None:
    of_node, radio = made("hall")
    radio.takes = ["hall"]
    look(of_node, 0, 3_700)
    assert radio.did() == ["dhcp", "hall"]
    radio.dbm = -80
    look(of_node, 3_700, 3_800, is_quiet=False)
    assert radio.did() == [], "not while somebody waits for help"
    look(of_node, 3_800, 7_399)
    assert radio.did() == ["dhcp", "hall"]
    look(of_node, 7_399, 7_402)
    assert radio.did() == ["dhcp", "hall"]


def test_weak_for_a_moment_is_not_weak() -> None:
    of_node, radio = made("hall")
    radio.takes = ["hall"]
    look(of_node, 0, 4_000)
    for begin in range(4_000, 4_400, 40):
        radio.dbm = -80
        look(of_node, begin, begin + 28)
        radio.dbm = -70
        look(of_node, begin + 28, begin + 40)
    assert radio.did() == ["dhcp", "hall"]


def test_without_any_network_nothing_is_joined() -> None:
    of_node, radio = made()
    look(of_node, 0, 100)
    assert radio.did() == []
