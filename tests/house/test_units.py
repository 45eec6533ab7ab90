"""The units of systemd/: sound, hardened, and heard by the programs that they start."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.house.imports import ROOT
from tests.links.campus import found_home
from tests.links.hub_process import COMMAND as HUB
from tests.terminal.real_terminal import COMMAND as TERMINAL
from tests.terminal.real_terminal import make_home
from tests.terminal.small_hub import Campus

UNITS = sorted((ROOT / "systemd").glob("*.service"))
EXPOSURE_MAX = 3.0
WAIT_S_MAX = 20
WATCHDOG_MS = 600


def test_there_is_one_for_each() -> None:
    assert [unit.name for unit in UNITS] == ["firstbell-hub.service", "firstbell-terminal.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_is_a_sound_unit(unit: Path, tmp_path: Path) -> None:
    """With its program where it says that it is."""
    text = unit.read_text()
    for program in (HUB, TERMINAL):
        text = text.replace(f"/opt/firstbell/bin/{Path(program).name}", str(program))
    here = tmp_path / unit.name
    here.write_text(text)
    said = subprocess.run(["systemd-analyze", "verify", here], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stdout + said.stderr) == (0, "")


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_it_is_hardened(unit: Path) -> None:
    command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found = re.search(r"exposure level for \S+: ([0-9.]+)", said)
    assert found
    assert float(found[1]) <= EXPOSURE_MAX, said


class Manager:
    """In systemd's place: what it was told."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listening.setblocking(False)
        self.listening.bind(str(path))

    async def told(self) -> str:
        async with asyncio.timeout(WAIT_S_MAX):
            return (await asyncio.get_running_loop().sock_recv(self.listening, 4_096)).decode()

    async def until(self, wanted: str) -> None:
        while await self.told() != wanted:
            pass

    async def silent(self) -> None:
        """What was on its way is heard; then nothing for twice as long as a watchdog waits."""
        with suppress(TimeoutError):
            while True:
                async with asyncio.timeout(2 * WATCHDOG_MS / 1_000):
                    await asyncio.get_running_loop().sock_recv(self.listening, 4_096)


@asynccontextmanager
async def started(manager: Manager, *command: str | Path) -> AsyncIterator[asyncio.subprocess.Process]:
    environment = {**os.environ, "NOTIFY_SOCKET": str(manager.path), "WATCHDOG_USEC": str(WATCHDOG_MS * 1_000)}
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL, env=environment)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def lives(path: Path, *command: str | Path) -> None:
    manager = Manager(path)
    async with started(manager, *command) as process:
        await manager.until("READY=1")
        for _ in range(3):
            await manager.until("WATCHDOG=1")
        process.send_signal(signal.SIGSTOP)
        await manager.silent()
        process.send_signal(signal.SIGCONT)
        await manager.until("WATCHDOG=1")
        process.terminate()
        await manager.until("STOPPING=1")
        assert await process.wait() == 0
    manager.listening.close()


async def test_the_hub_says_that_it_lives(tmp_path: Path) -> None:
    home, _, _ = found_home(tmp_path / "hub")
    await lives(tmp_path / "notify", HUB, "--home", home.path, "serve")


async def test_the_terminal_says_that_it_lives(tmp_path: Path) -> None:
    (tmp_path / "campus").mkdir()
    home, _ = make_home(tmp_path / "t", Campus(tmp_path / "campus"))
    await lives(tmp_path / "notify", TERMINAL, "--home", home.path, "run")
