"""What the guest starts from: Debian's kernel, and a first file system of a shell and the kernel's modules.

Fetched once by apt-get, into build/guest; nothing is installed.
"""

import lzma
import re
import shlex
import shutil
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.faults.machine import Missing, need

ROOT = Path(__file__).resolve().parents[2]
KEPT = ROOT / "build" / "guest"
META = "linux-image-amd64"
MODULES = ("virtio_pci", "virtio_blk", "virtio_net", "9pnet_virtio", "9p", "overlay", "crc32c_generic", "ext4")
FETCH_S_MAX = 300

_DEPENDS = re.compile(rb"\0depends=([\w,-]*)\0")


def fetch() -> Path:
    """The folder with `vmlinuz`, `busybox` and `modules/`. Raises Missing."""
    if not KEPT.exists():
        half = KEPT.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(parents=True)
        _fetch(half)
        half.rename(KEPT)
    return KEPT


def _fetch(folder: Path) -> None:
    shown = _run(folder, need("apt-cache"), "show", "--no-all-versions", META)
    found = re.search(r"^Depends: (linux-image-[\w.+-]+-amd64)\b", shown, re.MULTILINE)
    if found is None:
        raise Missing(f"the power cuts need Debian's {META}, and apt knows none. Try: sudo apt update")
    _run(folder, need("apt-get"), "download", found[1], "busybox-static")
    for package in folder.glob("*.deb"):
        _run(folder, need("dpkg-deb"), "--extract", str(package), "root")
        package.unlink()
    (kernel,) = folder.glob("root/boot/vmlinuz-*")
    kernel.rename(folder / "vmlinuz")
    (folder / "root/bin/busybox").rename(folder / "busybox")
    (folder / "modules").mkdir()
    everything = {path.name.partition(".")[0].replace("-", "_"): path for path in folder.glob("root/**/*.ko*")}
    order = list(dict.fromkeys(one for name in MODULES for one in _with_what_it_needs(name, everything)))
    for name in order:
        (folder / "modules" / name).write_bytes(_read(everything[name]))
    (folder / "modules" / "order").write_text("\n".join(order))
    shutil.rmtree(folder / "root")


def _with_what_it_needs(name: str, everything: dict[str, Path]) -> Iterator[str]:
    """The modules in the order in which the kernel takes them. One that is built into it has no file."""
    if name not in everything:
        return
    found = _DEPENDS.search(b"\0" + _read(everything[name]))
    for needed in found[1].decode().split(",") if found else ():
        yield from _with_what_it_needs(needed.replace("-", "_"), everything)
    yield name


def _read(module: Path) -> bytes:
    data = module.read_bytes()
    return lzma.decompress(data) if module.suffix == ".xz" else data


def _run(folder: Path, *command: str) -> str:
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=FETCH_S_MAX, check=True)
    except subprocess.CalledProcessError as error:
        raise Missing(f"the power cuts need `{shlex.join(command)}`, which failed: {error.stderr.strip()}") from None
    except subprocess.TimeoutExpired:
        raise Missing(f"the power cuts need `{shlex.join(command)}`, which took over {FETCH_S_MAX} s") from None
    return done.stdout


def first_files(kept: Path, init: Path, **told: str) -> bytes:
    """The initial file system, in the kernel's own format (cpio, "newc"). `told`: what `init` finds in /told."""
    files = {
        "init": init.read_bytes(),
        "bin/busybox": (kept / "busybox").read_bytes(),
        "told": "".join(f"{name}={shlex.quote(value)}\n" for name, value in told.items()).encode(),
        **{f"modules/{path.name}": path.read_bytes() for path in (kept / "modules").iterdir()},
    }
    folders = ("bin", "dev", "proc", "modules", "host", "memory", "root")
    return b"".join(
        (
            *(_packed(name, stat.S_IFDIR | 0o755) for name in folders),
            *(_packed(name, stat.S_IFREG | 0o755, data) for name, data in files.items()),
            _packed("TRAILER!!!", 0),
        )
    )


def _packed(name: str, mode: int, data: bytes = b"") -> bytes:
    # magic, inode, mode, user, group, links, time, size, four device numbers, length of the name, checksum
    numbers = (0, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = f"070701{''.join(f'{number:08x}' for number in numbers)}{name}\0".encode()
    return _even(head) + _even(data)


def _even(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
