"""The four formats: which one a card has, and what is said in it, as its own parser reads it."""

import subprocess
import tomllib
from typing import get_args

import pytest
import yaml  # type: ignore[import-untyped]
from firstbell_flash.board import Network
from firstbell_flash.first_boot import Format, Machine, recognise, render
from firstbell_flash.problems import CardError, TypedWrongly

from tests.card.cards import BOOKWORM, CARDS, CLOUD, RUN, TRIXIE, boot

KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDe/gm0= it\'s "mine" $HOME @desk'
PSK = "f42c6fc52df0ebef9ebb4b90b38a5f902e83fe1b135a70e23aed762e9710a12e"
"""Of "password" in the network "IEEE": the example of IEEE 802.11, J.4.2."""
MACHINE = Machine(
    hostname="t-abcdefghij",
    networks=(Network("IEEE", "password"), Network('校园 "网"; \\', "")),
    country="CN",
    ssh_key=KEY,
    timezone="Asia/Shanghai",
    locale="zh_CN.UTF-8",
)
START = "sh /boot/firmware/firstbell/bundle/start.sh"


def recognised(files: dict[str, bytes]) -> Format:
    names = {name for name in files if "/" not in name}
    return recognise(names, files["cmdline.txt"].decode().strip(), files.__getitem__, "card")


@pytest.mark.parametrize("name", CARDS)
def test_each_is_recognised(name: str) -> None:
    known, files = CARDS[name]
    assert recognised(files) == known


@pytest.mark.parametrize(
    ("problem", "files"),
    [
        ("format_unknown", boot(TRIXIE)),
        ("format_unknown", boot(BOOKWORM + RUN)),
        ("format_unknown", boot(TRIXIE, firstrun_sh=b"")),
        ("format_unknown", boot(BOOKWORM, custom_toml=b"config_version = 2\n")),
        ("format_unknown", boot(BOOKWORM, custom_toml=b"config_version = ")),
        ("format_unknown", boot(BOOKWORM, custom_toml=b"a = " + b"[" * 4_000)),
        ("format_unknown", boot(TRIXIE, user__data=b"")),
        ("format_unknown", boot(TRIXIE, rpi__preseed_toml=b'config_version = "2.0"\n')),
        ("format_two", boot(BOOKWORM + RUN, firstrun_sh=b"", custom_toml=b"config_version = 1\n")),
        ("format_two", boot(TRIXIE, rpi__preseed_toml=b'config_version = "1.0"\n', **CLOUD)),
        ("format_two", boot(TRIXIE + RUN, **CLOUD)),
    ],
)
def test_what_is_not_sure_is_refused(problem: str, files: dict[str, bytes]) -> None:
    with pytest.raises(CardError) as raised:
        recognised(files)
    assert raised.value.problem.name == problem


@pytest.mark.parametrize(
    "wrong",
    [
        {"hostname": ""},
        {"hostname": "a_b"},
        {"hostname": "x" * 64},
        {"hostname": "Gym"},
        {"country": "cn"},
        {"country": "XX"},
        {"country": "UK"},
        {"country": "#\t"},
        {"country": ""},
        {"timezone": "Asia/Shang'hai"},
        {"timezone": "Asia/Peking"},
        {"timezone": "../Asia/Shanghai"},
        {"timezone": "asia/shanghai"},
        {"locale": "zh_CN"},
    ],
)
def test_a_machine_that_cannot_be(wrong: dict[str, str]) -> None:
    machine = {name: getattr(MACHINE, name) for name in Machine.__slots__} | wrong
    with pytest.raises(TypedWrongly):
        Machine(**machine).check()
    MACHINE.check()


def words(files: dict[str, bytes]) -> list[str]:
    text = files["cmdline.txt"].decode()
    assert text.endswith("\n")
    assert text.count("\n") == 1
    return text.split()


def is_sound_script(script: bytes) -> None:
    for shell in (["bash", "-n"], ["dash", "-n"], ["shellcheck", "--exclude=SC2016", "-"]):
        subprocess.run([*shell], input=script, check=True)


def test_firstrun() -> None:
    files = render("firstrun", MACHINE, BOOKWORM + RUN, "i-1")
    is_sound_script(files["firstrun.sh"])
    lines = files["firstrun.sh"].decode().splitlines()
    assert START in lines
    # Its words in cmdline.txt without the script would keep the Pi from ever starting again.
    assert [line.split()[0] for line in lines[-3:]] == ["sed", "rm", "exit"]
    assert words(files) == [
        *BOOKWORM.split(),
        "systemd.run=/boot/firmware/firstrun.sh",
        "systemd.run_success_action=reboot",
        "systemd.unit=kernel-command-line.target",
        "cfg80211.ieee80211_regdom=CN",
    ]


def test_custom() -> None:
    files = render("custom", MACHINE, BOOKWORM, "i-1")
    assert tomllib.loads(files["custom.toml"].decode()) == {
        "config_version": 1,
        "system": {"hostname": "t-abcdefghij"},
        "user": {"name": "pi", "password": "!", "password_encrypted": True},
        "ssh": {"enabled": True, "password_authentication": False, "authorized_keys": [KEY]},
        "locale": {"timezone": "Asia/Shanghai"},
    }
    script = files["firstbell/firstrun.sh"]
    is_sound_script(script)
    assert "raspi-config nonint do_change_locale zh_CN.UTF-8" in script.decode().splitlines()
    assert "systemd.run=/boot/firmware/firstbell/firstrun.sh" in words(files)


