"""A machine of its own that a real systemd runs: in namespaces of this machine's kernel, on its loopback alone.

Its root is this machine's own, read-only beneath a memory that forgets.
"""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.faults.machine import Missing, as_root, need
from tests.house.imports import ROOT

BOOT = Path(__file__).with_name("boot")
BOOT_S_MAX = 30
COMMAND_S_MAX = 60
TOOLS = {"unshare": "util-linux", "nsenter": "util-linux", "setpriv": "util-linux", "systemctl": "systemd"}


class Machine:
    """`folder` is seen in it at the same place, read-only, as is this project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._pid = 0
        self._process: subprocess.Popen[str]

    def boot(self) -> None:
        """Until everything that starts with it has started. Raises Missing: this machine can't have one."""
        for tool, package in TOOLS.items():
            need(tool, package)
        seen = {self.folder, ROOT, Path(sys.prefix), Path(sys.base_prefix)} - {Path("/usr")}
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(self.folder / "notify"))
            (self.folder / "notify").chmod(0o666)
            told.settimeout(BOOT_S_MAX)
            self._process = subprocess.Popen(
                as_root("unshare", "--mount", str(BOOT), str(self.folder), *map(str, sorted(seen))),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert self._process.stdout is not None
            self._pid = int(self._process.stdout.readline() or 0)
            if not self._pid:
                raise Missing(f"a machine needs root (or sudo without a password), and namespaces: {self.end()}")
            try:
                while "READY=1" not in told.recv(4_096).decode().splitlines():
                    pass
            except TimeoutError:
                said = self.end()
                raise Missing(f"systemd did not come up within {BOOT_S_MAX} s: {said}") from None

    def end(self) -> str:
        """At once; what was said on stderr."""
        if self._pid:
            subprocess.run(as_root("sh", "-c", f"kill -KILL {self._pid}"), check=True)
        return self._process.communicate(timeout=COMMAND_S_MAX)[1].strip()

    def inside(self, *command: str | Path) -> list[str]:
        """What runs `command` as root of the machine."""
        spaces = ("--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd")
        plain = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "HOME=/root")
        return list(as_root("nsenter", f"--target={self._pid}", *spaces, *plain, *map(str, command)))

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.inside(*command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_S_MAX,
            check=False,
        )

    def do(self, *command: str | Path) -> str:
        """What it says, when it succeeds."""
        done = self.run(*command)
        assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip()

    def ask(self, *command: str | Path) -> dict[str, Any]:
        """One of our commands, with its answer."""
        answer: dict[str, Any] = json.loads(self.do(*command, "--json"))
        return answer

    def shown(self, unit: str, name: str) -> str:
        """A property of a unit."""
        return self.do("systemctl", "show", "--value", "--property", name, unit)

    @contextmanager
    def journal(self) -> Iterator[Iterator[dict[str, str]]]:
        """Its lines from now on, as they come."""
        command = self.inside("journalctl", "--follow", "--lines=0", "--output=json")
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield map(json.loads, process.stdout)
            finally:
                process.terminate()
