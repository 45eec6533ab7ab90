"""A root folder like a Raspberry Pi's, entered by chroot in a mount namespace: what a card has run there really runs.

The machine's own /usr and interpreter, seen from there; in the place of what only a Pi has, a script that notes how it
was called, in /calls.
"""

import os
import subprocess
import sys
from pathlib import Path

ENTER = """
set -eu
root=$1; shift
for folder in $FOLDERS; do
    mkdir -p "$root/$folder"
    mount --rbind "$folder" "$root/$folder"
done
exec chroot "$root" "$@"
"""
NOTE = '#!/bin/sh\necho "$(basename "$0") $*" >>/calls\n'
PI_ALONE = {
    "usr/lib/raspberrypi-sys-mods/imager_custom": NOTE,
    "usr/lib/userconf-pi/userconf": NOTE,
    "stubs/raspi-config": NOTE,
    "stubs/rfkill": NOTE,
    "stubs/nmcli": NOTE,
    "stubs/systemctl": NOTE,
    "stubs/dpkg": NOTE,
    "stubs/python3": f'#!/bin/sh\nexec {Path(sys._base_executable).resolve()} "$@"\n',  # type: ignore[attr-defined]
}


class FakePi:
    """`root` is its /. The boot partition lies at `boot`, as a folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.boot = root / "boot/firmware"
        self.boot.mkdir(parents=True)
        for folder in (
            "etc/systemd/system",
            "etc/NetworkManager",
            "run/systemd/system",
            "var/lib",
            "opt",
            "tmp",
            "python",
        ):
            (root / folder).mkdir(parents=True)
        for name in ("passwd", "ld.so.cache"):
            (root / "etc" / name).write_bytes(Path("/etc", name).read_bytes())
        (root / "etc/group").write_text("root:x:0:\ngpio:x:997:\n")
        (root / "python/lgpio.py").write_text("")
        self._usr()
        for path, text in PI_ALONE.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
            (root / path).chmod(0o755)

    def _usr(self) -> None:
        """Of links to the machine's own, which is mounted elsewhere, so that something may lie beside them."""
        for top in ("bin", "sbin", "lib", "lib64"):
            if Path("/", top).is_symlink():
                (self.root / top).symlink_to(f"usr/{top}")
        for folder, leave in ((Path("/usr"), "lib"), (Path("/usr/lib"), "")):
            (self.root / folder.relative_to("/")).mkdir()
            for path in folder.iterdir():
                if path.name != leave:
                    (self.root / path.relative_to("/")).symlink_to(f"/host{path}")

    def run(self, *command: str) -> str:
        """What it said. Raises AssertionError."""
        base, here = Path(sys.base_prefix).resolve(), Path(sys.prefix).resolve()
        folders = {"/dev", "/proc", str(here), *(() if base.is_relative_to("/usr") else (str(base),))}
        (self.root / "host/usr").mkdir(parents=True, exist_ok=True)
        for path in self.boot.rglob("*"):
            # As a FAT has it.
            path.chmod(0o755)
        site = next(here.glob("lib/python*/site-packages"))
        environment = {
            "PATH": "/stubs:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "FOLDERS": " ".join(sorted(folders)),
            "PYTHONPATH": f"/python:{site}",
            "LC_ALL": "C.UTF-8",
            "FIRSTBELL_LANG": "en",
        }
        script = f'mount --rbind /usr "$1/host/usr"{ENTER}'
        enter = [
            "unshare",
            "--mount",
            *([] if os.geteuid() == 0 else ["--map-root-user"]),
            "/bin/sh",
            "-c",
            script,
            "sh",
        ]
        done = subprocess.run(
            [*enter, str(self.root), *command],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def calls(self) -> list[str]:
        path = self.root / "calls"
        return path.read_text().splitlines() if path.exists() else []
