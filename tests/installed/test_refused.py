"""What `install` and `uninstall` can't do, they say; then nothing has changed. And what an interrupted one leaves."""

import json
import sys
from pathlib import Path

from firstbell_linux.problems import DEVICE, FAILED, NOT_FOUND

from tests.house.imports import ROOT
from tests.installed.machine import Machine
from tests.links.hub_process import COMMAND as HUB
from tests.terminal.real_terminal import COMMAND as TERMINAL

HIDDEN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /run && exec "$0" "$@"')
"""Runs a command where systemd can't be seen."""
CLOSED = (
    *("unshare", "--mount", "sh", "-euc"),
    """mount -t tmpfs none /mnt
    mkdir /mnt/upper /mnt/work
    mount -t overlay -o "lowerdir=$0,upperdir=/mnt/upper,workdir=/mnt/work" none "$0"
    chmod o= "$0"
    exec "$@" """,
    sys.prefix,
)
"""Runs a command of ours where others may not enter its folder."""
_READ = "=+dac_read_search"
NOBODY = ("setpriv", "--reuid=65534", "--clear-groups", f"--inh-caps{_READ}", f"--ambient-caps{_READ}")
"""Runs it as somebody who may read everything, but is not root."""


def refused(machine: Machine, *command: str | Path) -> tuple[int, str]:
    """Exit code, and name of the problem. Nothing has changed in the machine."""
    before = everything(machine)
    done = machine.run(*command, "--json")
    assert everything(machine) == before
    assert "Traceback" not in done.stderr
    return done.returncode, json.loads(done.stdout)["problem"]


def everything(machine: Machine) -> str:
    # A terminal that runs writes to its outbox when it likes.
    looked_at = ("-not", "-name", "outbox*", "-printf", "%p %s %T@ %m %u\n")
    return machine.do("find", "/etc/systemd", "/srv", "/var/lib", *looked_at)


def test_only_root_may(machine: Machine) -> None:
    for command in ("install", "uninstall"):
        assert refused(machine, *NOBODY, TERMINAL, command) == (DEVICE, "not_root")


def test_only_where_systemd_runs(machine: Machine) -> None:
    assert refused(machine, *HIDDEN, TERMINAL, "install") == (DEVICE, "no_systemd")


def test_only_with_a_sound_home(machine: Machine, homes: Path, gym: Path) -> None:
    assert refused(machine, HUB, "install") == (NOT_FOUND, "no_home")
    assert refused(machine, TERMINAL, "install") == (NOT_FOUND, "home_unreadable")
    assert refused(machine, HUB, "--home", homes / "gym", "install") == (NOT_FOUND, "home_of_other")
    assert refused(machine, TERMINAL, "--home", homes / "hub", "install") == (NOT_FOUND, "home_of_hub")
    machine.do("sed", "--in-place", "s/pins = false/pins = true/", gym / "settings.toml")
    assert refused(machine, TERMINAL, "--home", gym, "install") == (FAILED, "pins_simulated")
    machine.do("sed", "--in-place", "s/pins = true/pins = false/", gym / "settings.toml")
    machine.do("rm", gym / "log.vkey")
    assert refused(machine, TERMINAL, "--home", gym, "install") == (NOT_FOUND, "vkey_unreadable")


def test_only_one_at_a_time(machine: Machine) -> None:
    for command in ("install", "uninstall"):
        held = ("flock", "--shared", "/etc/systemd/system", TERMINAL, command)
        assert refused(machine, *held) == (DEVICE, "being_installed")


def test_only_where_pins_have_a_group(machine: Machine, gym: Path) -> None:
    machine.do("sed", "--in-place", "/^gpio:/d", "/etc/group")
    assert refused(machine, TERMINAL, "--home", gym, "install") == (DEVICE, "no_group")


def test_only_a_program_that_others_may_read(machine: Machine, gym: Path) -> None:
    assert refused(machine, *CLOSED, TERMINAL, "--home", gym, "install") == (DEVICE, "not_for_all")


def test_only_a_program_that_others_get_to(machine: Machine, gym: Path) -> None:
    machine.do("mkdir", "--mode=0750", "/opt/ours")
    machine.do("mkdir", "/opt/ours/venv")
    machine.do("mount", "--bind", sys.prefix, "/opt/ours/venv")
    python = "/opt/ours/venv/bin/python"
    assert refused(machine, python, TERMINAL, "--home", gym, "install") == (DEVICE, "no_way")


def test_only_a_home_in_which_nothing_runs(machine: Machine, homes: Path, gym: Path) -> None:
    machine.do("cp", "--recursive", homes / "hub", "/srv/campus")
    machine.do("touch", "/srv/campus/hub.lock")
    runs = ("flock", "/srv/campus/hub.lock", HUB, "--home", "/srv/campus")
    assert refused(machine, *runs, "install") == (FAILED, "hub_running")
    runs = ("flock", str(gym), TERMINAL, "--home", str(gym))
    assert refused(machine, *runs, "install") == (FAILED, "already_running")


def test_only_what_lies_in_the_home_itself(machine: Machine, homes: Path) -> None:
    """Whoever owns a home may put links to root's files into it: root must neither copy nor delete these."""
    machine.do("cp", "--recursive", homes / "hub", "/srv/campus")
    machine.do("mkdir", "--mode=0700", "/srv/secret")
    machine.do("sh", "-c", "echo secret >/srv/secret/id_rsa")
    for make, target, name in (
        ("--symbolic", "/srv/secret", "programs"),
        ("--symbolic", "/srv/secret/id_rsa", "hub.db-x"),
        ("--symbolic", "/srv/secret/id_rsa", "hub.lock"),
        ("--physical", "/srv/secret/id_rsa", "keys/x"),
    ):
        machine.do("rm", "--recursive", "--force", f"/srv/campus/{name}")
        machine.do("ln", make, target, f"/srv/campus/{name}")
        assert refused(machine, HUB, "--home", "/srv/campus", "install") == (DEVICE, "not_in_home")
        machine.do("rm", f"/srv/campus/{name}")
    machine.do("ln", "--symbolic", "/srv/campus", "/srv/link")
    assert refused(machine, HUB, "--home", "/srv/link", "install") == (DEVICE, "not_in_home")
    assert machine.do("cat", "/srv/secret/id_rsa") == "secret"


def test_a_home_that_cannot_be_removed(machine: Machine, homes: Path) -> None:
    """As on a stick that is write-protected."""
    done = machine.run(TERMINAL, "--home", homes / "gym", "install", "--json")
    assert (done.returncode, json.loads(done.stdout)["problem"]) == (DEVICE, "left_behind")
    # Without it, it goes on; and another is not taken for it.
    machine.do(TERMINAL, "install")
    assert refused(machine, TERMINAL, "--home", homes / "roof", "install") == (DEVICE, "two_homes")
    assert refused(machine, TERMINAL, "--home", homes / "roof", "uninstall", "--erase", "--yes") == (
        DEVICE,
        "not_its_home",
    )


def test_wherever_it_is_interrupted_the_next_one_mends_it(machine: Machine) -> None:
    machine.do("mkdir", "/srv/made")
    said = machine.do("env", "-C", ROOT, sys.executable, "-m", "tests.installed.interrupted", "/srv/made")
    assert [int(touches) > 15 for touches in said.split()] == [True, True]
