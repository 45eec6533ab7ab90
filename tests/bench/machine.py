"""What was measured on, for numbers mean nothing without it; and how this machine is made slower, for one process."""

import contextlib
import os
import platform
import shutil
import sqlite3
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

CGROUP = Path("/sys/fs/cgroup")
PERIOD_US = 20_000
"""Short, so that a process with half a core is stopped for 10 ms and not for 50."""


class Missing(Exception):
    """This machine lacks something that a question needs; the text says what, and what to do."""


def describe(folder: Path) -> list[tuple[str, str]]:
    """Names and values, for a table. `folder`: where the record lies."""
    return [
        ("date", datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")),
        ("CPU", processor()),
        ("cores", f"{len(os.sched_getaffinity(0))} of {os.cpu_count()}, load {os.getloadavg()[0]:.1f}"),
        ("kernel", f"{platform.system()} {platform.release()} {platform.machine()}"),
        ("Python", platform.python_version()),
        ("SQLite", sqlite3.sqlite_version),
        ("disk", disk(folder)),
    ]


def processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith(("model name", "Model"))]
    return models[0] if models else platform.machine()


def disk(folder: Path) -> str:
    """Device and file system of the mount that `folder` is on."""
    found = ("", "", "")
    for line in Path("/proc/self/mounts").read_text().splitlines():
        device, mount, kind, *_ = line.split(" ")
        if folder.resolve().is_relative_to(mount) and len(mount) >= len(found[1]):
            found = (device, mount, kind)
    return f"{found[2]} on {found[0]}"


# ── what a process has used ─────────────────────────────────────────────────────────────────────────────────


def memory_bytes(pid: int) -> int:
    """Resident."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def cpu_s(pid: int) -> float:
    """All its threads, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ── slower ──────────────────────────────────────────────────────────────────────────────────────────────────


class SlowDisk:
    """The disk of those processes that are started with `environment`."""

    def __init__(self, folder: Path) -> None:
        """Raises Missing."""
        compiler = shutil.which("cc") or shutil.which("gcc")
        if compiler is None:
            raise Missing("a slow disk needs a C compiler. Install: sudo apt install gcc libc6-dev")
        library, self._file = folder / "slow_disk.so", folder / "fsync_ms"
        source = Path(__file__).with_name("slow_disk.c")
        made = subprocess.run(
            (compiler, "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"),
            check=False,
            capture_output=True,
            text=True,
        )
        if made.returncode:
            raise Missing(f"slow_disk.c can't be compiled. Install: sudo apt install gcc libc6-dev. {made.stderr}")
        self.environment = {"LD_PRELOAD": str(library), "FIRSTBELL_SLOW_DISK": str(self._file)}
        self.takes(0)

    def takes(self, milliseconds: int) -> None:
        """From the next fsync on."""
        beside = self._file.with_suffix(".new")
        beside.write_text(f"{milliseconds}\n")
        beside.replace(self._file)


class PartOfACore:
    """What all threads of the processes that it is given get together, at most. Raises Missing when it is begun."""

    def __init__(self, part: float) -> None:
        self._first = CGROUP / "cpu" if (CGROUP / "cpu").is_dir() else None
        self._group = (self._first or CGROUP) / f"firstbell-bench-{os.getpid()}"
        self._quota = round(PERIOD_US * part)
        self._pids: list[int] = []

    def __enter__(self) -> Self:
        try:
            self._group.mkdir()
            try:
                self._limit()
            except OSError:
                self._group.rmdir()
                raise
        except OSError as error:
            raise Missing(
                f"half a core needs the right to make a cgroup with the cpu controller (as root): {error}"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                (self._group.parent / "cgroup.procs").write_text(str(pid))
        self._group.rmdir()

    def give(self, pid: int) -> None:
        (self._group / "cgroup.procs").write_text(str(pid))
        self._pids.append(pid)

    def _limit(self) -> None:
        if self._first:
            (self._group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (self._group / "cpu.cfs_quota_us").write_text(str(self._quota))
        else:
            (self._group / "cpu.max").write_text(f"{self._quota} {PERIOD_US}")
