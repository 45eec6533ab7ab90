"""The Wi-Fi networks of a node, from a file of the maintainer's.

[[network]]                     # one or two
ssid = "school-iot"
password = "…"
address = "10.2.0.31"           # these four, or none of them: then it asks for an address (DHCP)
netmask = "255.255.255.0"
gateway = "10.2.0.1"
dns = "10.2.0.1"
"""

import re
import stat
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import msgspec
from firstbell_flash.board import Network
from firstbell_flash.problems import FileError, Unreadable
from firstbell_linux.named_file import read_named
from firstbell_linux.parsing import parse_toml
from firstbell_linux.problems import Phrase, Problem

WIFI_BYTES_MAX = 4_096
NETWORKS_MAX = 2
SSID_BYTES_MAX = 32
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_STATIC = ("address", "netmask", "gateway", "dns")
_PASSWORD = re.compile(r"|[\x20-\x7e]{8,63}|[0-9A-Fa-f]{64}")
"""None for an open network; a passphrase, or the key itself (IEEE 802.11, WPA2)."""


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    ssid: str
    password: str
    address: str = ""
    netmask: str = ""
    gateway: str = ""
    dns: str = ""


def load_networks(path: Path) -> list[Network]:
    """Raises Unreadable; FileError: open to others, not TOML, a network that can't be."""
    try:
        text = read_named(path, WIFI_BYTES_MAX + 1)
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        raise Unreadable("wifi_unreadable", path, error) from error
    if mode & _OTHERS:
        raise FileError(Problem("wifi_open", str(path), {"mode": f"{mode:04o}"}))
    if len(text) > WIFI_BYTES_MAX:
        raise FileError(Problem("wifi_too_long", str(path), {"bytes": str(WIFI_BYTES_MAX)}))
    try:
        raw = parse_toml(text)
    except ValueError:
        # Not from the error, which quotes what it could not read.
        raise FileError(Problem("wifi_not_toml", str(path))) from None
    tables = raw.get("network")
    if set(raw) != {"network"} or not isinstance(tables, list) or not 1 <= len(tables) <= NETWORKS_MAX:
        raise FileError(Problem("wifi_networks", str(path), {"most": str(NETWORKS_MAX)}))
    return [_network(path, number, table) for number, table in enumerate(tables, 1)]


def _network(path: Path, number: int, raw: object) -> Network:
    try:
        table = msgspec.convert(raw, _Table)
    except msgspec.ValidationError as error:
        named = re.search(r"`\$?\.?(\w+)`$", str(error))
        raise _wrong(path, number, named[1] if named else "") from error
    if not (1 <= len(table.ssid.encode()) <= SSID_BYTES_MAX and table.ssid.isprintable()):
        raise _wrong(path, number, "ssid")
    if not _PASSWORD.fullmatch(table.password):
        raise _wrong(path, number, "password")
    address, netmask, gateway, dns = fixed = tuple(getattr(table, name) for name in _STATIC)
    if not any(fixed):
        return Network(table.ssid, table.password)
    for name, said in zip(_STATIC, fixed, strict=True):
        try:
            IPv4Address(said)
        except ValueError as error:
            raise _wrong(path, number, name) from error
    try:
        here = IPv4Interface(f"{address}/{netmask}")
    except ValueError as error:
        raise _wrong(path, number, "netmask") from error
    if netmask != str(here.netmask) or not here.network.prefixlen:
        # Python takes a mask turned round, too.
        raise _wrong(path, number, "netmask")
    if here.ip in (here.network.network_address, here.network.broadcast_address):
        raise _wrong(path, number, "address")
    if IPv4Address(gateway) not in here.network or gateway == address:
        raise _wrong(path, number, "gateway")
    return Network(table.ssid, table.password, (address, netmask, gateway, dns))


def _wrong(path: Path, number: int, key: str) -> FileError:
    expected = Phrase(f"wifi.{key}" if key in _Table.__struct_fields__ else "wifi.table")
    return FileError(Problem("wifi_wrong", str(path), {"number": str(number), "key": key or "–", "expected": expected}))
