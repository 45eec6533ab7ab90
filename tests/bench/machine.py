"""What was measured on: numbers mean nothing without it."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from pathlib import Path


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
