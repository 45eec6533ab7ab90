"""What a Raspberry Pi does when it starts first, said in the words of the four formats that its images have had.

| firstrun | `firstrun.sh`, named by `systemd.run=` in cmdline.txt: what Imager writes for bookworm |
| custom | `custom.toml`, config_version 1 (raspberrypi-sys-mods, `init_config`) |
| cloud-init | `meta-data`, `user-data`, `network-config`, and `ds=nocloud` in cmdline.txt: trixie |
| preseed | `rpi-preseed.toml` (github.com/raspberrypi/rpi-preseed, schema 1.0) |

Each of them ends with the bundle's start.sh, which has the terminal installed. No I/O here.
"""

import json
import re
import shlex
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, fields
from hashlib import pbkdf2_hmac
from importlib import resources
from ipaddress import IPv4Interface
from typing import Literal, get_args
from zoneinfo import available_timezones

import tzdata
from firstbell_flash.board import Network
from firstbell_flash.problems import CardError, TypedWrongly
from firstbell_linux.parsing import parse_toml
from firstbell_linux.problems import Phrase, Problem

Format = Literal["firstrun", "custom", "cloud-init", "preseed"]
FOLDER = "firstbell"
"""What is ours on the boot partition, but for the files that have their names from the format."""
MOUNTED = "/boot/firmware"
"""Where the system has its boot partition, since bookworm."""
ACCOUNT = "pi"
"""The image's own. Without a password: it is entered with the ssh key, or not at all."""
START = f"{MOUNTED}/{FOLDER}/bundle/start.sh"
SERVICE = "firstbell-install.service"

