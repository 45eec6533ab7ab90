"""A program of ours as a service of this machine: its home and its unit, put in place and taken away.

What is wrong is found before anything is changed. Whatever was interrupted is mended by doing it once more.
systemd.unit(5), systemd.exec(5).
"""

import fcntl
import filecmp
import fnmatch
import grp
import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from firstbell_linux.private_file import copy_private, sync_folder, whole_folder, write_public
from firstbell_linux.problems import DEVICE, Problem, ProblemError, reason_of

UNITS = Path("/etc/systemd/system")
STATES = Path("/var/lib")
"""Where systemd has the folders that units name in StateDirectory=."""
MADE_ANEW = tuple(map(Path, ("/home", "/root", "/tmp", "/var/tmp")))  # noqa: S108 only named
"""What our units have of their own: the way to a program in there is made for them, and open."""
BOOTED = Path("/run/systemd/system")
"""There if and only if systemd runs this machine (sd_booted(3))."""
SYSTEMCTL_S_MAX = 120
"""systemd itself gives up a start after 90 s."""


class MachineError(ProblemError):
    """This machine can't have the service, or not now."""

    exit_code = DEVICE


@dataclass(frozen=True, slots=True)
class Service:
    """`name`: of the command, the unit and the home. `shipped`: the unit as it lies in systemd/.

    `files`: patterns of what a home holds. `check` raises ProblemError where a folder is no sound home; `at_rest`
    keeps every other process from running in one, or raises ProblemError.
    """

    name: str
    shipped: Path
    files: tuple[str, ...]
    check: Callable[[Path], None]
    at_rest: Callable[[Path], AbstractContextManager[object]]

    @property
    def home(self) -> Path:
        return STATES / self.name

    @property
    def unit(self) -> Path:
        return UNITS / f"{self.name}.service"

    @property
    def program(self) -> Path:
        return Path(sysconfig.get_path("scripts")) / self.name


@dataclass(frozen=True, slots=True)
class Step:
    """`name`: a key under `install.step` in the catalogue. `subject`, `home`: the fields of its text."""

    name: str
    subject: Path
    home: Path
    do: Callable[[], None]


