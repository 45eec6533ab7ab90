"""The networks of a node: what a maintainer may write, and what is refused before anything is touched."""

from pathlib import Path

import pytest
from firstbell_flash.board import Network
from firstbell_flash.problems import FileError, Unreadable
from firstbell_flash.wifi import WIFI_BYTES_MAX, load_networks

ONE = '[[network]]\nssid = "学校"\npassword = "12345678"\n'
FIXED = ONE + 'address = "10.2.0.31"\nnetmask = "255.255.255.0"\ngateway = "10.2.0.1"\ndns = "10.2.0.2"\n'


def written(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "wifi.toml"
    path.write_text(text)
    path.chmod(mode)
    return path


def refusal(folder: Path, text: str, mode: int = 0o600) -> str:
    with pytest.raises(FileError) as error:
        load_networks(written(folder, text, mode))
    problem = error.value.problem
    assert "12345678" not in str(problem)
    return ":".join((problem.name, str(problem.fields.get("key", ""))))


def test_one_or_two(tmp_path: Path) -> None:
    assert load_networks(written(tmp_path, ONE)) == [Network("学校", "12345678")]
    first, second = load_networks(written(tmp_path, FIXED + '[[network]]\nssid = "open"\npassword = ""\n'))
    assert first.address == ("10.2.0.31", "255.255.255.0", "10.2.0.1", "10.2.0.2")
    assert second == Network("open", "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    assert refusal(tmp_path, ONE, mode) == "wifi_open:"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "wifi_networks:"),
        ("x = 1\n" + ONE, "wifi_networks:"),
        ("[network]\n", "wifi_networks:"),
        (3 * ONE, "wifi_networks:"),
        (ONE + "psk = '12345678'", "wifi_wrong:psk"),
        ("[[network]]\nssid = 1\npassword = '12345678'", "wifi_wrong:ssid"),
        ("[[network]]\nssid = 'a'", "wifi_wrong:password"),
        ("[[network]]\nssid = ''\npassword = '12345678'", "wifi_wrong:ssid"),
        ('[[network]]\nssid = "a\\nb"\npassword = "12345678"', "wifi_wrong:ssid"),
        (f"[[network]]\nssid = '{'学' * 11}'\npassword = '12345678'", "wifi_wrong:ssid"),
        ("[[network]]\nssid = 'a'\npassword = '1234567'", "wifi_wrong:password"),
        ("[[network]]\nssid = 'a'\npassword = '密码密码密码密码'", "wifi_wrong:password"),
        (f"[[network]]\nssid = 'a'\npassword = '{'g' * 64}'", "wifi_wrong:password"),
        (ONE + 'address = "10.2.0.31"', "wifi_wrong:netmask"),
        (FIXED.replace('"10.2.0.31"', '"10.2.0"'), "wifi_wrong:address"),
        (FIXED.replace('"10.2.0.31"', '"10.2.0.255"'), "wifi_wrong:address"),
        (FIXED.replace("255.255.255.0", "255.0.255.0"), "wifi_wrong:netmask"),
        (FIXED.replace("255.255.255.0", "0.0.0.255"), "wifi_wrong:netmask"),
        (FIXED.replace("255.255.255.0", "0.0.0.0"), "wifi_wrong:netmask"),  # noqa: S104
        (FIXED.replace('gateway = "10.2.0.1"', 'gateway = "10.3.0.1"'), "wifi_wrong:gateway"),
        (FIXED.replace('gateway = "10.2.0.1"', 'gateway = "10.2.0.31"'), "wifi_wrong:gateway"),
        (FIXED.replace("10.2.0.2", "dns.lan"), "wifi_wrong:dns"),
        ('[[network]]\nssid = "12345678', "wifi_not_toml:"),
        ("x = " + "[" * 4_000, "wifi_not_toml:"),
        ("#" * (WIFI_BYTES_MAX + 1), "wifi_too_long:"),
    ],
)
def test_what_can_not_be(tmp_path: Path, text: str, problem: str) -> None:
    assert refusal(tmp_path, text) == problem


def test_a_key_of_64_digits(tmp_path: Path) -> None:
    (network,) = load_networks(written(tmp_path, ONE.replace("12345678", "0f" * 32)))
    assert network.password == "0f" * 32


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="wifi_unreadable"):
        load_networks(tmp_path / "none.toml")
