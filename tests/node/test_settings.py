"""What a node takes for its settings, on CPython and MicroPython."""

import json
import os

from firstbell.supply import VSYS_GPIO
from node.settings import Settings, SettingsError, load_settings

from tests.node.flash import new_folder, remove

try:  # MicroPython has no contextlib
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass

SAID = {
    "terminal": "t-abcdefghij",
    "role": "wall",
    "silent": False,
    "press_ms_min": 30,
    "flashed_s": 1_800_000_000,
    "hub": {"address": "", "server_name": "hub.local", "campus": "c-abcdefghij"},
    "inputs": {"panic": {"kind": "panic", "pin": 15}},
    "outputs": {"light_pin": 16, "sounder_pin": None},
    "wifi": [{"ssid": "campus", "password": "x", "address": ["10.0.0.2", "255.0.0.0", "10.0.0.1", "10.0.0.1"]}],
}


def changed(path: str, value: object) -> "dict[str, object]":
    said: dict[str, object] = json.loads(json.dumps(SAID))
    *outer, last = path.split(".")
    inner: Any = said
    for name in outer:
        inner = inner[name]
    inner[last] = value
    return said


def test_what_they_say() -> None:
    settings = Settings(changed("role", "bell"))
    assert (settings.terminal, settings.is_bell, settings.press_ms_min) == ("t-abcdefghij", True, 30)
    assert (settings.server_name, settings.hub_address) == ("hub.local", "")
    assert settings.inputs == {"panic": ("panic", 15)}
    assert Settings(changed("hub.address", "10.0.0.7:8443")).hub_address == "10.0.0.7:8443"
    assert (settings.light_pin, settings.sounder_pin) == (16, None)
    (network,) = settings.networks
    assert (network.ssid, network.address) == ("campus", ("10.0.0.2", "255.0.0.0", "10.0.0.1", "10.0.0.1"))


def test_a_supply_is_the_board_s_own_or_a_contact() -> None:
    for pin in (VSYS_GPIO, 20):
        settings = Settings(changed("inputs.supply", {"kind": "supply", "pin": pin}))
        assert settings.inputs == {"panic": ("panic", 15), "supply": ("supply", pin)}


def test_what_is_wrong_is_named() -> None:
    for path, value in (
        ("terminal", ""),
        ("terminal", None),
        ("silent", 1),
        ("press_ms_min", 10),
        ("press_ms_min", True),
        ("flashed_s", "now"),
        ("hub", []),
        ("hub.server_name", 5),
        ("hub.address", "hub.school.lan:8443"),
        ("hub.address", "10.0.0.7"),
        ("inputs.panic.kind", "siren"),
        ("inputs.panic.pin", 40),
        ("inputs.panic.pin", VSYS_GPIO),
        ("inputs.panic.pin", None),
        ("outputs.light_pin", -1),
        ("wifi", {}),
    ):
        try:
            Settings(changed(path, value))
        except SettingsError as error:
            assert str(error) == path, (path, error)
            continue
        raise AssertionError(path)
    bad: list[Any] = [[5], [{}], [{"ssid": "x", "password": ""}] * 3]
    bad.append([{"ssid": "x", "password": "", "address": ["1"]}])
    for networks in bad:
        try:
            Settings(changed("wifi", networks))
        except SettingsError as error:
            assert str(error).startswith("wifi")
            continue
        raise AssertionError(networks)


def test_a_file() -> None:
    folder = new_folder()
    os.mkdir(folder)
    for text, good in ((json.dumps(SAID), True), ("", False), ("[1]", False), ("{", False)):
        with open(folder + "/settings.json", "w") as file:
            file.write(text)
        try:
            assert load_settings(folder + "/settings.json").terminal == "t-abcdefghij"
        except SettingsError:
            assert not good, text
            continue
        assert good, text
    remove(folder)