def test_cloud_init() -> None:
    files = render("cloud-init", MACHINE, f"{TRIXIE} ds=nocloud;i=rpi-imager-1", "firstbell-2")
    assert yaml.safe_load(files["meta-data"]) == {"instance-id": "firstbell-2"}
    assert words(files) == [*TRIXIE.split(), "ds=nocloud;i=firstbell-2", "cfg80211.ieee80211_regdom=CN"]
    assert files["user-data"].startswith(b"#cloud-config\n")
    user_data = yaml.safe_load(files["user-data"])
    commands = [" ".join(command) for command in user_data.pop("runcmd")]
    assert commands[:2] == ["systemctl enable --now ssh", START]
    assert user_data == {
        "hostname": "t-abcdefghij",
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
        "user": {
            "name": "pi",
            "lock_passwd": True,
            "ssh_authorized_keys": [KEY],
            "sudo": "ALL=(ALL) NOPASSWD:ALL",
        },
        "timezone": "Asia/Shanghai",
        "locale": "zh_CN.UTF-8",
    }
    wifi = yaml.safe_load(files["network-config"])["network"]["wifis"]["wlan0"]
    assert wifi["access-points"] == {"IEEE": {"password": PSK}, '校园 "网"; \\': {}}
    assert wifi["regulatory-domain"] == "CN"
    assert not [path for path in files if path.endswith(".nmconnection")]


@pytest.mark.parametrize("odd", [*map(chr, range(32)), *map(chr, range(0x7F, 0xA0)), *"\u2028\u2029\ufeff\uffff"])
def test_a_name_that_yaml_would_change(odd: str) -> None:
    """It goes to NetworkManager as its bytes; the other network stays where it was."""
    networks = (Network(f"a{odd}b", "password"), Network("IEEE 📶", "password"))
    files = render("cloud-init", Machine(hostname="gate", networks=networks, country="CN"), TRIXIE, "i-1")
    network = yaml.safe_load(files["network-config"])["network"]
    assert set(network["wifis"]["wlan0"]["access-points"]) == {"IEEE 📶"}
    (connection,) = (data.decode() for path, data in files.items() if path.endswith(".nmconnection"))
    assert f"\nssid={''.join(f'{byte};' for byte in f'a{odd}b'.encode())}\n" in connection


def test_preseed() -> None:
    """The types are those of its schema; its own small parser knows no more of TOML than one line for each value."""
    files = render("preseed", MACHINE, TRIXIE, "i-1")
    said = tomllib.loads(files["rpi-preseed.toml"].decode())
    assert said.pop("runcmd")["early"][0] == START
    assert said == {
        "config_version": "1.0",
        "system": {"hostname": "t-abcdefghij"},
        "user": {"name": "pi", "passwordless_sudo": True},
        "ssh": {"enabled": True, "password_authentication": False, "authorized_keys": [KEY]},
        "locale": {"timezone": "Asia/Shanghai", "locales": ["zh_CN.UTF-8"], "lang": "zh_CN.UTF-8"},
    }
    assert words(files) == [*TRIXIE.split(), "cfg80211.ieee80211_regdom=CN"]


@pytest.mark.parametrize("known", ["firstrun", "custom", "preseed"])
def test_networks_for_network_manager(known: Format) -> None:
    files = render(known, MACHINE, BOOKWORM, "i-1")
    first, second = (files[f"firstbell/networks/firstbell-{number}.nmconnection"].decode() for number in (1, 2))
    assert "\nssid=73;69;69;69;\n" in first
    assert f"\nkey-mgmt=wpa-psk\npsk={PSK}\n" in first
    name = next(line for line in second.splitlines() if line.startswith("ssid=")).removeprefix("ssid=").rstrip(";")
    assert bytes(map(int, name.split(";"))).decode() == '校园 "网"; \\'
    assert "wifi-security" not in second


@pytest.mark.parametrize("known", get_args(Format))
def test_an_address_of_its_own(known: Format) -> None:
    fixed = Network("Gate", "f" * 64, ("10.2.0.31", "255.255.254.0", "10.2.0.1", "10.2.0.2"))
    files = render(known, Machine(hostname="gate", networks=(fixed,), country="CN"), TRIXIE, "i-1")
    connection = files["firstbell/networks/firstbell-1.nmconnection"].decode()
    assert "\nmethod=manual\naddress1=10.2.0.31/23,10.2.0.1\ndns=10.2.0.2;\n" in connection
    assert f"psk={'f' * 64}\n" in connection


@pytest.mark.parametrize("known", get_args(Format))
def test_nothing_is_said_that_was_not_asked_for(known: Format) -> None:
    """No network, no ssh."""
    files = render(known, Machine(hostname="gate"), f"{TRIXIE} cfg80211.ieee80211_regdom=GB", "i-1")
    said = b"".join(files.values()).decode()
    assert not [word for word in ("regdom", "wlan", "enable_ssh", "authorized", "enabled", "timezone") if word in said]
    again = render(known, Machine(hostname="gate"), files["cmdline.txt"].decode().strip(), "i-1")
    assert again == files