_SIGNS: dict[str, Format] = {
    "firstrun.sh": "firstrun",
    "custom.toml": "custom",
    "user-data": "cloud-init",
    "meta-data": "cloud-init",
    "rpi-preseed.toml": "preseed",
}
_NEVER_STARTED = "init=/usr/lib/raspberrypi-sys-mods/firstboot"
"""In cmdline.txt of a bookworm that nobody gave any settings: it takes those that Imager would write."""
_OURS = re.compile(
    r"systemd\.(run|run_success_action)=|systemd\.unit=kernel-command-line\.target$|ds=|cfg80211\.ieee80"
)
_WORD = re.compile(r'(?:"[^"]*"|\S)+')
_SSH_KEY = re.compile(r"(ssh|ecdsa|sk-ssh|sk-ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+=*( [\x20-\x7e]*)?")
_FITS: dict[str, Callable[[str], object]] = {
    "hostname": re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?").fullmatch,
    "country": lambda code: not code or code in _countries(),
    "timezone": lambda name: not name or name in available_timezones(),
    "locale": re.compile(r"|([a-z]{2,3}_[A-Z]{2}|C)\.UTF-8").fullmatch,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What the Pi is to be. `country` (ISO 3166): whose rules for Wi-Fi hold, needed with networks.

    `ssh_key`: as `is_ssh_key` takes it. It, `timezone` and `locale` may be "": no ssh, and as the image has it.
    """

    hostname: str
    networks: tuple[Network, ...] = ()
    country: str = ""
    ssh_key: str = ""
    timezone: str = ""
    locale: str = ""

    def check(self) -> None:
        """Raises TypedWrongly."""
        for field in fields(self):
            fits = _FITS.get(field.name)
            value = getattr(self, field.name)
            if fits and not fits(value):
                told = {"expected": Phrase(f"machine.{field.name}")}
                raise TypedWrongly(Problem("machine_wrong", value or field.name, told))
        if self.networks and not self.country:
            raise TypedWrongly(Problem("no_country", "--country"))


def _countries() -> set[str]:
    """ISO 3166-1, alpha-2."""
    lines = (resources.files(tzdata) / "zoneinfo/iso3166.tab").read_text("utf-8").splitlines()
    return {line[:2] for line in lines if not line.startswith("#")}


def is_ssh_key(text: str) -> bool:
    """One line as in authorized_keys."""
    return _SSH_KEY.fullmatch(text) is not None


# ── which format it is ──────────────────────────────────────────────────────────────────────────────────────


def recognise(names: Collection[str], cmdline: str, read: Callable[[str], bytes], where: str) -> Format:
    """`names`: the files at the top of the boot partition; `where`: the card. Raises CardError when it is not sure."""
    runs = any(word.startswith("systemd.run=") for word in _WORD.findall(cmdline))
    signs = _signs(names)
    if runs:
        signs.add("firstrun")
    _check_one(signs, where)
    match next(iter(signs), None):
        case None if _NEVER_STARTED in _WORD.findall(cmdline):
            return "firstrun"
        case "firstrun" if runs and "firstrun.sh" in names:
            return "firstrun"
        case "custom" if _version(read("custom.toml")) == 1:
            return "custom"
        case "cloud-init" if {"user-data", "meta-data"} <= set(names):
            return "cloud-init"
        case "preseed" if str(_version(read("rpi-preseed.toml"))).startswith("1."):
            return "preseed"
    raise CardError(Problem("format_unknown", where))


def check_no_other(names: Collection[str], known: Format, where: str) -> None:
    """That nobody has added another format to a card that we know. Raises CardError."""
    _check_one(_signs(names) | {known}, where)


def _signs(names: Collection[str]) -> set[Format]:
    return {_SIGNS[name] for name in names if name in _SIGNS}


def _check_one(signs: set[Format], where: str) -> None:
    if len(signs) > 1:
        found = [one for one in get_args(Format) if one in signs]
        raise CardError(Problem("format_two", where, {"formats": found}))


def _version(toml: bytes) -> object:
    try:
        return parse_toml(toml).get("config_version")
    except ValueError:
        return None


# ── what is said in it ──────────────────────────────────────────────────────────────────────────────────────


def render(known: Format, machine: Machine, cmdline: str, instance: str) -> dict[str, bytes]:
    """The files of the boot partition by their path, in the order in which they are to be written.

    `cmdline`: as it was before us. `instance`: a name that no start had before, for cloud-init.
    """
    files, words = _SAYS[known](machine, instance)
    by_file = [one for one in machine.networks if known != "cloud-init" or not _in_netplan(one)]
    for number, network in enumerate(by_file, 1):
        files[f"{FOLDER}/networks/{FOLDER}-{number}.nmconnection"] = _keyfile(number, network)
    if machine.networks:
        words = (*words, f"cfg80211.ieee80211_regdom={machine.country}")
    kept = [word for word in _WORD.findall(cmdline) if not _OURS.match(word)]
    encoded = {path: text.encode() for path, text in files.items()}
    return {**encoded, "cmdline.txt": (" ".join([*kept, *words]) + "\n").encode()}


Said = tuple[dict[str, str], tuple[str, ...]]
"""Files, and words of the kernel's command line."""


def _run_once(script: str) -> tuple[str, ...]:
    return (
        f"systemd.run={MOUNTED}/{script}",
        "systemd.run_success_action=reboot",
        "systemd.unit=kernel-command-line.target",
    )


def _script(name: str, lines: Iterable[str]) -> str:
    """The command line loses its words first: without the script, but with them, the Pi would never start again."""
    return "\n".join(
        (
            "#!/bin/sh",
            "# Written by firstbell-flash. Runs once, as root.",
            *lines,
            f"sh {START}",
            r"sed -i -e 's| systemd\.run[^ ]*||g' -e 's| systemd\.unit=kernel-command-line\.target||'"
            f" {MOUNTED}/cmdline.txt",
            f"rm -f {MOUNTED}/{name}",
            "exit 0\n",
        )
    )


def _firstrun(machine: Machine, _instance: str) -> Said:
    custom = "/usr/lib/raspberrypi-sys-mods/imager_custom"
    lines = [f"{custom} set_hostname {machine.hostname}", f"/usr/lib/userconf-pi/userconf {ACCOUNT} '!'"]
    if machine.ssh_key:
        lines.append(f"{custom} enable_ssh -k {shlex.quote(machine.ssh_key)}")
    if machine.timezone:
        lines.append(f"{custom} set_timezone {machine.timezone}")
    return {"firstrun.sh": _script("firstrun.sh", [*lines, *_locale(machine)])}, _run_once("firstrun.sh")


def _locale(machine: Machine) -> list[str]:
    return [f"raspi-config nonint do_change_locale {machine.locale}"] if machine.locale else []


def _custom(machine: Machine, _instance: str) -> Said:
    """What it has no words for is in a script."""
    tables: dict[str, dict[str, object]] = {
        "system": {"hostname": machine.hostname},
        "user": {"name": ACCOUNT, "password": "!", "password_encrypted": True},
    }
    if machine.ssh_key:
        tables["ssh"] = {"enabled": True, "password_authentication": False, "authorized_keys": [machine.ssh_key]}
    if machine.timezone:
        tables["locale"] = {"timezone": machine.timezone}
    script = f"{FOLDER}/firstrun.sh"
    return {"custom.toml": _toml(1, tables), script: _script(script, _locale(machine))}, _run_once(script)


def _start() -> list[list[str]]:
    return [["sh", START], ["systemctl", "daemon-reload"], ["systemctl", "start", "--no-block", SERVICE]]


def _cloud_init(machine: Machine, instance: str) -> Said:
    """JSON is YAML."""
    user: dict[str, object] = {"name": ACCOUNT, "lock_passwd": True}
    commands = _start()
    if machine.ssh_key:
        user |= {"ssh_authorized_keys": [machine.ssh_key], "sudo": "ALL=(ALL) NOPASSWD:ALL"}
        commands.insert(0, ["systemctl", "enable", "--now", "ssh"])
    config = {
        "hostname": machine.hostname,
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
        "user": user,
        "runcmd": commands,
    }
    config |= {key: value for key in ("timezone", "locale") if (value := getattr(machine, key))}
    network: dict[str, object] = {"version": 2, "ethernets": {"eth0": {"dhcp4": True, "optional": True}}}
    by_netplan = filter(_in_netplan, machine.networks)
    points = {one.ssid: {"password": _key(one)} if one.password else {} for one in by_netplan}
    if points:
        wifi = {"dhcp4": True, "optional": True, "regulatory-domain": machine.country, "access-points": points}
        network["wifis"] = {"wlan0": wifi}
    files = {
        "meta-data": _yaml({"instance-id": instance}),
        "network-config": _yaml({"network": network}),
        "user-data": "#cloud-config\n" + _yaml(config),
    }
    return files, (f"ds=nocloud;i={instance}",)


def _yaml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def _preseed(machine: Machine, _instance: str) -> Said:
    tables: dict[str, dict[str, object]] = {
        "system": {"hostname": machine.hostname},
        "user": {"name": ACCOUNT, "passwordless_sudo": bool(machine.ssh_key)},
    }
    if machine.ssh_key:
        tables["ssh"] = {"enabled": True, "password_authentication": False, "authorized_keys": [machine.ssh_key]}
    locale: dict[str, object] = {"timezone": machine.timezone} if machine.timezone else {}
    if machine.locale:
        locale |= {"locales": [machine.locale], "lang": machine.locale}
    if locale:
        tables["locale"] = locale
    tables["runcmd"] = {"early": [shlex.join(command) for command in _start()]}
    return {"rpi-preseed.toml": _toml("1.0", tables)}, ()


def _toml(version: int | str, tables: dict[str, dict[str, object]]) -> str:
    """JSON writes strings, numbers, truth values and lists of them as TOML does."""
    lines = [f"config_version = {json.dumps(version)}"]
    for name, table in tables.items():
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


_SAYS: dict[Format, Callable[[Machine, str], Said]] = {
    "firstrun": _firstrun,
    "custom": _custom,
    "cloud-init": _cloud_init,
    "preseed": _preseed,
}


# ── Wi-Fi ───────────────────────────────────────────────────────────────────────────────────────────────────


def _in_netplan(network: Network) -> bool:
    """An address is the interface's there, and what YAML can't hold or changes in a name is no name."""
    return not network.address and network.ssid.isprintable()


def _key(network: Network) -> str:
    """The key itself (IEEE 802.11, J.4), so that the passphrase, which may serve elsewhere, is not on the card."""
    if len(network.password) == 64:
        return network.password
    return pbkdf2_hmac("sha1", network.password.encode(), network.ssid.encode(), 4096, 32).hex()


def _keyfile(number: int, network: Network) -> str:
    """For NetworkManager (nm-settings-keyfile(5)). The name as a list of bytes: whatever it is, it needs no escapes."""
    security = f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={_key(network)}\n\n" if network.password else ""
    ipv4 = "method=auto"
    if network.address:
        address, netmask, gateway, dns = network.address
        ipv4 = f"method=manual\naddress1={IPv4Interface(f'{address}/{netmask}')},{gateway}\ndns={dns};"
    return (
        f"[connection]\nid={FOLDER}-{number}\ntype=wifi\nautoconnect-priority={-number}\n\n"
        f"[wifi]\nmode=infrastructure\nssid={''.join(f'{byte};' for byte in network.ssid.encode())}\n\n"
        f"{security}[ipv4]\n{ipv4}\n\n[ipv6]\nmethod=auto\n"
    )
