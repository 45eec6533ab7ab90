"""A terminal whose log nobody can read or write hears its button all the same."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from terminal.control import ask
from terminal.problems import NotRunning
from terminal.settings import Home
from tests.terminal.real_terminal import COMMAND, make_home
from tests.terminal.small_hub import Campus

START_S_MAX = 20
BROKEN = ("<&-", "<&- >&- 2>&-", "2>/dev/full", "2> >(:)")
"""Closed; full; a pipe whose reader has gone."""
NETWORK_GONE = """
from firstbell_linux.standard_files import log_libraries
from zeroconf import log
log_libraries()
gone = OSError(101, "Network is unreachable")
log.warning("Error with socket %s: %s", 7, gone, exc_info=gone)
"""
"""As zeroconf says it."""


async def until_it_answers(home: Home) -> None:
    async with asyncio.timeout(START_S_MAX):
        while True:
            try:
                await asyncio.to_thread(ask, home.control, {"do": "status"})
                return
            except NotRunning:
                await asyncio.sleep(0.02)  # nothing tells us that another process has begun to listen


@pytest.mark.parametrize("broken", BROKEN)
async def test_it_hears_its_button(broken: str, campus: Campus, tmp_path: Path) -> None:
    home, _ = make_home(tmp_path / "t", campus)
    shell = f'"$0" --home "$1" run {broken} & echo $!; wait $!'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", shell, COMMAND, home.path, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    try:
        terminal = int(await process.stdout.readline())
        await until_it_answers(home)
        for _ in range(3):
            said = await asyncio.to_thread(ask, home.control, {"do": "press", "input": "panic", "hold_ms": 60})
            assert len(said["events"]) == 1
        os.kill(terminal, signal.SIGTERM)
        async with asyncio.timeout(START_S_MAX):
            assert await process.wait() == 0
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


async def test_a_pipe_that_nobody_reads_is_not_waited_for(campus: Campus, tmp_path: Path) -> None:
    """It fills after a while, as a log does; so it is full from the start here."""
    home, _ = make_home(tmp_path / "t", campus)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, bytes(4_096))
    except BlockingIOError:
        os.set_blocking(writing, True)
    process = await asyncio.create_subprocess_exec(COMMAND, "--home", home.path, "run", stderr=writing)
    try:
        await until_it_answers(home)
        said = await asyncio.to_thread(ask, home.control, {"do": "press", "input": "panic", "hold_ms": 60})
        assert len(said["events"]) == 1
    finally:
        process.terminate()
        assert await process.wait() == 0
        os.close(reading)
        os.close(writing)


def test_a_network_that_goes_away_is_one_line() -> None:
    """zeroconf would show its own code."""
    said = subprocess.run([sys.executable, "-c", NETWORK_GONE], capture_output=True, text=True, check=True)
    assert said.stderr == "Error with socket 7: [Errno 101] Network is unreachable\n"
