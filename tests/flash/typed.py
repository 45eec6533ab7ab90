"""Types `firstbell-flash …`, as a person would."""

import asyncio
import contextlib
import io
import json
import os
import pty
import sys
from asyncio.subprocess import PIPE, Process
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from firstbell_flash.main import FlashRun, build, words
from firstbell_linux import shell

COMMAND = Path(sys.executable).with_name("firstbell-flash")


@dataclass(frozen=True, slots=True)
class Said:
    """What a command said, and its exit code."""

    status: int | None
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one object on stdout."""
        assert self.out.count("\n") == 1, self.out
        return json.loads(self.out)


def type_in(*typed: object, language: str = "en", piped: str = "") -> Said:
    """Runs `firstbell-flash typed…` in this process; no traceback ever reaches a person."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.MonkeyPatch().context() as monkey:
        monkey.setattr(sys, "stdin", io.StringIO(piped))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = shell.main(FlashRun(words(language)), build, [str(one) for one in typed])
    said = Said(status, out.getvalue(), err.getvalue())
    assert "Traceback" not in said.out + said.err
    assert "defect" not in said.err, said.err
    return said


class Typed:
    """One run in a process of its own, to be waited for, answered by a press, or killed."""

    def __init__(self, process: Process, keys: int) -> None:
        self.process = process
        self._keys = keys
        self.err = ""

    @classmethod
    async def run(cls, *typed: object, piped: str = "", at_keyboard: str = "") -> "Typed":
        """`at_keyboard`: what a person answers there."""
        environment = {**os.environ, "FIRSTBELL_LANG": "en"}
        keys, keyboard = pty.openpty()
        os.write(keys, at_keyboard.encode())
        stdin = keyboard if at_keyboard else PIPE
        process = await asyncio.create_subprocess_exec(
            COMMAND, *map(str, typed), stdin=stdin, stdout=PIPE, stderr=PIPE, env=environment
        )
        os.close(keyboard)
        if process.stdin is not None:
            process.stdin.write(piped.encode())
            process.stdin.close()
        return cls(process, keys)

    async def until(self, wanted: str) -> None:
        """A line on stderr that has it."""
        assert self.process.stderr is not None
        while wanted not in self.err:
            line = await self.process.stderr.readline()
            assert line, f"never said {wanted!r}:\n{self.err}"
            self.err += line.decode()

    async def end(self) -> Said:
        out, err = await self.process.communicate()
        os.close(self._keys)
        self.err += err.decode()
        assert "Traceback" not in self.err
        return Said(self.process.returncode, out.decode(), self.err)
