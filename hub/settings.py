"""settings.toml: what the hub is called and where it listens. Read once, at start; nothing else configures a hub."""

import re
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Any

import msgspec
from firstbell_linux.parsing import parse_toml
from firstbell_linux.problems import Phrase, Problem, reason_of
from msgspec import Meta

from hub.places.authority import permits_address, permits_name
from hub.problems import SettingsError

NAMES_MAX = 8
ADDRESSES_MAX = 8
PORT_DEFAULT = 8443
JOIN_PORT_DEFAULT = 8080

_LABEL = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*")
Port = Annotated[int, Meta(ge=0, le=65535)]


class ListenSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`port` is https for everything; `join_port` is plain http for the campus certificate alone, 0 = not at all."""

    address: str = "0.0.0.0"  # noqa: S104 - a hub is there for its whole LAN
    port: Annotated[int, Meta(ge=1, le=65535)] = PORT_DEFAULT
    join_port: Port = JOIN_PORT_DEFAULT


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`names`: host names of the hub; the first stands in links. `addresses`: fixed IP addresses to reach it by."""

    names: Annotated[tuple[str, ...], Meta(min_length=1, max_length=NAMES_MAX)]
    addresses: Annotated[tuple[str, ...], Meta(max_length=ADDRESSES_MAX)] = ()
    listen: ListenSettings = ListenSettings()

    @property
    def base_url(self) -> str:
        return f"https://{self.names[0]}{_port_text(self.listen.port, 443)}"

    @property
    def join_url(self) -> str:
        """Where a phone gets the campus certificate, or "" where nothing listens."""
        port = self.listen.join_port
        return f"http://{self.names[0]}{_port_text(port, 80)}/join" if port else ""

    @property
    def hosts(self) -> frozenset[str]:
        """Every `Host` that a browser may rightly say: host and port, without the port where it is the usual one."""
        return frozenset(_hosts((*self.names, *self.addresses), self.listen.port, 443))

    @property
    def join_hosts(self) -> frozenset[str]:
        return frozenset(_hosts((*self.names, *self.addresses), self.listen.join_port, 80))


def _port_text(port: int, usual: int) -> str:
    return "" if port == usual else f":{port}"


def _hosts(names: Sequence[str], port: int, usual: int) -> list[str]:
    local = ("localhost", "127.0.0.1")
    return [f"{f'[{name}]' if ':' in name else name}{_port_text(port, usual)}" for name in (*names, *local)]


def load_settings(path: Path) -> Settings:
    """Raises SettingsError: not there, not TOML, a key too many, a key missing, a value that can't be."""
    try:
        raw = parse_toml(path.read_bytes())
    except OSError as error:
        raise SettingsError(Problem("settings_unreadable", str(path), {"reason": reason_of(error)}), error) from error
    except ValueError as error:
        raise SettingsError(Problem("settings_not_toml", str(path), {"reason": str(error)})) from error
    return settings_of(str(path), raw)


def settings_of(where: str, raw: Mapping[str, Any]) -> Settings:
    """`where` is the file, or what else the settings came from. Raises SettingsError."""
    try:
        settings = msgspec.convert(raw, Settings)
    except msgspec.ValidationError as error:
        raise SettingsError(_explain(where, str(error))) from error
    _check(where, settings)
    return settings


def _check(where: str, settings: Settings) -> None:
    """What a type can't say."""
    for name in settings.names:
        if not _HOST_NAME.fullmatch(name):
            raise SettingsError(Problem("host_malformed", where, {"name": name}))
        if not permits_name(name):
            raise SettingsError(Problem("name_not_permitted", where, {"name": name}))
    for address in settings.addresses:
        _check_address(where, "addresses", address)
        if not permits_address(address):
            raise SettingsError(Problem("address_not_permitted", where, {"address": address}))
    _check_address(where, "listen.address", settings.listen.address)
    if settings.listen.join_port == settings.listen.port:
        raise SettingsError(Problem("settings_port_twice", where, {"port": settings.listen.port}))


def _check_address(where: str, key: str, address: str) -> None:
    try:
        ip_address(address)
    except ValueError as error:
        fields: dict[str, str | int | Phrase] = {"key": key, "expected": Phrase(f"expected.{key}")}
        raise SettingsError(Problem("settings_wrong_value", where, fields)) from error


def _explain(where: str, message: str) -> Problem:
    """msgspec's message names the place as `$.listen.port` and a key too many or missing in words."""
    at = re.search(r"`\$([^`]*)`$", message)
    parts = [re.sub(r"\[\S*\]$", "", at.group(1)).strip(".") if at else ""]
    field = re.search(r"(missing required|unknown) field `([^`]*)`", message)
    if field is None:
        key = parts[0]
        expected = Phrase(f"expected.{key}" if key else "expected.file")
        return Problem("settings_wrong_value", where, {"key": key, "expected": expected})
    key = ".".join(filter(None, [*parts, field.group(2)]))
    return Problem(
        "settings_unknown_key" if field.group(1) == "unknown" else "settings_missing_key", where, {"key": key}
    )


def render(settings: Settings, say: Callable[[str], str]) -> str:
    """The file that says these settings; `say` gives the comment of each key in the reader's language."""

    def listed(values: Sequence[str]) -> str:
        return "[" + ", ".join(f'"{value}"' for value in values) + "]"

    return "\n".join(
        [
            f"# {say('settings.file')}",
            f"# {say('settings.names')}",
            f"names = {listed(settings.names)}",
            f"# {say('settings.addresses')}",
            f"addresses = {listed(settings.addresses)}",
            "",
            "[listen]",
            f"# {say('settings.listen.address')}",
            f'address = "{settings.listen.address}"',
            f"# {say('settings.listen.port')}",
            f"port = {settings.listen.port}",
            f"# {say('settings.listen.join_port')}",
            f"join_port = {settings.listen.join_port}",
            "",
        ]
    )
