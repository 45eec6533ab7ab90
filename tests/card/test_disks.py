"""Which disk it is: cards, and what is taken for none. The kernel's files as it has them, in a folder."""

from pathlib import Path

import pytest
from firstbell_flash.disks import check_disk, disk_of
from firstbell_flash.problems import CardError


class System:
    """A folder in the place of /."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.mounts: list[str] = []
        self.write("proc/swaps", "Filename Type Size Used Priority\n")
        self.write("proc/self/mountinfo", "")

    def write(self, path: str, text: str) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text)

    def add(self, name: str, number: str, device: str, parts: int, **files: str) -> None:
        """A disk below the device `device` of sys/devices. `files`: of the disk's own folder."""
        place = f"sys/devices/{device}/block/{name}"
        values = {"dev": number, "size": "62333952", "ro": "0", "removable": "0", **files}
        for key, value in values.items():
            self.write(f"{place}/{key}", f"{value}\n")
        (self.root / place / "device").symlink_to("../..")
        self._link(number, place)
        major, _, minor = number.partition(":")
        for part in range(1, parts + 1):
            at = f"{place}/{name}p{part}"
            its = f"{major}:{int(minor) + part}"
            for key, value in {"partition": str(part), "dev": its, "size": "1048576"}.items():
                self.write(f"{at}/{key}", f"{value}\n")
            (self.root / at / "holders").mkdir()
            self._link(its, at)

    def _link(self, number: str, place: str) -> None:
        links = self.root / "sys/dev/block"
        links.mkdir(parents=True, exist_ok=True)
        (links / number).symlink_to(self.root / place)

    def mount(self, number: str, place: str) -> None:
        self.mounts.append(f"36 35 {number} / {place} rw,noatime - vfat /dev/x rw\n")
        self.write("proc/self/mountinfo", "".join(self.mounts))


@pytest.fixture
def system(tmp_path: Path) -> System:
    made = System(tmp_path)
    made.write("sys/devices/usb1/serial", "0000:00:14.0\n")
    made.write("sys/devices/usb1/idVendor", "1d6b\n")
    made.write("sys/devices/usb1/1-2/idVendor", "05e3\n")
    made.write("sys/devices/usb1/1-2/serial", "000000001536\n")
    made.write("sys/devices/usb1/1-2/host/model", "STORAGE DEVICE  \n")
    made.write("sys/devices/usb1/1-2/host/vendor", "Generic \n")
    made.add("sdb", "8:16", "usb1/1-2/host", 2, removable="1")
    made.write("sys/devices/mmc/name", "SD32G\n")
    made.write("sys/devices/mmc/type", "SD\n")
    made.write("sys/devices/mmc/serial", "0x1234abcd\n")
    made.add("mmcblk0", "179:0", "mmc", 2)
    made.write("sys/devices/ata/model", "KINGSTON SA400\n")
    made.add("sda", "8:0", "ata", 2)
    return made


def refused(system: System, number: str, *, folder: bool = False) -> str:
    disk = disk_of(number, system.root)
    assert disk
    with pytest.raises(CardError) as raised:
        check_disk(disk, Path("/dev/card"), folder=folder)
    return raised.value.problem.name


def test_a_card_in_a_reader(system: System) -> None:
    disk = disk_of("8:16", system.root)
    assert disk
    check_disk(disk, Path("/dev/sdb"), folder=False)
    assert (disk.name, disk.model, disk.serial) == ("sdb", "Generic STORAGE DEVICE", "000000001536")
    assert disk.size_bytes == 62_333_952 * 512
    assert disk.partitions == (("sdbp1", 1_048_576 * 512), ("sdbp2", 1_048_576 * 512))
    assert disk_of("8:17", system.root) == disk


def test_a_card_in_a_slot(system: System) -> None:
    """removable is 0 there."""
    disk = disk_of("179:0", system.root)
    assert disk
    check_disk(disk, Path("/dev/mmcblk0"), folder=False)
    assert (disk.model, disk.serial) == ("SD32G", "0x1234abcd")


def test_a_reader_without_a_serial_number(system: System) -> None:
    (system.root / "sys/devices/usb1/1-2/serial").unlink()
    disk = disk_of("8:16", system.root)
    assert disk
    assert disk.serial == ""


def test_a_disk_that_is_none(system: System) -> None:
    assert disk_of("0:25", system.root) is None


def test_this_machines_own_disk(system: System) -> None:
    assert refused(system, "8:0") == "not_removable"
    assert refused(system, "8:0", folder=True) == "not_removable"


def test_soldered_memory(system: System) -> None:
    system.write("sys/devices/mmc/type", "MMC\n")
    assert refused(system, "179:0") == "not_removable"


@pytest.mark.parametrize("place", ["/", "/boot/firmware", "/home"])
@pytest.mark.parametrize("folder", [False, True])
def test_the_card_that_this_machine_runs_from(system: System, place: str, folder: bool) -> None:
    system.mount("179:2", place)
    assert refused(system, "179:0", folder=folder) == "disk_in_use"
    assert refused(system, "179:1", folder=folder) == "disk_in_use"


def test_swap_and_what_is_made_of_it(system: System) -> None:
    system.write("proc/swaps", "Filename Type Size Used Priority\n/dev/sdbp2 partition 1 0 -2\n")
    assert refused(system, "8:16") == "disk_in_use"
    system.write("proc/swaps", "Filename Type Size Used Priority\n")
    system.write("sys/devices/usb1/1-2/host/block/sdb/sdbp1/holders/dm-0", "")
    assert refused(system, "8:16") == "disk_in_use"


def test_mounted_by_the_desktop(system: System) -> None:
    """As a device no, for two would write to it at one time; by its folder yes."""
    system.mount("8:17", r"/media/li/boot\040fs")
    system.mount("8:18", "/media/li/rootfs")
    assert refused(system, "8:16") == "card_mounted"
    disk = disk_of("8:17", system.root)
    assert disk
    assert disk.mounted == ("/media/li/boot fs", "/media/li/rootfs")
    check_disk(disk, Path("/media/li/boot fs"), folder=True)


def test_its_switch_is_on_lock(system: System) -> None:
    system.write("sys/devices/usb1/1-2/host/block/sdb/ro", "1\n")
    assert refused(system, "8:16") == "card_read_only"
