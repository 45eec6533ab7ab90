"""Boot partitions as Raspberry Pi's images have had them, in images made by Debian's tools."""

import subprocess
from hashlib import sha256
from pathlib import Path

START_SECTOR = 2_048
IMAGE_MIB = 48
PI_OS = {
    "config.txt": b"arm_64bit=1\n",
    "issue.txt": b"Raspberry Pi reference 2025-05-13\nGenerated using pi-gen, stage2\n",
    "kernel8.img": b"\x00kernel",
    "overlays/README": b"overlays\n",
}
BOOKWORM = (
    "console=serial0,115200 console=tty1 root=PARTUUID=4d8fd085-02 rootfstype=ext4 fsck.repair=yes rootwait quiet"
    " init=/usr/lib/raspberrypi-sys-mods/firstboot"
)
TRIXIE = "console=serial0,115200 console=tty1 root=PARTUUID=4d8fd085-02 rootfstype=ext4 fsck.repair=yes rootwait resize"
RUN = " systemd.run=/boot/firstrun.sh systemd.run_success_action=reboot systemd.unit=kernel-command-line.target"


def boot(cmdline: str, **more: bytes) -> dict[str, bytes]:
    named = {name.replace("__", "-").replace("_", "."): data for name, data in more.items()}
    return {**PI_OS, "cmdline.txt": f"{cmdline}\n".encode(), **named}


CLOUD = {"user__data": b"#cloud-config\n", "meta__data": b"instance_id: rpios-image\n", "network__config": b"#\n"}
CARDS: dict[str, tuple[str, dict[str, bytes]]] = {
    "bookworm": ("firstrun", boot(BOOKWORM)),
    "Imager": ("firstrun", boot(BOOKWORM + RUN, firstrun_sh=b"#!/bin/sh\nset +e\nexit 0\n")),
    "custom": ("custom", boot(BOOKWORM, custom_toml=b'config_version = 1\n[system]\nhostname = "x"\n')),
    "trixie": ("cloud-init", boot(TRIXIE, **CLOUD)),
    "Imager for trixie": ("cloud-init", boot(f"{TRIXIE} ds=nocloud;i=rpi-imager-1786770245730", **CLOUD)),
    "preseed": ("preseed", boot(TRIXIE, rpi__preseed_toml=b'config_version = "1.1"\n')),
}
"""The format that each has, and its files."""


def make_image(path: Path, files: dict[str, bytes], *, mib: int = IMAGE_MIB, kind: str = "c") -> Path:
    """A card's image: an MBR, a FAT32 with these files."""
    with path.open("wb") as file:
        file.truncate(mib << 20)
    table = f"label: dos\nstart={START_SECTOR}, type={kind}\n"
    subprocess.run(["sfdisk", "--quiet", path], input=table.encode(), check=True)
    blocks = (mib << 10) - START_SECTOR // 2
    fat = ["mkfs.fat", "-F", "32", "-s", "1", "--offset", str(START_SECTOR), str(path), str(blocks)]
    subprocess.run(fat, check=True, stdout=subprocess.DEVNULL)
    folder = path.with_suffix(".files")
    lay_out(folder, files)
    copy = ["mcopy", "-s", "-i", f"{path}@@{START_SECTOR * 512}", *map(str, sorted(folder.iterdir())), "::"]
    subprocess.run(copy, check=True)
    return path


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    return folder


def digest(path: Path) -> str:
    """Of an image, or of a folder with all that is in it."""
    if path.is_file():
        return sha256(path.read_bytes()).hexdigest()
    found = sorted(one for one in path.rglob("*") if one.is_file())
    return sha256(b"".join(str(one).encode() + one.read_bytes() for one in found)).hexdigest()
