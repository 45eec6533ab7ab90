"""Hub and terminal as services of a machine that a real systemd runs: what `install` promises, and `uninstall`."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from firstbell_linux.problems import DEVICE, FAILED
from firstbell_linux.units import Service

from hub.commands.install import SERVICE as HUB_SERVICE
from hub.home import Home as HubHome
from terminal.install import SERVICE as TERMINAL_SERVICE
from terminal.settings import Home as TerminalHome
from tests.house.imports import ROOT
from tests.installed.machine import Machine
from tests.installed.wheel import install_wheel
from tests.links.hub_process import COMMAND as HUB
from tests.terminal.real_terminal import COMMAND as TERMINAL

CAMPUS = Path("/srv/campus")
HUB_HOME, TERMINAL_HOME = Path("/var/lib/firstbell-hub"), Path("/var/lib/firstbell-terminal")
UNITS = Path("/etc/systemd/system")
PORT = 8443
WATCHDOG_S = 15
RESTARTED_S_MAX = WATCHDOG_S + 15
"""When the watchdog has waited in vain, a second later the next one starts."""
STARTED = "39f53479d3a045ac8e11786248231fbf"
"""SD_MESSAGE_UNIT_STARTED: what systemd logs when a unit is ready."""


@pytest.fixture
def with_hub(machine: Machine) -> Machine:
    found_campus(machine)
    machine.do(HUB, "--home", CAMPUS, "install")
    return machine


def found_campus(machine: Machine) -> None:
    named = ("--name", "South", "--zone", "East", "--address", "127.0.0.1")
    machine.do(HUB, "--home", CAMPUS, "init", *named)


def install_terminal(machine: Machine) -> None:
    where = ("--zone", "East", "--to", "/srv/gym", "--hub", f"127.0.0.1:{PORT}")
    machine.do(HUB, "--home", HUB_HOME, "terminal", "enrol", "Gym", *where)
    machine.do(TERMINAL, "--home", "/srv/gym", "install")


def press(machine: Machine) -> str:
    """The digest of one that has its receipt."""
    return machine.do("env", "-C", ROOT, sys.executable, "-m", "tests.installed.press", TERMINAL_HOME)


def send(machine: Machine, signal: str, *units: str) -> None:
    machine.do("systemctl", "kill", "--kill-whom=main", f"--signal={signal}", *units)


def is_open(machine: Machine) -> bool:
    """Whether the hub listens."""
    return f":{PORT:04X} 00000000:0000 0A" in machine.do("cat", "/proc/net/tcp")


def found(machine: Machine) -> list[str]:
    """Everything of ours on its disk."""
    folders = ("/etc/systemd", "/var/lib", "/srv")
    return machine.do("find", *folders, "-name", "*firstbell*", "-or", "-path", "/srv/*").splitlines()


@pytest.mark.parametrize(
    ("home", "service"),
    [(HubHome(CAMPUS), HUB_SERVICE), (TerminalHome(CAMPUS), TERMINAL_SERVICE)],
    ids=["hub", "terminal"],
)
def test_all_of_a_home_moves(home: HubHome | TerminalHome, service: Service) -> None:
    """Whatever it will have one day."""
    places = [getattr(home, name) for name, kind in vars(type(home)).items() if isinstance(kind, property)]
    assert len(places) > 3
    moved = [home.path / pattern for pattern in service.files]
    for place in places:
        assert any(place.match(str(pattern)) or place == pattern.parent for pattern in moved), place


def test_from_the_first_install_to_the_last_trace(machine: Machine) -> None:
    found_campus(machine)
    assert [path for path in found(machine) if not path.startswith(str(CAMPUS))] == []
    machine.do(HUB, "--home", CAMPUS, "install")
    assert is_open(machine)
    assert machine.do("systemctl", "is-enabled", "firstbell-hub") == "enabled"
    assert not [path for path in found(machine) if path.startswith("/srv")]
    mode, owner = machine.do("stat", "--dereference", "--format=%a %u", HUB_HOME).split()
    assert (mode, owner == "0") == ("700", False)
    install_terminal(machine)
    first = press(machine)

    for command, home in ((TERMINAL, TERMINAL_HOME), (HUB, HUB_HOME)):
        assert str(home) in machine.do(command, "uninstall")
    assert not is_open(machine)
    assert machine.do("systemctl", "list-units", "--all", "--plain", "--no-legend", "firstbell-*") == ""
    verdict = machine.ask(HUB, "--home", HUB_HOME, "verify")
    assert verdict["ok"]
    # What stayed is what the next one begins with.
    for command in (HUB, TERMINAL):
        assert machine.ask(command, "install")["steps"] == ["write", "start"]
    assert press(machine) != first
    assert machine.ask(HUB, "--home", HUB_HOME, "verify")["size"] > verdict["size"]

    assert machine.run(HUB, "uninstall", "--erase").returncode == FAILED
    assert is_open(machine), "nobody said yes"
    for command in (TERMINAL, HUB):
        assert machine.ask(command, "uninstall", "--erase", "--yes")["steps"] == ["stop", "remove", "erase"]
    assert found(machine) == []


def test_done_again(machine: Machine, gym: Path, folder: Path) -> None:
    """As it was typed, without the old folder, and after an update."""
    planned = machine.ask(TERMINAL, "--home", gym, "install", "--dry-run")
    assert planned == {
        "unit": str(UNITS / "firstbell-terminal.service"),
        "home": str(TERMINAL_HOME),
        "program": TERMINAL,
        "steps": ["move", "clear", "write", "start"],
        "done": False,
    }
    assert [path for path in found(machine) if not path.startswith(str(gym))] == []
    assert machine.ask(TERMINAL, "--home", gym, "install") == {**planned, "done": True}
    assert not [path for path in found(machine) if path.startswith("/srv")]
    for typed in (("--home", gym), ("--home", TERMINAL_HOME), ()):
        pid = machine.shown("firstbell-terminal", "MainPID")
        assert machine.ask(TERMINAL, *typed, "install")["steps"] == ["start"]
        assert machine.shown("firstbell-terminal", "MainPID") != pid

    updated = install_wheel(folder / "100%n ours", "terminal") / "firstbell-terminal"
    answer = machine.ask(updated, "install")
    assert (answer["steps"], answer["program"]) == (["write", "start"], str(updated))
    assert str(updated) in machine.do("cat", f"/proc/{machine.shown('firstbell-terminal', 'MainPID')}/cmdline")
    status = machine.run(updated, "--home", TERMINAL_HOME, "status", "--json")
    assert json.loads(status.stdout)["inputs"]["panic"] == "open"

    assert machine.ask(updated, "uninstall", "--dry-run")["steps"] == ["stop", "remove"]
    assert machine.shown("firstbell-terminal", "ActiveState") == "active"
    assert machine.ask(updated, "uninstall")["steps"] == ["stop", "remove"]
    assert machine.ask(updated, "uninstall")["steps"] == []


def test_it_is_ready_when_it_listens_and_not_before(with_hub: Machine) -> None:
    with_hub.do("systemctl", "stop", "firstbell-hub")
    assert not is_open(with_hub)
    with_hub.do("systemctl", "start", "--no-block", "firstbell-hub")
    while (pid := with_hub.shown("firstbell-hub", "MainPID")) == "0":
        pass
    # Before Python has even read what it runs.
    send(with_hub, "SIGSTOP", "firstbell-hub")
    assert (is_open(with_hub), with_hub.shown("firstbell-hub", "ActiveState")) == (False, "activating")
    send(with_hub, "SIGCONT", "firstbell-hub")
    # Waits for what is under way.
    with_hub.do("systemctl", "start", "firstbell-hub")
    assert (is_open(with_hub), with_hub.shown("firstbell-hub", "MainPID")) == (True, pid)


def test_one_that_stands_still_is_begun_anew(
    with_hub: Machine, record_testsuite_property: Callable[[str, object], None]
) -> None:
    units = {"firstbell-hub.service", "firstbell-terminal.service"}
    install_terminal(with_hub)
    press(with_hub)
    with with_hub.journal() as lines:
        send(with_hub, "SIGSTOP", *units)
        stopped_s = time.monotonic()
        killed_s: dict[str, float] = {}
        ready_s: dict[str, float] = {}
        for line in lines:
            unit = line.get("UNIT", "")
            if unit in units and line["MESSAGE"].endswith("Watchdog timeout (limit 15s)!"):
                killed_s[unit] = time.monotonic() - stopped_s
            if unit in killed_s and line.get("MESSAGE_ID") == STARTED:
                ready_s[unit] = time.monotonic() - stopped_s
            if ready_s.keys() == units:
                break
    for unit in units:
        record_testsuite_property(f"{unit} killed_s", f"{killed_s[unit]:.1f}")
        record_testsuite_property(f"{unit} ready_s", f"{ready_s[unit]:.1f}")
        assert killed_s[unit] < WATCHDOG_S + 1
        assert ready_s[unit] < RESTARTED_S_MAX
        assert with_hub.shown(unit, "NRestarts") == "1"
    press(with_hub)
    # What was in its memory is nowhere.
    assert with_hub.do("find", "/var/lib", "-name", "core*") == ""


def test_one_that_cannot_start_is_said(machine: Machine) -> None:
    found_campus(machine)
    listen = f"import socket; taken = socket.create_server(('', {PORT})); print(flush=True); input()"
    with subprocess.Popen(
        machine.inside(sys.executable, "-c", listen), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as taken:
        assert taken.stdout is not None
        taken.stdout.readline()
        done = machine.run(HUB, "--home", CAMPUS, "install", "--json")
        assert (done.returncode, json.loads(done.stdout)["problem"]) == (DEVICE, "systemctl_fails")
        taken.communicate(b"\n")
    # It has been trying ever since.
    machine.do("systemctl", "start", "firstbell-hub")
    assert is_open(machine)
