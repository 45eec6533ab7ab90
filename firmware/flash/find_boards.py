"""Which boards are plugged in: those that run MicroPython, by port, and those that wait for it, by drive."""

import os
import re
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from firstbell_flash.problems import NotFound
from firstbell_linux.problems import Problem
from serial.tools.list_ports import comports

MICROPYTHON = (0x2E8A, 0x0005)
BOOTSEL = ("2e8a", "0003")
"""USB vendor and product: Raspberry Pi's MicroPython, and the boot ROM of an RP2040."""
INFO = "INFO_UF2.TXT"
RP2040 = "RPI-RP2"
"""What INFO says of the board."""
INFO_BYTES_MAX = 1_024


@dataclass(frozen=True, slots=True)
class Board:
    """It runs MicroPython. `serial`: the number in its flash, "" where nobody tells it."""

    port: str
    serial: str = ""


@dataclass(frozen=True, slots=True)
class Drive:
    """A board in BOOTSEL. `folder`: where its drive is mounted, None when it isn't."""

    device: str
    folder: Path | None


class Usb:
    """What is plugged into this machine, looked at anew each time. `system` is sysfs, `mounts` as /proc/mounts."""

    def __init__(
        self,
        ports: Callable[[], Iterable[Any]] = comports,
        system: Path = Path("/sys"),
        mounts: Path = Path("/proc/self/mounts"),
    ) -> None:
        self._ports = ports
        self._system = system
        self._mounts = mounts

    def boards(self) -> list[Board]:
        found = [one for one in self._ports() if (one.vid, one.pid) == MICROPYTHON]
        return sorted((Board(one.device, one.serial_number or "") for one in found), key=lambda board: board.port)

    def drives(self) -> list[Drive]:
        mounted = self._mounted()
        return [
            Drive(device, next((mounted[name] for name in (device, *parts) if name in mounted), None))
            for device, parts in self._disks()
        ]

    def port_of(self, board: Board) -> str:
        """It may come back under another name."""
        return next((one.port for one in self.boards() if board.serial and one.serial == board.serial), board.port)

    def _disks(self) -> list[tuple[str, list[str]]]:
        """Disk and partitions of each board in BOOTSEL."""
        found = []
        for device in sorted((self._system / "bus/usb/devices").glob("*")):
            if (_line(device / "idVendor"), _line(device / "idProduct")) == BOOTSEL:
                for disk in sorted(device.resolve().glob("**/block/*")):
                    parts = sorted(f"/dev/{part.parent.name}" for part in disk.glob("*/partition"))
                    found.append((f"/dev/{disk.name}", parts))
        return found

    def _mounted(self) -> dict[str, Path]:
        """Folder by device."""
        lines = [line.split(" ") for line in self._mounts.read_text().splitlines()]
        return {line[0]: Path(re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), line[1])) for line in lines}


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def choose(usb: Usb, named: str) -> Board | Drive:
    """The board that was named, or the only one that is there when `named` is "". Raises NotFound."""
    there: list[Board | Drive] = [*usb.boards(), *usb.drives()]
    if named:
        real = os.path.realpath(named)
        for one in there:
            if real in names_of(one):
                return one
        return _named(named, real)
    if not there:
        raise NotFound(Problem("no_board", "USB"))
    if len(there) > 1:
        raise NotFound(Problem("which_board", ", ".join(names_of(one)[0] for one in there)))
    return there[0]


def names_of(one: Board | Drive) -> list[str]:
    """What a person may call it; the best name first."""
    if isinstance(one, Board):
        return [one.port]
    return [one.device] if one.folder is None else [str(one.folder), one.device]


def _named(named: str, real: str) -> Board | Drive:
    """What USB does not tell of: a console of another kind, a drive that is mounted elsewhere."""
    if is_drive(Path(real)):
        return Drive(real, Path(real))
    try:
        if stat.S_ISCHR(os.stat(real).st_mode):
            return Board(named)
    except OSError:
        pass  # it is not there
    raise NotFound(Problem("no_such_board", named))


def is_drive(folder: Path) -> bool:
    """Whether it is the drive of an RP2040 in BOOTSEL."""
    try:
        with (folder / INFO).open("rb") as file:
            return f"Board-ID: {RP2040}".encode() in file.read(INFO_BYTES_MAX)
    except OSError:
        return False
