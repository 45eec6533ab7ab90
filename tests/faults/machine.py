"""What the faults need of this machine: a small disk of its own, a clock that can be set, a tracer."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

COMMAND_S_MAX = 20
FAKETIME_LIBRARIES = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/lib/faketime/libfaketimeMT.so.1")
BALLAST_BYTES = (1 << 20, 4_096)
"""A disk is filled with pieces of these sizes, the small ones last, so that not a page is left."""


class Missing(Exception):
    """This machine lacks something that the faults need; the text says what, and what to do."""


def as_root(*command: str) -> tuple[str, ...]:
    """How this user runs a command that only root may run; `mount` says itself when it may not be."""
    return command if os.geteuid() == 0 else ("sudo", "-n", *command)


def need(command: str, package: str = "") -> str:
    """Where it is. `package`: Debian's, if it is called otherwise. Raises Missing."""
    found = shutil.which(command, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        raise Missing(f"the tests need {command}. Install: sudo apt install {package or command}")
    return found


def now_ms() -> int:
    """CLOCK_MONOTONIC."""
    return time.monotonic_ns() // 1_000_000


async def run(*command: str) -> None:
    """Raises Missing when it fails."""
    process = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    async with asyncio.timeout(COMMAND_S_MAX):
        said, _ = await process.communicate()
    if process.returncode:
        raise Missing(
            f"the fault tests must be allowed to do `{' '.join(command)}` (as root, or by sudo without a password): "
            f"{said.decode().strip()}"
        )


class SmallDisk:
    """A file system of its own, mounted at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._ballast = path / "ballast"

    def fill(self) -> None:
        """Until not a page is left."""
        with self._ballast.open("wb", buffering=0) as file:
            for size in BALLAST_BYTES:
                try:
                    while file.write(bytes(size)) == size:
                        pass
                except OSError:
                    continue

    def empty(self) -> None:
        self._ballast.unlink()

    async def remount(self, how: str) -> None:
        """`how`: ro, rw. Refused to ro while a file is open for writing."""
        await run(*as_root(need("mount"), "-o", f"remount,{how}", str(self.path)))


@asynccontextmanager
async def small_disk(path: Path, megabytes: int) -> AsyncIterator[SmallDisk]:
    """`path` is an empty folder. Raises Missing."""
    options = f"size={megabytes}m,mode=0700,uid={os.geteuid()},gid={os.getegid()}"
    await run(*as_root(need("mount"), "-t", "tmpfs", "-o", options, "tmpfs", str(path)))
    try:
        yield SmallDisk(path)
    finally:
        await run(*as_root(need("umount"), "--lazy", str(path)))


class WallClock:
    """The clock on the wall of those processes that are started with `environment`; it begins with the machine's."""

    def __init__(self, file: Path) -> None:
        """Raises Missing."""
        self._file = file
        libraries = [found for pattern in FAKETIME_LIBRARIES for found in Path("/").glob(pattern[1:])]
        if not libraries:
            raise Missing("the fault tests need libfaketime. Install: sudo apt install faketime")
        self.environment = {
            "LD_PRELOAD": str(libraries[0]),
            "FAKETIME_TIMESTAMP_FILE": str(file),
            # In seconds: so soon a step is seen.
            "FAKETIME_CACHE_DURATION": "1",
            # A step of the wall clock moves no other clock.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.step(0)

    def step(self, seconds: int) -> None:
        """To so far from the machine's."""
        self._file.write_text(f"{seconds:+d}\n")


def slow_sync(pid: int, milliseconds: int) -> AbstractAsyncContextManager[None]:
    """As if the disk under this process took so long for each fsync and fdatasync. Raises Missing."""
    return _tampered(pid, "fdatasync,fsync", f"delay_exit={milliseconds * 1_000}")


def refused_writes(pid: int) -> AbstractAsyncContextManager[None]:
    """As if the disk under this process had turned read-only, as ext4 does after an error. Raises Missing."""
    return _tampered(pid, "pwrite64,ftruncate,fdatasync,fsync", "error=EROFS")


@asynccontextmanager
async def _tampered(pid: int, calls: str, how: str) -> AsyncIterator[None]:
    """`how` these system calls of a process end, in strace's words."""
    tracer = await asyncio.create_subprocess_exec(
        *(need("strace"), "-f", "-p", str(pid), "-o", "/dev/null"),
        *("-e", f"trace={calls}", "-e", f"inject={calls}:{how}"),
        stderr=asyncio.subprocess.PIPE,
    )
    await attached(tracer)
    try:
        yield
    finally:
        tracer.terminate()
        async with asyncio.timeout(COMMAND_S_MAX):
            await tracer.communicate()


async def attached(tracer: asyncio.subprocess.Process) -> None:
    """Until strace has its process. Raises Missing."""
    assert tracer.stderr is not None
    async with asyncio.timeout(COMMAND_S_MAX):
        said = (await tracer.stderr.readline()).decode()
    if "attached" not in said:
        raise Missing(
            "the fault tests must be allowed to trace the hub (as root, or after sysctl kernel.yama.ptrace_scope=0): "
            f"{said.strip()}"
        )