@contextmanager
def alone(service: Service) -> Iterator[None]:
    """Nobody else puts a service in place or takes it away. Raises MachineError: not root, no systemd, another does."""
    if os.geteuid():
        raise MachineError(Problem("not_root", str(service.program)))
    if not BOOTED.is_dir():
        raise MachineError(Problem("no_systemd", str(BOOTED)))
    folder = os.open(UNITS, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MachineError(Problem("being_installed", str(UNITS))) from None
        yield
    finally:
        os.close(folder)


def installing(service: Service, typed: Path | None) -> list[Step]:
    """What is to be done, in order. `typed`: a home that is to become the service's, if any is.

    Raises ProblemError, OSError.
    """
    text = _unit(service)
    steps = _homing(service, typed)
    if not (service.unit.exists() and service.unit.read_text("utf-8") == text):
        steps.append(Step("write", service.unit, service.home, partial(write_public, service.unit, text.encode())))
    steps.append(Step("start", service.unit, service.home, partial(_start, service)))
    return steps


def removing(service: Service, typed: Path | None, *, erase: bool) -> list[Step]:
    """As `installing`. The home stays, unless it is to be erased; `typed` may name no other."""
    if typed is not None and typed.resolve() != service.home.resolve():
        raise MachineError(Problem("not_its_home", str(typed), {"home": str(service.home)}))
    steps = []
    if service.unit.exists():
        steps.append(Step("stop", service.unit, service.home, partial(_stop, service)))
        steps.append(Step("remove", service.unit, service.home, partial(_remove, service)))
    # A link that leads nowhere is what an interrupted erasure left.
    if erase and (service.home.exists() or service.home.is_symlink()):
        steps.append(Step("erase", service.home, service.home, partial(_erase, service)))
    return steps


# ── the home ────────────────────────────────────────────────────────────────────────────────────────────────


def _homing(service: Service, typed: Path | None) -> list[Step]:
    """How `typed` becomes the service's home. What was moved already is not there any more, and nothing to do."""
    home = service.home
    if typed is None or not typed.exists() or (home.exists() and typed.samefile(home)):
        service.check(home if home.exists() else typed or home)
        return []
    with _lying_in(service, typed) as found:
        left = _files(typed, found)
    if not home.exists():
        service.check(typed)
        return [
            Step("move", typed, home, partial(_move, service, typed)),
            Step("clear", typed, home, partial(_clear, service, typed)),
        ]
    service.check(home)
    if not all((home / file).is_file() and filecmp.cmp(typed / file, home / file, shallow=False) for file in left):
        raise MachineError(Problem("two_homes", str(typed), {"home": str(home)}))
    # One that holds nothing is what is left of it when even this was interrupted.
    wanted = left or not any(path.is_file() for path in typed.rglob("*"))
    return [Step("clear", typed, home, partial(_clear, service, typed))] if wanted else []


@contextmanager
def _lying_in(service: Service, home: Path) -> Iterator[dict[Path, int]]:
    """What a home holds: its place in there, and the open folder that it lies in.

    Whoever owns the home may put a link in a folder's place at any time: an open folder stays the one that it was.
    Raises MachineError: a link is there. OSError.
    """
    with ExitStack() as stack:
        top = stack.enter_context(_opened(home))
        found: dict[Path, int] = {}
        for pattern in map(Path, service.files):
            with suppress(FileNotFoundError):
                folder = stack.enter_context(_opened(home, pattern.parent, top))
                found |= {pattern.with_name(name): folder for name in fnmatch.filter(os.listdir(folder), pattern.name)}
        yield found


@contextmanager
def _opened(home: Path, inner: Path = Path(), top: int | None = None) -> Iterator[int]:
    try:
        folder = os.open(home if top is None else inner, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    except NotADirectoryError:
        raise MachineError(Problem("not_in_home", str(home / inner))) from None
    try:
        yield folder
    finally:
        os.close(folder)


def _check_own(found: os.stat_result, path: Path) -> None:
    """Raises MachineError: a link, or no file at all, which would bring a file of somebody else's along."""
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise MachineError(Problem("not_in_home", str(path)))


def _files(home: Path, found: dict[Path, int]) -> list[Path]:
    """But for sockets, which a killed one leaves. Raises MachineError, OSError."""
    files = []
    for file, folder in found.items():
        of_file = os.stat(file.name, dir_fd=folder, follow_symlinks=False)
        if not stat.S_ISSOCK(of_file.st_mode):
            _check_own(of_file, home / file)
            files.append(file)
    return sorted(files)


def _move(service: Service, typed: Path) -> None:
    """A copy first: from a stick, too. Nobody may run in either meanwhile."""
    # systemd keeps it elsewhere, and leaves a link.
    home = service.home.resolve()
    for half in home.parent.glob(f".{service.name}.*"):
        shutil.rmtree(half)
    with service.at_rest(typed), whole_folder(home) as beside, _lying_in(service, typed) as found:
        for file in _files(typed, found):
            (beside / file).parent.mkdir(mode=0o700, exist_ok=True)
            opened = os.open(file.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=found[file])
            with os.fdopen(opened, "rb") as read:
                _check_own(os.fstat(opened), typed / file)
                copy_private(read, beside / file)


def _clear(service: Service, typed: Path) -> None:
    """A key is in one place only, and so is a record. What is not ours stays."""
    try:
        with _lying_in(service, typed) as found:
            for file, folder in found.items():
                os.unlink(file.name, dir_fd=folder)
    except OSError as error:
        fields = {"home": str(service.home), "reason": reason_of(error)}
        raise MachineError(Problem("left_behind", str(typed), fields)) from error
    for place in sorted({(typed / pattern).parent for pattern in service.files}, reverse=True):
        with suppress(OSError):
            sync_folder(place)
            place.rmdir()


def _erase(service: Service) -> None:
    home = service.home.resolve()
    if home.exists():
        shutil.rmtree(home)
    service.home.unlink(missing_ok=True)
    sync_folder(STATES)


# ── the unit ────────────────────────────────────────────────────────────────────────────────────────────────


def _unit(service: Service) -> str:
    """The shipped unit, for this program where it is. Raises MachineError, OSError."""
    text = service.shipped.read_text("utf-8")
    folders = {Path(sys.prefix), Path(sys.base_prefix), service.shipped.parents[1]}
    for path in (*sorted(folders), service.program.parent, service.program):
        if path.stat().st_mode & 0o005 != 0o005:
            raise MachineError(Problem("not_for_all", str(path)))
    bound = _bound(folders)
    for path in sorted({outer for folder in bound for outer in folder.parents}):
        if not path.stat().st_mode & 0o001 and not any(map(path.is_relative_to, MADE_ANEW)):
            raise MachineError(Problem("no_way", str(path)))
    for group in re.findall(r"^SupplementaryGroups=(\S+)$", text, re.MULTILINE):
        try:
            grp.getgrnam(group)
        except KeyError:
            raise MachineError(Problem("no_group", group)) from None
    ours = {"ExecStart": _quoted(service.program), "BindReadOnlyPaths": " ".join(map(_quoted, bound))}
    text = re.sub(rf"^({'|'.join(ours)})=\S+", lambda found: f"{found[1]}={ours[found[1]]}", text, flags=re.MULTILINE)
    return f"# Written by `{service.name} install`. What you change, change with: systemctl edit {service.name}\n{text}"


def _bound(folders: set[Path]) -> list[Path]:
    """Those that are in no other, nor in /usr: in a home or in /tmp a service would not see them."""
    outer = {Path("/usr"), *folders}
    return sorted(one for one in folders if not any(one.is_relative_to(other) for other in outer - {one}))


def _quoted(path: Path) -> str:
    escaped = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'


def _start(service: Service) -> None:
    """Returns when it is ready. One that ran begins anew: its program may be another now."""
    _systemctl(service, "enable", service.name)
    _systemctl(service, "restart", service.name)


def _stop(service: Service) -> None:
    _systemctl(service, "disable", "--now", service.name)


def _remove(service: Service) -> None:
    service.unit.unlink()
    sync_folder(UNITS)
    _systemctl(service, "daemon-reload")


def _systemctl(service: Service, *command: str) -> None:
    try:
        subprocess.run(
            ["systemctl", *command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SYSTEMCTL_S_MAX,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip() or str(error)
    except subprocess.TimeoutExpired as error:
        reason = str(error)
    else:
        return
    raise MachineError(Problem("systemctl_fails", service.name, {"reason": reason}))
