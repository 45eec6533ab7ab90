"""Types commands, as a person would, and a hub of its own process to type them at."""

import asyncio
import contextlib
import io
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from firstbell_linux import shell

from hub.commands.main import build
from hub.commands.shell import Run
from hub.home import Home
from hub.words import words
from tests.hub.web.running import free_port

SCRIPT = Path(sys.executable).with_name("firstbell-hub")
START_S_MAX = 30
PIN = "482913"


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit code."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


def type_in(*typed: object, language: str = "en", piped: str = "") -> Said:
    """Runs `firstbell-hub typed…` in this process; no traceback ever reaches a person."""
    out, err = io.StringIO(), io.StringIO()
    monkey = pytest.MonkeyPatch()
    monkey.setattr(sys, "stdin", io.StringIO(piped))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), monkey.context():
        status = shell.main(Run(words(language)), build, [str(one) for one in typed])
    monkey.undo()
    said = Said(status, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.out + said.err
    assert "defect" not in said.err, said.err
    return said


def make_home(folder: Path) -> dict[str, Any]:
    """`init` with free ports on this machine; its JSON."""
    ports = ("--port", free_port(), "--join-port", 0)
    said = type_in(
        "init", "--home", folder, "--name", "城南中学", "--zone", "东区", "--host", "localhost", *ports, "--json"
    )
    assert said.status == 0, said.err
    made: dict[str, Any] = said.json
    return made


@contextlib.contextmanager
def serving(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """`serve` in a process of its own, ended like a service is."""
    log = folder.with_suffix(".log")
    command = [str(SCRIPT), "serve", "--home", str(folder)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=output)
    try:
        _until_it_answers(process, folder, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(START_S_MAX)
    assert status == 0, log.read_text()
    assert "Traceback" not in log.read_text()


def _until_it_answers(process: "subprocess.Popen[bytes]", folder: Path, log: Path) -> None:
    deadline = time.monotonic() + START_S_MAX
    while type_in("status", "--home", folder).status != 0:
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        # Nothing else tells us that another process has begun to listen.
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class Served:
    """A running hub; `hub("guard", "list")` types a command at it."""

    folder: Path
    made: dict[str, Any]

    def __call__(self, *typed: object, language: str = "en", piped: str = "") -> Said:
        return type_in(*typed, "--home", self.folder, language=language, piped=piped)

    def done(self, *typed: object, piped: str = "") -> Any:
        """The JSON of a command that must succeed."""
        said = self(*typed, "--json", piped=piped)
        assert said.status == 0, said.err
        return said.json

    @property
    def home(self) -> Home:
        return Home(self.folder)

    def browsing(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.made["ca_file"])


def run(coroutine: Any) -> Any:
    return asyncio.run(coroutine)


def environment(**more: str) -> dict[str, str]:
    """For a process of its own, in English unless it says otherwise."""
    return {**os.environ, "FIRSTBELL_LANG": "en", **more}
