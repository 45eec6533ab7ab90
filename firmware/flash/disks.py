"""Which disk it is that somebody named, as the kernel tells it: nothing is written to one that is not a card.

sysfs(5), Documentation/ABI/stable/sysfs-block of the kernel, proc(5).
"""

import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from firstbell_flash.problems import CardError
from firstbell_linux.problems import Problem

SECTOR_BYTES = 512
"""What sysfs counts sizes in, whatever the disk's own sectors are."""
_SYSTEM = ("/", "/boot", "/boot/firmware", "/boot/efi", "/home", "/usr", "/var")


@dataclass(frozen=True, slots=True)
class Disk:
    """`serial`: "" when it tells none. `partitions`: name and size in bytes. `mounted`: where, each."""

    name: str
    size_bytes: int
    model: str
    serial: str
    removable: bool
    read_only: bool
    partitions: tuple[tuple[str, int], ...]
    mounted: tuple[str, ...]
    held: bool
    """As swap, or by another disk that is made of it (LVM, RAID, encryption)."""


def disk_of(number: str, system: Path = Path("/")) -> Disk | None:
    """The disk that a device is, or is a partition of. `number`: "major:minor". None: no disk, but, say, a tmpfs."""
    at = system / "sys/dev/block" / number
    if not at.exists():
        return None
    place = at.resolve()
    place = place.parent if (place / "partition").exists() else place
    parts = sorted(path.parent for path in place.glob("*/partition"))
    devices = (place, *parts)
    numbers = {_text(path / "dev") for path in devices}
    swaps = {line.split()[0] for line in _text(system / "proc/swaps").splitlines()[1:]}
    return Disk(
        name=place.name,
        size_bytes=_size(place),
        model=_model(place / "device"),
        serial=_serial(place),
        # An SD card in a reader of its own is none to the kernel, but says what it is.
        removable=_text(place / "removable") == "1" or _text(place / "device/type") == "SD",
        read_only=_text(place / "ro") == "1",
        partitions=tuple((path.name, _size(path)) for path in parts),
        mounted=tuple(mount for one, mount in _mounts(system) if one in numbers),
        held=any(f"/dev/{path.name}" in swaps or any((path / "holders").glob("*")) for path in devices),
    )


def check_disk(disk: Disk, where: Path, *, folder: bool) -> None:
    """That it is a card, and may be written to. `folder`: `where` is not the disk, but where it is mounted.

    Raises CardError.
    """
    if disk.held or set(disk.mounted) & set(_SYSTEM):
        raise CardError(Problem("disk_in_use", str(where)))
    if not disk.removable:
        raise CardError(Problem("not_removable", str(where), {"model": disk.model or disk.name}))
    if disk.mounted and not folder:
        raise CardError(Problem("card_mounted", disk.mounted[0]))
    if disk.read_only:
        raise CardError(Problem("card_read_only", str(where)))


def device_number(path: Path) -> str:
    """Of a block device, or of the file system that a folder is on. Raises OSError."""
    found = path.stat()
    number = found.st_rdev if stat.S_ISBLK(found.st_mode) else found.st_dev
    return f"{os.major(number)}:{os.minor(number)}"


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""


def _size(place: Path) -> int:
    return int(_text(place / "size") or 0) * SECTOR_BYTES


def _model(device: Path) -> str:
    return " ".join(filter(None, (_text(device / "vendor"), _text(device / "model")))) or _text(device / "name")


def _serial(place: Path) -> str:
    """An SD card's own, else that of the USB device which it is plugged into, and not of the hub behind that."""
    device = (place / "device").resolve()
    for folder in (device, *device.parents):
        if (folder / "serial").exists() or (folder / "idVendor").exists():
            return _text(folder / "serial")
    return ""


def _mounts(system: Path) -> list[tuple[str, str]]:
    """Device number and place. Blanks and the like are escaped in octal."""
    found = []
    for line in _text(system / "proc/self/mountinfo").splitlines():
        words = line.split()
        place = re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), words[4])
        found.append((words[2], place))
    return found
