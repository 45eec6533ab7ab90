"""settings.toml: who this terminal is, where its hub is, which wire is on which pin."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from firstbell.fields import is_ipv4_address
from firstbell.jws import HS256
from firstbell.press import SUPPLY
from firstbell.supply import VSYS_GPIO
from firstbell_linux.parsing import is_name, parse_toml
from firstbell_linux.problems import Phrase, Problem, reason_of
from msgspec import Meta

from terminal.problems import SettingsError

PRESS_MS_LEAST = 20
PRESS_MS_MOST = 400
"""A pulse of 400 ms is always an event (EN 50131-1) and one below 20 ms never: the filter is set between."""
GPIO_MAX = 27
"""The header of a Raspberry Pi has GPIO 0 to 27."""
NAME_CHARS_MAX = 64

TerminalId = Annotated[str, Meta(pattern=r"^t-[a-z2-7]{10}\Z")]
CampusId = Annotated[str, Meta(pattern=r"^c-[a-z2-7]{10}\Z")]
InputName = Annotated[str, Meta(pattern=r"^[a-z0-9_]{1,16}\Z")]
# A host (name, IPv4 or bracketed IPv6) and a port.
HubAddress = Annotated[str, Meta(pattern=r"^\Z|^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}\Z")]
# Looked for in the hub's certificate, so a name and not an address.
ServerName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9.-]*[A-Za-z][A-Za-z0-9.-]*\Z", max_length=253)]
Struct = TypeVar("Struct", bound=msgspec.Struct)
Pin = Annotated[int, Meta(ge=0, le=GPIO_MAX)]


class HubSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`address` "host:port", or "" to look for the hub of this campus on the LAN. A node's has no name in it."""

    server_name: ServerName
    campus: CampusId
    address: HubAddress = ""


class InputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contact from the pin to ground; on a Pico W, VSYS_GPIO is its own supply."""

    kind: Literal["panic", "perimeter", "tamper", "supply"]
    pin: Annotated[int, Meta(ge=0, le=VSYS_GPIO)]


class OutputSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """None: not there."""

    light_pin: Pin | None = None
    sounder_pin: Pin | None = None


class SimulatedSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pins`: no hardware; the control socket presses. `board`: whose program runs, a Pi's or a node's."""

    pins: bool = False
    board: Literal["pi", "pico"] = "pi"


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    terminal: TerminalId
    name: Annotated[str, Meta(min_length=1, max_length=NAME_CHARS_MAX)]
    role: Literal["wall", "bell"]
    hub: HubSettings
    algorithm: Literal["EdDSA", "HS256"] = "EdDSA"
    silent: bool = False
    press_ms_min: Annotated[int, Meta(ge=PRESS_MS_LEAST, le=PRESS_MS_MOST)] = 30
    inputs: dict[InputName, InputSettings] = {}
    outputs: OutputSettings = OutputSettings()
    simulated: SimulatedSettings = SimulatedSettings()


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that holds everything of one terminal."""

    path: Path

    @property
    def settings(self) -> Path:
        return self.path / "settings.toml"

    @property
    def key(self) -> Path:
        return self.path / "key"

    @property
    def ca(self) -> Path:
        return self.path / "ca.pem"

    @property
    def vkey(self) -> Path:
        return self.path / "log.vkey"

    @property
    def outbox(self) -> Path:
        return self.path / "outbox.db"

    @property
    def control(self) -> Path:
        return self.path / "control.sock"


def check_home(home: Home) -> None:
    """Raises SettingsError: the folder is not there, or not for this user, or it is a hub's."""
    try:
        names = os.listdir(home.path)
    except OSError as error:
        raise SettingsError(Problem("home_unreadable", str(home.path), {"reason": reason_of(error)}), error) from error
    if "hub.db" in names:
        raise SettingsError(Problem("home_of_hub", str(home.path)))


def load_settings(path: Path) -> Settings:
    """Raises SettingsError: not there, not TOML, a key too many, a key missing, a value that can't be."""
    try:
        raw = parse_toml(path.read_bytes())
    except OSError as error:
        raise SettingsError(Problem("settings_unreadable", str(path), {"reason": reason_of(error)}), error) from error
    except ValueError as error:
        raise SettingsError(Problem("settings_not_toml", str(path), {"reason": str(error)})) from error
    # One by one first, for msgspec does not say which of them is wrong.
    inputs = raw.get("inputs")
    for name, wired in inputs.items() if isinstance(inputs, dict) else ():
        _convert(path, wired, InputSettings, f"inputs.{name}", "inputs")
    settings = _convert(path, raw, Settings, "", "")
    if not is_name(settings.name):
        raise _wrong_value(path, "name", "name")
    address = settings.hub.address
    if settings.algorithm == HS256 and address and not is_ipv4_address(address):
        raise _wrong_value(path, "hub.address", "hub.address_ipv4")
    _check_wiring(path, settings)
    return settings


def check_real(settings: Settings, where: Path) -> None:
    """Raises SettingsError: it is for a trial, and on a wall nobody would hear its button."""
    if settings.simulated.pins:
        raise SettingsError(Problem("pins_simulated", str(where)))


def _convert(path: Path, raw: object, kind: type[Struct], above: str, generic: str) -> Struct:
    """`above`: the key of `raw` in the file; `generic`: the same without the names a person chose."""
    try:
        return msgspec.convert(raw, kind)
    except msgspec.ValidationError as error:
        message = str(error)
        at = re.search(r"`\$([^`]*)`$", message)
        below = at.group(1).strip(".") if at else ""
        field = re.search(r"(missing required|unknown) field `([^`]*)`", message)
        parts = [below, field.group(2) if field else ""]
        key = ".".join(filter(None, [above, *parts]))
        if field:
            name = "settings_unknown_key" if field.group(1) == "unknown" else "settings_missing_key"
            raise SettingsError(Problem(name, str(path), {"key": key})) from error
        raise _wrong_value(path, key, ".".join(filter(None, [generic, *parts]))) from error


def _wrong_value(path: Path, key: str, expected: str) -> SettingsError:
    """`expected`: what the catalogue calls what should be there."""
    fields: dict[str, str | Phrase] = {"key": key, "expected": Phrase(f"expected.{expected}")}
    return SettingsError(Problem("settings_wrong_value", str(path), fields))


def _check_wiring(path: Path, settings: Settings) -> None:
    for name, wired in settings.inputs.items():
        if wired.pin > GPIO_MAX and (wired.kind, wired.pin) != (SUPPLY, VSYS_GPIO):
            raise _wrong_value(path, f"inputs.{name}.pin", "inputs.pin")
    used: dict[int, str] = {}
    for key, pin in pins_of(settings):
        if pin in used:
            fields = {"pin": str(pin), "first": used[pin], "second": key}
            raise SettingsError(Problem("settings_pin_twice", str(path), fields))
        used[pin] = key
    if settings.role == "wall" and not settings.inputs:
        raise SettingsError(Problem("settings_no_input", str(path)))
    if settings.role == "bell" and settings.outputs.sounder_pin is None:
        raise SettingsError(Problem("settings_no_sounder", str(path)))


def pins_of(settings: Settings) -> list[tuple[str, int]]:
    """Every pin that is wired, with the key in settings.toml that names it."""
    pins = [(f"inputs.{name}.pin", wired.pin) for name, wired in settings.inputs.items()]
    outputs = {
        "outputs.light_pin": settings.outputs.light_pin,
        "outputs.sounder_pin": settings.outputs.sounder_pin,
    }
    return pins + [(key, pin) for key, pin in outputs.items() if pin is not None]
