"""settings.json: who this node is, where its hub is, which wire is on which pin. Written when it is flashed."""

import json

from firstbell.fields import is_ipv4_address
from firstbell.press import SUPPLY
from firstbell.supply import VSYS_GPIO

try:
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

GPIO_MAX = 28
KINDS = ("panic", "perimeter", "tamper", SUPPLY)
NETWORKS_MAX = 2


class SettingsError(Exception):
    """settings.json can't be used; the message names the place in it."""


class Network:
    """A Wi-Fi to use. `address`: None for DHCP, else (address, netmask, gateway, name server)."""

    def __init__(self, ssid: str, password: str, address: "tuple[str, str, str, str] | None") -> None:
        self.ssid = ssid
        self.password = password
        self.address = address


class Settings:
    """`hub_address`: IPv4 and port, or "" to look for the hub on the LAN. `inputs`: kind and pin by name. A pin of None
    is not there. `flashed_s`: seconds since 1970 when it was flashed; no clock shows an earlier time."""

    def __init__(self, said: "dict[str, Any]") -> None:
        """Raises SettingsError."""
        self.terminal: str = _text(said, "terminal", "")
        self.is_bell = _text(said, "role", "") == "bell"
        self.silent: bool = _of(bool, said, "silent", "")
        self.press_ms_min: int = _number(said, "press_ms_min", "", 20, 400)
        self.flashed_s: int = _number(said, "flashed_s", "", 0, 1 << 40)
        hub = _of(dict, said, "hub", "")
        self.hub_address: str = _of(str, hub, "address", "hub.")
        if self.hub_address and not is_ipv4_address(self.hub_address):
            raise SettingsError("hub.address")  # to look a name up would stop the node, and its watchdog would bite
        self.server_name: str = _text(hub, "server_name", "hub.")
        self.campus: str = _text(hub, "campus", "hub.")
        outputs = _of(dict, said, "outputs", "")
        self.light_pin = _pin(outputs, "light_pin", "outputs.")
        self.sounder_pin = _pin(outputs, "sounder_pin", "outputs.")
        self.inputs: dict[str, tuple[str, int]] = {}
        inputs = _of(dict, said, "inputs", "")
        for name in inputs:
            where = "inputs." + name + "."
            wired = _of(dict, inputs, name, "inputs.")
            kind = _text(wired, "kind", where)
            if kind not in KINDS:
                raise SettingsError(where + "kind")
            own = kind == SUPPLY and wired.get("pin") == VSYS_GPIO
            pin = VSYS_GPIO if own else _number(wired, "pin", where, 0, GPIO_MAX)
            self.inputs[name] = (kind, pin)
        self.networks = [_network(one) for one in _of(list, said, "wifi", "")]
        if len(self.networks) > NETWORKS_MAX:
            raise SettingsError("wifi")


def load_settings(path: str) -> Settings:
    """Raises SettingsError, OSError."""
    with open(path) as file:
        text = file.read()
    said = None
    try:
        said = json.loads(text)
    except ValueError:
        pass
    if not isinstance(said, dict):
        raise SettingsError("it is no JSON object")
    return Settings(said)


def _of(kind: "type[Any]", said: "dict[str, Any]", key: str, where: str) -> "Any":
    value = said.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise SettingsError(where + key)
    return value


def _text(said: "dict[str, Any]", key: str, where: str) -> str:
    value: str = _of(str, said, key, where)
    if not value:
        raise SettingsError(where + key)
    return value


def _number(said: "dict[str, Any]", key: str, where: str, least: int, most: int) -> int:
    value: int = _of(int, said, key, where)
    if not least <= value <= most:
        raise SettingsError(where + key)
    return value


def _pin(said: "dict[str, Any]", key: str, where: str) -> int | None:
    if said.get(key) is None:
        return None
    return _number(said, key, where, 0, GPIO_MAX)


def _network(said: "Any") -> Network:
    if not isinstance(said, dict):
        raise SettingsError("wifi")
    address = said.get("address")
    if address is not None:
        if not isinstance(address, list) or len(address) != 4 or not all(isinstance(part, str) for part in address):
            raise SettingsError("wifi.address")
        address = (address[0], address[1], address[2], address[3])
    return Network(_text(said, "ssid", "wifi."), _of(str, said, "password", "wifi."), address)
