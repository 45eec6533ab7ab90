"""The first thing that runs on a board, where it is /main.py: it starts one of two programs, and no update changes it.

/boot.json, which is always whole, says which: {"program":"a"}. With "trial":"b" beside it the other one is started
once; before that it becomes "tried":"b", so that whatever the new program does, the next start is the old one's, unless
the new one says `keep`. A folder is a program when it has a manifest. A file /maintain leaves the console to whoever is
plugged in, until the next reset.
"""

import gc
import json
import os
import sys
import time

import machine

try:
    from collections.abc import Callable
    from typing import Any
except ImportError:  # interpreter: MicroPython
    pass  # which never looks at an annotation

PROGRAMS = ("a", "b")
WATCHDOG_MS = 8_000
"""A program that stands still so long is begun anew by the hardware. It can't be stopped once started."""
COLLECT_BYTES = 16_384
"""So much is allocated between two collections at most: what stays is then never put behind much that does not, and the
heap keeps large pieces. A heap once in small ones stays so until the next start."""
RESTART_MS = 2_000
"""After a defect; long enough for whoever looks at the console."""
TRIAL_MS = 300_000
"""A program on trial that nobody has kept by then has had its chance."""


class Loader:
    """What a program knows of its start. `root`: where boot.json is. `program`: the folder that runs, or empty;
    `tried`: the one that was gone back on, or empty."""

    def __init__(self, root: str) -> None:
        self.root = root
        self.on_trial = False
        self._started_ms = time.ticks_ms()
        said = _read(root)
        whole = [name for name in PROGRAMS if _is_program(root, name)]
        self.program: str = said.get("program", "")
        self.tried: str = said.get("tried", "")
        if self.program not in whole:
            self.program = whole[0] if whole else ""
        if said.get("trial") in whole:
            self._try(said["trial"])

    def _try(self, trial: str) -> None:
        try:
            _write(self.root, {"program": self.program, "tried": trial})
        except OSError:
            return  # without that there would be no way back
        self.program = trial
        self.on_trial = True

    @property
    def other(self) -> str:
        """The folder that no start needs: for an update."""
        return PROGRAMS[1 - PROGRAMS.index(self.program)]

    def arm(self) -> None:
        self._watchdog = machine.WDT(timeout=WATCHDOG_MS)

    def feed(self) -> None:
        """All is well, the program says."""
        if self.on_trial and time.ticks_diff(time.ticks_ms(), self._started_ms) > TRIAL_MS:
            machine.reset()
        self._watchdog.feed()

    def keep(self) -> None:
        """The hub has taken this program: it is the one from now on. Raises OSError."""
        _write(self.root, {"program": self.program})
        self.on_trial = False

    def try_other(self) -> None:
        """The other program is whole: it is started, on trial. Raises OSError."""
        _write(self.root, {"program": self.program, "trial": self.other})
        machine.reset()


def start(root: str, beside: "Callable[[Any], Any] | None" = None) -> None:
    """Returns only where the console is wanted, or where there is no program. `beside`: see the program's `main`."""
    try:
        os.remove(root + "/maintain")
        return
    except OSError:
        pass  # it is not there
    loader = Loader(root)
    if not loader.program:
        return
    loader.arm()
    gc.threshold(COLLECT_BYTES)
    folder = root + "/" + loader.program
    sys.path[:0] = [folder, folder + "/lib"]
    try:
        from node.main import main  # noqa: PLC0415  # only now it is known which

        main(loader, beside)
    except Exception as error:
        sys.print_exception(error)
        print(json.dumps({"failed": repr(error)}))
    time.sleep_ms(RESTART_MS)
    machine.reset()


def _read(root: str) -> "dict[str, str]":
    try:
        with open(root + "/boot.json") as file:
            said: dict[str, str] = json.loads(file.read())
            return said
    except (OSError, ValueError):
        return {}


def _write(root: str, said: "dict[str, str]") -> None:
    with open(root + "/boot.new", "w") as file:
        file.write(json.dumps(said))
    os.rename(root + "/boot.new", root + "/boot.json")


def _is_program(root: str, name: str) -> bool:
    try:
        os.stat(root + "/" + name + "/manifest")
        return True
    except OSError:
        return False


if __name__ == "__main__":
    start("")
