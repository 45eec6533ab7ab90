"""settings.toml: what can be in it, and what a person is told when it can't."""

from pathlib import Path

import pytest
from firstbell_linux.words import LANGUAGES

from hub.problems import SettingsError
from hub.settings import ListenSettings, Settings, load_settings, render, settings_of
from hub.words import words

WHOLE = """
names = ["firstbell.local", "hub.internal"]
addresses = ["192.168.1.10", "fd00::7"]
[listen]
address = "0.0.0.0"
port = 443
join_port = 80
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text, "utf-8")
    return path


def test_everything_has_its_place(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, WHOLE))
    names, addresses = ("firstbell.local", "hub.internal"), ("192.168.1.10", "fd00::7")
    assert settings == Settings(names, addresses, ListenSettings(port=443, join_port=80))
    assert settings.base_url == "https://firstbell.local"
    assert settings.join_url == "http://firstbell.local/join"
    hosts = {*names, "192.168.1.10", "[fd00::7]", "localhost", "127.0.0.1"}
    assert settings.hosts == settings.join_hosts == hosts


def test_little_is_enough(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, 'names = ["firstbell.local"]'))
    assert settings.base_url == "https://firstbell.local:8443"
    assert settings.join_url == "http://firstbell.local:8080/join"
    assert settings.hosts == {"firstbell.local:8443", "localhost:8443", "127.0.0.1:8443"}


def test_without_a_port_nothing_is_handed_out() -> None:
    assert Settings(("a.lan",), listen=ListenSettings(join_port=0)).join_url == ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_written_is_read(tmp_path: Path, language: str) -> None:
    settings = Settings(("a.lan", "b.lan"), ("10.0.0.1",), ListenSettings("127.0.0.1", 1443, 0))
    assert load_settings(write(tmp_path, render(settings, words(language).say))) == settings


@pytest.mark.parametrize(
    ("old", "new", "problem", "key"),
    [
        ('names = ["firstbell.local", "hub.internal"]', "", "settings_missing_key", "names"),
        ('["firstbell.local", "hub.internal"]', "[]", "settings_wrong_value", "names"),
        ('"firstbell.local"', '"Firstbell.local"', "host_malformed", "Firstbell.local"),
        ('"firstbell.local"', '"-.local"', "host_malformed", "-.local"),
        ('"firstbell.local"', "7", "settings_wrong_value", "names"),
        ('"firstbell.local"', '"hub.example.org"', "name_not_permitted", "hub.example.org"),
        ('"firstbell.local"', '"192.168.1.5"', "name_not_permitted", "192.168.1.5"),
        ('"192.168.1.10"', '"8.8.8.8"', "address_not_permitted", "8.8.8.8"),
        ('"192.168.1.10"', '"hub"', "settings_wrong_value", "addresses"),
        ('"0.0.0.0"', '"everywhere"', "settings_wrong_value", "listen.address"),
        ("port = 443", "port = 0", "settings_wrong_value", "listen.port"),
        ("port = 443", 'port = "443"', "settings_wrong_value", "listen.port"),
        ("port = 443", "port = 443\nprot = 1", "settings_unknown_key", "listen.prot"),
        ("join_port = 80", "join_port = 443", "settings_port_twice", "443"),
        ("[listen]", "[listening]", "settings_unknown_key", "listening"),
        ("[listen]", "listen = 1\n[other]", "settings_wrong_value", "listen"),
        ("[listen]", "[listen", "settings_not_toml", ""),
        ("[listen]", "x = " + "[" * 4_000, "settings_not_toml", ""),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, problem: str, key: str) -> None:
    assert old in WHOLE
    path = write(tmp_path, WHOLE.replace(old, new))
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    found = caught.value.problem
    assert (found.name, found.where) == (problem, str(path))
    for language in LANGUAGES:
        what, to_do = words(language).problem(found)
        assert key in what
        assert to_do


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load_settings(tmp_path / "settings.toml")
    assert caught.value.problem.name == "settings_unreadable"
    for language in LANGUAGES:
        assert all(words(language).problem(caught.value.problem))


def test_a_whole_file_of_something_else(tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="settings_not_toml"):
        load_settings(tmp_path / "settings.toml")


def test_typed_settings_are_checked_like_the_file() -> None:
    with pytest.raises(SettingsError, match="name_not_permitted"):
        settings_of("init", {"names": ["hub"]})
    with pytest.raises(SettingsError, match="settings_wrong_value"):
        settings_of("init", {"names": ["hub.local"] * 9})


@pytest.mark.parametrize(
    "name",
    [
        "Upper.local",
        "a..local",
        "-a.local",
        "a_b.local",
        "*.local",
        ".local",
        "a b.local",
        "",
        "a.local\n",
        f"{'a.' * 130}lan",
    ],
)
def test_typed_names_are_host_names(name: str) -> None:
    with pytest.raises(SettingsError, match="host_malformed"):
        settings_of("init", {"names": [name]})
