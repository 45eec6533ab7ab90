"""settings.toml: what can be in it, and what a person is told when it can't."""

from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

import msgspec
import pytest
from firstbell_linux.words import LANGUAGES, command_words

from terminal.credentials import load_ca, load_key, load_vkey
from terminal.problems import SettingsError, TerminalError
from terminal.settings import Home, HubSettings, InputSettings, OutputSettings, Settings, check_home, load_settings

WALL = """
terminal = "t-abcdefghij"
name = "二号教学楼 三层"
role = "wall"
[hub]
server_name = "hub.c-abcdefghij.firstbell"
campus = "c-abcdefghij"
[inputs.panic]
kind = "panic"
pin = 17
[inputs.door_2]
kind = "perimeter"
pin = 5
[outputs]
light_pin = 27
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text, "utf-8")
    return path


def refused(path: Path) -> SettingsError:
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    for language in LANGUAGES:
        # Both sentences exist, with all their fields.
        assert all(command_words("terminal", language).problem(caught.value.problem))
    assert caught.value.problem.where == str(path)
    return caught.value


def test_everything_has_its_place(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, WALL))
    assert settings == Settings(
        terminal="t-abcdefghij",
        name="二号教学楼 三层",
        role="wall",
        hub=HubSettings(server_name="hub.c-abcdefghij.firstbell", campus="c-abcdefghij", address=""),
        algorithm="EdDSA",
        silent=False,
        press_ms_min=30,
        inputs={"panic": InputSettings("panic", 17), "door_2": InputSettings("perimeter", 5)},
        outputs=OutputSettings(light_pin=27),
    )


def test_a_supply_is_the_board_s_own_or_a_contact(tmp_path: Path) -> None:
    for pin in (29, 20):
        supply = f'[inputs.supply]\nkind = "supply"\npin = {pin}\n'
        settings = load_settings(write(tmp_path, WALL + supply))
        assert settings.inputs["supply"] == InputSettings("supply", pin)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("pin = 17", "pin = 29", "inputs.panic.pin"),
        ('"panic"\npin = 17', '"supply"\npin = 28', "inputs.panic.pin"),
        ("t-abcdefghij", "t-ABCDEFGHIJ", "terminal"),
        ('"t-abcdefghij"', '"t-abcdefghij\\n"', "terminal"),
        ('"c-abcdefghij"', '"c-abcdefghij\\n"', "hub.campus"),
        ('.firstbell"', '.firstbell\\n"', "hub.server_name"),
        ("[hub]", '[hub]\naddress = "hub:1\\n"', "hub.address"),
        ("[hub]", '[hub]\naddress = "\\n"', "hub.address"),
        ("[inputs.panic]", '[inputs."panic\\n"]', "inputs"),
        ('"二号教学楼 三层"', '""', "name"),
        ('"二号教学楼 三层"', '"  "', "name"),
        ('"二号教学楼 三层"', '"Gym\\u001b[31m"', "name"),
        ('"二号教学楼 三层"', '"Gym\\nYour password:"', "name"),
        ('"wall"', '"siren"', "role"),
        ('role = "wall"', 'role = "wall"\nalgorithm = "RS256"', "algorithm"),
        ('role = "wall"', 'role = "wall"\nsilent = 1', "silent"),
        ('role = "wall"', 'role = "wall"\npress_ms_min = 19', "press_ms_min"),
        ('role = "wall"', 'role = "wall"\npress_ms_min = 401', "press_ms_min"),
        ('"hub.c-abcdefghij.firstbell"', '"192.168.1.2"', "hub.server_name"),
        ('"c-abcdefghij"', '"main campus"', "hub.campus"),
        ("[hub]", '[hub]\naddress = "hub"', "hub.address"),
        (WALL, f'algorithm = "HS256"\n{WALL}'.replace("[hub]", '[hub]\naddress = "hub.lan:8443"'), "hub.address"),
        ("[inputs.panic]", '[inputs."a button"]', "inputs"),
        ('"panic"', '"fire"', "inputs.panic.kind"),
        ("pin = 17", "pin = 28", "inputs.panic.pin"),
        ("pin = 5", 'pin = "5"', "inputs.door_2.pin"),
        ("light_pin = 27", "light_pin = -1", "outputs.light_pin"),
        ("light_pin = 27", "sounder_pin = true", "outputs.sounder_pin"),
        ("[outputs]", "[simulated]\npins = 1\n[outputs]", "simulated.pins"),
    ],
)
def test_a_wrong_value_is_named_and_told_what_it_should_be(tmp_path: Path, old: str, new: str, key: str) -> None:
    assert WALL.count(old) >= 1
    problem = refused(write(tmp_path, WALL.replace(old, new, 1))).problem
    assert problem.name == "settings_wrong_value"
    assert problem.fields["key"] == key


@pytest.mark.parametrize(("name", "text"), [("hub", "hub = 3"), ("inputs", "inputs = 3"), ("inputs.panic", "")])
def test_a_table_that_is_none(tmp_path: Path, name: str, text: str) -> None:
    raw = 'terminal = "t-abcdefghij"\nname = "x"\nrole = "wall"\n'
    hub = '[hub]\nserver_name = "hub.test"\ncampus = "c-abcdefghij"\n'
    whole = {"hub": raw + text, "inputs": raw + text + "\n" + hub, "inputs.panic": raw + hub + "[inputs]\npanic = 3"}
    problem = refused(write(tmp_path, whole[name])).problem
    assert (problem.name, problem.fields["key"]) == ("settings_wrong_value", name)


@pytest.mark.parametrize(
    ("old", "new", "name", "key"),
    [
        ('role = "wall"', "", "settings_missing_key", "role"),
        ('campus = "c-abcdefghij"', "", "settings_missing_key", "hub.campus"),
        ("pin = 17", "", "settings_missing_key", "inputs.panic.pin"),
        ('role = "wall"', 'role = "wall"\ncolour = "red"', "settings_unknown_key", "colour"),
        ("pin = 17", "pin = 17\npull = 1", "settings_unknown_key", "inputs.panic.pull"),
        ("[hub]", "[hub]\nport = 1", "settings_unknown_key", "hub.port"),
    ],
)
def test_a_key_too_many_or_too_few(tmp_path: Path, old: str, new: str, name: str, key: str) -> None:
    problem = refused(write(tmp_path, WALL.replace(old, new, 1))).problem
    assert (problem.name, problem.fields["key"]) == (name, key)


def test_one_pin_for_two_wires(tmp_path: Path) -> None:
    problem = refused(write(tmp_path, WALL.replace("light_pin = 27", "light_pin = 5"))).problem
    assert problem.name == "settings_pin_twice"
    assert dict(problem.fields) == {"pin": "5", "first": "inputs.door_2.pin", "second": "outputs.light_pin"}


def test_a_wall_terminal_hears_and_a_bell_sounds(tmp_path: Path) -> None:
    deaf = WALL.partition("[inputs.panic]")[0]
    assert refused(write(tmp_path, deaf)).problem.name == "settings_no_input"
    bell = deaf.replace('"wall"', '"bell"')
    assert refused(write(tmp_path, bell)).problem.name == "settings_no_sounder"
    assert load_settings(write(tmp_path, bell + "[outputs]\nsounder_pin = 22\n")).outputs.sounder_pin == 22


def test_a_file_that_is_no_toml_or_not_there(tmp_path: Path) -> None:
    for text in ("terminal = ", "terminal = " + "[" * 4_000):
        assert refused(write(tmp_path, text)).problem.name == "settings_not_toml"
    path = tmp_path / "settings.toml"
    path.write_bytes(b'name = "\xff"')
    assert refused(path).problem.name == "settings_not_toml"
    path.unlink()
    assert refused(path).problem.name == "settings_unreadable"


def test_every_key_has_a_text_that_says_what_it_should_be() -> None:
    """No wrong value can meet a missing text: every key of every table is in the catalogue."""

    def keys(kind: type[msgspec.Struct], above: str) -> list[str]:
        found = []
        for field, hint in get_type_hints(kind).items():
            found.append(above + field)
            if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
                found += keys(hint, f"{above}{field}.")
        return found

    everything = keys(Settings, "") + keys(InputSettings, "inputs.")
    assert len(everything) > 15
    for language in LANGUAGES:
        assert [key for key in everything if not command_words("terminal", language).has(f"expected.{key}")] == []


@pytest.mark.parametrize(
    "read",
    [load_settings, lambda path: load_key(path, "EdDSA"), load_ca, load_vkey, lambda path: check_home(Home(path))],
    ids=["settings", "key", "ca", "vkey", "home"],
)
def test_what_is_missing_and_what_cannot_be_read_end_with_codes_of_their_own(
    tmp_path: Path, read: Callable[[Path], object]
) -> None:
    (tmp_path / "file").touch()
    for path, code in ((tmp_path / "none", 3), (tmp_path / "file/below", 4)):
        with pytest.raises(TerminalError) as caught:
            read(path)
        assert caught.value.exit_code == code
