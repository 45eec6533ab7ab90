"""Boards are found by what USB says of them."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from firstbell_flash.find_boards import Board, Drive, Usb, choose, is_drive
from firstbell_flash.problems import NotFound

INFO = "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n"


@dataclass
class Port:
    """As pyserial tells of one."""

    device: str
    vid: int | None = 0x2E8A
    pid: int | None = 0x0005
    serial_number: str | None = None


def plugged(folder: Path, *ports: Port, drive: str = "", at: str = "") -> Usb:
    """`drive`: the disk of a board in BOOTSEL; `at`: where its partition is mounted."""
    system = folder / "sys"
    devices = system / "bus/usb/devices"
    devices.mkdir(parents=True)
    if drive:
        disk = system / f"devices/usb1/1-2/1-2:1.0/host0/target0/0:0/block/{drive}/{drive}1"
        disk.mkdir(parents=True)
        (disk / "partition").write_text("1\n")
        real = system / "devices/usb1/1-2"
        (real / "idVendor").write_text("2e8a\n")
        (real / "idProduct").write_text("0003\n")
        (devices / "1-2").symlink_to(real)
    (devices / "usb1").mkdir()
    mounts = folder / "mounts"
    mounts.write_text("proc /proc proc rw 0 0\n" + (f"/dev/{drive}1 {at} vfat rw 0 0\n" if at else ""))
    return Usb(lambda: ports, system, mounts)


def test_boards_by_their_usb_id(tmp_path: Path) -> None:
    other = (Port("/dev/ttyS0", None, None), Port("/dev/ttyUSB0", 0x0403, 0x6001), Port("/dev/ttyACM9", 0x2E8A, 0x000C))
    usb = plugged(tmp_path, *other, Port("/dev/ttyACM1"), Port("/dev/ttyACM0", serial_number="e66"))
    assert usb.boards() == [Board("/dev/ttyACM0", "e66"), Board("/dev/ttyACM1")]
    assert usb.drives() == []


def test_drives_with_or_without_a_mount(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    assert plugged(tmp_path / "one", drive="sdq").drives() == [Drive("/dev/sdq", None)]
    mounted = plugged(tmp_path / "two", drive="sdq", at="/media/my\\040user/RPI-RP2")
    assert mounted.drives() == [Drive("/dev/sdq", Path("/media/my user/RPI-RP2"))]


def test_the_only_one_needs_no_name(tmp_path: Path) -> None:
    assert choose(plugged(tmp_path, Port("/dev/ttyACM0")), "") == Board("/dev/ttyACM0")


def test_of_two_one_is_named(tmp_path: Path) -> None:
    usb = plugged(tmp_path, Port("/dev/ttyACM0"), drive="sdq", at="/media/RPI-RP2")
    with pytest.raises(NotFound) as error:
        choose(usb, "")
    assert (error.value.problem.name, error.value.problem.where) == ("which_board", "/dev/ttyACM0, /media/RPI-RP2")
    assert choose(usb, "/dev/ttyACM0") == Board("/dev/ttyACM0")
    assert choose(usb, "/media/RPI-RP2") == choose(usb, "/dev/sdq") == Drive("/dev/sdq", Path("/media/RPI-RP2"))


def test_none_at_all(tmp_path: Path) -> None:
    usb = plugged(tmp_path)
    for named, problem in (("", "no_board"), (str(tmp_path), "no_such_board"), ("/dev/ttyACM7", "no_such_board")):
        with pytest.raises(NotFound) as error:
            choose(usb, named)
        assert error.value.problem.name == problem


def test_a_drive_that_usb_does_not_tell_of(tmp_path: Path) -> None:
    drive = tmp_path / "RPI-RP2"
    drive.mkdir()
    (drive / "INFO_UF2.TXT").write_text(INFO)
    assert is_drive(drive)
    assert choose(plugged(tmp_path), str(drive)) == Drive(str(drive), drive)
    (drive / "INFO_UF2.TXT").write_text(INFO.replace("RPI-RP2", "RP2350"))
    assert not is_drive(drive)


def test_a_board_that_comes_back_under_another_name(tmp_path: Path) -> None:
    usb = plugged(tmp_path, Port("/dev/ttyACM0", serial_number="other"), Port("/dev/ttyACM3", serial_number="e66"))
    assert usb.port_of(Board("/dev/ttyACM0", "e66")) == "/dev/ttyACM3"
    assert usb.port_of(Board("/dev/ttyACM0")) == "/dev/ttyACM0"
